/** The token bucket of a key: its burst, its refill, and how many keys it keeps. */
import { describe, expect, it } from 'vitest';
import { RateLimiter } from './rate-limiter.ts';

const START = 1_800_000_000_000;

function countAdmitted(limiter: RateLimiter, key: string, now: number, calls: number): number {
  let allowed = 0;
  for (let call = 0; call < calls; call += 1) if (limiter.tryAcquire(key, now) === 0) allowed += 1;
  return allowed;
}

describe('a burst of calls with one key', () => {
  it('is admitted up to the burst size and not one call more', () => {
    const limiter = new RateLimiter({ perSecond: 5, burst: 10 });
    expect(countAdmitted(limiter, 'a', START, 50)).toBe(10);
  });

  it('takes no tokens from another key', () => {
    const limiter = new RateLimiter({ perSecond: 5, burst: 10 });
    countAdmitted(limiter, 'a', START, 50);
    expect(countAdmitted(limiter, 'b', START, 50)).toBe(10);
  });

  it('is rejected with the whole seconds after which the call is admitted', () => {
    for (const perSecond of [0.2, 1, 5, 300]) {
      const limiter = new RateLimiter({ perSecond, burst: 2 });
      countAdmitted(limiter, 'a', START, 10);
      const waitSeconds = limiter.tryAcquire('a', START);
      expect(Number.isInteger(waitSeconds)).toBe(true);
      expect(waitSeconds).toBeGreaterThanOrEqual(1);
      expect(limiter.tryAcquire('a', START + waitSeconds * 1000)).toBe(0);
    }
  });
});

describe('calls that are rejected together', () => {
  /** Repeats each rejected call when it was told to, as SDKs do; returns how many gave up. */
  function countLost(
    calls: number,
    retries: number,
    rate: ConstructorParameters<typeof RateLimiter>[0],
  ) {
    const limiter = new RateLimiter(rate);
    let lost = 0;
    const queue = Array.from({ length: calls }, () => ({ at: START, retries }));
    for (let call = queue.shift(); call !== undefined; call = queue.shift()) {
      const waitSeconds = limiter.tryAcquire('a', call.at);
      if (waitSeconds > 0 && call.retries === 0) lost += 1;
      if (waitSeconds > 0 && call.retries > 0) {
        queue.push({ at: call.at + waitSeconds * 1000, retries: call.retries - 1 });
        queue.sort((a, b) => a.at - b.at);
      }
    }
    return lost;
  }

  it('are admitted at their first retry, because each is told another time', () => {
    expect(countLost(12, 1, { perSecond: 2, burst: 4 })).toBe(0);
    expect(countLost(40, 1, { perSecond: 2, burst: 4 })).toBe(0);
    expect(countLost(1_000, 1, { perSecond: 300, burst: 600 })).toBe(0);
  });

  it('are told to wait for at most 30 s', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 });
    const waits = Array.from({ length: 100 }, () => limiter.tryAcquire('a', START));
    expect(Math.max(...waits)).toBe(30);
  });
});

describe('the refill of a token bucket', () => {
  it('follows the configured rate', () => {
    const limiter = new RateLimiter({ perSecond: 5, burst: 10 });
    countAdmitted(limiter, 'a', START, 50);
    expect(countAdmitted(limiter, 'a', START + 1000, 50)).toBe(5);
    expect(countAdmitted(limiter, 'a', START + 1200, 50)).toBe(1);
  });

  it('is not delayed by rejected calls', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 });
    limiter.tryAcquire('a', START);
    for (let ms = 100; ms < 1000; ms += 100) {
      expect(limiter.tryAcquire('a', START + ms)).toBeGreaterThan(0);
    }
    expect(limiter.tryAcquire('a', START + 1001)).toBe(0);
  });

  it('never exceeds the burst after a long pause', () => {
    const limiter = new RateLimiter({ perSecond: 5, burst: 10 });
    countAdmitted(limiter, 'a', START, 50);
    expect(countAdmitted(limiter, 'a', START + 86_400_000, 50)).toBe(10);
  });

  it('admits the rate plus one burst during a long flood', () => {
    const limiter = new RateLimiter({ perSecond: 50, burst: 100 });
    let allowed = 0;
    for (let ms = 0; ms < 10_000; ms += 1) allowed += countAdmitted(limiter, 'a', START + ms, 1);
    expect(allowed).toBeGreaterThanOrEqual(100 + 50 * 10 - 2);
    expect(allowed).toBeLessThanOrEqual(100 + 50 * 10);
  });
});

describe('the keys kept by the rate limiter', () => {
  it('are at least 20,000, each limited to its burst', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 });
    for (let key = 0; key < 20_000; key += 1) limiter.tryAcquire(`k${key}`, START);
    expect(limiter.tryAcquire('k0', START)).toBeGreaterThan(0);
    expect(limiter.tryAcquire('k19999', START)).toBeGreaterThan(0);
  });

  it('lose exactly the oldest for each key beyond 20,000', () => {
    const limiter = new RateLimiter({ perSecond: 1, burst: 1 });
    for (let key = 0; key < 20_001; key += 1) limiter.tryAcquire(`k${key}`, START);
    // All but the oldest are still limited; the evicted one starts with a full bucket.
    expect(limiter.tryAcquire('k20000', START)).toBeGreaterThan(0);
    expect(limiter.tryAcquire('k1', START)).toBeGreaterThan(0);
    expect(limiter.tryAcquire('k0', START)).toBe(0);
  });
});
