/**
 * The goals set before the first measurement, and whether a run reached them. A goal is skipped if
 * its rows weren't measured.
 */
import type { RowPace } from './options.ts';
import { type Cell, type Row, sameRow } from './rounds.ts';
import { differences, median, ratios } from './statistics.ts';
import type { SubjectName } from './subject.ts';

export type GoalResult = Readonly<{
  goal: string;
  row: string;
  measured: number;
  wanted: string;
  reached: boolean;
}>;

type Measure = (cell: Cell) => number;
const rate: Measure = (cell) => cell.load.perSecond;
const firstByte: Measure = (cell) => cell.load.firstByteP50;

export function series(
  cells: readonly Cell[],
  row: Row,
  subject: SubjectName,
  measure: Measure,
): number[] {
  return cells
    .filter((cell) => cell.subject === subject && sameRow(cell.row, row))
    .sort((a, b) => a.round - b.round)
    .map(measure);
}

export function rowName(row: Row): string {
  return `${row.pace}, ${row.connections} concurrent, ${row.accounts === 1 ? 'one account' : `${row.accounts} accounts`}`;
}

type Goal = Readonly<{
  goal: string;
  wanted: string;
  applies: (row: Row) => boolean;
  against: SubjectName;
  measure: Measure;
  compare: (of: readonly number[], to: readonly number[]) => number[];
  reached: (value: number) => boolean;
}>;

const matchesRow =
  (pace: RowPace, ...connections: readonly number[]) =>
  (row: Row) =>
    row.pace === pace && connections.includes(row.connections);

const GOALS: readonly Goal[] = [
  {
    goal: 'paced throughput, relative to the bare Worker',
    wanted: '≥ 0.95',
    applies: matchesRow('paced', 64),
    against: 'bare',
    measure: rate,
    compare: ratios,
    reached: (value) => value >= 0.95,
  },
  {
    goal: 'paced first byte, p50, ms more than the bare Worker',
    wanted: '≤ 5',
    applies: matchesRow('paced', 64),
    against: 'bare',
    measure: firstByte,
    compare: differences,
    reached: (value) => value <= 5,
  },
  {
    goal: 'unpaced throughput, relative to the floor',
    wanted: '≥ 0.8',
    applies: matchesRow('unpaced', 16, 64),
    against: 'floor',
    measure: rate,
    compare: ratios,
    reached: (value) => value >= 0.8,
  },
  {
    goal: 'first byte of one call at a time, p50, relative to the bare Worker',
    wanted: '≤ 2',
    applies: (row) => row.connections === 1,
    against: 'bare',
    measure: firstByte,
    compare: ratios,
    reached: (value) => value <= 2,
  },
  {
    goal: 'throughput, relative to Portkey',
    wanted: '> 1',
    applies: (row) => row.pace !== 'paced',
    against: 'portkey',
    measure: rate,
    compare: ratios,
    reached: (value) => value > 1,
  },
  {
    // A gateway that keeps up has exactly the stream's pace, so a tie within noise counts as
    // reached.
    goal: 'paced throughput, relative to Portkey',
    wanted: '≥ 0.99',
    applies: (row) => row.pace === 'paced',
    against: 'portkey',
    measure: rate,
    compare: ratios,
    reached: (value) => value >= 0.99,
  },
  {
    goal: 'paced first byte, p50, relative to Portkey',
    wanted: '< 1',
    applies: (row) => row.pace === 'paced',
    against: 'portkey',
    measure: firstByte,
    compare: ratios,
    reached: (value) => value < 1,
  },
];

export function evaluateGoals(cells: readonly Cell[], rows: readonly Row[]): GoalResult[] {
  return GOALS.flatMap((goal) =>
    rows.filter(goal.applies).flatMap((row) => {
      const of = series(cells, row, 'farebox', goal.measure);
      const to = series(cells, row, goal.against, goal.measure);
      if (of.length === 0 || to.length === 0) return [];
      const measured = median(goal.compare(of, to));
      const { goal: name, wanted } = goal;
      return [{ goal: name, row: rowName(row), measured, wanted, reached: goal.reached(measured) }];
    }),
  );
}
