/** Summarizes the cells of a run: one summary per row and subject, over all rounds. */
import { series } from './goals.ts';
import { type Cell, type Row, sameRow } from './rounds.ts';
import { differences, ratios, type Spread, spread } from './statistics.ts';
import { SUBJECTS, type SubjectName } from './subject.ts';

export type RowSummary = Readonly<{
  row: Row;
  subject: SubjectName;
  cpuMsPerCall: Spread;
  cpuToFloor: Spread;
  cpuToBefore: Spread;
  perSecond: Spread;
  toBare: Spread;
  toFloor: Spread;
  firstByteMs: Spread;
  addedFirstByteMs: Spread;
  addedFirstByteP99Ms: Spread;
  frameDelayMs: Spread;
  frameDelayP99Ms: Spread;
  addedFrameDelayP99Ms: Spread;
  cleanStreams: number;
  timedStreams: number;
  deliveriesPerThousand: Spread;
  statementsPerThousand: Spread;
  memoryMb: Spread;
  errors: number;
}>;

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function summarizeRow(cells: readonly Cell[], row: Row, subject: SubjectName): RowSummary {
  const of = (measure: (cell: Cell) => number, otherSubject: SubjectName = subject) =>
    series(cells, row, otherSubject, measure);
  const ratioTo = (measure: (cell: Cell) => number, otherSubject: SubjectName) =>
    spread(ratios(of(measure), of(measure, otherSubject)));
  const addedToBare = (measure: (cell: Cell) => number) =>
    spread(differences(of(measure), of(measure, 'bare')));
  const cpu = (cell: Cell) => cell.cpuMsPerCall;
  const rate = (cell: Cell) => cell.load.perSecond;
  const p50 = (cell: Cell) => cell.load.firstByteP50;
  const frameP99 = (cell: Cell) => cell.load.frameDelayP99;
  return {
    row,
    subject,
    cpuMsPerCall: spread(of(cpu)),
    cpuToFloor: ratioTo(cpu, 'floor'),
    cpuToBefore: ratioTo(cpu, 'before'),
    perSecond: spread(of(rate)),
    toBare: ratioTo(rate, 'bare'),
    toFloor: ratioTo(rate, 'floor'),
    firstByteMs: spread(of(p50)),
    addedFirstByteMs: addedToBare(p50),
    addedFirstByteP99Ms: addedToBare((cell) => cell.load.firstByteP99),
    frameDelayMs: spread(of((cell) => cell.load.frameDelayP50)),
    frameDelayP99Ms: spread(of(frameP99)),
    addedFrameDelayP99Ms: addedToBare(frameP99),
    cleanStreams: sum(of((cell) => cell.load.cleanStreams)),
    timedStreams: sum(of((cell) => cell.load.timedStreams)),
    deliveriesPerThousand: spread(of((cell) => cell.deliveriesPerThousand)),
    statementsPerThousand: spread(of((cell) => cell.statementsPerThousand)),
    memoryMb: spread(of((cell) => cell.memoryMb)),
    errors: sum(of((cell) => cell.load.errors)),
  };
}

export function summarizeRows(cells: readonly Cell[], rows: readonly Row[]): RowSummary[] {
  return rows.flatMap((row) => {
    const measured = new Set(
      cells.filter((cell) => sameRow(cell.row, row)).map((cell) => cell.subject),
    );
    const subjects = SUBJECTS.filter((subject) => measured.has(subject));
    return subjects.map((subject) => summarizeRow(cells, row, subject));
  });
}
