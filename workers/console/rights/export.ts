/**
 * Everything that is kept about somebody, as they may take it with them: one JSON file of all, or a table as
 * CSV. Both are sent as they are read, a bounded number of rows at a time, however long the account lived.
 */
import {
  EXPORTED_TABLES,
  type ExportedTable,
  exportedColumns,
  exportRows,
  type Whose,
} from '@farebox/database';
import type { AccountStanding, KeyStanding } from '@farebox/ledger';
import { mailboxHash } from '@farebox/mail';
import { type Cell, csvAnswer, type Row } from '../charts/sheet.ts';
import type { House } from '../env.ts';

type Asker = Readonly<{ account: string; email: string }>;

function whoseOf(house: House, { account, email }: Asker): Whose {
  return { account, mailboxHash: mailboxHash(house.identity.secret, email) };
}

function jsonValue(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString();
  return value instanceof Date ? value.toISOString() : value;
}

/** What only the account's object knows, at this moment. */
function present(standing: AccountStanding | null, keys: readonly KeyStanding[]): string {
  const now = {
    balance: standing && {
      state: standing.state,
      posted: standing.posted,
      held: standing.held,
      open_calls: standing.openCalls,
      low_balance: standing.lowBalance,
      lines_not_yet_in_tables: standing.pendingEntries,
    },
    keys: keys.map((key) => ({
      key_id: key.keyId,
      spent: key.spent,
      held: key.held,
      spent_today: key.spentToday,
      usual_day: key.usualDay,
      notice_at: key.brakes.noticeAt,
      pause_at: key.brakes.pauseAt,
      paused_at: key.pausedAt === null ? null : new Date(key.pausedAt),
      revoked_at: key.revokedAt === null ? null : new Date(key.revokedAt),
    })),
  };
  return JSON.stringify(now, (_, value: unknown) => jsonValue(value));
}

async function* jsonParts(house: House, asker: Asker): AsyncGenerator<string> {
  const { accounts, identity } = house;
  const [standing, keys] = await Promise.all([
    accounts.standing(asker.account),
    accounts.keys(asker.account),
  ]);
  const head = {
    format: 'farebox-account/1',
    made_at: new Date(identity.now()).toISOString(),
    account: asker.account,
    amounts: 'nano-USD: billionths of a US dollar',
    days: 'whole days since 1970-01-01, UTC',
  };
  yield `${JSON.stringify(head).slice(0, -1)},\n"now":${present(standing, keys)},\n"tables":{`;
  const whose = whoseOf(house, asker);
  for (const [index, table] of EXPORTED_TABLES.entries()) {
    const columns = exportedColumns(table);
    yield `${index === 0 ? '' : ','}\n"${table}":[`;
    let first = true;
    for await (const rows of exportRows(identity.db, table, whose)) {
      const lines = rows.map((row) =>
        JSON.stringify(
          Object.fromEntries(columns.map((name, at) => [name, jsonValue(row[at])])),
          (_, value: unknown) => jsonValue(value),
        ),
      );
      if (lines.length > 0) yield `${first ? '' : ','}\n${lines.join(',\n')}`;
      if (lines.length > 0) first = false;
    }
    yield ']';
  }
  yield '\n}}\n';
}

const encoder = new TextEncoder();

/** One file with everything. */
export function jsonExport(house: House, asker: Asker): Response {
  const parts = jsonParts(house, asker)[Symbol.asyncIterator]();
  const body = new ReadableStream<Uint8Array>({
    pull: async (controller) => {
      const { done, value } = await parts.next();
      if (done === true) return controller.close();
      controller.enqueue(encoder.encode(value));
    },
    cancel: async () => {
      await parts.return?.(undefined);
    },
  });
  return new Response(body, {
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'content-disposition': 'attachment; filename="farebox-account.json"',
      'cache-control': 'no-store',
    },
  });
}

function cellOf(value: unknown): Cell {
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
  house: House,
  asker: Asker,
  table: ExportedTable,
): AsyncGenerator<readonly Row[]> {
  for await (const rows of exportRows(house.identity.db, table, whoseOf(house, asker))) {
    yield rows.map((row) => row.map(cellOf));
  }
}

/** One table. */
export function csvExport(house: House, asker: Asker, table: ExportedTable): Response {
  const batches = csvBatches(house, asker, table);
  return csvAnswer(`farebox-${table}.csv`, exportedColumns(table), batches);
}
