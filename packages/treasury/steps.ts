/** A step as each family's bytes, and what those bytes say: the only place where the two families meet. Pure. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Family, SignedStep, Step } from './contract.ts';
import { ACTIVATION_SUN, BANDWIDTH_SUN } from './costs.ts';
import * as evm from './evm-transaction.ts';
import type { Account } from './keyring.ts';
import { readTransfer, type TokenTransfer } from './token-transfer.ts';
import * as tron from './tron-transaction.ts';

/** What a step's bytes do, whatever its description says. */
export type Meaning = Readonly<{
  /** EIP-155; null where the bytes don't say (TRON: the reference block ties it to its network). */
  chainId: number | null;
  /** Null where the bytes don't say who signs. */
  signer: string | null;
  /** The most it can cost. */
  fee: bigint;
  /** Milliseconds since 1970; null where it does not expire. */
  expiresAt: number | null;
  does:
    | Readonly<{ what: 'coin'; to: string; units: bigint }>
    | Readonly<{ what: 'call'; contract: string; coins: bigint; transfer: TokenTransfer | null }>;
}>;

function evmMeaning(raw: string): Meaning | null {
  const read = evm.readRaw(raw);
  if (read === null) return null;
  const { chainId, gas, gasPrice, to, value, data } = read;
  const known = { chainId, signer: null, fee: gas * gasPrice, expiresAt: null };
  if (data === '0x') return { ...known, does: { what: 'coin', to, units: value } };
  const transfer = readTransfer(data);
  return { ...known, does: { what: 'call', contract: to, coins: value, transfer } };
}

function tronMeaning(raw: string): Meaning | null {
  const read = tron.readRaw(hexToBytes(raw.slice(2)));
  if (read === null) return null;
  const { contract, feeLimit, expiration } = read;
  const known = { chainId: null, signer: contract.owner, expiresAt: Number(expiration) };
  if (contract.kind === 'transfer') {
    const does = { what: 'coin', to: contract.to, units: contract.sun } as const;
    return { ...known, fee: ACTIVATION_SUN + BANDWIDTH_SUN, does };
  }
  const transfer = readTransfer(contract.data);
  const does = { what: 'call', contract: contract.contract, coins: 0n, transfer } as const;
  return { ...known, fee: feeLimit + BANDWIDTH_SUN, does };
}

/** Null for bytes that are no transaction as we write them. */
export function meaningOf(family: Family, raw: string): Meaning | null {
  return family === 'evm' ? evmMeaning(raw) : tronMeaning(raw);
}

/** Only for bytes that have a meaning. */
export function signStep(family: Family, account: Account, step: Step): SignedStep {
  if (family === 'tron') {
    const raw = hexToBytes(step.raw.slice(2));
    const id = tron.transactionId(raw);
    const bytes = tron.signedBytes(raw, account.sign(step.signer, id));
    return { ...step, signed: `0x${bytesToHex(bytes)}`, txHash: `0x${bytesToHex(id)}` };
  }
  const read = evm.readRaw(step.raw);
  if (read === null) throw new Error('bytes without a meaning are not signed');
  const { bytes, hash } = evm.signed(read, account.sign(step.signer, evm.digestOf(step.raw)));
  return { ...step, signed: bytes, txHash: hash };
}
