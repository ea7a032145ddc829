/**
 * Slows one key down before its account's object is asked, so that a flood of calls (refused ones
 * above all, which write nothing) can't keep the object from settling calls. A token bucket per key
 * in this isolate's memory: an approximation by design, the object's own limits are the exact ones.
 */

type TokenBucket = { tokens: number; refilledAt: number };

export type RateLimit = Readonly<{ perSecond: number; burst: number }>;

/** How many keys one isolate remembers; the longest unused is forgotten first. */
const MAX_KEYS = 20_000;

export class RateLimiter {
  readonly #rate: RateLimit;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: RateLimit) {
    this.#rate = rate;
  }

  /** Whole seconds to wait, or 0 if the call may go on. `now` in milliseconds. */
  tryAcquire(key: string, now: number): number {
    const bucket = this.#getBucket(key, now);
    const refill = ((now - bucket.refilledAt) / 1000) * this.#rate.perSecond;
    bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + refill);
    bucket.refilledAt = now;
    if (bucket.tokens < 1)
      return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate.perSecond));
    bucket.tokens -= 1;
    return 0;
  }

  #getBucket(key: string, now: number): TokenBucket {
    const existing = this.#buckets.get(key);
    const bucket = existing ?? { tokens: this.#rate.burst, refilledAt: now };
    if (existing === undefined) {
      this.#evictOldest();
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** A Map keeps insertion order; forgetting a full bucket costs its key nothing. */
  #evictOldest(): void {
    if (this.#buckets.size < MAX_KEYS) return;
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}
