/** Deposit addresses and credits, and the entrypoint `Credits` that the deposits Worker binds. */
import type { NanoUsd } from '@farebox/money';
import type { NoData, Result } from '@farebox/result';
import type { AccountId } from './identifiers.ts';
import type { PayRefundResult } from './refunds.ts';

export const ADDRESS_FAMILIES = ['evm', 'tron'] as const;

export type AddressFamily = (typeof ADDRESS_FAMILIES)[number];

/**
 * A deposit address by its derivation: the fingerprint of the operator's extended public key (16
 * hexadecimal characters) and the child index, less than 2^31.
 */
export type DepositAddress = Readonly<{
  family: AddressFamily;
  fingerprint: string;
  index: number;
}>;

/** `conflict`: the account already has another index below this key; `addresses` returns it. */
export type BindAddressResult = Result<NoData, 'conflict' | 'closed' | 'not_open'>;

export type CreditRequest = Readonly<{
  /** `chain:txHash:logIndex`, or another id that names the source of the money once. */
  id: string;
  amount: NanoUsd;
  source: 'deposit' | 'local';
  /** Required for a `deposit`: the address that received it, bound to this account. */
  address?: DepositAddress;
}>;

export type CreditResult = Result<
  { posted: NanoUsd },
  | 'conflict'
  | 'closed'
  | 'too_large'
  | 'not_positive'
  | 'not_open'
  /** The address is not bound to this account: rows were moved in Postgres. */
  | 'address_unknown'
>;

/** The RPC interface of the deposits Worker (entrypoint `Credits`). */
export interface CreditsRpc {
  credit(account: AccountId, request: CreditRequest): Promise<CreditResult>;
  /** Posts a reserved refund once its transfer is final. Idempotent by id. */
  payRefund(account: AccountId, id: string): Promise<PayRefundResult>;
}
