/** A call from hold to settlement, and the entrypoint `Calls` that the gateway binds. */
import type { NanoUsd, Prices, Surcharge, Usage } from '@farebox/money';
import type { Result } from '@farebox/result';
import type { BudgetPeriod, KeyQuota } from './budgets.ts';
import type { AccountId, CallId, Instant, KeyId } from './identifiers.ts';
import type { Authenticated, KeyCredential, KeyStatus } from './keys.ts';
import type { RefusedCalls } from './refused-calls.ts';
import type { StatementKeys } from './statements.ts';

export const RECORDED_DIALECTS = [
  'chat',
  'messages',
  'responses',
  'gemini',
  'embeddings',
  'images',
  'image_edits',
  'speech',
  'transcriptions',
  'translations',
  'moderations',
  'rerank',
] as const;

export type RecordedDialect = (typeof RECORDED_DIALECTS)[number];

/**
 * The output limit to enforce. `explicit` is the client's own and is never lowered. With `capped`
 * the ledger takes the smaller of `max` and what half of the available balance buys, but at least
 * `min`.
 */
export type OutputLimit =
  | Readonly<{ kind: 'explicit'; tokens: number }>
  | Readonly<{ kind: 'capped'; max: number; min: number }>;

/** What the gateway knows of a call before it is sent; part of its metadata. */
export type CallDescription = Readonly<{
  /** Catalogue name, `provider/model`. */
  model: string;
  provider: string;
  dialect: RecordedDialect;
  stream: boolean;
}>;

export type HoldRequest = CallDescription &
  Readonly<{
    id: CallId;
    key: KeyCredential;
    /** Upper bound of everything but the output, in nano-USD. */
    maxInputCost: NanoUsd;
    /** The highest price that could apply to one million output tokens, in nano-USD. */
    maxOutputPrice: bigint;
    /**
     * What a key's highest price of models is compared with, where that is not `maxOutputPrice`: in
     * nano-USD per million tokens of the output of an operation, whose hold is all in `maxInputCost`.
     */
    outputPrice?: bigint;
    /**
     * How many times the whole output limit may be used: once for each answer requested (`n`), and
     * once for each turn of a provider's own loop.
     */
    choices: number;
    output: OutputLimit;
    /**
     * How many calls of any minute this account may make to the provider: its share of what the
     * organisation of all accounts may make. Absent where the provider's limit is not configured.
     */
    providerCallsPerMinute?: number;
    /** When the hold expires unless a checkpoint moves it or a settlement ends it. */
    deadline: Instant;
    /** Absent where the gateway never asks a provider before the hold is answered. */
    early?: EarlySend;
  }>;

/** How a gateway isolate uses what it may risk (docs/decisions/0033-optimistic-send.md). */
export type EarlySend = Readonly<{
  /** A random name of the isolate. */
  isolate: string;
  /** Whether the provider has been asked already. */
  sent: boolean;
}>;

/**
 * What the isolate may risk for some seconds on calls whose holds are not answered yet, and what the
 * account and the key can still reserve, in nano-USD.
 */
export type EarlyGrant = Readonly<{ risk: NanoUsd; spendable: NanoUsd }>;

/** Why calls are declined whose refusals cost nothing. */
export type RefusalDecline =
  /** The provider refused too many of the account's calls today. */
  | Readonly<{ reason: 'refusal_limit_exceeded'; retryAfterSeconds: number }>
  /** The provider refused the key's last calls in a row. */
  | Readonly<{ reason: 'refused_calls_slowed'; retryAfterSeconds: number }>;

/**
 * What is left of a key's budget is too small. `affordableOutput` is the output limit that everything
 * the key can spend covers (0: none).
 */
export type BudgetDecline = Readonly<{
  reason: 'key_limit_exceeded';
  missingAmount: NanoUsd;
  affordableOutput: number;
  /** The budget that is too small; absent where it is the one of the key's whole life. */
  renewing?: RenewingBudget;
}>;

export type RenewingBudget = Readonly<{
  period: BudgetPeriod;
  budget: NanoUsd;
  resetsAt: Instant;
  /**
   * Until the budget renews, or a moment where only what open calls reserve is in the way; null where
   * even the whole budget is less than the call reserves.
   */
  retryAfterSeconds: number | null;
}>;

export type HoldDecline =
  | Readonly<{ reason: 'invalid_api_key' | 'key_revoked' | 'key_expired' | 'model_not_allowed' }>
  | Readonly<{ reason: 'account_frozen' | 'account_closed' }>
  /**
   * The spend guard paused the key; its owner resumes it in the console, or it resumes the next
   * day.
   */
  | Readonly<{ reason: 'key_paused' }>
  /** The key may not call models at this price (nano-USD per million output tokens). */
  | Readonly<{
      reason: 'model_too_expensive';
      model: string;
      outputPrice: bigint;
      maxOutputPrice: bigint;
    }>
  | BudgetDecline
  /** The whole posted balance is too small, regardless of other open calls. */
  | Readonly<{ reason: 'insufficient_balance'; missingAmount: NanoUsd; affordableOutput: number }>
  /** The balance suffices once open calls have settled. */
  | Readonly<{
      reason: 'balance_held';
      missingAmount: NanoUsd;
      affordableOutput: number;
      retryAfterSeconds: number;
    }>
  | Readonly<{ reason: 'rate_limited' | 'too_many_concurrent_calls'; retryAfterSeconds: number }>
  | RefusalDecline
  /** The account used up its share of the provider's rate. */
  | Readonly<{ reason: 'provider_share_exceeded'; retryAfterSeconds: number }>
  /** The id exists with other parameters: a bug of the gateway, never the client's. */
  | Readonly<{ reason: 'conflict' }>;

export type HoldResult = Result<
  { held: NanoUsd; maxOutput: number; deadline: Instant; early?: EarlyGrant; quota?: KeyQuota },
  HoldDecline & WithQuota
>;

/** Absent for a key without a limit of calls and without a budget that renews. */
type WithQuota = Readonly<{ quota?: KeyQuota }>;

export type CheckpointRequest = Readonly<{ id: CallId; floor: NanoUsd; deadline: Instant }>;

export type CheckpointResult = Result<
  { stop: null | 'key_revoked' | 'account_frozen' | 'account_closed' },
  'unknown' | 'ended'
>;

/** The reason for a call's charge: the closed list that /v1/generation shows. */
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
  'refused_without_output',
  'estimated_usage_implausible',
  // Billed by the unit that the provider documents, where its answers report none.
  'counted',
] as const;

export type SettleReason = (typeof SETTLE_REASONS)[number];

/** What the gateway reports when a call ends; part of its metadata. */
export type CallReport = Readonly<{
  /** The status that the client received. */
  httpStatus: number;
  usage: Usage;
  prices: Prices;
  /**
   * What gave the prices: `<version of the price list>/<rule>[+<factor>...]`. Null in a report of a
   * release before it.
   */
  priceRule: string | null;
  /**
   * nano-USD: what the provider itself says that it charged (xAI, OpenRouter). Null where it says
   * nothing, and in a report of a release before it.
   */
  providerCost: NanoUsd | null;
  /**
   * The platform's margin that `prices` and `fees` contain, in hundredths of a percent. Null in a
   * report of a release before it.
   */
  marginBasisPoints: number | null;
  /**
   * Milliseconds from the arrival of the request to the first output of a streamed answer. Null of
   * other answers, where no output came, and in a report of a release before it.
   */
  firstTokenMs: number | null;
  /**
   * Milliseconds from the arrival of the request to the end of its answer, or to when the client
   * left. Null in a report of a release before it.
   */
  totalMs: number | null;
  fees: readonly Surcharge[];
}>;

export type SettleRequest = CallReport &
  Readonly<{
    id: CallId;
    reason: SettleReason;
    /** The exact cost; what exceeds the available balance becomes shortfall. */
    cost: NanoUsd;
    /**
     * With a `waived_*` reason: what the provider may bill for the call. Such waivers are capped per
     * account and day; above the cap this is charged as `estimated_usage_missing`. Absent where the
     * provider bills nothing: then the waiver is not counted.
     */
    waivedCost?: NanoUsd;
    /** The usage of `waivedCost`, which is recorded if it is charged. */
    waivedUsage?: Usage;
  }>;

export type SettleResult = Result<
  { charged: NanoUsd; shortfall: NanoUsd; late: boolean },
  'unknown' | 'conflict'
>;

export const CALL_STATUSES = ['open', 'settled', 'void'] as const;

/** A property of the report is null until the report comes; a list is empty. */
type Reported = Readonly<{
  [P in keyof CallReport]: CallReport[P] extends readonly unknown[]
    ? CallReport[P]
    : CallReport[P] | null;
}>;

/** The bill of one call as the ledger records it; the gateway turns it into the documented JSON. */
export type Generation = CallDescription &
  Reported &
  Readonly<{
    id: CallId;
    status: (typeof CALL_STATUSES)[number];
    reason: SettleReason | null;
    charged: NanoUsd;
    shortfall: NanoUsd;
    createdAt: Instant;
    settledAt: Instant | null;
  }>;

/** Everything recorded of a call. Each property is one line of the table in call-columns.ts. */
export type CallMetadata = Generation & Readonly<{ keyId: KeyId }>;

/** The metadata known when the call is held. */
export type CallOpening = CallDescription & Pick<CallMetadata, 'keyId' | 'createdAt'>;

export type Balance = Readonly<{ posted: NanoUsd; held: NanoUsd }>;

/** The RPC interface of the gateway (entrypoint `Calls`). */
export interface CallsRpc {
  /**
   * Runs holds, checkpoints and settlements in one transaction, in order; both texts are those of
   * batch-message.ts. Where one of them throws, each runs in a transaction of its own.
   */
  batch(account: AccountId, verbs: string): Promise<string>;
  hold(account: AccountId, request: HoldRequest): Promise<HoldResult>;
  checkpoint(account: AccountId, request: CheckpointRequest): Promise<CheckpointResult>;
  settle(account: AccountId, request: SettleRequest): Promise<SettleResult>;
  generation(
    account: AccountId,
    key: KeyCredential,
    id: CallId,
  ): Promise<Authenticated<Generation | null>>;
  credits(account: AccountId, key: KeyCredential): Promise<Authenticated<Balance>>;
  key(account: AccountId, key: KeyCredential): Promise<Authenticated<KeyStatus>>;
  /**
   * Counts a request without a hold that a provider refused. Returns why the key's next one is to be
   * declined, or null. A repeat counts again.
   */
  refuse(account: AccountId, key: KeyCredential): Promise<Authenticated<RefusalDecline | null>>;
  /** Adds to the counts of refused calls. A repeat counts again. */
  countRefused(account: AccountId, refused: readonly RefusedCalls[]): Promise<void>;
  /** The public keys of statements. */
  statementKeys(): Promise<StatementKeys>;
}
