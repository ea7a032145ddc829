/**
 * Counts the calls that fail without an entry, so that their owner sees them: those that are refused
 * before they have one, and counts of tokens that the provider rejects or can't answer
 * (docs/decisions/0045-refused-calls-are-counted.md). The counts wait in the isolate's memory and are
 * brought to the account at most once a minute, so that a flood of refused calls costs its account
 * one message a minute from each isolate. What waits when an isolate ends is lost.
 */
import {
  type AccountId,
  HOUR_MS,
  type KeyCredential,
  MAX_REFUSED_COUNTS,
  type RefusedCalls,
} from '@farebox/ledger';
import type { ErrorReason } from './errors.ts';

/** The code of a refused call: ours, or that the provider rejected the request. */
export type RefusedCode = ErrorReason | 'upstream_refused';

/** Whose refused calls a request counts among; set once its key is known. */
export type RefusalOwner = { caller: Readonly<{ account: AccountId; key: KeyCredential }> | null };

type Send = (account: AccountId, refused: readonly RefusedCalls[]) => Promise<unknown>;
type WaitUntil = (work: Promise<unknown>) => void;

/** What an account's counts wait for at least between two messages. */
const SEND_INTERVAL_MS = 60_000;
/** How long the first refused call waits for others, so that they share its message. */
const COLLECT_MS = 2_000;
/** `waitUntil` ends 30 s after the response (Workers docs, "Context"); the message needs some too. */
const MAX_WAIT_MS = 25_000;
const MAX_ACCOUNTS = 2_000;

/** A secret that is wrong, or an account that is closed: the call belongs to no one. */
const NOT_COUNTED: ReadonlySet<RefusedCode> = new Set<RefusedCode>([
  'invalid_api_key',
  'account_closed',
]);

type AccountCounts = {
  readonly counts: Map<string, RefusedCalls>;
  /** When the next message may be sent. */
  dueAt: number;
  /** Until when a request waits to send it; one that was cut off meanwhile sends nothing. */
  awaitedUntil: number;
};

/** One per isolate. */
export class RefusedCallCounter {
  readonly #send: Send;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #accounts = new Map<AccountId, AccountCounts>();

  constructor(send: Send, sleep: (ms: number) => Promise<void>) {
    this.#send = send;
    this.#sleep = sleep;
  }

  /** Counts a call refused at `now`, and keeps its request at work until the count is sent. */
  count(
    { caller }: RefusalOwner,
    reason: RefusedCode,
    { now, waitUntil }: Readonly<{ now: number; waitUntil: WaitUntil }>,
  ): void {
    if (caller === null || NOT_COUNTED.has(reason)) return;
    const record = this.#record(caller.account, now);
    addCount(record.counts, caller.key.keyId, reason, now);
    this.#schedule(caller.account, record, { now, waitUntil });
  }

  /** Sends what waits longer than its request could stay at work: with the account's next call. */
  flush(account: AccountId, at: Readonly<{ now: number; waitUntil: WaitUntil }>): void {
    const record = this.#accounts.get(account);
    if (record !== undefined && record.counts.size > 0) this.#schedule(account, record, at);
  }

  get isEmpty(): boolean {
    return this.#accounts.size === 0;
  }

  #schedule(
    account: AccountId,
    record: AccountCounts,
    { now, waitUntil }: Readonly<{ now: number; waitUntil: WaitUntil }>,
  ): void {
    const waitMs = Math.max(0, record.dueAt - now);
    if (now < record.awaitedUntil || waitMs > MAX_WAIT_MS) return;
    record.awaitedUntil = now + waitMs + 1;
    waitUntil(this.#sendLater(account, record, now + waitMs, waitMs));
  }

  async #sendLater(
    account: AccountId,
    record: AccountCounts,
    sentAt: number,
    waitMs: number,
  ): Promise<void> {
    await this.#sleep(waitMs);
    record.dueAt = sentAt + SEND_INTERVAL_MS;
    const refused = [...record.counts.values()];
    record.counts.clear();
    // Not repeated where it fails: it would count again what arrived.
    await this.#send(account, refused);
  }

  #record(account: AccountId, now: number): AccountCounts {
    const existing = this.#accounts.get(account);
    if (existing !== undefined) return existing;
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size >= MAX_ACCOUNTS && oldest !== undefined) this.#accounts.delete(oldest);
    const created = { counts: new Map(), dueAt: now + COLLECT_MS, awaitedUntil: 0 };
    this.#accounts.set(account, created);
    return created;
  }
}

function addCount(
  counts: Map<string, RefusedCalls>,
  keyId: number,
  code: string,
  now: number,
): void {
  const hour = Math.floor(now / HOUR_MS);
  const id = `${keyId} ${code} ${hour}`;
  const count = (counts.get(id)?.count ?? 0) + 1;
  if (count === 1 && counts.size >= MAX_REFUSED_COUNTS) return;
  counts.set(id, { keyId, code, hour, count, lastAt: now });
}
