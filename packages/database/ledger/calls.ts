/**
 * The metadata of ended calls, to and from rows of `calls`. Columns come from the ledger's table
 * (call-columns.ts); a row that does not read as a call is refused, not guessed.
 */
import type { AccountId, CallId, CallMetadata, Generation } from '@farebox/ledger';
import {
  CALL_COLUMNS,
  type CallColumnName,
  type Cell,
  type CellType,
  callFromCells,
  callToCells,
} from '@farebox/ledger/call-columns';
import { surchargesFromJson, surchargesToJson } from '@farebox/money';
import { and, eq } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { calls } from '../schema/ledger.ts';

/**
 * The type of a column in a record that Postgres reads from JSON; inserting casts to the table's
 * own.
 */
const POSTGRES_TYPES: Readonly<Record<CellType, string>> = {
  text: 'text',
  integer: 'bigint',
  boolean: 'boolean',
  amount: 'bigint',
  price: 'bigint',
  instant: 'timestamptz',
  surcharges: 'jsonb',
};

/** The columns of `calls` but the account, and which of them a later entry of the call replaces. */
export const CALL_ROW_COLUMNS: readonly Readonly<{
  name: string;
  type: string;
  isReplaced: boolean;
}>[] = [
  { name: 'seq', type: 'bigint', isReplaced: true },
  ...CALL_COLUMNS.map(({ name, type, source }) => ({
    name,
    type: POSTGRES_TYPES[type],
    isReplaced: name !== 'id' && source !== 'opening',
  })),
];

/** Large numbers are text, because JSON has no exact integer beyond 2^53. */
function cellToJson(type: CellType, cell: Cell): unknown {
  if (cell === null || typeof cell === 'string' || typeof cell === 'boolean') return cell;
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return type === 'instant' ? new Date(cell).toISOString() : cell;
  return surchargesToJson(cell);
}

/** One call as `ingestEntries` sends it: a value for each of `CALL_ROW_COLUMNS`. */
export function toCallRow(seq: number, call: CallMetadata): Readonly<Record<string, unknown>> {
  const cells = callToCells(call);
  const values = CALL_COLUMNS.map(({ name, type }, index) => [
    name,
    cellToJson(type, cells[index] ?? null),
  ]);
  return { seq, ...Object.fromEntries(values) };
}

/** The bill of one ended call of this account, for calls the object no longer keeps. */
export async function findGeneration(
  db: Database,
  account: AccountId,
  id: CallId,
): Promise<Generation | undefined> {
  const [row] = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(eq(calls.accountId, account), eq(calls.id, id))),
  );
  return row === undefined ? undefined : toGeneration(row);
}

type CamelCase<Name extends string> = Name extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : Name;

/**
 * A row as the schema names it: a column that `calls` lacks does not compile where one is passed.
 */
type CallRow = Readonly<Record<CamelCase<CallColumnName>, unknown>>;

function toCamelCase(name: string): string {
  return name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase());
}

const ROW_PROPERTIES: ReadonlyMap<string, string> = new Map(
  CALL_COLUMNS.map(({ name }) => [name, toCamelCase(name)]),
);

function toCell(type: CellType, value: unknown): Cell {
  if (type === 'surcharges') return surchargesFromJson(value);
  if (value instanceof Date) return value.getTime();
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint' || typeof value === 'boolean') return value;
  throw new TypeError('A stored call has a value that no column may hold.');
}

export function toCallMetadata(row: CallRow): CallMetadata {
  return callFromCells(({ name, type }) =>
    toCell(type, Reflect.get(row, ROW_PROPERTIES.get(name) ?? name)),
  );
}

export function toGeneration(row: CallRow): Generation {
  const { keyId: _, ...generation } = toCallMetadata(row);
  return generation;
}
