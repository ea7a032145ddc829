/** The exact rate limit, against a list that is searched whole each time. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlidingWindow, WINDOW_MS } from './sliding-window.ts';

describe('SlidingWindow', () => {
  it('never admits more than the limit in any 60 seconds, and names the first free moment', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 400 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 12 }), (gaps, limit) => {
        const window = new SlidingWindow();
        const admitted: number[] = [];
        let now = 1_000_000;
        for (const gap of gaps) {
          now += gap;
          const recent = admitted.filter((at) => at > now - WINDOW_MS);
          const waitMs = window.waitMs(limit, now);
          expect(waitMs === 0).toBe(recent.length < limit);
          if (waitMs > 0) {
            const then = now + waitMs;
            const left = admitted.filter((at) => at > then - WINDOW_MS).length;
            if (limit > 0) expect(left).toBeLessThan(limit);
            continue;
          }
          window.add(now);
          admitted.push(now);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('stays exact over more calls than it keeps', () => {
    const window = new SlidingWindow();
    for (let n = 0; n < 10_000; n++) window.add(n * 100);
    // 600 calls fit into the last minute.
    expect(window.waitMs(601, 10_000 * 100 - 100)).toBe(0);
    expect(window.waitMs(600, 10_000 * 100 - 100)).toBe(100);
  });
});
