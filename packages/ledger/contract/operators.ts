/** Adjustments and audits, and the entrypoint `Operators`. */
import type { NanoUsd } from '@farebox/money';
import type { Result } from '@farebox/result';
import type { AccountStatus } from './accounts.ts';
import type { AccountId, KeyId } from './identifiers.ts';
import type { RevokeKeyResult } from './keys.ts';
import type { ReleaseRefundResult } from './refunds.ts';

export type AdjustRequest = Readonly<{ id: string; delta: NanoUsd; note: string }>;

export type AdjustResult = Result<
  { posted: NanoUsd },
  'conflict' | 'closed' | 'too_large' | 'insufficient' | 'not_open'
>;

export type Audit = Readonly<{
  posted: NanoUsd;
  held: NanoUsd;
  lastSeq: number;
  acknowledgedSeq: number;
  /** Recently revoked keys, whose rows the daily reconciliation marks. */
  recentlyRevoked: readonly KeyId[];
  /** Names of the violated invariants; empty if the ledger is sound. */
  violations: readonly string[];
}>;

/** The RPC interface of operators (entrypoint `Operators`). */
export interface OperatorsRpc {
  adjust(account: AccountId, request: AdjustRequest): Promise<AdjustResult>;
  freeze(account: AccountId, frozen: boolean): Promise<void>;
  audit(account: AccountId): Promise<Audit>;
  status(account: AccountId): Promise<AccountStatus | null>;
  releaseRefund(account: AccountId, id: string): Promise<ReleaseRefundResult>;
  /** As `AccountsRpc.revokeKey`, so that operators need no binding of that entrypoint. */
  revokeKey(account: AccountId, keyId: KeyId): Promise<RevokeKeyResult>;
}
