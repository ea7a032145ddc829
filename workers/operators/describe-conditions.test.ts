import { RELEASED } from '@farebox/catalog';
import { describe, expect, it } from 'vitest';
import { describeConditions } from './describe-conditions.ts';

describe('the conditions of a price rule', () => {
  it.each([
    [{}, 'always'],
    [{ from: '2026-12-01' }, 'from 2026-12-01'],
    [{ from: '2026-12-01', until: '2027-01-01' }, 'from 2026-12-01; before 2027-01-01'],
    [{ tier: 'flex', region: 'us' }, 'tier flex; region us'],
    [{ size: '2k', quality: 'high' }, 'size 2k; quality high'],
    [{ input: { tokens: 272_000, inclusive: false } }, 'more than 272,000 input tokens'],
    [{ input: { tokens: 200_000, inclusive: true } }, '200,000 input tokens or more'],
    [
      { input: { tokens: 5, inclusive: true, buckets: ['input_uncached', 'cache_read'] } },
      '5 tokens of input_uncached, cache_read or more',
    ],
    [
      {
        schedule: {
          windows: [
            [3_600, 14_400],
            [21_600, 36_000],
          ],
          weekdays: [1, 2, 3, 4, 5],
          except: 'cn',
        },
      },
      '01:00–04:00 and 06:00–10:00 UTC; Mon–Fri; not on holidays (cn)',
    ],
    [
      { schedule: { windows: [], weekdays: [7, 6], only: 'cn' } },
      'Sat, Sun; on holidays only (cn)',
    ],
    [
      { schedule: { windows: [[63_000, 86_400]], utcOffsetMinutes: 480 } },
      '17:30–24:00 UTC; days of UTC+08:00',
    ],
  ] as const)('%j are written as: %s', (when, text) => {
    expect(describeConditions(when)).toBe(text);
  });

  it('of the release’s price list are words, and differ within a model', () => {
    for (const { models } of RELEASED.providers) {
      for (const { prices } of models) {
        const texts = prices.map(({ when }) => describeConditions(when));
        expect(new Set(texts).size).toBe(texts.length);
        expect(texts.join()).not.toMatch(/[{}[\]]|undefined/);
      }
    }
  });
});
