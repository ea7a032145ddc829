import { describe, expect, it } from 'vitest';
import { exhaustedHeaders, quotaHeaders, withQuota } from './quota-headers.ts';
import { RateLimiter } from './rate-limiter.ts';

const CALLS = { limit: 50, left: 12, resetSeconds: 30 };
const DAY = {
  period: 'day',
  budget: 5_000_000_000n,
  left: 1_234_567n,
  resetSeconds: 3_600,
} as const;
const WEEK = { period: 'week', budget: 1n, left: 0n, resetSeconds: 9 } as const;
const MONTH = { period: 'month', budget: 2n ** 53n, left: 2n ** 53n, resetSeconds: 1 } as const;

/** Parameters of an item of a structured field: `;name=value`, where a value is an integer or text. */
const ITEM = /^"[a-z-]+"(?:;[a-z]+=(?:\d{1,15}|"[a-z-]+"))+$/;

describe('the RateLimit fields', () => {
  it('state the calls of a minute as the policy of the draft does', () => {
    expect(quotaHeaders({ calls: CALLS, budgets: [] })).toEqual({
      'ratelimit-policy': '"calls";q=50;w=60',
      ratelimit: '"calls";r=12;t=30',
    });
  });

  it('state each budget in millionths of a dollar, with the seconds until it renews', () => {
    expect(quotaHeaders({ calls: null, budgets: [DAY, WEEK] })).toEqual({
      'ratelimit-policy':
        '"budget-day";q=5000000;qu="micro-usd";w=86400, "budget-week";q=0;qu="micro-usd";w=604800',
      ratelimit: '"budget-day";r=1234;t=3600, "budget-week";r=0;t=9',
    });
  });

  it('are lists of structured fields, whose integers have at most 15 digits', () => {
    const headers = quotaHeaders({ calls: CALLS, budgets: [DAY, WEEK, MONTH] });
    for (const value of Object.values(headers)) {
      const items = value.split(', ');
      expect(items).toHaveLength(4);
      for (const item of items) expect(item).toMatch(ITEM);
    }
    expect(headers['ratelimit-policy']).not.toMatch(/"budget-month"[^,]*;w=/);
  });

  it.each([
    ['requests', { perSecond: 300, burst: 600 }, '"requests";q=600;w=2'],
    ['free-calls', { perSecond: 5, burst: 100 }, '"free-calls";q=100;w=20'],
    ['requests', { perSecond: 0.2, burst: 2 }, '"requests";q=2;w=10'],
  ] as const)('state the limit %s of the edge, with nothing left of it', (name, rate, policy) => {
    const fields = exhaustedHeaders(new RateLimiter(rate).toLimit(name), 3);
    expect(fields).toEqual({ 'ratelimit-policy': policy, ratelimit: `"${name}";r=0;t=3` });
    for (const value of Object.values(fields)) expect(value).toMatch(ITEM);
  });

  it('are absent where the key has no such limits', () => {
    expect([...withQuota(new Response(), undefined).headers]).toEqual([]);
  });
});
