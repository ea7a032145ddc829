/**
 * Takes turns in reading large documents. While one is read, its connections and chunks take 1.5 to
 * 3 MB of the process, and the garbage collector comes to them late
 * (docs/decisions/0030-memory-of-answers.md), so few are read at a time. The others are not read,
 * which keeps their providers from sending. All isolates' requests share the process.
 */
import type { AccountId } from '@farebox/ledger';

/** The documents that are read at a time. */
export const MAX_CONCURRENT_READS = 3;
/** How long a turn may take while others wait, in milliseconds. */
const TURN_MS = 5_000;
/** A turn without a read for so long goes to another: its client or its provider is slow. */
const STALLED_MS = 500;
/** How long one that waits sleeps before it looks for its turn, by how many wait before it. */
const MIN_POLL_MS = 25;
const MAX_POLL_MS = 250;

/** The reads of one document. A read outside a turn waits for one. */
export class ScheduledReads {
  readonly account: AccountId;
  readonly #scheduler: ReadScheduler;
  readonly #clock: () => number;
  /** When the turn and its last read began; null outside a turn. */
  #turn: { startedAt: number; lastReadAt: number } | null = null;
  #closed = false;

  /** `clock` returns milliseconds since the epoch. */
  constructor(scheduler: ReadScheduler, account: AccountId, clock: () => number) {
    this.#scheduler = scheduler;
    this.account = account;
    this.#clock = clock;
  }

  /** Returns a promise if the next read has to wait, which resolves when it may begin. */
  next(): Promise<void> | undefined {
    const now = this.#clock();
    if (this.#closed || this.#scheduler.admit(this, now)) {
      if (this.#turn !== null) this.#turn.lastReadAt = now;
      return undefined;
    }
    return this.#wait();
  }

  /** Ends the turn, or the wait for one, for good. */
  close(): void {
    this.#closed = true;
    this.#scheduler.remove(this, this.#clock());
  }

  get hasTurn(): boolean {
    return this.#turn !== null;
  }

  begin(now: number): void {
    this.#turn = { startedAt: now, lastReadAt: now };
  }

  end(): void {
    this.#turn = null;
  }

  /** Returns whether the turn goes to another document that waits. */
  isOver(now: number): boolean {
    const turn = this.#turn;
    return turn === null || now - turn.startedAt >= TURN_MS || now - turn.lastReadAt >= STALLED_MS;
  }

  /**
   * Waits with timers of its own request. One that another request has set ends with that request,
   * and what goes on from a promise that another resolves may find its own I/O refused
   * (docs/decisions/0032-batches-per-account.md). Those who wait end the turns of those who stall.
   */
  async #wait(): Promise<void> {
    while (!this.#closed && this.#turn === null) {
      const pollMs = Math.max(MIN_POLL_MS, Math.min(MAX_POLL_MS, this.#scheduler.countAhead(this)));
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      // A turn that ended before this document woke up is waited for again.
      if (!this.#closed && this.#turn === null) this.#scheduler.admit(this, this.#clock());
    }
    if (this.#turn !== null) this.#turn.lastReadAt = this.#clock();
  }
}

/** One per isolate. */
export class ReadScheduler {
  readonly #maxConcurrent: number;
  readonly #reading = new Set<ScheduledReads>();
  /** In the order in which they came. */
  readonly #waiting = new Set<ScheduledReads>();

  constructor(maxConcurrent = MAX_CONCURRENT_READS) {
    this.#maxConcurrent = maxConcurrent;
  }

  /** `clock` returns milliseconds since the epoch. */
  open(account: AccountId, clock: () => number): ScheduledReads {
    return new ScheduledReads(this, account, clock);
  }

  /** Returns how many documents have waited for longer than this one. */
  countAhead(reads: ScheduledReads): number {
    let ahead = 0;
    for (const other of this.#waiting) {
      if (other === reads) break;
      ahead += 1;
    }
    return ahead;
  }

  /** Returns whether the document has a turn; otherwise it waits for one. */
  admit(reads: ScheduledReads, now: number): boolean {
    if (reads.hasTurn && (this.#waiting.size === 0 || !reads.isOver(now))) return true;
    this.#waiting.add(reads);
    this.reassign(now);
    return reads.hasTurn && !this.#waiting.has(reads);
  }

  remove(reads: ScheduledReads, now: number): void {
    this.#waiting.delete(reads);
    this.#release(reads);
    this.reassign(now);
  }

  /** Ends the turns that are over while others wait, and gives free ones to those. */
  reassign(now: number): void {
    for (const reads of this.#reading) {
      if (this.#waiting.size > 0 && reads.isOver(now)) this.#release(reads);
    }
    while (this.#reading.size < this.#maxConcurrent) {
      const next = this.#findNext();
      if (next === undefined) return;
      this.#waiting.delete(next);
      this.#reading.add(next);
      next.begin(now);
    }
  }

  #release(reads: ScheduledReads): void {
    this.#reading.delete(reads);
    reads.end();
  }

  /** Returns the first that waits, of those whose accounts have the fewest turns. */
  #findNext(): ScheduledReads | undefined {
    const turns = new Map<AccountId, number>();
    for (const { account } of this.#reading) turns.set(account, (turns.get(account) ?? 0) + 1);
    let best: ScheduledReads | undefined;
    for (const reads of this.#waiting) {
      const isBetter =
        (turns.get(reads.account) ?? 0) < (turns.get(best?.account ?? reads.account) ?? 0);
      if (best === undefined || isBetter) best = reads;
    }
    return best;
  }
}
