/** The sum of the reserved refunds, apart from the verbs (refunds.ts), which need the cache. */
import type { NanoUsd } from '@farebox/money';
import { fromSqlText } from './sql-amounts.ts';

const SUM = `SELECT CAST(coalesce(sum(amount), 0) AS TEXT) AS sum FROM refunds
  WHERE state = 'reserved'`;

export function sumReserved(sql: SqlStorage): NanoUsd {
  return fromSqlText(sql.exec<{ sum: string }>(SUM).one().sum);
}
