/**
 * What an account's object does on its own: ends holds that are overdue, hands the outbox to Postgres,
 * and keeps an alarm set while any of that remains. It promises that a line is acknowledged only after
 * Postgres said so, and that nothing that fails here reaches a caller; it never sets an alarm for this
 * very moment (such alarms have stalled: github.com/cloudflare/workerd/issues/6866).
 */
import { signal } from '@farebox/signals';
import type { Book, Outbox } from './book.ts';
import { ENTRIES_PER_DELIVERY, NOTICES_PER_BATCH } from './bounds.ts';
import type { AccountId, Delivery, Entry, Instant, Notice } from './contract.ts';

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
  notify: (notices: readonly Notice[]) => Promise<void>;
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
  /** Postgres and the queue fail apart from one another. */
  readonly #lines = new Pause();
  readonly #notices = new Pause();
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
    this.armFor(Math.max(this.#around.now() + SHIP_AFTER_MS, this.#lines.notBefore));
  }

  armForNotices(): void {
    if (this.#book.waitingNotices === 0) return;
    this.armFor(Math.max(this.#around.now() + SHIP_AFTER_MS, this.#notices.notBefore));
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
      this.#postpone(this.#lines);
      signal({ event: 'unexpected', where: 'account.ship', call: null });
    }
    try {
      await this.#notify();
    } catch {
      this.#postpone(this.#notices);
      signal({ event: 'unexpected', where: 'account.notify', call: null });
    }
    this.#book.wipeIfDone();
    this.#rearm();
  }

  #expireAll(): void {
    const now = this.#around.now();
    while (this.#book.expire(now) > 0);
  }

  #rearm(): void {
    const now = this.#around.now();
    const unsent = this.#book.outbox(0).pending > 0 || this.#resendAfter !== undefined;
    if (unsent || this.#book.wantsWiping) this.armForOutbox();
    this.armForNotices();
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

  /** Deleted only after they are safe with the queue: a crash between sends them twice, under their ids. */
  async #notify(): Promise<void> {
    const notices = this.#book.notices(NOTICES_PER_BATCH);
    if (notices.length === 0) return;
    await this.#around.notify(notices);
    this.#book.dropNotices(notices.map(({ id }) => id));
    this.#notices.over();
  }

  /** A new transaction, keyed on what was sent: other verbs ran while Postgres was answering. */
  #delivered(outbox: Outbox, acknowledged: number): void {
    const before = this.#book.acknowledge(acknowledged);
    const { account, entries } = outbox;
    this.#lines.over();
    if (this.#resendAfter !== undefined) {
      this.#resendAfter = acknowledged < before ? acknowledged : undefined;
    }
    signal({ event: 'outbox_shipped', account, entries: entries.length });
  }

  async #failed({ outbox, delivery }: Round): Promise<void> {
    const kind = delivery.ok ? 'mismatch' : delivery.reason;
    const { account, pending } = outbox;
    this.#postpone(this.#lines);
    signal({ event: 'outbox_failed', account, pending, kind });
    if (kind === 'gap') this.#resendAfter = await this.#around.lastDelivered(account);
  }

  #postpone(pause: Pause): void {
    pause.longer(this.#around.now(), this.#around.random());
  }
}

/** Longer after each failure in a row, and never twice exactly as long. */
class Pause {
  notBefore: Instant = 0;
  #failures = 0;

  longer(now: Instant, random: number): void {
    const longest = Math.min(LAST_RETRY_MS, FIRST_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.notBefore = now + Math.ceil(longest * (0.5 + random / 2));
  }

  over(): void {
    this.#failures = 0;
    this.notBefore = 0;
  }
}
