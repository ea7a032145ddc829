/**
 * How many bytes of large bodies one account may have decoded and read per second in an isolate. A
 * compressed body of 20 KB can be 20 MB to read, which takes the isolate's only thread for a third
 * of a second (14 ms a megabyte, docs/decisions/0027): without a rate, three such requests a second
 * would stop every stream of all others.
 */
import type { AccountId } from '@farebox/ledger';

/** 8 MB a second keep the thread busy for a ninth of the time. */
const BYTES_PER_SECOND = 8 * 1024 * 1024;
/** Eight of the largest bodies, one after the other. */
const BURST_BYTES = 160 * 1024 * 1024;

/** How many accounts one isolate keeps; the oldest is evicted first. */
const MAX_ACCOUNTS = 10_000;

type Debt = Readonly<{ bytes: number; at: number }>;

export class AccountByteRate {
  /** What each account has had read, less what time has paid back. */
  readonly #debts = new Map<AccountId, Debt>();

  /** Returns whether the account has to wait. `now` is in milliseconds. */
  isExhausted(account: AccountId, now: number): boolean {
    return this.#debtAt(account, now) >= BURST_BYTES;
  }

  /** Counts a body that was read. It may exceed what is left: the next one waits the longer. */
  add(account: AccountId, bytes: number, now: number): void {
    const debt = { bytes: this.#debtAt(account, now) + bytes, at: now };
    // The order of the map is that of the last body.
    this.#debts.delete(account);
    this.#evictOldest();
    this.#debts.set(account, debt);
  }

  #debtAt(account: AccountId, now: number): number {
    const debt = this.#debts.get(account);
    if (debt === undefined) return 0;
    return Math.max(0, debt.bytes - ((now - debt.at) / 1000) * BYTES_PER_SECOND);
  }

  /** A Map keeps insertion order. */
  #evictOldest(): void {
    if (this.#debts.size < MAX_ACCOUNTS) return;
    const oldest = this.#debts.keys().next();
    if (oldest.done !== true) this.#debts.delete(oldest.value);
  }
}
