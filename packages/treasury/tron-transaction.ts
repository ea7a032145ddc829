/**
 * Serializes and parses TRON's `Transaction.raw` for the two contracts a sweep needs
 * (tronprotocol/protocol, core/Tron.proto and core/contract). Parsing is strict: bytes that don't
 * serialize to themselves are rejected, so that nothing is signed that wasn't fully understood.
 * Pure.
 */
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import type { Signature } from './keyring.ts';

/** Addresses are 0x and 20 bytes in hexadecimal here; on the wire they have a prefix byte 41. */
export type TronContract =
  | Readonly<{ kind: 'transfer'; owner: string; to: string; sun: bigint }>
  | Readonly<{ kind: 'trigger'; owner: string; contract: string; data: string }>;

export type TronTransaction = Readonly<{
  /**
   * The reference block: bytes 6 and 7 of its number, bytes 8 to 15 of its hash. Hexadecimal,
   * without 0x.
   */
  refBlockBytes: string;
  refBlockHash: string;
  /** Milliseconds since 1970. */
  expiration: bigint;
  timestamp: bigint;
  /** In sun; 0 for a plain transfer. */
  feeLimit: bigint;
  contract: TronContract;
}>;

const TYPES = { transfer: 1n, trigger: 31n } as const;
const TYPE_URLS = {
  transfer: 'type.googleapis.com/protocol.TransferContract',
  trigger: 'type.googleapis.com/protocol.TriggerSmartContract',
} as const;

/** A protobuf field: its number, and a varint or bytes (protobuf.dev, "Encoding"). */
type Field = readonly [number: number, value: bigint | Uint8Array];

function encodeVarint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  do {
    const more = rest > 0x7fn;
    bytes.push(Number(rest & 0x7fn) | (more ? 0x80 : 0));
    rest >>= 7n;
  } while (rest > 0n);
  return Uint8Array.from(bytes);
}

/** Omits fields with default values, as proto3 does. */
function encodeMessage(fields: readonly Field[]): Uint8Array {
  const parts = fields.flatMap(([number, value]) => {
    if (typeof value === 'bigint')
      return value === 0n ? [] : [encodeVarint(BigInt(number) << 3n), encodeVarint(value)];
    if (value.length === 0) return [];
    return [encodeVarint((BigInt(number) << 3n) | 2n), encodeVarint(BigInt(value.length)), value];
  });
  return concatBytes(...parts);
}

function encodeAddress(hex: string): Uint8Array {
  return hexToBytes(`41${hex.slice(2)}`);
}

function encodeContract(contract: TronContract): Uint8Array {
  const value =
    contract.kind === 'transfer'
      ? encodeMessage([
          [1, encodeAddress(contract.owner)],
          [2, encodeAddress(contract.to)],
          [3, contract.sun],
        ])
      : encodeMessage([
          [1, encodeAddress(contract.owner)],
          [2, encodeAddress(contract.contract)],
          [4, hexToBytes(contract.data.slice(2))],
        ]);
  const any = encodeMessage([
    [1, utf8ToBytes(TYPE_URLS[contract.kind])],
    [2, value],
  ]);
  return encodeMessage([
    [1, TYPES[contract.kind]],
    [2, any],
  ]);
}

/** Serializes the raw data. Its SHA-256 is the transaction's id and is what is signed. */
export function toRaw(transaction: TronTransaction): Uint8Array {
  return encodeMessage([
    [1, hexToBytes(transaction.refBlockBytes)],
    [4, hexToBytes(transaction.refBlockHash)],
    [8, transaction.expiration],
    [11, encodeContract(transaction.contract)],
    [14, transaction.timestamp],
    [18, transaction.feeLimit],
  ]);
}

type Fields = ReadonlyMap<number, bigint | Uint8Array>;

function decodeVarint(
  bytes: Uint8Array,
  from: number,
): readonly [value: bigint, next: number] | null {
  let value = 0n;
  for (let at = from; at < bytes.length && at < from + 10; at += 1) {
    const byte = bytes[at] ?? 0;
    value |= BigInt(byte & 0x7f) << BigInt(7 * (at - from));
    if (byte < 0x80) return [value, at + 1];
  }
  return null;
}

/** Null for wire types other than varints and bytes, and for repeated fields. */
function parseFields(bytes: Uint8Array): Fields | null {
  const fields = new Map<number, bigint | Uint8Array>();
  let at = 0;
  while (at < bytes.length) {
    const tag = decodeVarint(bytes, at);
    const first = tag === null ? null : decodeVarint(bytes, tag[1]);
    if (tag === null || first === null) return null;
    const [number, wire] = [Number(tag[0] >> 3n), tag[0] & 7n];
    const [value, next] = first;
    if (fields.has(number) || (wire !== 0n && wire !== 2n)) return null;
    const end = wire === 0n ? next : next + Number(value);
    if (end > bytes.length) return null;
    fields.set(number, wire === 0n ? value : bytes.subarray(next, end));
    at = end;
  }
  return fields;
}

function bytesAt(fields: Fields | null, number: number): Uint8Array {
  const value = fields?.get(number);
  return value instanceof Uint8Array ? value : new Uint8Array();
}

function numberAt(fields: Fields | null, number: number): bigint {
  const value = fields?.get(number);
  return typeof value === 'bigint' ? value : 0n;
}

function addressAt(fields: Fields | null, number: number): string {
  return `0x${bytesToHex(bytesAt(fields, number)).slice(2)}`;
}

function parseContract(bytes: Uint8Array): TronContract {
  const fields = parseFields(bytes);
  const inner = parseFields(bytesAt(parseFields(bytesAt(fields, 2)), 2));
  const owner = addressAt(inner, 1);
  const other = addressAt(inner, 2);
  return numberAt(fields, 1) === TYPES.transfer
    ? { kind: 'transfer', owner, to: other, sun: numberAt(inner, 3) }
    : { kind: 'trigger', owner, contract: other, data: `0x${bytesToHex(bytesAt(inner, 4))}` };
}

/** Parses raw data. Null unless it serializes to exactly the same bytes. */
export function parseRaw(raw: Uint8Array): TronTransaction | null {
  const fields = parseFields(raw);
  if (fields === null) return null;
  try {
    const transaction = {
      refBlockBytes: bytesToHex(bytesAt(fields, 1)),
      refBlockHash: bytesToHex(bytesAt(fields, 4)),
      expiration: numberAt(fields, 8),
      timestamp: numberAt(fields, 14),
      feeLimit: numberAt(fields, 18),
      contract: parseContract(bytesAt(fields, 11)),
    };
    return bytesToHex(toRaw(transaction)) === bytesToHex(raw) ? transaction : null;
  } catch {
    return null;
  }
}

export function transactionId(raw: Uint8Array): Uint8Array {
  return sha256(raw);
}

/** The `Transaction` to broadcast. The recovery id is 27 or 28, as in java-tron's own signer. */
export function serializeSigned(raw: Uint8Array, { r, s, recovery }: Signature): Uint8Array {
  const word = (value: bigint) => hexToBytes(value.toString(16).padStart(64, '0'));
  const signature = concatBytes(word(r), word(s), Uint8Array.of(27 + recovery));
  return encodeMessage([
    [1, raw],
    [2, signature],
  ]);
}
