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

/** The reads of one document. A read outside a turn waits for one. */
export class ScheduledReads {
  readonly account: AccountId;
  readonly #scheduler: ReadScheduler;
  /** When the turn and its last read began; null outside a turn. */
  #turn: { startedAt: number; lastReadAt: number } | null = null;
  #resume: (() => void) | undefined;
  #closed = false;

  constructor(scheduler: ReadScheduler, account: AccountId) {
    this.#scheduler = scheduler;
    this.account = account;
  }

  /** Returns a promise if the next read has to wait, which resolves when it may begin. */
  next(now: number): Promise<void> | undefined {
    if (this.#closed || this.#scheduler.admit(this, now)) {
      if (this.#turn !== null) this.#turn.lastReadAt = now;
      return undefined;
    }
    return this.#wait();
  }

  /** Ends the turn, or the wait for one, for good. */
  close(now: number): void {
    this.#closed = true;
    this.#scheduler.remove(this, now);
    this.#resume?.();
  }

  get hasTurn(): boolean {
    return this.#turn !== null;
  }

  begin(now: number): void {
    this.#turn = { startedAt: now, lastReadAt: now };
    this.#resume?.();
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
   * Waits with a timer of its own request, because a timer ends with the request that has set it:
   * those who wait end the turns of those who stall.
   */
  async #wait(): Promise<void> {
    while (!this.#closed && this.#turn === null) {
      let timer: ReturnType<typeof setTimeout> | undefined;
      await new Promise<void>((resolve) => {
        this.#resume = resolve;
        timer = setTimeout(resolve, STALLED_MS);
      });
      clearTimeout(timer);
      this.#resume = undefined;
      this.#scheduler.reassign(Date.now());
    }
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

  open(account: AccountId): ScheduledReads {
    return new ScheduledReads(this, account);
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
