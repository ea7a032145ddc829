/** API keys as the ledger knows them: credentials, limits, spend guard, and their life cycle. */
import type { NanoUsd } from '@farebox/money';
import type { NoData, Result } from '@farebox/result';
import type { AccountId, Instant, KeyId } from './identifiers.ts';

/** What a caller shows to prove which key it holds: the SHA-256 of the secret, hexadecimal. */
export type KeyCredential = Readonly<{ keyId: KeyId; secretHash: string }>;

export type KeyError = 'invalid_api_key' | 'key_revoked' | 'key_expired' | 'account_closed';

export type Authenticated<T> = Result<{ value: T }, KeyError>;

/** Limits of one key; null means unlimited. */
export type KeyLimits = Readonly<{
  budget: NanoUsd | null;
  expiresAt: Instant | null;
  /** Catalogue names (`provider/model`) or null for all. */
  models: readonly string[] | null;
  callsPerMinute: number | null;
  concurrentCalls: number | null;
}>;

export const NO_LIMITS: KeyLimits = {
  budget: null,
  expiresAt: null,
  models: null,
  callsPerMinute: null,
  concurrentCalls: null,
};

/**
 * What guards against a stolen key. Both are multiples of what a day of the key usually costs; null
 * switches that one off.
 */
export type SpendGuard = Readonly<{ alertMultiple: number | null; pauseMultiple: number | null }>;

export const DEFAULT_SPEND_GUARD: SpendGuard = { alertMultiple: 5, pauseMultiple: 20 };

export type KeyStatus = Readonly<{
  keyId: KeyId;
  limits: KeyLimits;
  spent: NanoUsd;
  held: NanoUsd;
  createdAt: Instant;
  spendGuard: SpendGuard;
  /** Since when the key's brake is on; null where it is not. */
  pausedAt: Instant | null;
  revokedAt: Instant | null;
  /** Spent since midnight UTC. */
  spentToday: NanoUsd;
  /** What a day of this key usually costs; null until there were enough days to tell. */
  typicalDailySpend: NanoUsd | null;
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
 * A name is 1 to 64 characters, none of them a control character. Limits are whole numbers, none below
 * zero; models are at most 500 catalogue names. Brakes are multiples of at least 1, at most 1,000,000.
 */
export type KeyValidationError = 'name_invalid' | 'limits_invalid' | 'brakes_invalid';

/** What is absent stays as it is. */
export type KeyUpdate = Readonly<{ name?: string; limits?: KeyLimits; spendGuard?: SpendGuard }>;

export type UpdateKeyResult = Result<NoData, 'unknown' | 'revoked' | 'closed' | KeyValidationError>;

/** A new secret for the same key; the one before still opens for `graceSeconds`, at most a day. */
export type RollKeyRequest = Readonly<{ keyId: KeyId; graceSeconds: number }>;

export type RollKeyResult = Result<{ apiKey: string }, 'unknown' | 'revoked' | 'closed'>;

/** What came of a text that somebody found in public. */
export type LeakedKeyResult = Result<
  { account: AccountId; keyId: KeyId; alreadyRevoked: boolean },
  'not_ours'
>;
