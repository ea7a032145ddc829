/**
 * Asking the provider while the hold is on its way, so that the distance to the account's object is
 * not added to the first byte (docs/decisions/0033-optimistic-send.md). No byte of an answer reaches
 * the caller before the hold stands, and a declined hold aborts the request: what is at risk is the
 * platform's money, and the account object grants each isolate how much of it (early-grants.ts).
 *
 * A call is sent early only if all of this holds: the grant is seconds old and not used up; the
 * account can reserve many times the call's worst case, so that the hold lowers no limit; and a
 * hold of the same key and model was admitted seconds ago. After a declined hold nothing of the
 * account is sent early until the object grants anew.
 */
import {
  type AccountId,
  DAY_MS,
  EARLY_DECLINES_PER_DAY,
  EARLY_GRANT_MS,
  EARLY_PAUSE_MS,
  type HoldRequest,
  type HoldResult,
  type LedgerUnreachable,
  requestedMaxOutput,
  requiredHold,
} from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';

/** How many times its worst case the account must be able to reserve. */
const BALANCE_MULTIPLE = 20n;
/**
 * More output than a provider writes until the request is aborted: two seconds
 * (EARLY_SEND_TIMEOUT_MS) at 4,000 tokens a second.
 */
const MAX_EARLY_OUTPUT = 8_192;
const MAX_ACCOUNTS = 10_000;
const MAX_ADMITTED = 100;

type Grant = Readonly<{ risk: NanoUsd; spendable: NanoUsd; expiresAt: number }>;

/** What this isolate knows of an account. */
type AccountRecord = {
  grant: Grant | null;
  /** What the calls whose holds are not answered put at risk. */
  atRisk: NanoUsd;
  /** When a hold of a key and model was last asked for and admitted. */
  readonly admittedAt: Map<string, number>;
  /** Nothing is sent early before, after a loss. */
  pausedUntil: number;
  /** The losses of `day`. */
  day: number;
  losses: number;
};

type HoldAnswer = HoldResult | LedgerUnreachable;

/** A hold to ask for. `maxOutput` is null unless the call may be sent before the answer. */
export type Attempt = Readonly<{
  request: HoldRequest;
  maxOutput: number | null;
  risk: NanoUsd;
  askedAt: number;
}>;

/** Returns the most that the provider can cost before an early request is aborted. */
function earlyRisk(request: HoldRequest): NanoUsd {
  return requiredHold(request, Math.min(requestedMaxOutput(request), MAX_EARLY_OUTPUT));
}

function keyAndModel({ key, model }: HoldRequest): string {
  return `${key.keyId} ${key.secretHash} ${model}`;
}

export class EarlySends {
  readonly #isolate: string;
  readonly #isEnabled: boolean;
  readonly #accounts = new Map<AccountId, AccountRecord>();

  /** `isolate` is a random name. */
  constructor(isolate: string, isEnabled: boolean) {
    this.#isolate = isolate;
    this.#isEnabled = isEnabled;
  }

  /** Decides whether the call may be sent before its hold is answered; `end` must follow. */
  begin(account: AccountId, request: HoldRequest, now: number): Attempt {
    if (!this.#isEnabled) return { request, maxOutput: null, risk: 0n, askedAt: now };
    const record = this.#accounts.get(account);
    const risk = earlyRisk(request);
    const sent = record !== undefined && isAllowed(record, request, risk, now);
    if (sent) record.atRisk += risk;
    return {
      request: { ...request, early: { isolate: this.#isolate, sent } },
      maxOutput: sent ? requestedMaxOutput(request) : null,
      risk: sent ? risk : 0n,
      askedAt: now,
    };
  }

  /**
   * Learns from the answer to the hold. `isUsed` says whether what was sent early became the call's
   * own request; otherwise the platform pays for it.
   */
  end(
    account: AccountId,
    attempt: Attempt,
    { hold, isUsed, now }: Readonly<{ hold: HoldAnswer; isUsed: boolean; now: number }>,
  ): void {
    if (!this.#isEnabled) return;
    const record = this.#record(account, now);
    record.atRisk -= attempt.risk;
    if (attempt.maxOutput !== null && !isUsed) countLoss(record, now);
    if (!hold.ok || hold.early === undefined) {
      record.grant = null;
      record.admittedAt.clear();
      return;
    }
    record.grant = { ...hold.early, expiresAt: attempt.askedAt + EARLY_GRANT_MS };
    if (record.admittedAt.size >= MAX_ADMITTED) record.admittedAt.clear();
    record.admittedAt.set(keyAndModel(attempt.request), attempt.askedAt);
  }

  #record(account: AccountId, now: number): AccountRecord {
    const existing = this.#accounts.get(account);
    if (existing !== undefined) return existing;
    if (this.#accounts.size >= MAX_ACCOUNTS) {
      for (const [id, record] of this.#accounts)
        if (isForgettable(record, now)) this.#accounts.delete(id);
    }
    const created = newRecord();
    if (this.#accounts.size < MAX_ACCOUNTS) this.#accounts.set(account, created);
    return created;
  }
}

function newRecord(): AccountRecord {
  return { grant: null, atRisk: 0n, admittedAt: new Map(), pausedUntil: 0, day: 0, losses: 0 };
}

/** Whether the isolate can do without what it knows of the account. */
function isForgettable({ grant, atRisk, pausedUntil }: AccountRecord, now: number): boolean {
  return atRisk === 0n && pausedUntil <= now && (grant === null || grant.expiresAt <= now);
}

function countLoss(record: AccountRecord, now: number): void {
  const day = Math.floor(now / DAY_MS);
  record.losses = record.day === day ? record.losses + 1 : 1;
  record.day = day;
  const isLastOfDay = record.losses >= EARLY_DECLINES_PER_DAY;
  record.pausedUntil = isLastOfDay ? (day + 1) * DAY_MS : now + EARLY_PAUSE_MS;
}

function isAllowed(
  { grant, atRisk, admittedAt, pausedUntil }: AccountRecord,
  request: HoldRequest,
  risk: NanoUsd,
  now: number,
): boolean {
  if (grant === null || now >= grant.expiresAt || now < pausedUntil) return false;
  if (atRisk + risk > grant.risk) return false;
  const admitted = admittedAt.get(keyAndModel(request));
  if (admitted === undefined || now >= admitted + EARLY_GRANT_MS) return false;
  return requiredHold(request, requestedMaxOutput(request)) * BALANCE_MULTIPLE <= grant.spendable;
}
