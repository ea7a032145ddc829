/** Refunds of deposits: a reservation of the account's money that ends by its payment or release. */
import type { NanoUsd } from '@farebox/money';
import type { NoData, Result } from '@farebox/result';

/** `id` is 32 hexadecimal characters, made by the server that stores the request. */
export type ReserveRefundRequest = Readonly<{ id: string; amount: NanoUsd }>;

export type ReserveRefundResult = Result<
  NoData,
  /** The id was reserved with another amount. */
  | 'conflict'
  /** It was reserved and has been released since. */
  | 'released'
  | 'not_positive'
  /** More than what is left of the account's deposits, or than calls in progress leave. */
  | 'insufficient'
  | 'not_open'
>;

/** `unknown`: nothing was reserved under this id. */
export type ReleaseRefundResult = Result<NoData, 'paid' | 'unknown' | 'not_open'>;

export type PayRefundResult = Result<{ posted: NanoUsd }, 'released' | 'unknown' | 'not_open'>;
