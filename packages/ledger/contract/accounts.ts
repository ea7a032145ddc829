/** The state of an account, and the entrypoint `Accounts` that the console binds. */
import type { NanoUsd } from '@farebox/money';
import type { BindAddressResult, DepositAddress } from './deposits.ts';
import type { Entry } from './entries.ts';
import type { AccountId, KeyId } from './identifiers.ts';
import type {
  KeyStatus,
  KeyUpdate,
  LeakedKeyResult,
  MintRequest,
  MintResult,
  RevokeKeyResult,
  RollKeyRequest,
  RollKeyResult,
  UpdateKeyResult,
} from './keys.ts';
import type { ReleaseRefundResult, ReserveRefundRequest, ReserveRefundResult } from './refunds.ts';
import type { RefusedCalls } from './refused-calls.ts';
import type {
  StatementKeys,
  StatementOutline,
  StatementPage,
  StatementPageRequest,
  StatementPeriod,
} from './statements.ts';

export type AccountState = 'open' | 'frozen' | 'closed';

export type AccountStatus = Readonly<{
  state: AccountState;
  posted: NanoUsd;
  /** What is not available: the holds of open calls, and what refunds reserve. */
  held: NanoUsd;
  /** The part of `held` that refunds reserve. A release before refunds sends none. */
  reserved?: NanoUsd;
  openCalls: number;
  /** The owner is notified once when the balance falls below this; null turns that off. */
  lowBalance: NanoUsd | null;
  /** Entries that Postgres has not acknowledged. */
  pendingEntries: number;
}>;

/**
 * The caller repeats `close` until `wiped`: open calls end first, then Postgres acknowledges the
 * last entry, then the object deletes all but its tombstone, many charges in several steps. `posted`
 * is the remaining balance.
 */
export type CloseResult = Readonly<{ wiped: boolean; posted: NanoUsd; openCalls: number }>;

/** The RPC interface of the console (entrypoint `Accounts`). */
export interface AccountsRpc {
  open(account: AccountId): Promise<void>;
  /**
   * Inserts a pending row, puts the key into the object, activates the row. Returns the key once.
   */
  mintKey(account: AccountId, request: MintRequest): Promise<MintResult>;
  /** Revokes in the object first, then in Postgres, so that it takes effect at once. */
  revokeKey(account: AccountId, keyId: KeyId): Promise<RevokeKeyResult>;
  listEntries(account: AccountId, afterSeq: number, limit: number): Promise<readonly Entry[]>;
  status(account: AccountId): Promise<AccountStatus | null>;
  keys(account: AccountId): Promise<readonly KeyStatus[]>;
  /** The refused calls of the last week, the latest first. */
  refusedCalls(account: AccountId): Promise<readonly RefusedCalls[]>;
  /** Changes the object first, then the row in Postgres. */
  updateKey(account: AccountId, keyId: KeyId, update: KeyUpdate): Promise<UpdateKeyResult>;
  rollKey(account: AccountId, request: RollKeyRequest): Promise<RollKeyResult>;
  /** Ends a pause by the spend guard, and turns the guard off until the next day. */
  resumeKey(account: AccountId, keyId: KeyId): Promise<UpdateKeyResult>;
  setLowBalance(account: AccountId, threshold: NanoUsd | null): Promise<void>;
  /** Revokes the key and notifies its owner, if the text is one of our keys. */
  revokeLeaked(text: string): Promise<LeakedKeyResult>;
  /** What a statement of the period contains. */
  outlineStatement(account: AccountId, period: StatementPeriod): Promise<StatementOutline>;
  readStatement(account: AccountId, request: StatementPageRequest): Promise<StatementPage>;
  statementKeys(): Promise<StatementKeys>;
  close(account: AccountId): Promise<CloseResult>;
  /** Binds one address per family and operator key, permanently; another index is a conflict. */
  bindAddress(account: AccountId, address: DepositAddress): Promise<BindAddressResult>;
  addresses(account: AccountId): Promise<readonly DepositAddress[]>;
  /** What is left of the account's deposits and neither held nor reserved. */
  refundable(account: AccountId): Promise<NanoUsd>;
  /** Idempotent by id. Also works on a closed account, whose owner confirmed a refund before. */
  reserveRefund(account: AccountId, request: ReserveRefundRequest): Promise<ReserveRefundResult>;
  releaseRefund(account: AccountId, id: string): Promise<ReleaseRefundResult>;
}
