/**
 * Limits the rate of a key before its account's Durable Object is called, so that a flood of calls
 * (declined ones above all, which store nothing) can't delay settlements there. A token bucket per
 * key in the isolate's memory: approximate by design, since the Durable Object enforces the exact
 * limits.
 */

type TokenBucket = {
  tokens: number;
  refilledAt: number;
  /** When the token is there that the last rejected call was told to wait for. */
  promisedAt: number;
};

export type RateLimit = Readonly<{ perSecond: number; burst: number }>;

/** What clients are told of a limit: calls in a window, by the name of what it counts. */
export type EdgeLimit = Readonly<{
  name: 'requests' | 'free-calls';
  quota: number;
  windowSeconds: number;
}>;

/** The longest wait that a rejected call is told, in seconds: SDKs ignore more than 60. */
const MAX_WAIT_SECONDS = 30;

/** How many keys one isolate keeps; the oldest is evicted first. */
const MAX_KEYS = 20_000;

export class RateLimiter {
  readonly #rate: RateLimit;
  readonly #buckets = new Map<string, TokenBucket>();

  constructor(rate: RateLimit) {
    this.#rate = rate;
  }

  /** A whole bucket and the time in which it fills: no window of that length refuses fewer calls. */
  toLimit(name: EdgeLimit['name']): EdgeLimit {
    const { burst, perSecond } = this.#rate;
    return { name, quota: Math.floor(burst), windowSeconds: Math.ceil(burst / perSecond) };
  }

  /** Returns 0 if the call is admitted, or the whole seconds to wait. `now` is in milliseconds. */
  tryAcquire(key: string, now: number): number {
    const bucket = this.#getBucket(key, now);
    const refill = ((now - bucket.refilledAt) / 1000) * this.#rate.perSecond;
    bucket.tokens = Math.min(this.#rate.burst, bucket.tokens + refill);
    bucket.refilledAt = now;
    if (bucket.tokens < 1) return this.#promiseToken(bucket, now);
    bucket.tokens -= 1;
    return 0;
  }

  /**
   * Returns the seconds until a token that no other rejected call waits for: told the same second,
   * all of them would come back at once, and most would be rejected again until they give up.
   */
  #promiseToken(bucket: TokenBucket, now: number): number {
    const msPerToken = 1000 / this.#rate.perSecond;
    const nextAt = now + (1 - bucket.tokens) * msPerToken;
    const freeAt = Math.max(nextAt, bucket.promisedAt + msPerToken);
    bucket.promisedAt = Math.min(freeAt, now + MAX_WAIT_SECONDS * 1000);
    return Math.max(1, Math.ceil((bucket.promisedAt - now) / 1000));
  }

  #getBucket(key: string, now: number): TokenBucket {
    const existing = this.#buckets.get(key);
    const bucket = existing ?? { tokens: this.#rate.burst, refilledAt: now, promisedAt: 0 };
    if (existing === undefined) {
      this.#evictOldest();
      this.#buckets.set(key, bucket);
    }
    return bucket;
  }

  /** A Map keeps insertion order. A key whose bucket is evicted starts with a full one. */
  #evictOldest(): void {
    if (this.#buckets.size < MAX_KEYS) return;
    const oldest = this.#buckets.keys().next();
    if (oldest.done !== true) this.#buckets.delete(oldest.value);
  }
}
