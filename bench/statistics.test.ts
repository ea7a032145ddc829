import { expect, test } from 'vitest';
import { evaluateGoals } from './goals.ts';
import { frameText, parseFrames } from './payloads.ts';
import { type Cell, type Row, sameRow } from './rounds.ts';
import { rowName } from './row-name.ts';
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

const ROW: Row = {
  ...{ pace: 'paced', connections: 64, accounts: 1, dialect: 'chat', usage: false, bodyBytes: 600 },
};

function cell(subject: SubjectName, round: number, perSecond: number, ms: number): Cell {
  const load = {
    ...{ calls: 1, total: 1, perSecond, firstByteP50: ms, firstByteP99: ms, wholeP50: ms },
    ...{ errors: 0, complaint: null, frameDelayP50: 0, frameDelayP99: 0 },
    ...{ cleanStreams: 0, timedStreams: 0 },
  };
  const written = { deliveriesPerThousand: 0, statementsPerThousand: 0 };
  return { row: ROW, subject, round, load, cpuMsPerCall: ms / 10, memoryMb: 1, ...written };
}

test('evaluateGoals uses the median of the rounds, and skips rows that were not measured', () => {
  const cells = [0, 1, 2].flatMap((round) => [
    cell('bare', round, 100, 20),
    cell('farebox', round, [90, 96, 97][round] ?? 0, [20, 33, 31][round] ?? 0),
  ]);
  expect(
    evaluateGoals(cells, [ROW]).map(({ goal, measured, reached }) => [goal, measured, reached]),
  ).toEqual([
    ['calls/s to bare', 0.96, true],
    ['CPU a call, ms', 3.1, false],
    ['first byte added to bare, p50, ms', 11, false],
  ]);
});

test('parseFrames finds each time once, however the text is split', () => {
  const times = [1.5, 20_000_000.125, 20_000_020.5];
  const text = times.map((time) => `data: "${frameText(time)}"\n\n`).join('');
  for (let at = 0; at <= text.length; at += 1) {
    const first = parseFrames(text.slice(0, at));
    const second = parseFrames(first.rest + text.slice(at));
    expect([...first.sentAtMs, ...second.sentAtMs]).toEqual(times);
  }
});

test('rows that differ in more than their accounts are not the same', () => {
  expect(sameRow(ROW, { ...ROW, accounts: 50 })).toBe(false);
  expect(sameRow(ROW, { ...ROW, accounts: 50 }, true)).toBe(true);
  expect(sameRow(ROW, { ...ROW, usage: true }, true)).toBe(false);
  expect(rowName({ ...ROW, usage: true, bodyBytes: 115 * 1024 })).toBe(
    'paced, usage asked for, body of 115 KB, 64 concurrent, one account',
  );
});
