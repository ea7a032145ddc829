/** Cells of a call's metadata as SQLite keeps them in the account object. */
import {
  MalformedValueError,
  type Surcharge,
  surchargesFromJson,
  surchargesToJson,
} from '@farebox/money';
import type { Cell, CellType } from './call-columns.ts';
import { fromSql, toSql } from './sql-amounts.ts';

/** An empty list is null, because nearly no call has a surcharge. */
function surchargesToSql(surcharges: readonly Surcharge[]): string | null {
  return surcharges.length === 0 ? null : JSON.stringify(surchargesToJson(surcharges));
}

export function toSqlCell(cell: Cell): SqlStorageValue {
  if (cell === null || typeof cell === 'string' || typeof cell === 'number') return cell;
  if (typeof cell === 'bigint') return toSql(cell);
  if (typeof cell === 'boolean') return cell ? 1 : 0;
  return surchargesToSql(cell);
}

export function fromSqlCell(type: CellType, value: SqlStorageValue | undefined): Cell {
  if (type === 'surcharges') {
    return typeof value === 'string' ? surchargesFromJson(JSON.parse(value)) : [];
  }
  if (value === null) return null;
  if (type === 'boolean') return value === 1;
  if (type === 'amount' || type === 'price') return fromSql(value);
  if (typeof value === 'string' || typeof value === 'number') return value;
  throw new MalformedValueError();
}
