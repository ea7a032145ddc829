/**
 * Slows one key down before its account's object is asked, so that a flood of calls (refused ones
 * above all, which write nothing) can't keep the object from settling calls. A token bucket per key
 * in this isolate's memory: an approximation by design, the object's own limits are the exact ones.
 */

type Bucket = { tokens: number; at: number };

export type ThrottleRate = Readonly<{ perSecond: number; burst: number }>;

/** How many keys one isolate remembers; the longest unused is forgotten first. */
const KEYS_AT_MOST = 20_000;

export class Throttle {
  readonly #rate: ThrottleRate;
  readonly #buckets = new Map<string, Bucket>();

  constructor(rate: ThrottleRate) {
    this.#rate = rate;
  }

  /** Whole seconds to wait, or 0 if the call may go on. `now` in milliseconds. */
  admit(key: string, now: number): number {
    const bucket = this.#bucketOf(key, now);
    const grown = ((now - bucket.at) / 1000) * this.#rate.perSecond;
    bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + grown);
    bucket.at = now;
    if (bucket.tokens < 1)
      return Math.max(1, Math.ceil((1 - bucket.tokens) / this.#rate.perSecond));
    bucket.tokens -= 1;
    return 0;
  }

  #bucketOf(key: string, now: number): Bucket {
    const known = this.#buckets.get(key);
    const bucket = known ?? { tokens: this.#rate.burst, at: now };
    if (known === undefined) {
      this.#forgetOne();
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** A Map keeps insertion order; forgetting a full bucket costs its key nothing. */
  #forgetOne(): void {
    if (this.#buckets.size < KEYS_AT_MOST) return;
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}
