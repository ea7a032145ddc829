/** A call from hold to settlement, and the entrypoint `Calls` that the gateway binds. */
import type { NanoUsd, Prices, Surcharge, Usage } from '@farebox/money';
import type { AccountId, CallId, Instant } from './identifiers.ts';
import type { Authenticated, KeyCredential, KeyStatus } from './keys.ts';

export const DIALECTS = ['chat', 'messages', 'responses', 'gemini', 'embeddings'] as const;

export type RecordedDialect = (typeof DIALECTS)[number];

/**
 * The output limit to enforce. `explicit` is the caller's own and is never lowered; `capped` lets the
 * book choose: the least of `most` and what half of the available balance buys, never below `least`.
 */
export type OutputLimit =
  | Readonly<{ kind: 'explicit'; tokens: number }>
  | Readonly<{ kind: 'capped'; max: number; min: number }>;

export type HoldRequest = Readonly<{
  id: CallId;
  key: KeyCredential;
  /** Catalogue name, `provider/model`. */
  model: string;
  provider: string;
  dialect: RecordedDialect;
  stream: boolean;
  /** Worst case of everything but the output, in nano-USD. */
  maxInputCost: NanoUsd;
  /** Price of one million output tokens, the dearest that could apply, in nano-USD. */
  maxOutputPrice: bigint;
  /** How many answers were asked for (`n`); each may use the whole output limit. */
  choices: number;
  output: OutputLimit;
  /** When the hold expires if nothing is heard of the call. */
  deadline: Instant;
}>;

export type HoldDecline =
  | Readonly<{ reason: 'invalid_api_key' | 'key_revoked' | 'key_expired' | 'model_not_allowed' }>
  | Readonly<{ reason: 'account_frozen' | 'account_closed' }>
  /** The key's brake was pulled: its owner resumes it in the console, or waits until the next day. */
  | Readonly<{ reason: 'key_paused' }>
  /** The key's own budget is too small: `short` is what is missing, `fits` the output limit that would do (0: none). */
  | Readonly<{ reason: 'key_limit_exceeded'; missingAmount: NanoUsd; affordableOutput: number }>
  /** The whole posted balance is too small, whatever else is in flight. */
  | Readonly<{ reason: 'insufficient_balance'; missingAmount: NanoUsd; affordableOutput: number }>
  /** The balance would do once calls in flight have settled. */
  | Readonly<{
      reason: 'balance_held';
      missingAmount: NanoUsd;
      affordableOutput: number;
      retryAfterSeconds: number;
    }>
  | Readonly<{ reason: 'rate_limited' | 'too_many_concurrent_calls'; retryAfterSeconds: number }>
  /** The id is known with other parameters: a bug of ours, never the caller's. */
  | Readonly<{ reason: 'conflict' }>;

export type HoldResult =
  | Readonly<{ ok: true; held: NanoUsd; maxOutput: number; deadline: Instant }>
  | (Readonly<{ ok: false }> & HoldDecline);

export type CheckpointRequest = Readonly<{ id: CallId; floor: NanoUsd; deadline: Instant }>;

export type CheckpointResult =
  | Readonly<{ ok: true; stop: null | 'key_revoked' | 'account_frozen' | 'account_closed' }>
  | Readonly<{ ok: false; reason: 'unknown' | 'ended' }>;

/** Why a call cost what it did. The closed list that /v1/generation shows. */
export const SETTLE_REASONS = [
  'provider_reported',
  'estimated_after_disconnect',
  'estimated_after_upstream_cut',
  'estimated_usage_missing',
  'waived_empty',
  'waived_upstream_error',
  'upstream_refused',
  'not_sent',
  'free',
  'expired_unsettled',
  'expired_at_checkpoint',
] as const;

export type SettleReason = (typeof SETTLE_REASONS)[number];

export type SettleRequest = Readonly<{
  id: CallId;
  reason: SettleReason;
  /** What the caller saw. */
  httpStatus: number;
  usage: Usage;
  prices: Prices;
  fees: readonly Surcharge[];
  /** The exact cost; the book takes at most what is available and books the rest as shortfall. */
  cost: NanoUsd;
  /**
   * With a `waived_*` reason: what the call would have cost (the input estimate). Waivers are capped
   * per account and day; above the cap the book charges this as `estimated_usage_missing`.
   */
  waivedCost?: NanoUsd;
}>;

export type SettleResult =
  | Readonly<{ ok: true; charged: NanoUsd; shortfall: NanoUsd; late: boolean }>
  | Readonly<{ ok: false; reason: 'unknown' | 'conflict' }>;

/** The bill of one call, as the book has it; the door turns it into the documented JSON. */
export type Generation = Readonly<{
  id: CallId;
  model: string;
  provider: string;
  dialect: RecordedDialect;
  stream: boolean;
  httpStatus: number | null;
  status: 'open' | 'settled' | 'void';
  reason: SettleReason | null;
  usage: Usage | null;
  prices: Prices | null;
  fees: readonly Surcharge[];
  charged: NanoUsd;
  shortfall: NanoUsd;
  createdAt: Instant;
  settledAt: Instant | null;
}>;

export type Balance = Readonly<{ posted: NanoUsd; held: NanoUsd }>;

/** What the gateway may ask (entrypoint `Calls`). */
export interface CallsRpc {
  hold(account: AccountId, request: HoldRequest): Promise<HoldResult>;
  checkpoint(account: AccountId, request: CheckpointRequest): Promise<CheckpointResult>;
  settle(account: AccountId, request: SettleRequest): Promise<SettleResult>;
  /** Each as `settle` would, in their order; the answers stand in the same order. */
  settleMany(
    account: AccountId,
    requests: readonly SettleRequest[],
  ): Promise<readonly SettleResult[]>;
  generation(
    account: AccountId,
    key: KeyCredential,
    id: CallId,
  ): Promise<Authenticated<Generation | null>>;
  credits(account: AccountId, key: KeyCredential): Promise<Authenticated<Balance>>;
  key(account: AccountId, key: KeyCredential): Promise<Authenticated<KeyStatus>>;
}
