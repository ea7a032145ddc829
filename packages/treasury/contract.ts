/**
 * The content of the treasury's files: a plan, which holds no secret and can't be spent, and the
 * same plan signed. docs/treasury.md explains how they are used, docs/decisions/0015 why.
 */
import type { Chain, ChainName, HexAddress } from '@farebox/deposits';

/**
 * A path below the account key: chain 0 holds deposit addresses, chain 1 the treasury's own
 * (BIP-44, "change").
 */
export type KeyPath = Readonly<{ chain: 0 | 1; index: number }>;

/** The gas account, which pays the fees. Customers are never given this address. */
export const GAS_PATH: KeyPath = { chain: 1, index: 0 };

/** The payout account, which refunds are paid from. It pays its own fees. */
export { PAYOUT_PATH } from '@farebox/deposits';

export type Step = Readonly<{
  /**
   * `fund` sends an address the coins its sweep costs. `sweep` sends all its USDT to the
   * destination. `refund` pays USDT from the payout account to a customer's address.
   */
  kind: 'fund' | 'sweep' | 'refund';
  signer: KeyPath;
  /** The address that signs, in hexadecimal. */
  from: HexAddress;
  /** The recipient: the funded address, the destination of a sweep, or a customer's address. */
  to: HexAddress;
  /** Decimal, in wei or sun for a fund, in token units otherwise. */
  units: string;
  /** The bytes to be signed, in hexadecimal. A signature covers nothing else of the step. */
  raw: string;
}>;

export type Plan = Readonly<{
  version: 1;
  /** SHA-256 of all other fields (plan-id.ts). */
  id: string;
  chain: ChainName;
  chainId: number;
  token: HexAddress;
  /** The fingerprint of the public key that all signers are children of. */
  fingerprint: string;
  /** In the format of the network's wallets. */
  destination: string;
  /**
   * Milliseconds since 1970. After `expiresAt` TRON rejects the transactions, and we don't send
   * them.
   */
  plannedAt: number;
  expiresAt: number;
  /** Decimal, in the coin's smallest unit: the maximum cost of all steps together. */
  maxFee: string;
  steps: readonly Step[];
}>;

export type PlanOptions = Readonly<{
  chain: Chain;
  xpub: string;
  /** The addresses to sweep, with their index below the key. */
  addresses: readonly Readonly<{ index: number; address: HexAddress }>[];
  destination: HexAddress;
  /** In token units. Addresses that hold less are skipped. */
  minimumUnits: bigint;
  /** The price of one coin (BNB, POL, TRX) in nano-USD. */
  coinNanoUsd: bigint;
  /** How much fees may rise before the plan is sent. */
  marginPercent: bigint;
  validMs: number;
  now: number;
}>;

export type SignedStep = Step & Readonly<{ signed: string; txHash: string }>;
export type SignedPlan = Omit<Plan, 'steps'> & Readonly<{ steps: readonly SignedStep[] }>;

/**
 * An address that isn't swept. `uneconomical`: it holds less than five times what the sweep costs.
 * `frozen_unknown`: the network did not say whether the issuer froze it; plan again.
 */
export type Skipped = Readonly<{
  address: HexAddress;
  units: string;
  reason: 'empty' | 'below_minimum' | 'uneconomical' | 'frozen' | 'frozen_unknown';
}>;

/** Why a plan is rejected. Not one of its steps is signed then. */
export type SignError =
  | 'not_a_plan'
  | 'plan_id_mismatch'
  | 'key_mismatch'
  | 'destination_not_allowed'
  | 'destination_not_confirmed'
  | 'wrong_token'
  | 'wrong_chain'
  | 'expired'
  | 'valid_too_long'
  | 'not_canonical'
  | 'foreign_signer'
  | 'not_a_transfer'
  | 'wrong_recipient'
  | 'wrong_amount'
  | 'funds_unrelated_address'
  | 'fees_too_high';

export type Family = Chain['family'];
