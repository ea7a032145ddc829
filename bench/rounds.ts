/**
 * Runs the rows in interleaved rounds: within a round all subjects run a row one after another, so
 * that they share the machine's noise. Their order rotates from round to round. A subject without
 * accounts is measured once per row and used for each number of accounts.
 */
import type { LoadResult, LoadSpec } from './load.ts';
import type { Options, RowPace } from './options.ts';
import { durationMs, renderRequest, requestBody, STREAM_TIMINGS } from './payloads.ts';
import { cpuMs, memory, type Process, sendAndReceive, waitUntilIdle } from './processes.ts';
import type { Subject, SubjectName } from './subject.ts';

export type Row = Readonly<{ pace: RowPace; connections: number; accounts: number }>;

export type Cell = Readonly<{
  row: Row;
  subject: SubjectName;
  round: number;
  load: LoadResult;
  /** CPU time of the subject's process, including its work after the last response. */
  cpuMsPerThousand: number;
  memoryMb: number;
}>;

const WARM_UP_MS = 500;

const EXPECTED_ENDINGS: Readonly<Record<RowPace, string>> = {
  unpaced: 'data: [DONE]',
  paced: 'data: [DONE]',
  json: '"total_tokens":140',
};

export function buildRows(options: Options): Row[] {
  return options.paces.flatMap((pace) =>
    options.connections.flatMap((connections) =>
      options.accounts.map((accounts) => ({ pace, connections, accounts })),
    ),
  );
}

export function sameRow(a: Row, b: Row): boolean {
  return a.pace === b.pace && a.connections === b.connections && a.accounts === b.accounts;
}

export function buildLoadSpec(subject: Subject, row: Row, options: Options): LoadSpec {
  const body = requestBody(row.pace, options.bodyBytes);
  const accounts = subject.accounts.slice(0, row.accounts);
  return {
    port: subject.port,
    requests: accounts.map((fields) => renderRequest(fields, body)),
    connections: row.connections,
    spreadMs: row.pace === 'paced' ? durationMs(STREAM_TIMINGS.paced) : 0,
    warmupMs: options.warmupMs,
    windowMs: options.windowMs,
    expectedEnding: EXPECTED_ENDINGS[row.pace],
    once: false,
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

async function measure(
  generator: Process,
  subject: Subject,
  row: Row,
  round: number,
  options: Options,
): Promise<Cell> {
  const { pid } = subject.process;
  const before = cpuMs(pid);
  const result = await runLoad(generator, buildLoadSpec(subject, row, options));
  await waitUntilIdle(pid, 3000, subject.tailMs);
  return {
    row,
    subject: subject.name,
    round,
    load: result,
    cpuMsPerThousand: ((cpuMs(pid) - before) * 1000) / result.total,
    memoryMb: memory(pid).nowMb,
  };
}

/**
 * Runs one row with all subjects in turn. A subject without accounts reuses the cell of its first
 * row.
 */
async function runRow(
  generator: Process,
  subjects: readonly Subject[],
  row: Row,
  round: number,
  options: Options,
  cells: Cell[],
): Promise<void> {
  const offset = round % subjects.length;
  for (const subject of [...subjects.slice(offset), ...subjects.slice(0, offset)]) {
    const existing = cells.find(
      (cell) =>
        subject.accounts.length === 1 &&
        cell.subject === subject.name &&
        cell.round === round &&
        sameRow({ ...cell.row, accounts: row.accounts }, row),
    );
    cells.push(
      existing === undefined
        ? await measure(generator, subject, row, round, options)
        : { ...existing, row },
    );
  }
}

/** Warms up each subject: a new process still compiles, so its first calls aren't counted. */
async function warmUp(
  generator: Process,
  subject: Subject,
  row: Row,
  options: Options,
): Promise<void> {
  const spec = buildLoadSpec(subject, row, options);
  await runLoad(generator, { ...spec, connections: 16, windowMs: WARM_UP_MS });
  await waitUntilIdle(subject.process.pid, 3000, subject.tailMs);
}

export async function runRounds(
  generator: Process,
  subjects: readonly Subject[],
  options: Options,
  log: (line: string) => void,
): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  const rows = buildRows(options);
  for (const subject of subjects) {
    for (const pace of options.paces) {
      await warmUp(generator, subject, { pace, connections: 16, accounts: 50 }, options);
    }
    log(`warmed ${subject.name}`);
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const row of rows) {
      const from = cells.length;
      await runRow(generator, subjects, row, round, options, cells);
      log(progress(round, options.rounds, row, cells.slice(from)));
    }
  }
  return cells;
}

function progress(round: number, rounds: number, row: Row, cells: readonly Cell[]): string {
  const parts = cells.map(({ subject, load }) => {
    const bad = load.errors > 0 ? ` ${load.errors} ERRORS (${load.complaint})` : '';
    return `${subject} ${load.perSecond.toFixed(0)}/s ${load.firstByteP50.toFixed(1)} ms${bad}`;
  });
  const name = `${row.pace} c=${row.connections} a=${row.accounts}`;
  return `round ${round + 1}/${rounds} ${name}: ${parts.join('  ')}`;
}
