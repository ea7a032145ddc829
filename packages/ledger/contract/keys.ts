/** API keys as the ledger knows them: credentials, limits, spend guard, and their life cycle. */
import type { NanoUsd } from '@farebox/money';
import type { NoData, Result } from '@farebox/result';
import type { KeyQuota, PeriodBudgetStatus, PeriodBudgets } from './budgets.ts';
import type { AccountId, Instant, KeyId } from './identifiers.ts';

/** The credential of a request: the key's id and the SHA-256 of its secret, hexadecimal. */
export type KeyCredential = Readonly<{ keyId: KeyId; secretHash: string }>;

export type KeyError = 'invalid_api_key' | 'key_revoked' | 'key_expired' | 'account_closed';

export type Authenticated<T> = Result<{ value: T }, KeyError>;

/**
 * Limits of one key; null and absent mean unlimited. The optional ones are absent in a request of the
 * release before them.
 */
export type KeyLimits = Readonly<{
  /** Of the key's whole life. */
  budget: NanoUsd | null;
  /** Budgets that renew, beside the one of the whole life: a call must fit each. */
  periodBudgets?: PeriodBudgets;
  expiresAt: Instant | null;
  /** Catalogue names (`provider/model`) or null for all. */
  models: readonly string[] | null;
  callsPerMinute: number | null;
  concurrentCalls: number | null;
  /**
   * The highest price of a model that the key may call, in nano-USD per million output tokens, at the
   * moment of the hold.
   */
  maxOutputPrice?: bigint | null;
}>;

export const NO_LIMITS: KeyLimits = {
  budget: null,
  expiresAt: null,
  models: null,
  callsPerMinute: null,
  concurrentCalls: null,
};

/**
 * The guard against a stolen key: multiples of the key's typical daily spending; null turns one
 * off.
 */
export type SpendGuard = Readonly<{ alertMultiple: number | null; pauseMultiple: number | null }>;

export const DEFAULT_SPEND_GUARD: SpendGuard = { alertMultiple: 5, pauseMultiple: 20 };

export type KeyStatus = Readonly<{
  keyId: KeyId;
  limits: KeyLimits;
  spent: NanoUsd;
  held: NanoUsd;
  /** The least of the available balance and what is left of each budget; never below zero. */
  spendable: NanoUsd;
  /** The budgets that renew, shortest period first. */
  periodBudgets: readonly PeriodBudgetStatus[];
  createdAt: Instant;
  spendGuard: SpendGuard;
  /** When the spend guard paused the key; null if it is not paused. */
  pausedAt: Instant | null;
  revokedAt: Instant | null;
  /** Spent since midnight UTC. */
  spentToday: NanoUsd;
  /** The typical spending of one day; null until enough days are known. */
  typicalDailySpend: NanoUsd | null;
  /**
   * What the limits that renew leave, told to the key itself. Absent where it has none, and in an
   * answer of a release before it.
   */
  quota?: KeyQuota;
}>;

export type PutKeyRequest = Readonly<{
  keyId: KeyId;
  secretHash: string;
  limits: KeyLimits;
  spendGuard?: SpendGuard;
}>;

export type PutKeyResult = Result<NoData, 'conflict' | 'closed' | 'not_open'>;

export type RevokeKeyResult = Result<NoData, 'unknown'>;

export type MintRequest = Readonly<{ name: string; limits: KeyLimits; spendGuard?: SpendGuard }>;

export type MintResult = Result<
  { apiKey: string; keyId: KeyId },
  'closed' | 'not_open' | KeyValidationError
>;

/**
 * What a name may be is in key-rules.ts. Limits are whole numbers, none below zero; models are at
 * most 500 catalogue names. Multiples of the spend guard are 1 to 1,000,000.
 */
export type KeyValidationError = 'name_invalid' | 'limits_invalid' | 'spend_guard_invalid';

/** Absent properties stay unchanged, and so do the optional limits that `limits` does not name. */
export type KeyUpdate = Readonly<{ name?: string; limits?: KeyLimits; spendGuard?: SpendGuard }>;

export type UpdateKeyResult = Result<NoData, 'unknown' | 'revoked' | 'closed' | KeyValidationError>;

/**
 * A new secret for the same key; the previous one stays valid for `graceSeconds`, at most a day.
 */
export type RollKeyRequest = Readonly<{ keyId: KeyId; graceSeconds: number }>;

export type RollKeyResult = Result<{ apiKey: string }, 'unknown' | 'revoked' | 'closed'>;

/** The result of reporting a text found in public. */
export type LeakedKeyResult = Result<
  { account: AccountId; keyId: KeyId; alreadyRevoked: boolean },
  'not_ours'
>;
