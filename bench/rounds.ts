/**
 * Runs the rows in interleaved rounds: within a round every subject meets a row right after the one
 * before it, so that noise of the machine meets all of them, and the order turns from round to round.
 * A subject without accounts is measured once per row and counted for each number of accounts.
 */
import type { LoadOrder, LoadResult } from './load.ts';
import type { Options, RowPace } from './options.ts';
import { ask, cpuMs, memory, type Process, quiet } from './processes.ts';
import type { Subject, SubjectName } from './subjects.ts';
import { durationMs, RHYTHMS, renderRequest, requestBody } from './traffic.ts';

export type Row = Readonly<{ pace: RowPace; connections: number; accounts: number }>;

export type Cell = Readonly<{
  row: Row;
  subject: SubjectName;
  round: number;
  load: LoadResult;
  /** Of the subject's process, its work after the last answer included. */
  cpuMsPerThousand: number;
  memoryMb: number;
}>;

const WARM_UP_MS = 500;

const ENDINGS: Readonly<Record<RowPace, string>> = {
  unpaced: 'data: [DONE]',
  paced: 'data: [DONE]',
  json: '"total_tokens":140',
};

export function rowsOf(options: Options): Row[] {
  return options.paces.flatMap((pace) =>
    options.connections.flatMap((connections) =>
      options.accounts.map((accounts) => ({ pace, connections, accounts })),
    ),
  );
}

export function sameRow(a: Row, b: Row): boolean {
  return a.pace === b.pace && a.connections === b.connections && a.accounts === b.accounts;
}

export function loadOrder(subject: Subject, row: Row, options: Options): LoadOrder {
  const body = requestBody(row.pace, options.bodyBytes);
  const accounts = subject.accounts.slice(0, row.accounts);
  return {
    port: subject.port,
    requests: accounts.map((fields) => renderRequest(fields, body)),
    connections: row.connections,
    spreadMs: row.pace === 'paced' ? durationMs(RHYTHMS.paced) : 0,
    warmMs: options.warmMs,
    windowMs: options.windowMs,
    ending: ENDINGS[row.pace],
    once: false,
  };
}

function isLoadResult(value: unknown): value is LoadResult {
  return typeof value === 'object' && value !== null && 'perSecond' in value;
}

export async function load(generator: Process, order: LoadOrder): Promise<LoadResult> {
  const result = await ask(generator, order);
  if (!isLoadResult(result)) throw new Error('bench: the load generator answered something else');
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
  const result = await load(generator, loadOrder(subject, row, options));
  await quiet(pid, 3000, subject.tailMs);
  return {
    row,
    subject: subject.name,
    round,
    load: result,
    cpuMsPerThousand: ((cpuMs(pid) - before) * 1000) / result.total,
    memoryMb: memory(pid).nowMb,
  };
}

/** One row, all subjects in turn; a cell of a subject without accounts is taken over from its first row. */
async function runRow(
  generator: Process,
  subjects: readonly Subject[],
  row: Row,
  round: number,
  options: Options,
  cells: Cell[],
): Promise<void> {
  const turn = round % subjects.length;
  for (const subject of [...subjects.slice(turn), ...subjects.slice(0, turn)]) {
    const known = cells.find(
      (cell) =>
        subject.accounts.length === 1 &&
        cell.subject === subject.name &&
        cell.round === round &&
        sameRow({ ...cell.row, accounts: row.accounts }, row),
    );
    cells.push(
      known === undefined
        ? await measure(generator, subject, row, round, options)
        : { ...known, row },
    );
  }
}

/** A fresh process compiles as it goes; nobody's first calls are counted. */
async function warmUp(
  generator: Process,
  subject: Subject,
  row: Row,
  options: Options,
): Promise<void> {
  const order = loadOrder(subject, row, options);
  await load(generator, { ...order, connections: 16, windowMs: WARM_UP_MS });
  await quiet(subject.process.pid, 3000, subject.tailMs);
}

export async function runRounds(
  generator: Process,
  subjects: readonly Subject[],
  options: Options,
  say: (line: string) => void,
): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  const rows = rowsOf(options);
  for (const subject of subjects) {
    for (const pace of options.paces) {
      await warmUp(generator, subject, { pace, connections: 16, accounts: 50 }, options);
    }
    say(`warmed ${subject.name}`);
  }
  for (let round = 0; round < options.rounds; round += 1) {
    for (const row of rows) {
      const from = cells.length;
      await runRow(generator, subjects, row, round, options, cells);
      say(progress(round, options.rounds, row, cells.slice(from)));
    }
  }
  return cells;
}

function progress(round: number, rounds: number, row: Row, cells: readonly Cell[]): string {
  const said = cells.map(({ subject, load }) => {
    const bad = load.errors > 0 ? ` ${load.errors} ERRORS (${load.complaint})` : '';
    return `${subject} ${load.perSecond.toFixed(0)}/s ${load.firstByteP50.toFixed(1)} ms${bad}`;
  });
  const name = `${row.pace} c=${row.connections} a=${row.accounts}`;
  return `round ${round + 1}/${rounds} ${name}: ${said.join('  ')}`;
}
