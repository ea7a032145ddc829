/**
 * Legacy transactions (EIP-155). Every EVM network accepts them, their fee is a single number, and
 * they can be signed days later. Parsing is strict: bytes that don't serialize to themselves are
 * rejected. Pure.
 */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import { parseTransaction, serializeTransaction } from 'viem';
import type { Signature } from './keyring.ts';

export type EvmTransaction = Readonly<{
  chainId: number;
  nonce: number;
  /** In wei. */
  gasPrice: bigint;
  gas: bigint;
  to: string;
  value: bigint;
  data: string;
}>;

type Hex = `0x${string}`;

function withHexPrefix(text: string): Hex {
  return `0x${text.replace(/^0x/, '')}`;
}

function toLegacyTransaction({ chainId, nonce, gasPrice, gas, to, value, data }: EvmTransaction) {
  return {
    type: 'legacy',
    chainId,
    nonce,
    gasPrice,
    gas,
    to: withHexPrefix(to),
    value,
    ...(data === '0x' ? {} : { data: withHexPrefix(data) }),
  } as const;
}

/** Serializes the unsigned transaction. The keccak-256 of these bytes is signed. */
export function toRaw(transaction: EvmTransaction): string {
  return serializeTransaction(toLegacyTransaction(transaction));
}

/** Parses an unsigned transaction. Null unless it serializes to exactly the same bytes. */
export function parseRaw(raw: string): EvmTransaction | null {
  try {
    const read = parseTransaction(withHexPrefix(raw));
    const { chainId, nonce = 0, gasPrice = 0n, gas = 0n, to, value = 0n, data = '0x' } = read;
    if (read.type !== 'legacy' || chainId === undefined || to === undefined || to === null) {
      return null;
    }
    const transaction = { chainId, nonce, gasPrice, gas, to: to.toLowerCase(), value, data };
    return toRaw(transaction) === raw ? transaction : null;
  } catch {
    return null;
  }
}

export function computeDigest(raw: string): Uint8Array {
  return keccak_256(hexToBytes(raw.slice(2)));
}

/** The bytes to broadcast, and their hash. */
export function serializeSigned(
  transaction: EvmTransaction,
  { r, s, recovery }: Signature,
): Readonly<{ bytes: string; hash: string }> {
  const word = (value: bigint) => withHexPrefix(value.toString(16).padStart(64, '0'));
  const v = BigInt(transaction.chainId) * 2n + 35n + BigInt(recovery);
  const bytes = serializeTransaction(toLegacyTransaction(transaction), {
    r: word(r),
    s: word(s),
    v,
  });
  return { bytes, hash: `0x${bytesToHex(computeDigest(bytes))}` };
}
