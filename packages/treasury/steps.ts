/** Decodes and signs a step's bytes. The only place that handles both address families. Pure. */
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js';
import type { Family, SignedStep, Step } from './contract.ts';
import { ACTIVATION_SUN, BANDWIDTH_SUN } from './costs.ts';
import * as evm from './evm-transaction.ts';
import type { Account } from './keyring.ts';
import { decodeTransfer, type TokenTransfer } from './token-transfer.ts';
import * as tron from './tron-transaction.ts';

/** What a step's bytes do, regardless of its description. */
export type DecodedStep = Readonly<{
  /** EIP-155. Null for TRON, where the reference block ties a transaction to its network. */
  chainId: number | null;
  /** Null when the bytes don't name the signer. */
  signer: string | null;
  /** The maximum fee. */
  fee: bigint;
  /** Milliseconds since 1970. Null when it doesn't expire. */
  expiresAt: number | null;
  action:
    | Readonly<{ kind: 'coin'; to: string; units: bigint }>
    | Readonly<{ kind: 'call'; contract: string; coins: bigint; transfer: TokenTransfer | null }>;
}>;

function decodeEvmStep(raw: string): DecodedStep | null {
  const read = evm.parseRaw(raw);
  if (read === null) return null;
  const { chainId, gas, gasPrice, to, value, data } = read;
  const common = { chainId, signer: null, fee: gas * gasPrice, expiresAt: null };
  if (data === '0x') return { ...common, action: { kind: 'coin', to, units: value } };
  const transfer = decodeTransfer(data);
  return { ...common, action: { kind: 'call', contract: to, coins: value, transfer } };
}

function decodeTronStep(raw: string): DecodedStep | null {
  const read = tron.parseRaw(hexToBytes(raw.slice(2)));
  if (read === null) return null;
  const { contract, feeLimit, expiration } = read;
  const common = { chainId: null, signer: contract.owner, expiresAt: Number(expiration) };
  if (contract.kind === 'transfer') {
    const action = { kind: 'coin', to: contract.to, units: contract.sun } as const;
    return { ...common, fee: ACTIVATION_SUN + BANDWIDTH_SUN, action };
  }
  const transfer = decodeTransfer(contract.data);
  const action = { kind: 'call', contract: contract.contract, coins: 0n, transfer } as const;
  return { ...common, fee: feeLimit + BANDWIDTH_SUN, action };
}

/** Decodes a step's bytes. Null unless they are a transaction exactly as we serialize it. */
export function decodeStep(family: Family, raw: string): DecodedStep | null {
  return family === 'evm' ? decodeEvmStep(raw) : decodeTronStep(raw);
}

/** Signs a step that `decodeStep` accepts. Throws for any other. */
export function signStep<S extends Step>(
  family: Family,
  account: Account,
  step: S,
): S & SignedStep {
  if (family === 'tron') {
    const raw = hexToBytes(step.raw.slice(2));
    const id = tron.transactionId(raw);
    const bytes = tron.serializeSigned(raw, account.sign(step.signer, id));
    return { ...step, signed: `0x${bytesToHex(bytes)}`, txHash: `0x${bytesToHex(id)}` };
  }
  const read = evm.parseRaw(step.raw);
  if (read === null) throw new Error('The step’s bytes can’t be decoded.');
  const { bytes, hash } = evm.serializeSigned(
    read,
    account.sign(step.signer, evm.computeDigest(step.raw)),
  );
  return { ...step, signed: bytes, txHash: hash };
}
