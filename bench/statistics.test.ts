import { expect, test } from 'vitest';
import { evaluateGoals } from './goals.ts';
import type { Cell, Row } from './rounds.ts';
import { differences, median, quantile, ratios, slope, spread } from './statistics.ts';
import type { SubjectName } from './subject.ts';

test('quantile interpolates and does not change its input', () => {
  const values = [4, 1, 3, 2];
  expect(quantile(values, 0.5)).toBe(2.5);
  expect(quantile(values, 0)).toBe(1);
  expect(quantile(values, 1)).toBe(4);
  expect(values).toEqual([4, 1, 3, 2]);
  expect(median([])).toBeNaN();
});

test('ratios and differences compare round by round', () => {
  expect(ratios([2, 9], [1, 3, 7])).toEqual([2, 3]);
  expect(differences([2, 9], [1, 3])).toEqual([1, 6]);
  expect(spread([3, 1, 2])).toEqual({ median: 2, least: 1, most: 3 });
  expect(slope([1, 3, 5])).toBe(2);
});

function cell(row: Row, subject: SubjectName, round: number, perSecond: number, ms: number): Cell {
  const load = {
    calls: 1,
    total: 1,
    perSecond,
    firstByteP50: ms,
    firstByteP99: ms,
    wholeP50: ms,
    errors: 0,
    complaint: null,
  };
  return { row, subject, round, load, cpuMsPerThousand: 1, memoryMb: 1 };
}

test('evaluateGoals uses the median of the rounds, and skips rows that were not measured', () => {
  const row: Row = { pace: 'paced', connections: 64, accounts: 1 };
  const cells = [0, 1, 2].flatMap((round) => [
    cell(row, 'bare', round, 100, 20),
    cell(row, 'farebox', round, [90, 96, 97][round] ?? 0, [20, 27, 26][round] ?? 0),
  ]);
  expect(
    evaluateGoals(cells, [row]).map(({ goal, measured, reached }) => [goal, measured, reached]),
  ).toEqual([
    ['paced throughput, relative to the bare Worker', 0.96, true],
    ['paced first byte, p50, ms more than the bare Worker', 6, false],
  ]);
});
