/** Exports calls as CSV. A file holds a bounded number of calls, read and sent in batches. */
import type { Database } from '@farebox/database';
import {
  type CallCursor,
  type CallFilter,
  type CallRecord,
  listCalls,
} from '@farebox/database/statements';
import { getProviderPrices } from '@farebox/ledger';
import {
  CALL_COLUMNS,
  type Cell as CallCell,
  type CallColumn,
  type CellType,
  callToCells,
} from '@farebox/ledger/call-columns';
import type { Surcharge } from '@farebox/money';
import type { Cell, Row } from '../format/csv.ts';

export const CALLS_PER_FILE = 10_000;
const CALLS_PER_BATCH = 500;

/** Header and cells of one column of a call's metadata. */
type CsvColumn = Readonly<{
  headers: readonly string[];
  toCells: (cell: CallCell, keyName: string) => Row;
}>;

function toCsvColumn({ name, type }: CallColumn): CsvColumn {
  if (name === 'key_id') return { headers: [name, 'key_name'], toCells: withKeyName };
  if (name === 'charged') return { headers: ['charged_usd', 'charged_nano_usd'], toCells: withUsd };
  return { headers: [HEADERS[type](name)], toCells: (cell) => [toCsvCell(type, cell)] };
}

function unchanged(name: string): string {
  return name;
}

/** Amounts name their unit. */
const HEADERS: Readonly<Record<CellType, (name: string) => string>> = {
  text: unchanged,
  integer: unchanged,
  boolean: unchanged,
  instant: unchanged,
  surcharges: unchanged,
  amount: (name) => `${name}_nano_usd`,
  price: (name) => name.replace(/_price$/, '_nano_usd_per_million'),
};

function withKeyName(cell: CallCell, keyName: string): Row {
  return [toCsvCell('integer', cell), keyName];
}

function withUsd(cell: CallCell): Row {
  return [typeof cell === 'bigint' ? { usd: cell } : null, toCsvCell('amount', cell)];
}

function toCsvCell(type: CellType, cell: CallCell): Cell {
  if (cell === null || typeof cell === 'string' || typeof cell === 'boolean') return cell;
  if (typeof cell === 'number') return type === 'instant' ? new Date(cell).toISOString() : cell;
  return typeof cell === 'bigint' ? cell : formatSurcharges(cell);
}

function formatSurcharges(surcharges: readonly Surcharge[]): string {
  return surcharges
    .map(({ kind, count, nano_usd_per_million }) => `${kind}:${count}x${nano_usd_per_million}`)
    .join(' ');
}

const CSV_COLUMNS: readonly CsvColumn[] = CALL_COLUMNS.map(toCsvColumn);

export const CALL_HEADERS: readonly string[] = [
  ...CSV_COLUMNS.flatMap(({ headers }) => headers),
  'cost_at_provider_prices_nano_usd',
];

export function toCsvRow({ keyId, generation }: CallRecord, keyName: string): Row {
  const cells = callToCells({ ...generation, keyId });
  return [
    ...CSV_COLUMNS.flatMap(({ toCells }, index) => toCells(cells[index] ?? null, keyName)),
    getProviderPrices(generation)?.cost ?? null,
  ];
}

type CallExport = Readonly<{
  db: Database;
  account: string;
  filter: CallFilter;
  before: CallCursor | null;
  /** Where the next file begins; null for the last file. */
  next: CallCursor | null;
  keyName: (keyId: number) => string;
}>;

/** The order of the list: a later cursor is listed before an earlier one. */
function isLater(a: CallCursor, b: CallCursor): boolean {
  return a.at > b.at || (a.at === b.at && a.id > b.id);
}

function isOfFile({ generation }: CallRecord, next: CallCursor | null): boolean {
  return next === null || !isLater(next, { at: generation.createdAt, id: generation.id });
}

/** Yields batches of rows, up to where the next file begins. */
export async function* streamCallBatches(params: CallExport): AsyncGenerator<readonly Row[]> {
  const { db, account, filter, next, keyName } = params;
  let before = params.before;
  do {
    const batch = await listCalls(db, account, { filter, before, limit: CALLS_PER_BATCH });
    const calls = batch.calls.filter((call) => isOfFile(call, next));
    yield calls.map((call) => toCsvRow(call, keyName(call.keyId)));
    before = batch.next;
  } while (before !== null && (next === null || isLater(before, next)));
}
