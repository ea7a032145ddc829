/**
 * What an account's object does on its own: ends holds that are overdue, hands the outbox to Postgres,
 * and keeps an alarm set while any of that remains. It promises that a line is acknowledged only after
 * Postgres said so, and that nothing that fails here reaches a caller; it never sets an alarm for this
 * very moment (such alarms have stalled: github.com/cloudflare/workerd/issues/6866).
 */
import { signal } from '@farebox/signals';
import type { Book, Outbox } from './book.ts';
import { ENTRIES_PER_DELIVERY } from './bounds.ts';
import type { AccountId, Delivery, Entry, Instant } from './contract.ts';

/** Lines of this much time travel together, so that a busy account costs few statements. */
const SHIP_AFTER_MS = 1_000;
/** An alarm this late is lost, not slow (github.com/cloudflare/cloudflare-docs/issues/18324). */
const OVERDUE_MS = 60_000;
const STATEMENTS_PER_ALARM = 20;
const FIRST_RETRY_MS = 1_000;
const LAST_RETRY_MS = 300_000;

export type Surroundings = Readonly<{
  deliver: (account: AccountId, entries: readonly Entry[]) => Promise<Delivery>;
  /** The last line Postgres has, asked only when it says that lines are missing. */
  lastDelivered: (account: AccountId) => Promise<number>;
  setAlarm: (at: Instant) => void;
  now: () => Instant;
  /** In [0, 1). */
  random: () => number;
}>;

type Round = Readonly<{ outbox: Outbox; delivery: Delivery }>;

export class Dispatch {
  readonly #book: Book;
  readonly #around: Surroundings;
  #alarmAt: Instant | null;
  #failures = 0;
  #notBefore: Instant = 0;
  /** After a gap: what Postgres really has, below what was once acknowledged. */
  #resendAfter: number | undefined;

  constructor(book: Book, around: Surroundings, alarmAt: Instant | null) {
    this.#book = book;
    this.#around = around;
    this.#alarmAt = alarmAt;
    if (alarmAt === null) this.#rearm();
  }

  /** Sees to it that the alarm rings by `wanted`. Mostly a comparison: it writes once a second at most. */
  armFor(wanted: Instant): void {
    const now = this.#around.now();
    if (this.#alarmAt !== null && this.#alarmAt < now - OVERDUE_MS) this.#alarmAt = null;
    if (this.#alarmAt !== null && this.#alarmAt <= wanted) return;
    this.#alarmAt = Math.max(wanted, now + 1);
    this.#around.setAlarm(this.#alarmAt);
  }

  /** A line was written. */
  armForOutbox(): void {
    this.armFor(Math.max(this.#around.now() + SHIP_AFTER_MS, this.#notBefore));
  }

  /** For verbs that write nothing: sets again an alarm that should have rung long ago. */
  tend(): void {
    if (this.#alarmAt === null || this.#alarmAt >= this.#around.now() - OVERDUE_MS) return;
    this.#rearm();
  }

  async alarm(): Promise<void> {
    this.#alarmAt = null;
    try {
      this.#expireAll();
    } catch {
      signal({ event: 'unexpected', where: 'account.expire', call: null });
    }
    try {
      await this.#ship();
      this.#book.prune(this.#around.now());
    } catch {
      // Also what a delivery throws: its text may quote a statement, so it goes no further than here.
      this.#postpone();
      signal({ event: 'unexpected', where: 'account.ship', call: null });
    }
    this.#rearm();
  }

  #expireAll(): void {
    const now = this.#around.now();
    while (this.#book.expire(now) > 0);
  }

  #rearm(): void {
    const now = this.#around.now();
    if (this.#book.outbox(0).pending > 0 || this.#resendAfter !== undefined) this.armForOutbox();
    const deadline = this.#book.nextDeadline();
    if (deadline !== null) this.armFor(Math.max(deadline, now + SHIP_AFTER_MS));
  }

  /** Full loads follow one another; after a smaller one the next lines gather again (`SHIP_AFTER_MS`). */
  async #ship(): Promise<void> {
    for (let statements = 0; statements < STATEMENTS_PER_ALARM; statements++) {
      const outbox = this.#book.outbox(ENTRIES_PER_DELIVERY, this.#resendAfter);
      const first = outbox.entries[0];
      if (first === undefined) {
        this.#resendAfter = undefined;
        return;
      }
      const delivery = await this.#around.deliver(outbox.account, outbox.entries);
      if (!delivery.ok || delivery.acknowledged < first.seq) {
        await this.#failed({ outbox, delivery });
        return;
      }
      this.#delivered(outbox, delivery.acknowledged);
      if (outbox.entries.length < ENTRIES_PER_DELIVERY) return;
    }
  }

  /** A new transaction, keyed on what was sent: other verbs ran while Postgres was answering. */
  #delivered(outbox: Outbox, acknowledged: number): void {
    const before = this.#book.acknowledge(acknowledged);
    const { account, entries } = outbox;
    this.#failures = 0;
    this.#notBefore = 0;
    if (this.#resendAfter !== undefined) {
      this.#resendAfter = acknowledged < before ? acknowledged : undefined;
    }
    signal({ event: 'outbox_shipped', account, entries: entries.length });
  }

  async #failed({ outbox, delivery }: Round): Promise<void> {
    const kind = delivery.ok ? 'mismatch' : delivery.reason;
    const { account, pending } = outbox;
    this.#postpone();
    signal({ event: 'outbox_failed', account, pending, kind });
    if (kind === 'gap') this.#resendAfter = await this.#around.lastDelivered(account);
  }

  #postpone(): void {
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#notBefore = this.#around.now() + Math.ceil(longest * (0.5 + this.#around.random() / 2));
  }
}
