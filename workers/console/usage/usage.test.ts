/** Date ranges and aggregated usage. */
import { parseIsoDay, toIsoDay } from '@farebox/design';
import { mapSpendKinds } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fillMissingDays, findLargest, totalUsage, toUsageRows } from './aggregate.ts';
import { defaultDayRange, listDays, parseDayRange } from './date-range.ts';
import { toKindSums, totalCacheSavings } from './spend-kinds.ts';

const TODAY = parseIsoDay('2026-11-24') ?? 0;

function sum(group: string | number, charged: bigint) {
  return { group: String(group), calls: 1, inputTokens: 10, outputTokens: 2, charged };
}

describe('the date range', () => {
  it('defaults to the last 30 days', () => {
    expect(parseDayRange(undefined, '', TODAY)).toEqual({ from: TODAY - 29, to: TODAY });
    expect(listDays(defaultDayRange(TODAY))).toHaveLength(30);
  });

  it('accepts two days in order, at most a year apart', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40_000 }),
        fc.integer({ min: -10, max: 800 }),
        (a, n) => {
          const range = parseDayRange(toIsoDay(a), toIsoDay(Math.max(0, a + n)), TODAY);
          const isValid = n >= 0 && n < 366;
          expect(range).toEqual(isValid ? { from: a, to: a + n } : null);
        },
      ),
      { seed: 3 },
    );
  });

  it.each(['yesterday', '2026-02-30', "2026-11-01' or 1=1"])('rejects %j', (text) => {
    expect(parseDayRange(text, undefined, TODAY)).toBeNull();
    expect(parseDayRange(undefined, text, TODAY)).toBeNull();
  });
});

describe('aggregated usage', () => {
  const range = { from: TODAY - 2, to: TODAY };

  it('by day has every day in order', () => {
    const days = fillMissingDays([sum(TODAY, 5n), sum(TODAY - 2, 7n)], range);
    expect(days.map(({ charged }) => charged)).toEqual([7n, 0n, 5n]);
    expect(totalUsage(days)).toMatchObject({ calls: 2, inputTokens: 20, charged: 12n });
  });

  it('by key and by model starts with the highest charge and uses the names of keys', () => {
    const keyName = (id: string) => (id === '1' ? 'Main' : `key ${id}`);
    const rows = toUsageRows('key', [sum(2, 3n), sum(1, 9n)], range, { language: 'en', keyName });
    expect(rows.map(({ name }) => name)).toEqual(['Main', 'key 2']);
    expect(findLargest(rows)?.name).toBe('Main');
  });

  it('has no largest row where nothing was charged', () => {
    expect(findLargest(fillMissingDays([], range))).toBeUndefined();
  });
});

describe('spend by token kind', () => {
  const NOTHING = mapSpendKinds(() => 0n);
  const days = [
    { day: 1, kinds: { ...NOTHING, input: 3n, output: 4n }, unknown: 0n, cacheSaved: 5n },
    { day: 2, kinds: { ...NOTHING, other: 1n }, unknown: 8n, cacheSaved: 6n },
  ];

  it('has a sum for each day and kind with a charge, and one for what is not known', () => {
    expect(toKindSums(days).map(({ day, group, charged }) => [day, group, charged])).toEqual([
      [1, 'input', 3n],
      [1, 'output', 4n],
      [2, 'other', 1n],
      [2, 'unknown', 8n],
    ]);
  });

  it('tells whether the savings are those of every call', () => {
    expect(totalCacheSavings(days)).toEqual({ saved: 11n, isComplete: false });
    expect(totalCacheSavings(days.slice(0, 1))).toEqual({ saved: 5n, isComplete: true });
  });
});
