/**
 * The export of all data about a user: one JSON file, or one table as CSV. Both are streamed in
 * batches of rows, so memory stays bounded for accounts of any age.
 */
import {
  type DataSubject,
  EXPORTED_TABLES,
  type ExportedTable,
  exportRows,
  getExportedColumns,
} from '@farebox/database/privacy';
import { type AccountStatus, HOUR_MS, type KeyStatus, type RefusedCalls } from '@farebox/ledger';
import { mailboxHash } from '@farebox/mail';
import type { ConsoleDeps } from '../deps.ts';
import { type Cell, csvResponse, type Row } from '../format/csv.ts';
import { fileResponse } from '../format/file-response.ts';

type ExportSubject = Readonly<{ account: string; email: string }>;

function toOwner(deps: ConsoleDeps, { account, email }: ExportSubject): DataSubject {
  return { account, mailboxHash: mailboxHash(deps.identity.secret, email) };
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Date ? value.toISOString() : value;
}

type CurrentState = Readonly<{
  accountStatus: AccountStatus | null;
  keys: readonly KeyStatus[];
  refusedCalls: readonly RefusedCalls[];
}>;

/** The current state in the account object: balance, keys, and counts of refused calls. */
function currentStateJson({ accountStatus, keys, refusedCalls }: CurrentState): string {
  const now = {
    balance: accountStatus && {
      state: accountStatus.state,
      posted: accountStatus.posted,
      held: accountStatus.held,
      open_calls: accountStatus.openCalls,
      low_balance: accountStatus.lowBalance,
      entries_not_yet_in_tables: accountStatus.pendingEntries,
    },
    keys: keys.map((key) => ({
      key_id: key.keyId,
      spent: key.spent,
      held: key.held,
      spent_today: key.spentToday,
      period_budgets: key.periodBudgets.map(({ period, budget, spent }) => ({
        period,
        budget,
        spent,
      })),
      typical_daily_spend: key.typicalDailySpend,
      alert_multiple: key.spendGuard.alertMultiple,
      pause_multiple: key.spendGuard.pauseMultiple,
      paused_at: key.pausedAt === null ? null : new Date(key.pausedAt),
      revoked_at: key.revokedAt === null ? null : new Date(key.revokedAt),
    })),
    refused_calls: refusedCalls.map(({ keyId, code, hour, count, lastAt }) => ({
      key_id: keyId,
      code,
      hour: new Date(hour * HOUR_MS),
      count,
      last_at: new Date(lastAt),
    })),
  };
  return JSON.stringify(now, (_, value: unknown) => jsonValue(value));
}

async function* jsonParts(deps: ConsoleDeps, subject: ExportSubject): AsyncGenerator<string> {
  const { accounts, identity } = deps;
  const [accountStatus, keys, refusedCalls] = await Promise.all([
    accounts.status(subject.account),
    accounts.keys(subject.account),
    accounts.refusedCalls(subject.account),
  ]);
  const header = {
    format: 'farebox-account/1',
    made_at: new Date(identity.now()).toISOString(),
    account: subject.account,
    amounts: 'nano-USD: billionths of a US dollar',
    days: 'whole days since 1970-01-01, UTC',
  };
  yield `${JSON.stringify(header).slice(0, -1)},\n"now":${currentStateJson({ accountStatus, keys, refusedCalls })},\n"tables":{`;
  const owner = toOwner(deps, subject);
  for (const [index, table] of EXPORTED_TABLES.entries()) {
    const columns = getExportedColumns(table);
    yield `${index === 0 ? '' : ','}\n"${table}":[`;
    let first = true;
    for await (const rows of exportRows(identity.db, table, owner)) {
      const jsonRows = rows.map((row) =>
        JSON.stringify(
          Object.fromEntries(columns.map((name, at) => [name, jsonValue(row[at])])),
          (_, value: unknown) => jsonValue(value),
        ),
      );
      if (jsonRows.length > 0) yield `${first ? '' : ','}\n${jsonRows.join(',\n')}`;
      if (jsonRows.length > 0) first = false;
    }
    yield ']';
  }
  yield '\n}}\n';
}

/** Returns all tables as one JSON file. */
export function jsonExport(deps: ConsoleDeps, subject: ExportSubject): Response {
  const kind = { name: 'farebox-account.json', contentType: 'application/json' };
  return fileResponse(kind, jsonParts(deps, subject));
}

function toCell(value: unknown): Cell {
  if (value instanceof Date) return value.toISOString();
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value.join(' ');
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'bigint':
    case 'boolean':
      return value;
    default:
      return value === null || value === undefined ? null : JSON.stringify(value);
  }
}

async function* csvBatches(
  deps: ConsoleDeps,
  subject: ExportSubject,
  table: ExportedTable,
): AsyncGenerator<readonly Row[]> {
  for await (const rows of exportRows(deps.identity.db, table, toOwner(deps, subject))) {
    yield rows.map((row) => row.map(toCell));
  }
}

/** Returns one table as a CSV file. */
export function csvExport(
  deps: ConsoleDeps,
  subject: ExportSubject,
  table: ExportedTable,
): Response {
  const batches = csvBatches(deps, subject, table);
  return csvResponse(`farebox-${table}.csv`, getExportedColumns(table), batches);
}
