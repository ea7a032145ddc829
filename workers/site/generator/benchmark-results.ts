/**
 * The run of every row (`bench/results/all-rows.generated.json`), as the benchmark page needs it. The
 * page states no figure of its own, so a new run changes the page with the next build. Pure.
 */

/** JSON has null where a figure could not be computed. */
type Spread = Readonly<{ median: number | null; least: number | null; most: number | null }>;

export type BenchmarkRow = Readonly<{
  dialect: string;
  usage: boolean;
  accounts: number;
  bodyBytes: number;
  pace: string;
  connections: number;
}>;

type Line = Readonly<{
  row: BenchmarkRow;
  subject: string;
  cpuMsPerCall: Spread;
  addedFirstByteMs: Spread;
  errors: number;
}>;

export type Verdict = Readonly<{
  goal: string;
  row: string;
  measured: number;
  wanted: string;
  reached: boolean;
}>;

export type BenchmarkRun = Readonly<{
  setting: Readonly<{ at: string; machine: string; rounds: number; windowMs: number }>;
  verdicts: readonly Verdict[];
  lines: readonly Line[];
}>;

export const PEERS = ['portkey', 'llms'] as const;
export type Peer = (typeof PEERS)[number];

/** Whose CPU time the charts show: from the least that is possible to Farebox and its peers. */
export const CHARTED_SUBJECTS = ['bare', 'floor', 'farebox', ...PEERS] as const;
export type ChartedSubject = (typeof CHARTED_SUBJECTS)[number];

/** Bodies below this size are those of short requests. */
const SMALL_BODY_BYTES = 4096;

/** The situations that the page begins with: short requests of one account, in Chat Completions. */
export const SITUATIONS = [
  { pace: 'json', connections: 1 },
  { pace: 'paced', connections: 1 },
  { pace: 'json', connections: 64 },
  { pace: 'paced', connections: 64 },
] as const;
export type Situation = (typeof SITUATIONS)[number];

export function parseBenchmarkRun(text: string): BenchmarkRun {
  return JSON.parse(text);
}

/** What every situation has beside its pace and number of calls. */
const PLAIN = { accounts: 1, dialect: 'chat', usage: false };

function isPlain({ accounts, dialect, usage, bodyBytes }: BenchmarkRow): boolean {
  const facts = { accounts, dialect, usage };
  return JSON.stringify(facts) === JSON.stringify(PLAIN) && bodyBytes < SMALL_BODY_BYTES;
}

function findLine(run: BenchmarkRun, { pace, connections }: Situation, subject: string) {
  return run.lines.find(
    ({ row, subject: name }) =>
      name === subject && row.pace === pace && row.connections === connections && isPlain(row),
  );
}

/** What Farebox adds to a call, in milliseconds; null where the run has no figure. */
export type Addition = Readonly<{
  situation: Situation;
  /** Until the first byte, beyond a Worker that only passes the call on. */
  firstByteMs: number | null;
  /** The same with the account's data in a place 50 ms away. */
  distantFirstByteMs: number | null;
  cpuMs: number | null;
  passThroughCpuMs: number | null;
}>;

export function listAdditions(run: BenchmarkRun): Addition[] {
  return SITUATIONS.map((situation) => ({
    situation,
    firstByteMs: findLine(run, situation, 'farebox')?.addedFirstByteMs.median ?? null,
    distantFirstByteMs: findLine(run, situation, 'distant')?.addedFirstByteMs.median ?? null,
    cpuMs: findLine(run, situation, 'farebox')?.cpuMsPerCall.median ?? null,
    passThroughCpuMs: findLine(run, situation, 'bare')?.cpuMsPerCall.median ?? null,
  }));
}

export type Bar = Readonly<{ subject: ChartedSubject; cpuMs: number }>;

/** The CPU time of a call for each subject that was measured in the situation. */
export function listBars(run: BenchmarkRun, situation: Situation): Bar[] {
  return CHARTED_SUBJECTS.flatMap((subject) => {
    const cpuMs = findLine(run, situation, subject)?.cpuMsPerCall.median ?? null;
    return cpuMs === null ? [] : [{ subject, cpuMs }];
  });
}

function toPeerGoal(peer: Peer): string {
  return `CPU to ${peer}`;
}

export type PeerComparison = Readonly<{
  peer: Peer;
  /** Farebox's CPU time as a multiple of the peer's, by the name of the row. */
  ratios: ReadonlyMap<string, number>;
  /** The number of rows on which Farebox needs less, or as much. */
  ahead: number;
  least: number;
  most: number;
}>;

/** Of each peer that was measured. */
export function comparePeers({ verdicts }: BenchmarkRun): PeerComparison[] {
  return PEERS.flatMap((peer) => {
    const own = verdicts.filter(({ goal }) => goal === toPeerGoal(peer));
    const values = own.map(({ measured }) => measured);
    if (values.length === 0) return [];
    return [
      {
        peer,
        ratios: new Map(own.map(({ row, measured }) => [row, measured])),
        ahead: values.filter((value) => value <= 1).length,
        least: Math.min(...values),
        most: Math.max(...values),
      },
    ];
  });
}

/** The goals beside those that compare with a peer. */
export function listOwnGoals({ verdicts }: BenchmarkRun): Verdict[] {
  const peerGoals = new Set(PEERS.map(toPeerGoal));
  return verdicts.filter(({ goal }) => !peerGoals.has(goal));
}
