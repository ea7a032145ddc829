/**
 * What may be asked of an account's book, and every answer there can be. These shapes cross Workers
 * RPC between deployments of different ages: add fields, never change or remove one
 * (docs/decisions/0004-ledger-contract.md).
 */
import type { NanoUsd, Prices, Surcharge, Usage } from '@farebox/money';

/** 16 lowercase hexadecimal characters: 8 random bytes. Names the account and its object. */
export type AccountId = string;
/** A whole number below 2^32, unique within the account. */
export type KeyId = number;
/** 32 lowercase hexadecimal characters, made by us; the call's `x-request-id`. */
export type CallId = string;
/** Milliseconds since the epoch. */
export type Instant = number;

export const DIALECTS = ['chat', 'messages', 'responses', 'gemini', 'embeddings'] as const;
export type RecordedDialect = (typeof DIALECTS)[number];

/** What a caller shows to prove which key it holds: the SHA-256 of the secret, hexadecimal. */
export type KeyCredential = Readonly<{ keyId: KeyId; secretHash: string }>;

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
  | Readonly<{ reason: 'key_unknown' | 'key_revoked' | 'key_expired' | 'model_not_allowed' }>
  | Readonly<{ reason: 'account_frozen' | 'account_closed' }>
  /** The key's brake was pulled: its owner resumes it in the console, or waits until the next day. */
  | Readonly<{ reason: 'key_paused' }>
  /** The key's own budget is too small: `short` is what is missing, `fits` the output limit that would do (0: none). */
  | Readonly<{ reason: 'key_budget_spent'; missingAmount: NanoUsd; affordableOutput: number }>
  /** The whole posted balance is too small, whatever else is in flight. */
  | Readonly<{ reason: 'balance_empty'; missingAmount: NanoUsd; affordableOutput: number }>
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

export type CreditRequest = Readonly<{
  /** `chain:txHash:logIndex`, or another id that names the source of the money once. */
  id: string;
  amount: NanoUsd;
  source: 'deposit' | 'local';
  /** Where the money came in; a `deposit` names it, and the object must know it as its own. */
  address?: DepositAddress;
}>;
export type CreditResult =
  | Readonly<{ ok: true; posted: NanoUsd }>
  | Readonly<{
      ok: false;
      reason:
        | 'conflict'
        | 'closed'
        | 'too_large'
        | 'not_positive'
        | 'not_open'
        /** The address is not this account's: somebody moved rows in Postgres. */
        | 'address_unknown';
    }>;

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
export type BindAddressResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'conflict' | 'closed' | 'not_open' }>;

export type AdjustRequest = Readonly<{ id: string; delta: NanoUsd; note: string }>;
export type AdjustResult =
  | Readonly<{ ok: true; posted: NanoUsd }>
  | Readonly<{
      ok: false;
      reason: 'conflict' | 'closed' | 'too_large' | 'insufficient' | 'not_open';
    }>;

export type PutKeyRequest = Readonly<{
  keyId: KeyId;
  secretHash: string;
  limits: KeyLimits;
  spendGuard?: SpendGuard;
}>;
export type PutKeyResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'conflict' | 'closed' | 'not_open' }>;
export type RevokeKeyResult = Readonly<{ ok: true }> | Readonly<{ ok: false; reason: 'unknown' }>;

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

export type Authenticated<T> =
  | Readonly<{ ok: true; value: T }>
  | Readonly<{ ok: false; reason: KeyError }>;
export type KeyError = 'key_unknown' | 'key_revoked' | 'key_expired' | 'account_closed';

export type Balance = Readonly<{ posted: NanoUsd; held: NanoUsd }>;
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

/**
 * What guards against a stolen key. Both are multiples of what a day of the key usually costs; null
 * switches that one off.
 */
export type SpendGuard = Readonly<{ alertMultiple: number | null; pauseMultiple: number | null }>;
export const DEFAULT_SPEND_GUARD: SpendGuard = { alertMultiple: 5, pauseMultiple: 20 };

/**
 * One line of the book, as it reaches Postgres. `seq` is contiguous from 1 within the account.
 * A call that expired and was settled late has two lines, `<call>` and `<call>:late`; the `call` of
 * each is the whole bill as it stood after that line (so the later one replaces the earlier), and the
 * late one's `delta` is the difference to what expiry took, above zero where expiry took too much.
 */
export type Entry = Readonly<{
  seq: number;
  id: string;
  kind: 'credit' | 'charge' | 'adjustment';
  delta: NanoUsd;
  postedAfter: NanoUsd;
  at: Instant;
  /** Present on every `charge`, also one of zero. */
  call: (Generation & Readonly<{ keyId: KeyId }>) | null;
}>;

export type Audit = Readonly<{
  posted: NanoUsd;
  held: NanoUsd;
  lastSeq: number;
  acknowledgedSeq: number;
  /** Keys revoked within the last days, for the sweep to compare their rows with. */
  recentlyRevoked: readonly KeyId[];
  /** Names of invariants that do not hold; empty is the only healthy answer. */
  violations: readonly string[];
}>;

/** What came of handing entries to Postgres. `acknowledged` is the highest sequence it now holds. */
export type DeliveryResult =
  | Readonly<{ ok: true; acknowledged: number }>
  | Readonly<{ ok: false; reason: 'unreachable' | 'gap' | 'mismatch' }>;

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

export type MintRequest = Readonly<{ name: string; limits: KeyLimits; spendGuard?: SpendGuard }>;
export type MintResult =
  | Readonly<{ ok: true; apiKey: string; keyId: KeyId }>
  | Readonly<{ ok: false; reason: 'closed' | 'not_open' | KeyValidationError }>;

/**
 * A name is 1 to 64 characters, none of them a control character. Limits are whole numbers, none below
 * zero; models are at most 500 catalogue names. Brakes are multiples of at least 1, at most 1,000,000.
 */
export type KeyValidationError = 'name_invalid' | 'limits_invalid' | 'brakes_invalid';

/** What is absent stays as it is. */
export type KeyUpdate = Readonly<{ name?: string; limits?: KeyLimits; spendGuard?: SpendGuard }>;
export type UpdateKeyResult =
  | Readonly<{ ok: true }>
  | Readonly<{ ok: false; reason: 'unknown' | 'revoked' | 'closed' | KeyValidationError }>;

/** A new secret for the same key; the one before still opens for `graceSeconds`, at most a day. */
export type RollKeyRequest = Readonly<{ keyId: KeyId; graceSeconds: number }>;
export type RollKeyResult =
  | Readonly<{ ok: true; apiKey: string }>
  | Readonly<{ ok: false; reason: 'unknown' | 'revoked' | 'closed' }>;

/** What came of a text that somebody found in public. */
export type LeakedKeyResult =
  | Readonly<{ ok: true; account: AccountId; keyId: KeyId; alreadyRevoked: boolean }>
  | Readonly<{ ok: false; reason: 'not_ours' }>;

export type AccountState = 'open' | 'frozen' | 'closed';
export type AccountStatus = Readonly<{
  state: AccountState;
  posted: NanoUsd;
  held: NanoUsd;
  openCalls: number;
  /** Below this its owner is told, once until it rises above it again; null: never. */
  lowBalance: NanoUsd | null;
  /** Lines that Postgres has not acknowledged. */
  pendingEntries: number;
}>;

/**
 * Closing is asked again until `wiped`: calls in flight end first, then Postgres acknowledges the last
 * line, then the object keeps nothing but its tombstone. `posted` is the balance that was left.
 */
export type CloseResult = Readonly<{ wiped: boolean; posted: NanoUsd; openCalls: number }>;

export const NOTIFICATION_KINDS = [
  'low_balance',
  'dear_model',
  'unusual_spending',
  'key_paused',
  'key_leaked',
] as const;
export type NotificationKind = (typeof NOTIFICATION_KINDS)[number];

/** What the object noticed. It travels by a queue, at least once; `id` is unique within the account. */
export type Notification = Readonly<{
  account: AccountId;
  id: string;
  kind: NotificationKind;
  keyId: KeyId | null;
  model: string | null;
  /** The balance (`low_balance`) or what the key spent today, in nano-USD. */
  amount: NanoUsd | null;
  at: Instant;
}>;

/** What the console may ask (entrypoint `Accounts`). */
export interface AccountsRpc {
  open(account: AccountId): Promise<void>;
  /** Minting is the ledger's: row pending, putKey, row active. The key is returned once. */
  mintKey(account: AccountId, request: MintRequest): Promise<MintResult>;
  /** The object first, Postgres after, so that revocation bites at once. */
  revokeKey(account: AccountId, keyId: KeyId): Promise<RevokeKeyResult>;
  listEntries(account: AccountId, afterSeq: number, limit: number): Promise<readonly Entry[]>;
  status(account: AccountId): Promise<AccountStatus | null>;
  keys(account: AccountId): Promise<readonly KeyStatus[]>;
  /** The object first, the row after. */
  updateKey(account: AccountId, keyId: KeyId, update: KeyUpdate): Promise<UpdateKeyResult>;
  rollKey(account: AccountId, request: RollKeyRequest): Promise<RollKeyResult>;
  /** Takes the brake off until the next day. */
  resumeKey(account: AccountId, keyId: KeyId): Promise<UpdateKeyResult>;
  setLowBalance(account: AccountId, threshold: NanoUsd | null): Promise<void>;
  /** A text that may be one of our keys, found in public: revoked if it is, and its owner is told. */
  revokeLeaked(text: string): Promise<LeakedKeyResult>;
  close(account: AccountId): Promise<CloseResult>;
  /** One address per family and key, for ever: repeating the same is fine, another is a conflict. */
  bindAddress(account: AccountId, address: DepositAddress): Promise<BindAddressResult>;
  addresses(account: AccountId): Promise<readonly DepositAddress[]>;
}

/** What the deposits Worker may ask (entrypoint `Credits`). */
export interface CreditsRpc {
  credit(account: AccountId, request: CreditRequest): Promise<CreditResult>;
}

/** What operators may ask (entrypoint `Operators`). */
export interface OperatorsRpc {
  adjust(account: AccountId, request: AdjustRequest): Promise<AdjustResult>;
  freeze(account: AccountId, frozen: boolean): Promise<void>;
  audit(account: AccountId): Promise<Audit>;
  status(account: AccountId): Promise<AccountStatus | null>;
}
