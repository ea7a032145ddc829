/**
 * Writes the results of a run: tables of ratios on the terminal and in Markdown, a chart, and JSON
 * with all values. Errors and missed goals are always included.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { renderChart } from './chart.ts';
import { evaluateGoals, type GoalResult } from './goals.ts';
import type { Options } from './options.ts';
import { memory, type Process } from './processes.ts';
import { buildRows, type Cell, type Row, readCounts, sameRow } from './rounds.ts';
import { rowName } from './row-name.ts';
import { type RowSummary, summarizeRows } from './row-summary.ts';
import { median, type Spread } from './statistics.ts';
import type { Subject } from './subject.ts';

export const RESULTS = join(import.meta.dirname, 'results');

export type RunProcesses = Readonly<{
  generator: Process;
  upstream: Process;
  subjects: readonly Subject[];
}>;

function formatNumber(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

/** The median, and in brackets the range over the rounds. */
function formatSpread(value: Spread, digits: number): string {
  const middle = formatNumber(value.median, digits);
  if (!Number.isFinite(value.median) || value.least === value.most) return middle;
  return `${middle} (${formatNumber(value.least, digits)}–${formatNumber(value.most, digits)})`;
}

/** A column of the rows' tables: its heading, and what it shows of a row. */
type Column = readonly [string, (line: RowSummary) => string];

const COLUMNS: readonly Column[] = [
  ['subject', (line) => line.subject + (line.errors > 0 ? ` (${line.errors} ERRORS)` : '')],
  ['CPU ms a call', (line) => formatSpread(line.cpuMsPerCall, 2)],
  ['CPU to floor', (line) => formatSpread(line.cpuToFloor, 2)],
  ['calls/s', (line) => formatSpread(line.perSecond, 0)],
  ['to bare', (line) => formatSpread(line.toBare, 2)],
  ['to floor', (line) => formatSpread(line.toFloor, 2)],
  ['first byte ms p50', (line) => formatSpread(line.firstByteMs, 1)],
  ['added p50', (line) => formatSpread(line.addedFirstByteMs, 1)],
  ['added p99', (line) => formatNumber(line.addedFirstByteP99Ms.median, 1)],
  ['memory MB', (line) => formatNumber(line.memoryMb.median, 0)],
];

const FRAME_COLUMNS: readonly Column[] = [
  ...COLUMNS.slice(0, 5),
  ['event delay ms p50', (line) => formatSpread(line.frameDelayMs, 1)],
  ['p99', (line) => formatSpread(line.frameDelayP99Ms, 1)],
  ['p99 added to bare', (line) => formatSpread(line.addedFrameDelayP99Ms, 1)],
  ['clean streams', (line) => `${line.cleanStreams} of ${line.timedStreams}`],
];

/** A Markdown table whose columns also line up on a terminal. */
export function table(headings: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, at) =>
    Math.max(heading.length, ...lines.map((line) => (line[at] ?? '').length)),
  );
  const draw = (cells: readonly string[]) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(' | ')} |`;
  return [
    draw(headings),
    `|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`,
    ...lines.map(draw),
  ].join('\n');
}

const BEFORE_COLUMN: Column = ['CPU to before', (line) => formatSpread(line.cpuToBefore, 2)];

function rowSection(lines: readonly RowSummary[], row: Row): string {
  const rowSummaries = lines.filter((line) => sameRow(line.row, row));
  const common = row.pace === 'frames' ? FRAME_COLUMNS : COLUMNS;
  const hasBefore = rowSummaries.some(({ subject }) => subject === 'before');
  const columns = hasBefore ? [...common, BEFORE_COLUMN] : common;
  const headings = columns.map(([heading]) => heading);
  const rows = rowSummaries.map((line) => columns.map(([, show]) => show(line)));
  return `### ${rowName(row)}\n\n${table(headings, rows)}`;
}

/** What Farebox writes to Postgres: the outbox sends requests with the entries of many calls. */
function statementTable(lines: readonly RowSummary[]): string {
  const rows = lines
    .filter(({ subject }) => subject === 'farebox')
    .map((line) => [
      rowName(line.row),
      formatSpread(line.deliveriesPerThousand, 0),
      formatSpread(line.statementsPerThousand, 0),
    ]);
  return table(['row', 'requests', 'statements'], rows);
}

function goalTable(verdicts: readonly GoalResult[]): string {
  const lines = verdicts.map((verdict) => [
    verdict.goal,
    verdict.row,
    formatNumber(verdict.measured, 2),
    verdict.wanted,
    verdict.reached ? 'yes' : 'NO',
  ]);
  return table(['goal', 'row', 'measured', 'wanted', 'reached'], lines);
}

type RunSettings = Readonly<{
  at: string;
  machine: string;
  node: string;
  rounds: number;
  windowMs: number;
  bodyBytes: number;
  storage: Options['storage'];
}>;

function readSettings(options: Options): RunSettings {
  const processors = cpus();
  const { rounds, windowMs, bodyBytes, storage } = options;
  return {
    at: new Date().toISOString(),
    machine: `${processors.length} × ${processors[0]?.model ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GB`,
    node: process.version,
    rounds,
    windowMs,
    bodyBytes,
    storage,
  };
}

function memoryRows(processes: RunProcesses): string[][] {
  const named = [
    ...processes.subjects
      .filter(({ name }) => name !== 'direct')
      .map(({ name, process }) => ({ name, process })),
    { name: 'upstream (part of the bench)', process: processes.upstream },
    { name: 'load generator (part of the bench)', process: processes.generator },
  ];
  return named.map(({ name, process }) => {
    const { nowMb, peakMb } = memory(process.pid);
    return [name, formatNumber(nowMb, 0), formatNumber(peakMb, 0)];
  });
}

function document(
  setting: RunSettings,
  lines: readonly RowSummary[],
  rows: readonly Row[],
  verdicts: readonly GoalResult[],
  memoryTable: readonly (readonly string[])[],
): string {
  return `# Bench

${setting.at}, ${setting.machine}, Node ${setting.node}. ${setting.rounds} interleaved round(s) of
${setting.windowMs} ms per cell, at least 6,000 ms over many accounts; request bodies of about ${setting.bodyBytes} bytes
where the row names no size; Durable Objects on ${setting.storage}. [docs/benchmark.md](../../docs/benchmark.md) says what the rows and subjects are.

Upstream, load generator and subject share the machine: read the CPU time of the subject's own process
and the ratios, not the rates. A figure is the median over the rounds, a ratio the median of the ratios
within a round; brackets show the range.

## Goals

${goalTable(verdicts)}

## Postgres, for 1,000 calls

${statementTable(lines)}

## Memory at the end of the run

${table(['process', 'now MB', 'peak MB'], memoryTable)}

## Rows

${rows.map((row) => rowSection(lines, row)).join('\n\n')}
`;
}

/** Writes the results. False if a call failed, because then the numbers aren't comparable. */
export async function writeComparison(
  cells: readonly Cell[],
  processes: RunProcesses,
  options: Options,
  log: (line: string) => void,
): Promise<boolean> {
  const rows = buildRows(options);
  const lines = summarizeRows(cells, rows);
  const verdicts = evaluateGoals(cells, rows);
  const setting = readSettings(options);
  const counts = await readCounts(processes.upstream);
  const text = document(setting, lines, rows, verdicts, memoryRows(processes));
  const name = options.quick ? 'quick' : 'latest';
  mkdirSync(RESULTS, { recursive: true });
  const results = { setting, verdicts, lines, cells, upstream: counts };
  writeFileSync(join(RESULTS, `${name}.generated.json`), `${JSON.stringify(results, null, 1)}\n`);
  writeFileSync(join(RESULTS, `${name}.md`), text);
  writeFileSync(join(RESULTS, `${name}.svg`), renderChart(lines));
  log(
    `\n${text}\nupstream received ${JSON.stringify(counts)}\nwritten to bench/results/${name}.{generated.json,md,svg}`,
  );
  const errors = cells.reduce((sum, cell) => sum + cell.load.errors, 0);
  if (errors > 0) log(`${errors} calls failed, so these numbers are not valid`);
  return errors === 0;
}

/** The median of the last `count` values, relative to the median of the first. */
export function growth(values: readonly number[], count: number): number {
  return median(values.slice(-count)) / median(values.slice(0, count));
}
