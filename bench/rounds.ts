/**
 * Runs the rows in interleaved rounds: within a round all subjects run a row one after another, so
 * that they share the machine's noise. Their order rotates from round to round. A subject without
 * accounts is measured once per row and used for each number of accounts.
 */

import type { LoadResult, LoadSpec } from './load.ts';
import type { Options, RowGroup } from './options.ts';
import {
  BENCH_DIALECTS,
  type BenchDialect,
  durationMs,
  PAYLOADS,
  type Pace,
  renderRequest,
  requestBody,
  STREAM_TIMINGS,
} from './payloads.ts';
import { cpuMs, memory, type Process, sendAndReceive, waitUntilIdle } from './processes.ts';
import { rowName } from './row-name.ts';
import type { Subject, SubjectName } from './subject.ts';
import type { UpstreamCounts } from './upstream.ts';

export type RowPace = Exclude<Pace, 'long'>;

export type Row = Readonly<{
  pace: RowPace;
  connections: number;
  accounts: number;
  dialect: BenchDialect;
  /** Whether streams ask for their usage, so that nothing is cut out of them. */
  usage: boolean;
  bodyBytes: number;
}>;

export type Cell = Readonly<{
  row: Row;
  subject: SubjectName;
  round: number;
  load: LoadResult;
  /** CPU time of the subject's process a call, including its work after the last response. */
  cpuMsPerCall: number;
  memoryMb: number;
  /** What the subject wrote to Postgres, for 1,000 calls: requests, and statements in them. */
  deliveriesPerThousand: number;
  statementsPerThousand: number;
}>;

/** A step of the warm-up, and after how many steps without a gain a subject counts as warm. */
const WARM_UP_STEP_MS = 1_000;
const STEPS_WITHOUT_GAIN = 3;
const MAX_WARM_UP_STEPS = 25;
/** A step that is cheaper than all before by less than this part is no gain. */
const MIN_GAIN = 0.03;
const KB = 1024;
/** A short agent's request, Claude Code's first one, and a long conversation. */
const LARGE_BODIES = [38 * KB, 115 * KB, 400 * KB];

/** The dialects whose streams always have their usage. */
/**
 * What a row over many accounts is measured with: each account that was idle for ten seconds has
 * three deliveries to Postgres a second apart (packages/ledger/background-tasks.ts), and then one in
 * four seconds. The same load runs until those three are over, and the window has several of the
 * others.
 */
const LEAD_IN_OF_MANY_MS = 3500;
const MIN_WINDOW_OF_MANY_MS = 6000;

const OTHER_DIALECTS = BENCH_DIALECTS.filter((dialect) => dialect !== 'chat');

function buildGroup(group: RowGroup, options: Options): Row[] {
  const defaults = {
    ...{ dialect: 'chat' as const, usage: false, accounts: 1 },
    bodyBytes: options.bodyBytes,
  };
  switch (group) {
    case 'unpaced':
    case 'paced':
    case 'json':
      return options.connections.flatMap((connections) =>
        options.accounts.map((accounts) => ({ ...defaults, pace: group, connections, accounts })),
      );
    case 'bodies':
      return LARGE_BODIES.map((bodyBytes) => ({
        ...{ ...defaults, pace: 'json', connections: 16, bodyBytes },
      }));
    case 'asked':
      return [
        { ...defaults, pace: 'paced', connections: 64, usage: true },
        ...OTHER_DIALECTS.flatMap((dialect): Row[] => [
          { ...defaults, pace: 'paced', connections: 64, dialect, usage: true },
          { ...defaults, pace: 'json', connections: 64, dialect },
        ]),
      ];
    case 'frames':
      return [{ ...defaults, pace: 'frames', connections: 64 }];
  }
}

export function buildRows(options: Options): Row[] {
  return options.groups.flatMap((group) => buildGroup(group, options));
}

/** Returns whether two rows differ in nothing but, with `true`, their number of accounts. */
export function sameRow(a: Row, b: Row, anyAccounts = false): boolean {
  const { accounts: ofA, ...restOfA } = a;
  const { accounts: ofB, ...restOfB } = b;
  return JSON.stringify(restOfA) === JSON.stringify(restOfB) && (anyAccounts || ofA === ofB);
}

export function buildLoadSpec(subject: Subject, row: Row, options: Options): LoadSpec {
  const { pace, dialect, usage, bodyBytes } = row;
  const payloads = PAYLOADS[dialect];
  const spec = { pace, dialect, usage, bytes: bodyBytes };
  const model = subject.models?.[dialect] ?? payloads.model;
  const body = requestBody(spec, model);
  const accounts = subject.accounts.slice(0, row.accounts);
  const isStream = pace === 'paced' || pace === 'frames';
  return {
    port: subject.port,
    requests: accounts.map((fields) =>
      renderRequest(
        payloads.path(model, pace),
        { ...fields, ...subject.dialectFields?.[dialect] },
        body,
      ),
    ),
    connections: row.connections,
    spreadMs: isStream ? durationMs(STREAM_TIMINGS[pace]) : 0,
    warmupMs: options.warmupMs,
    windowMs: Math.max(options.windowMs, row.accounts > 1 ? MIN_WINDOW_OF_MANY_MS : 0),
    expectedEnding: pace === 'json' ? payloads.documentEnding : payloads.streamEnding,
    once: false,
    // The last chunk of a stream has no text.
    frames: pace === 'frames' ? STREAM_TIMINGS.frames.chunks - 1 : 0,
  };
}

function isLoadResult(value: unknown): value is LoadResult {
  return typeof value === 'object' && value !== null && 'perSecond' in value;
}

export async function runLoad(generator: Process, spec: LoadSpec): Promise<LoadResult> {
  const result = await sendAndReceive(generator, spec);
  if (!isLoadResult(result)) throw new Error('bench: unexpected message from the load generator');
  return result;
}

function isUpstreamCounts(value: unknown): value is UpstreamCounts {
  return typeof value === 'object' && value !== null && 'statements' in value;
}

export async function readCounts(upstream: Process): Promise<UpstreamCounts> {
  const counts = await sendAndReceive(upstream, {});
  if (!isUpstreamCounts(counts)) throw new Error('bench: unexpected message from the upstream');
  return counts;
}

export type LoadProcesses = Readonly<{ generator: Process; upstream: Process }>;

async function measure(
  { generator, upstream }: LoadProcesses,
  subject: Subject,
  row: Row,
  round: number,
  options: Options,
): Promise<Cell> {
  const { pid } = subject.process;
  const spec = buildLoadSpec(subject, row, options);
  if (spec.requests.length > 1)
    await runLoad(generator, { ...spec, warmupMs: 0, windowMs: LEAD_IN_OF_MANY_MS });
  const countsBefore = await readCounts(upstream);
  const before = cpuMs(pid);
  const load = await runLoad(generator, spec);
  await waitUntilIdle(pid, 3000, subject.tailMs);
  const cpuMsPerCall = (cpuMs(pid) - before) / load.total;
  const counts = await readCounts(upstream);
  const perThousand = (name: 'deliveries' | 'statements') =>
    ((counts[name] - countsBefore[name]) * 1000) / load.total;
  return {
    ...{ row, subject: subject.name, round, load, cpuMsPerCall },
    memoryMb: memory(pid).nowMb,
    deliveriesPerThousand: perThousand('deliveries'),
    statementsPerThousand: perThousand('statements'),
  };
}

/**
 * A peer is measured in the dialects that it speaks. The subjects "distant" and "distant-floor" show
 * what distance adds where the machine is not full.
 */
function isMeasured(subject: Subject, row: Row): boolean {
  if (subject.dialects?.includes(row.dialect) === false) return false;
  if (subject.name !== 'distant' && subject.name !== 'distant-floor') return true;
  const isCore = row.dialect === 'chat' && !row.usage && row.bodyBytes < KB;
  return isCore && row.accounts === 1 && (row.pace === 'paced' || row.pace === 'json');
}

/**
 * Runs one row with all subjects in turn. A subject without accounts reuses the cell of its first
 * row.
 */
async function runRow(
  processes: LoadProcesses,
  subjects: readonly Subject[],
  row: Row,
  round: number,
  options: Options,
  cells: Cell[],
): Promise<void> {
  const offset = round % subjects.length;
  const rotated = [...subjects.slice(offset), ...subjects.slice(0, offset)];
  for (const subject of rotated.filter((candidate) => isMeasured(candidate, row))) {
    const existing = cells.find(
      (cell) =>
        subject.accounts.length === 1 &&
        cell.subject === subject.name &&
        cell.round === round &&
        sameRow(cell.row, row, true),
    );
    cells.push(
      existing === undefined
        ? await measure(processes, subject, row, round, options)
        : { ...existing, row },
    );
  }
}

/**
 * Warms up a subject: V8 compiles a function better the more often it ran, and a deployed isolate
 * lives for hours. Goes on until its calls have stopped getting cheaper.
 */
async function warmUp(
  generator: Process,
  subject: Subject,
  row: Row,
  options: Options,
): Promise<void> {
  const { pid } = subject.process;
  const spec = {
    ...buildLoadSpec(subject, row, options),
    ...{ connections: 64, warmupMs: 0, windowMs: WARM_UP_STEP_MS },
  };
  let cheapest = Number.POSITIVE_INFINITY;
  let stepsWithoutGain = 0;
  for (let step = 0; step < MAX_WARM_UP_STEPS && stepsWithoutGain < STEPS_WITHOUT_GAIN; step += 1) {
    const before = cpuMs(pid);
    const { total } = await runLoad(generator, spec);
    const cost = (cpuMs(pid) - before) / total;
    stepsWithoutGain = cost < cheapest * (1 - MIN_GAIN) ? 0 : stepsWithoutGain + 1;
    cheapest = Math.min(cheapest, cost);
  }
  await waitUntilIdle(pid, 3000, subject.tailMs);
}

export async function runRounds(
  processes: LoadProcesses,
  subjects: readonly Subject[],
  options: Options,
  log: (line: string) => void,
): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  const rows = buildRows(options);
  const kinds = rows.filter(
    (row, at) =>
      rows.findIndex(({ pace, dialect }) => pace === row.pace && dialect === row.dialect) === at,
  );
  for (const subject of subjects) {
    for (const row of kinds.filter((kind) => isMeasured(subject, { ...kind, accounts: 1 }))) {
      await warmUp(processes.generator, subject, { ...row, accounts: 50 }, options);
    }
    log(`warmed ${subject.name}`);
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const row of rows) {
      const from = cells.length;
      await runRow(processes, subjects, row, round, options, cells);
      log(progress(round, options.rounds, row, cells.slice(from)));
    }
  }
  return cells;
}

function progress(round: number, rounds: number, row: Row, cells: readonly Cell[]): string {
  const parts = cells.map(({ subject, load, cpuMsPerCall }) => {
    const bad = load.errors > 0 ? ` ${load.errors} ERRORS (${load.complaint})` : '';
    const figures = `${cpuMsPerCall.toFixed(2)} ms CPU ${load.perSecond.toFixed(0)}/s ${load.firstByteP50.toFixed(1)} ms`;
    return `${subject} ${figures}${bad}`;
  });
  return `round ${round + 1}/${rounds} ${rowName(row)}: ${parts.join('  ')}`;
}
