/**
 * The goals that were set before the first measurement (issue 13), and whether a run reached them.
 * A goal is skipped if its rows weren't measured.
 */

import { type Cell, type Row, sameRow } from './rounds.ts';
import { rowName } from './row-name.ts';
import { differences, median, ratios } from './statistics.ts';
import { PEERS, type SubjectName } from './subject.ts';

export type GoalResult = Readonly<{
  goal: string;
  row: string;
  measured: number;
  wanted: string;
  reached: boolean;
}>;

type Measure = (cell: Cell) => number;
const cpu: Measure = (cell) => cell.cpuMsPerCall;
const rate: Measure = (cell) => cell.load.perSecond;
const firstByte: Measure = (cell) => cell.load.firstByteP50;
const frameDelay: Measure = (cell) => cell.load.frameDelayP99;
const cleanShare: Measure = (cell) => cell.load.cleanStreams / cell.load.timedStreams;

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

type Compare = (of: readonly number[], to: readonly number[]) => number[];
const itself: Compare = (of) => [...of];

/** Milliseconds; `DISTANCE_MS` of workers/distant-ledger.ts, which runs in workerd only. */
const DISTANCE_MS = 50;
/**
 * Hold and provider are asked at the same time, so a first byte comes after the slower of the two
 * at the earliest (docs/decisions/0033-optimistic-send.md).
 */
const toSlower: Compare = (of, to) =>
  differences(
    of,
    to.map((ms) => Math.max(ms, DISTANCE_MS)),
  );

type Goal = Readonly<{
  goal: string;
  /** `farebox` by default. */
  subject?: SubjectName;
  against: SubjectName;
  applies: (row: Row) => boolean;
  measure: Measure;
  compare: Compare;
  limit: number;
  isMinimum?: true;
}>;

const isPlain = ({ dialect, usage, bodyBytes }: Row) =>
  dialect === 'chat' && !usage && bodyBytes < 4096;

const plain =
  (pace: Row['pace'], connections: readonly number[], accounts?: number) => (row: Row) =>
    isPlain(row) &&
    row.pace === pace &&
    connections.includes(row.connections) &&
    (accounts === undefined || row.accounts === accounts);

const isUncutStream = ({ pace, connections, usage }: Row) =>
  pace === 'paced' && connections === 64 && usage;

type Comparison = Omit<Goal, 'goal' | 'applies' | 'limit'>;
const toFloor: Comparison = { against: 'floor', measure: cpu, compare: ratios };
const rateToFloor: Comparison = {
  ...{ against: 'floor', measure: rate, compare: ratios },
  isMinimum: true,
};
const rateToBare: Comparison = { ...rateToFloor, against: 'bare' };

const GOALS: readonly Goal[] = [
  { goal: 'CPU to the floor', applies: plain('json', [64], 1), ...toFloor, limit: 1 },
  { goal: 'CPU to the floor', applies: plain('json', [64], 50), ...toFloor, limit: 1.5 },
  {
    goal: 'CPU a call, ms',
    applies: plain('json', [1]),
    ...{ against: 'farebox', measure: cpu, compare: itself, limit: 1.3 },
  },
  {
    goal: 'calls/s to the floor',
    applies: plain('unpaced', [16, 64], 1),
    ...rateToFloor,
    limit: 0.95,
  },
  {
    goal: 'calls/s to the floor',
    applies: plain('unpaced', [16, 64], 50),
    ...rateToFloor,
    limit: 0.85,
  },
  { goal: 'calls/s to bare', applies: plain('paced', [64], 1), ...rateToBare, limit: 0.93 },
  {
    goal: 'calls/s to bare, nothing cut out of the answer',
    applies: isUncutStream,
    ...rateToBare,
    limit: 0.95,
  },
  {
    goal: 'CPU a call, ms',
    applies: plain('paced', [64], 1),
    ...{ against: 'farebox', measure: cpu, compare: itself, limit: 2.7 },
  },
  {
    goal: 'first byte added to bare, p50, ms',
    applies: plain('paced', [64], 1),
    ...{ against: 'bare', measure: firstByte, compare: differences, limit: 10 },
  },
  {
    goal: 'first byte after the slower of bare and an object 50 ms away, p50, ms',
    subject: 'distant',
    applies: plain('paced', [1, 16], 1),
    ...{ against: 'bare', measure: firstByte, compare: toSlower, limit: 4 },
  },
  {
    goal: 'delay of an event added to bare, p99, ms',
    applies: ({ pace }) => pace === 'frames',
    ...{ against: 'bare', measure: frameDelay, compare: differences, limit: 25 },
  },
  {
    goal: 'streams without a lost or stalled event, of all',
    applies: ({ pace }) => pace === 'frames',
    ...{ against: 'farebox', measure: cleanShare, compare: itself, limit: 1, isMinimum: true },
  },
  ...PEERS.map(
    (peer): Goal => ({
      goal: `CPU to ${peer}`,
      applies: () => true,
      ...{ against: peer, measure: cpu, compare: ratios, limit: 1 },
    }),
  ),
];

function isReached(value: number, { limit, isMinimum }: Goal): boolean {
  return isMinimum === true ? value >= limit : value <= limit;
}

export function evaluateGoals(cells: readonly Cell[], rows: readonly Row[]): GoalResult[] {
  return GOALS.flatMap((goal) =>
    rows.filter(goal.applies).flatMap((row) => {
      const of = series(cells, row, goal.subject ?? 'farebox', goal.measure);
      const to = series(cells, row, goal.against, goal.measure);
      if (of.length === 0 || to.length === 0) return [];
      const measured = median(goal.compare(of, to));
      const wanted = `${goal.isMinimum === true ? '≥' : '≤'} ${goal.limit}`;
      const reached = isReached(measured, goal);
      return [{ goal: goal.goal, row: rowName(row), measured, wanted, reached }];
    }),
  );
}
