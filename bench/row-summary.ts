/** Summarizes the cells of a run: one summary per row and subject, over all rounds. */
import { series } from './goals.ts';
import { type Cell, type Row, sameRow } from './rounds.ts';
import { differences, ratios, type Spread, spread } from './statistics.ts';
import type { SubjectName } from './subject.ts';

export type RowSummary = Readonly<{
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

function summarizeRow(cells: readonly Cell[], row: Row, subject: SubjectName): RowSummary {
  const of = (measure: (cell: Cell) => number, otherSubject: SubjectName = subject) =>
    series(cells, row, otherSubject, measure);
  const rate = (cell: Cell) => cell.load.perSecond;
  const p50 = (cell: Cell) => cell.load.firstByteP50;
  const p99 = (cell: Cell) => cell.load.firstByteP99;
  const rateTo = (otherSubject: SubjectName) => spread(ratios(of(rate), of(rate, otherSubject)));
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

export function summarizeRows(cells: readonly Cell[], rows: readonly Row[]): RowSummary[] {
  return rows.flatMap((row) => {
    const subjects = new Set(
      cells.filter((cell) => sameRow(cell.row, row)).map((cell) => cell.subject),
    );
    return [...subjects].sort(bySubjectOrder).map((subject) => summarizeRow(cells, row, subject));
  });
}

const ORDER: readonly SubjectName[] = ['direct', 'bare', 'floor', 'farebox', 'portkey'];
const bySubjectOrder = (a: SubjectName, b: SubjectName) => ORDER.indexOf(a) - ORDER.indexOf(b);
