/**
 * What the treasury's files hold: a plan that anybody may read and nobody can spend, the same plan signed, and
 * the report of what it moved. How they are used stands in docs/treasury.md, why in docs/decisions/0015.
 */
import type { Chain, ChainName, HexAddress } from '@farebox/deposits';

/** Below the account's key: chain 0 holds deposit addresses, chain 1 the treasury's own (BIP-44, "change"). */
export type KeyPath = Readonly<{ chain: 0 | 1; index: number }>;

/** Who pays for gas: a child no customer is ever shown. */
export const GAS_PATH: KeyPath = { chain: 1, index: 0 };

export type Step = Readonly<{
  /** `fund` sends an address what its sweep will cost; `sweep` sends all its USDT to the destination. */
  kind: 'fund' | 'sweep';
  signer: KeyPath;
  /** The address that signs, and for a fund the one that is given something. In hexadecimal. */
  from: HexAddress;
  to: HexAddress;
  /** Decimal: of the network's coin (wei or sun) for a fund, of the token for a sweep. */
  units: string;
  /** What is signed, as bytes in hexadecimal: the only part of a step that a signature is given for. */
  raw: string;
}>;

export type Plan = Readonly<{
  version: 1;
  /** SHA-256 of everything below, so that what was reviewed is what is signed. */
  id: string;
  chain: ChainName;
  chainId: number;
  token: HexAddress;
  /** Of the public key all signers hang below. */
  fingerprint: string;
  /** As wallets of the network write it. */
  destination: string;
  /** Milliseconds since 1970; after `expiresAt` the network takes none of it (TRON), or it should not be sent. */
  plannedAt: number;
  expiresAt: number;
  /** Decimal, in the coin's smallest unit: the most that all steps together can cost. */
  maxFee: string;
  steps: readonly Step[];
}>;

export type SignedStep = Step & Readonly<{ signed: string; txHash: string }>;
export type SignedPlan = Omit<Plan, 'steps'> & Readonly<{ steps: readonly SignedStep[] }>;

/** Why an address is not swept. */
export type Skipped = Readonly<{
  address: HexAddress;
  units: string;
  reason: 'empty' | 'below_minimum' | 'below_five_fees' | 'frozen';
}>;

/** Why a plan is not signed, not one step of it. */
export type SignError =
  | 'not_a_plan'
  | 'changed_since_planned'
  | 'other_keys'
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
  | 'funds_a_stranger'
  | 'fees_too_high';

export type Family = Chain['family'];
