/** Deposit addresses and credits, and the entrypoint `Credits` that the deposits Worker binds. */
import type { NanoUsd } from '@farebox/money';
import type { NoData, Result } from '@farebox/result';
import type { AccountId } from './identifiers.ts';

export const ADDRESS_FAMILIES = ['evm', 'tron'] as const;

export type AddressFamily = (typeof ADDRESS_FAMILIES)[number];

/**
 * Whose child an address is: the fingerprint of the operator's extended public key (16 hexadecimal
 * characters) and the index below it, less than 2^31. The address itself follows from the two.
 */
export type DepositAddress = Readonly<{
  family: AddressFamily;
  fingerprint: string;
  index: number;
}>;

/** `conflict`: the account has another index below this key already; `addresses` tells which. */
export type BindAddressResult = Result<NoData, 'conflict' | 'closed' | 'not_open'>;

export type CreditRequest = Readonly<{
  /** `chain:txHash:logIndex`, or another id that names the source of the money once. */
  id: string;
  amount: NanoUsd;
  source: 'deposit' | 'local';
  /** Where the money came in; a `deposit` names it, and the object must know it as its own. */
  address?: DepositAddress;
}>;

export type CreditResult = Result<
  { posted: NanoUsd },
  | 'conflict'
  | 'closed'
  | 'too_large'
  | 'not_positive'
  | 'not_open'
  /** The address is not this account's: somebody moved rows in Postgres. */
  | 'address_unknown'
>;

/** What the deposits Worker may ask (entrypoint `Credits`). */
export interface CreditsRpc {
  credit(account: AccountId, request: CreditRequest): Promise<CreditResult>;
}
