/**
 * Turns the cells of a run into what people read: a table of ratios on the terminal and in Markdown, a
 * chart, and JSON with everything. It never hides a row: errors and unreached goals are printed.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { chartOf } from './chart.ts';
import { judge, rowName, series, type Verdict } from './goals.ts';
import type { Options } from './options.ts';
import { ask, memory, type Process } from './processes.ts';
import { type Cell, type Row, rowsOf, sameRow } from './rounds.ts';
import { differences, median, ratios, type Spread, spread } from './statistics.ts';
import type { Subject, SubjectName } from './subjects.ts';

export const RESULTS = join(import.meta.dirname, 'results');

export type Line = Readonly<{
  row: Row;
  subject: SubjectName;
  perSecond: Spread;
  toDirect: Spread;
  toBare: Spread;
  toFloor: Spread;
  firstByteMs: Spread;
  firstByteP99Ms: Spread;
  addedFirstByteMs: Spread;
  addedFirstByteP99Ms: Spread;
  firstByteToBare: Spread;
  cpuMsPerThousand: Spread;
  memoryMb: Spread;
  errors: number;
}>;

export type Players = Readonly<{
  generator: Process;
  upstream: Process;
  subjects: readonly Subject[];
}>;

function lineOf(cells: readonly Cell[], row: Row, subject: SubjectName): Line {
  const of = (measure: (cell: Cell) => number, whose: SubjectName = subject) =>
    series(cells, row, whose, measure);
  const rate = (cell: Cell) => cell.load.perSecond;
  const p50 = (cell: Cell) => cell.load.firstByteP50;
  const p99 = (cell: Cell) => cell.load.firstByteP99;
  const rateTo = (whose: SubjectName) => spread(ratios(of(rate), of(rate, whose)));
  return {
    row,
    subject,
    perSecond: spread(of(rate)),
    toDirect: rateTo('direct'),
    toBare: rateTo('bare'),
    toFloor: rateTo('floor'),
    firstByteMs: spread(of(p50)),
    firstByteP99Ms: spread(of(p99)),
    addedFirstByteMs: spread(differences(of(p50), of(p50, 'direct'))),
    addedFirstByteP99Ms: spread(differences(of(p99), of(p99, 'direct'))),
    firstByteToBare: spread(ratios(of(p50), of(p50, 'bare'))),
    cpuMsPerThousand: spread(of((cell) => cell.cpuMsPerThousand)),
    memoryMb: spread(of((cell) => cell.memoryMb)),
    errors: of((cell) => cell.load.errors).reduce((sum, errors) => sum + errors, 0),
  };
}

export function linesOf(cells: readonly Cell[], rows: readonly Row[]): Line[] {
  return rows.flatMap((row) => {
    const subjects = new Set(
      cells.filter((cell) => sameRow(cell.row, row)).map((cell) => cell.subject),
    );
    return [...subjects].sort(byOrder).map((subject) => lineOf(cells, row, subject));
  });
}

const ORDER: readonly SubjectName[] = ['direct', 'bare', 'floor', 'farebox', 'portkey'];
const byOrder = (a: SubjectName, b: SubjectName) => ORDER.indexOf(a) - ORDER.indexOf(b);

function figure(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '–';
}

/** A middle, and in brackets how far the rounds lay apart. */
function range(value: Spread, digits: number): string {
  const middle = figure(value.median, digits);
  if (!Number.isFinite(value.median) || value.least === value.most) return middle;
  return `${middle} (${figure(value.least, digits)}–${figure(value.most, digits)})`;
}

const HEADINGS = [
  'subject',
  'calls/s',
  'to direct',
  'to bare',
  'to floor',
  'first byte ms p50',
  'added p50 ms',
  'added p99 ms',
  'p50 to bare',
  'CPU ms / 1,000',
  'memory MB',
];

function columns(line: Line): string[] {
  return [
    line.subject + (line.errors > 0 ? ` (${line.errors} ERRORS)` : ''),
    range(line.perSecond, 0),
    figure(line.toDirect.median, 2),
    range(line.toBare, 2),
    range(line.toFloor, 2),
    range(line.firstByteMs, 2),
    figure(line.addedFirstByteMs.median, 2),
    figure(line.addedFirstByteP99Ms.median, 2),
    figure(line.firstByteToBare.median, 2),
    figure(line.cpuMsPerThousand.median, 0),
    figure(line.memoryMb.median, 0),
  ];
}

/** A Markdown table that also lines up on a terminal. */
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

function rowSection(lines: readonly Line[], row: Row): string {
  const mine = lines.filter((line) => sameRow(line.row, row));
  return `### ${rowName(row)}\n\n${table(HEADINGS, mine.map(columns))}`;
}

function verdictTable(verdicts: readonly Verdict[]): string {
  const lines = verdicts.map((verdict) => [
    verdict.goal,
    verdict.row,
    figure(verdict.measured, 2),
    verdict.wanted,
    verdict.reached ? 'yes' : 'NO',
  ]);
  return table(['goal', 'row', 'measured', 'wanted', 'reached'], lines);
}

type Setting = Readonly<{
  at: string;
  machine: string;
  node: string;
  rounds: number;
  windowMs: number;
  bodyBytes: number;
  storage: Options['storage'];
}>;

function settingOf(options: Options): Setting {
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

function peaks(players: Players): string[][] {
  const named = [
    ...players.subjects
      .filter(({ name }) => name !== 'direct')
      .map(({ name, process }) => ({ name, process })),
    { name: 'upstream (the bench itself)', process: players.upstream },
    { name: 'load generator (the bench itself)', process: players.generator },
  ];
  return named.map(({ name, process }) => {
    const { nowMb, peakMb } = memory(process.pid);
    return [name, figure(nowMb, 0), figure(peakMb, 0)];
  });
}

function document(
  setting: Setting,
  lines: readonly Line[],
  rows: readonly Row[],
  verdicts: readonly Verdict[],
  held: readonly (readonly string[])[],
): string {
  return `# Bench

${setting.at}, ${setting.machine}, Node ${setting.node}. ${setting.rounds} interleaved round(s) of ${setting.windowMs} ms a cell; bodies of about ${setting.bodyBytes} bytes; objects on ${setting.storage}.
Upstream, load generator and subject share the machine: read the ratios (medians over rounds of the ratio
within a round, spread in brackets), not the absolute numbers. "Added" is against the upstream called directly.

## Goals

${verdictTable(verdicts)}

## Memory at the end of the run

${table(['process', 'now MB', 'peak MB'], held)}

## Rows

${rows.map((row) => rowSection(lines, row)).join('\n\n')}
`;
}

/** Writes the results; false where a call failed, because then the numbers mean nothing. */
export async function writeComparison(
  cells: readonly Cell[],
  players: Players,
  options: Options,
  say: (line: string) => void,
): Promise<boolean> {
  const rows = rowsOf(options);
  const lines = linesOf(cells, rows);
  const verdicts = judge(cells, rows);
  const setting = settingOf(options);
  const counts = await ask(players.upstream, {});
  const text = document(setting, lines, rows, verdicts, peaks(players));
  const name = options.quick ? 'quick' : 'latest';
  mkdirSync(RESULTS, { recursive: true });
  const whole = { setting, verdicts, lines, upstream: counts };
  writeFileSync(join(RESULTS, `${name}.generated.json`), `${JSON.stringify(whole, null, 1)}\n`);
  writeFileSync(join(RESULTS, `${name}.md`), text);
  writeFileSync(join(RESULTS, `${name}.svg`), chartOf(lines));
  say(
    `\n${text}\nupstream saw ${JSON.stringify(counts)}\nwritten to bench/results/${name}.{generated.json,md,svg}`,
  );
  const errors = cells.reduce((sum, cell) => sum + cell.load.errors, 0);
  if (errors > 0) say(`${errors} calls failed: these numbers are not to be trusted`);
  return errors === 0;
}

/** The middle of the last values against the middle of the first. */
export function growth(values: readonly number[], part: number): number {
  return median(values.slice(-part)) / median(values.slice(0, part));
}
