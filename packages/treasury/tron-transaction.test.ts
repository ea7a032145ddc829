/** Compares our TRON serialization with the official SDK, an independent implementation. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import fc from 'fast-check';
import { utils } from 'tronweb';
import { describe, expect, it } from 'vitest';
import { createKeyring } from './keyring.ts';
import {
  parseRaw,
  serializeSigned,
  type TronTransaction,
  toRaw,
  transactionId,
} from './tron-transaction.ts';

const MNEMONIC = `${'abandon '.repeat(11)}about`;
const TYPE_URL = 'type.googleapis.com/protocol.';

function arbitraryHex(bytes: number) {
  return fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(bytesToHex);
}

const address = arbitraryHex(20).map((hex) => `0x${hex}`);
const contract = fc.oneof(
  fc.record({
    kind: fc.constant('transfer' as const),
    owner: address,
    to: address,
    sun: fc.bigInt({ min: 1n, max: 2n ** 53n - 1n }),
  }),
  fc.record({
    kind: fc.constant('trigger' as const),
    owner: address,
    contract: address,
    data: arbitraryHex(68).map((hex) => `0x${hex}`),
  }),
);
const transaction = fc.record({
  refBlockBytes: arbitraryHex(2),
  refBlockHash: arbitraryHex(8),
  expiration: fc.bigInt({ min: 1n, max: 2n ** 52n }),
  timestamp: fc.bigInt({ min: 1n, max: 2n ** 52n }),
  feeLimit: fc.bigInt({ min: 1n, max: 10n ** 12n }),
  contract,
});

function toTronHex(hex: string): string {
  return `41${hex.slice(2)}`;
}

/** The transaction in the SDK's format. */
function toSdkJson({ contract: made, ...head }: TronTransaction) {
  const [type, value] =
    made.kind === 'transfer'
      ? ([
          'TransferContract',
          {
            owner_address: toTronHex(made.owner),
            to_address: toTronHex(made.to),
            amount: Number(made.sun),
          },
        ] as const)
      : ([
          'TriggerSmartContract',
          {
            owner_address: toTronHex(made.owner),
            contract_address: toTronHex(made.contract),
            data: made.data.slice(2),
          },
        ] as const);
  return {
    raw_data: {
      contract: [{ type, parameter: { type_url: TYPE_URL + type, value } }],
      ref_block_bytes: head.refBlockBytes,
      ref_block_hash: head.refBlockHash,
      expiration: Number(head.expiration),
      timestamp: Number(head.timestamp),
      fee_limit: Number(head.feeLimit),
    },
  };
}

describe('a TRON transaction', () => {
  it('serializes to the same bytes and id as in the official SDK', () => {
    fc.assert(
      fc.property(transaction, (made) => {
        const message = utils.transaction.txJsonToPb(toSdkJson(made));
        const raw = toRaw(made);
        expect(bytesToHex(raw)).toBe(utils.transaction.txPbToRawDataHex(message).toLowerCase());
        const id: string = utils.transaction.txPbToTxID(message);
        expect(bytesToHex(transactionId(raw))).toBe(id.replace(/^0x/, ''));
      }),
    );
  });

  it('parses back to the same transaction', () => {
    fc.assert(
      fc.property(transaction, (made) => {
        expect(parseRaw(toRaw(made))).toEqual(made);
      }),
    );
  });

  it('gets a signature from which the official SDK recovers the signer', () => {
    const account = createKeyring(MNEMONIC).account('tron');
    fc.assert(
      fc.property(transaction, (made) => {
        const raw = toRaw(made);
        const signature = account.sign({ chain: 0, index: 0 }, transactionId(raw));
        const bytes = serializeSigned(raw, signature);
        const sent = bytesToHex(bytes.slice(-65));
        const signer = utils.crypto.ecRecover(bytesToHex(transactionId(raw)), sent);
        expect(String(signer).toLowerCase()).toBe(
          toTronHex(account.addressAt({ chain: 0, index: 0 })).toLowerCase(),
        );
      }),
      { numRuns: 20 },
    );
  });

  it('never parses as itself with one byte changed, added or removed', () => {
    fc.assert(
      fc.property(transaction, fc.nat(), fc.integer({ min: 1, max: 255 }), (made, at, by) => {
        const raw = toRaw(made);
        const changed = raw.map((byte, index) => (index === at % raw.length ? byte ^ by : byte));
        expect(parseRaw(changed)).not.toEqual(made);
        expect(parseRaw(raw.slice(0, -1))).not.toEqual(made);
        expect(parseRaw(Uint8Array.of(...raw, 0))).toBeNull();
      }),
    );
  });

  it.each([
    ['a memo', '5203aabbcc'],
    ['a permission to sign with', '1801'],
    ['a second contract', '5a020801'],
    ['an unknown field', 'a00101'],
  ])('does not parse with %s appended', (_, tail) => {
    const [made] = fc.sample(transaction, { numRuns: 1, seed: 7 });
    if (made === undefined) throw new Error('no sample');
    const raw = Uint8Array.of(...toRaw(made), ...hexToBytes(tail));
    expect(parseRaw(raw)).toBeNull();
  });
});
