/** The months of a statement. */
import { describe, expect, it } from 'vitest';
import { listMonthStarts, toMonthBalances } from './months.ts';

describe('the months of a statement', () => {
  it.each([
    ['2026-01-31T23:59:59.999Z', ['2025-11-01', '2025-12-01', '2026-01-01', '2026-02-01']],
    ['2026-03-01T00:00:00.000Z', ['2026-01-01', '2026-02-01', '2026-03-01', '2026-04-01']],
  ])('end with the one of %s, across years', (now, expected) => {
    const starts = listMonthStarts(Date.parse(now), 3);
    expect(starts.map((at) => new Date(at).toISOString().slice(0, 10))).toEqual(expected);
  });

  it('are newest first, open with what the one before closed with, and begin with the first entry', () => {
    const balances = [
      { before: 1, posted: 0n, seq: 0 },
      { before: 2, posted: 0n, seq: 0 },
      { before: 3, posted: 70n, seq: 2 },
      { before: 4, posted: 70n, seq: 2 },
      { before: 5, posted: 0n, seq: 9 },
    ];
    expect(toMonthBalances(balances)).toEqual([
      { start: 4, opening: 70n, closing: 0n },
      { start: 3, opening: 70n, closing: 70n },
      { start: 2, opening: 0n, closing: 70n },
    ]);
  });
});
