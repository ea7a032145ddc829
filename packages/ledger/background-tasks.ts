/**
 * The background work of an account object: expires overdue holds, delivers the outbox to Postgres
 * and the notifications to their queue, and keeps an alarm set while work remains. An entry is
 * acknowledged only after Postgres confirmed it. No failure here reaches a caller. An alarm is
 * never set for the current moment, because such alarms have stalled
 * (github.com/cloudflare/workerd/issues/6866).
 */
import { logEvent } from '@farebox/telemetry';
import { isReadyToWipe, wipeIfReady } from './account-closure.ts';
import type { AccountLedger, Outbox } from './account-ledger.ts';
import type {
  AccountId,
  DeliveryResult,
  Entry,
  Instant,
  Notification,
  StatementLink,
} from './contract/index.ts';
import { prune } from './entries.ts';
import { chainOutbox, checkLinks, findBacklog, storeLinks } from './entry-chain.ts';
import { ENTRIES_PER_DELIVERY, NOTIFICATIONS_PER_BATCH } from './limits.ts';
import { deleteNotifications, oldestNotifications } from './notifications.ts';
import { expire, nextDeadline } from './settlements.ts';
import { chainEntries } from './statement-line.ts';
import { InvariantViolation } from './transaction.ts';

/** Entries of this period share a delivery, so that a busy account costs few statements. */
const FLUSH_DELAY_MS = 1_000;
/**
 * The period of an account that calls steadily, but little: an alarm and a statement each second for
 * a few entries is a large part of what its calls cost where many such accounts share a machine. Its
 * owner sees the first calls after a pause as soon as before, and each bill at once: the object
 * answers for those.
 */
const SPARSE_FLUSH_DELAY_MS = 4_000;
/** A delivery of fewer entries than this is a small one; after so many of them an account is sparse. */
const SMALL_DELIVERY = 100;
const MIN_SMALL_DELIVERIES = 3;
/** An account that delivered nothing for this long has paused. */
const PAUSE_MS = 10_000;
/** An alarm later than this counts as lost (github.com/cloudflare/cloudflare-docs/issues/18324). */
const OVERDUE_MS = 60_000;
const MAX_DELIVERIES_PER_ALARM = 20;
/** Between two steps of a wipe, so that other requests to the object come in between. */
const WIPE_STEP_DELAY_MS = 100;
const MIN_RETRY_MS = 1_000;
const MAX_RETRY_MS = 300_000;
/** Older entries that one statement reads and one transaction chains, and how many an alarm does. */
const ENTRIES_PER_CHAIN_SLICE = 500;
const CHAIN_SLICES_PER_ALARM = 4;

export type BackgroundDeps = Readonly<{
  deliver: (account: AccountId, entries: readonly Entry[]) => Promise<DeliveryResult>;
  /** Returns the last sequence number in Postgres; called only after a gap. */
  lastDeliveredSeq: (account: AccountId) => Promise<number>;
  notify: (notifications: readonly Notification[]) => Promise<void>;
  /** Returns the stored entries after a sequence number, oldest first, at most `limit`. */
  storedEntries: (account: AccountId, after: number, limit: number) => Promise<readonly Entry[]>;
  /** Stores the hashes of entries that Postgres has without one. A repeat changes nothing. */
  storeHashes: (account: AccountId, links: readonly StatementLink[]) => Promise<void>;
  setAlarm: (at: Instant) => void;
  now: () => Instant;
  /** In [0, 1). */
  random: () => number;
  /** Charges that one alarm deletes of a closed account. */
  chargesPerWipeStep: number;
}>;

type DeliveryAttempt = Readonly<{ outbox: Outbox; delivery: DeliveryResult }>;

export class BackgroundTasks {
  readonly #ledger: AccountLedger;
  readonly #deps: BackgroundDeps;
  #alarmAt: Instant | null;
  /** Whether the next alarm is not decided yet: an alarm runs, or threw before it decided. */
  #isUnscheduled = true;
  /** Each task fails on its own. */
  readonly #expiryBackoff = new Backoff();
  readonly #deliveryBackoff = new Backoff();
  readonly #notificationBackoff = new Backoff();
  readonly #chainBackoff = new Backoff();
  readonly #wipeBackoff = new Backoff();
  /** Whether the backlog can't be chained as it is stored, however often it is tried. */
  #isChainBroken = false;
  /** The small deliveries since the last large one or the last pause, and when the last one was. */
  #smallDeliveries = { count: 0, at: Number.NEGATIVE_INFINITY };
  /** Set after a gap: the last sequence number in Postgres, below what was acknowledged. */
  #resendAfter: number | undefined;

  constructor(ledger: AccountLedger, deps: BackgroundDeps, alarmAt: Instant | null) {
    this.#ledger = ledger;
    this.#deps = deps;
    this.#alarmAt = alarmAt;
    if (alarmAt === null) this.#rescheduleOrRetry();
    else this.#isUnscheduled = false;
  }

  /**
   * Sets the alarm to fire by `dueAt`. Usually only a comparison: it writes at most once a second.
   */
  scheduleAlarm(dueAt: Instant): void {
    const now = this.#deps.now();
    if (this.#alarmAt !== null && this.#alarmAt < now - OVERDUE_MS) this.#alarmAt = null;
    if (this.#alarmAt !== null && this.#alarmAt <= dueAt) return;
    this.#alarmAt = Math.max(dueAt, now + 1);
    this.#deps.setAlarm(this.#alarmAt);
  }

  /** Schedules a delivery after a new entry. */
  scheduleOutboxFlush(): void {
    const now = this.#deps.now();
    const { count, at } = this.#smallDeliveries;
    const isSparse = count >= MIN_SMALL_DELIVERIES && now - at < PAUSE_MS;
    const delay = isSparse ? SPARSE_FLUSH_DELAY_MS : FLUSH_DELAY_MS;
    this.scheduleAlarm(Math.max(now + delay, this.#deliveryBackoff.notBefore(now)));
  }

  scheduleNotifications(): void {
    if (this.#ledger.pendingNotificationCount === 0) return;
    const now = this.#deps.now();
    this.scheduleAlarm(Math.max(now + FLUSH_DELAY_MS, this.#notificationBackoff.notBefore(now)));
  }

  /**
   * Sets an overdue alarm again, and one that a failed run left unset; every verb calls it.
   * Otherwise only a comparison.
   */
  ensureAlarm(): void {
    const isOverdue = this.#alarmAt !== null && this.#alarmAt < this.#deps.now() - OVERDUE_MS;
    if (isOverdue || this.#isUnscheduled) this.#rescheduleOrRetry();
  }

  /**
   * Runs every task, whatever becomes of the others, and always leaves an alarm while work remains.
   * It never throws: the runtime would repeat it six times and then never again
   * (developers.cloudflare.com/durable-objects/api/alarms).
   */
  async alarm(): Promise<void> {
    this.#alarmAt = null;
    this.#isUnscheduled = true;
    await this.#attempt('account.expire', this.#expiryBackoff, () => this.#expireAll());
    await this.#attempt('account.flush_outbox', this.#deliveryBackoff, async () => {
      await this.#flushOutbox();
      this.#ledger.run(0, prune);
    });
    await this.#attempt('account.notify', this.#notificationBackoff, () => this.#notify());
    await this.#attempt('account.chain', this.#chainBackoff, () => this.#tryChain());
    await this.#attempt('account.wipe', this.#wipeBackoff, () => {
      const { chargesPerWipeStep } = this.#deps;
      this.#ledger.run(undefined, wipeIfReady, chargesPerWipeStep, this.#isChainBroken);
      this.#wipeBackoff.reset();
    });
    this.#rescheduleOrRetry();
  }

  /** Runs one task. The text of a thrown error may quote a statement, so it is not passed on. */
  async #attempt(where: string, backoff: Backoff, task: () => void | Promise<void>): Promise<void> {
    try {
      await task();
    } catch {
      this.#backOff(backoff);
      logEvent({ event: 'unexpected', where, call: null });
    }
  }

  /** Decides the next alarm; if the tables can't be read, the next alarm is a minute away. */
  #rescheduleOrRetry(): void {
    try {
      this.#rescheduleAlarm();
    } catch {
      logEvent({ event: 'unexpected', where: 'account.reschedule', call: null });
      this.scheduleAlarm(this.#deps.now() + OVERDUE_MS);
    }
  }

  #expireAll(): void {
    while (this.#ledger.run(0, expire) > 0);
    this.#expiryBackoff.reset();
  }

  #rescheduleAlarm(): void {
    const now = this.#deps.now();
    const unsent = this.#ledger.outbox(0).pending > 0 || this.#resendAfter !== undefined;
    if (unsent) this.scheduleOutboxFlush();
    if (this.#ledger.run(false, isReadyToWipe)) {
      this.scheduleAlarm(Math.max(now + WIPE_STEP_DELAY_MS, this.#wipeBackoff.notBefore(now)));
    }
    this.scheduleNotifications();
    if (this.#ledger.run(null, findBacklog) !== null) {
      this.scheduleAlarm(Math.max(now + FLUSH_DELAY_MS, this.#chainBackoff.notBefore(now)));
    }
    const deadline = this.#ledger.run(null, nextDeadline);
    if (deadline !== null) {
      const notBefore = Math.max(now + FLUSH_DELAY_MS, this.#expiryBackoff.notBefore(now));
      this.scheduleAlarm(Math.max(deadline, notBefore));
    }
    this.#isUnscheduled = false;
  }

  /** Sends full deliveries one after another; a smaller one is the last of this run. */
  async #flushOutbox(): Promise<void> {
    for (let deliveries = 0; deliveries < MAX_DELIVERIES_PER_ALARM; deliveries++) {
      const outbox = this.#ledger.outbox(ENTRIES_PER_DELIVERY, this.#resendAfter);
      const first = outbox.entries[0];
      if (first === undefined) {
        this.#resendAfter = undefined;
        return;
      }
      const delivery = await this.#deps.deliver(outbox.account, outbox.entries);
      if (!delivery.ok || delivery.acknowledged < first.seq) {
        await this.#onDeliveryFailed({ outbox, delivery });
        return;
      }
      this.#onDelivered(outbox, delivery.acknowledged);
      if (outbox.entries.length < ENTRIES_PER_DELIVERY) return;
    }
  }

  /**
   * Deletes notifications after the queue has them: a crash in between sends them twice, with the
   * same ids.
   */
  async #notify(): Promise<void> {
    const notifications = this.#ledger.run([], oldestNotifications, NOTIFICATIONS_PER_BATCH);
    if (notifications.length === 0) return;
    await this.#deps.notify(notifications);
    const ids = notifications.map(({ id }) => id);
    this.#ledger.run(undefined, deleteNotifications, ids);
    this.#notificationBackoff.reset();
  }

  /**
   * Chains the backlog, and keeps whether what is stored prevents that: what Postgres lacks or says
   * otherwise. Then it throws what these are, and any other error where Postgres did not answer.
   */
  async #tryChain(): Promise<void> {
    // Other work sets alarms too.
    const now = this.#deps.now();
    if (now < this.#chainBackoff.notBefore(now)) return;
    try {
      await this.#chainBacklog();
      this.#isChainBroken = false;
    } catch (error) {
      this.#isChainBroken = error instanceof RangeError || error instanceof InvariantViolation;
      throw error;
    }
  }

  /**
   * Chains entries of releases before the chain, a few in each alarm: an account may have millions.
   * Those that Postgres has are read there, because the object may have pruned its own, and get their
   * hash there first: a crash in between repeats both. Only this alarm delivers entries, so no entry
   * is on its way to Postgres without its hash meanwhile.
   */
  async #chainBacklog(): Promise<void> {
    for (let slice = 0; slice < CHAIN_SLICES_PER_ALARM; slice++) {
      const backlog = this.#ledger.run(null, findBacklog);
      if (backlog === null) return;
      const { account, from, isStored } = backlog;
      if (isStored) {
        const entries = await this.#deps.storedEntries(account, from.seq, ENTRIES_PER_CHAIN_SLICE);
        if (entries.length === 0) throw new RangeError('acknowledged entries are not stored');
        const links = chainEntries(account, from, entries);
        // Postgres keeps no hash of an entry that is another here: a statement would sign it.
        this.#ledger.run(undefined, (tx) => void checkLinks(tx, links));
        await this.#deps.storeHashes(account, links);
        this.#ledger.run(undefined, storeLinks, links);
      } else this.#ledger.run(undefined, chainOutbox, ENTRIES_PER_CHAIN_SLICE);
      this.#chainBackoff.reset();
    }
  }

  #countDelivery(size: number): void {
    const { count, at } = this.#smallDeliveries;
    const now = this.#deps.now();
    const isSmall = size < SMALL_DELIVERY;
    const before = now - at < PAUSE_MS ? count : 0;
    this.#smallDeliveries = { count: isSmall ? before + 1 : 0, at: now };
  }

  /** Acknowledges in a new transaction: other verbs ran while Postgres answered. */
  #onDelivered(outbox: Outbox, acknowledged: number): void {
    const before = this.#ledger.acknowledge(acknowledged);
    const { account, entries } = outbox;
    this.#deliveryBackoff.reset();
    this.#countDelivery(entries.length);
    if (this.#resendAfter !== undefined) {
      this.#resendAfter = acknowledged < before ? acknowledged : undefined;
    }
    logEvent({ event: 'outbox_flushed', account, entries: entries.length });
  }

  async #onDeliveryFailed({ outbox, delivery }: DeliveryAttempt): Promise<void> {
    const kind = delivery.ok ? 'mismatch' : delivery.reason;
    const { account, pending } = outbox;
    this.#backOff(this.#deliveryBackoff);
    logEvent({ event: 'outbox_failed', account, pending, kind });
    if (kind === 'gap') this.#resendAfter = await this.#deps.lastDeliveredSeq(account);
  }

  #backOff(backoff: Backoff): void {
    backoff.increase(this.#deps.now(), this.#deps.random());
  }
}

/** Exponential backoff with jitter. */
class Backoff {
  #notBefore: Instant = 0;
  #failures = 0;

  /** Of a clock that went back since the failure, what it said then does not hold. */
  notBefore(now: Instant): Instant {
    return this.#notBefore > now + MAX_RETRY_MS ? now : this.#notBefore;
  }

  increase(now: Instant, random: number): void {
    const maxDelayMs = Math.min(MAX_RETRY_MS, MIN_RETRY_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#notBefore = now + Math.ceil(maxDelayMs * (0.5 + random / 2));
  }

  reset(): void {
    this.#failures = 0;
    this.#notBefore = 0;
  }
}
