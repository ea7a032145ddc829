/**
 * The tables of the account object, as numbered steps that only go forward. The CHECKs are a second
 * safeguard below the ledger's arithmetic. No table may store a name, an email address, a prompt or
 * a response. Nothing is created before `open`: a constructor that made tables would store data for
 * any name that is requested. (`PRAGMA user_version` is not available in Durable Objects.)
 */
import { NO_HASH } from './statement-line.ts';

const MIGRATIONS: readonly (readonly string[])[] = [
  [
    `CREATE TABLE account (
      one INTEGER PRIMARY KEY CHECK (one = 1),
      id TEXT NOT NULL,
      state TEXT NOT NULL CHECK (state IN ('open', 'frozen', 'closed')),
      posted INTEGER NOT NULL CHECK (posted >= 0 AND posted <= 9007199254740991),
      held INTEGER NOT NULL CHECK (held >= 0 AND held <= posted),
      seq INTEGER NOT NULL CHECK (seq >= 0),
      acknowledged INTEGER NOT NULL CHECK (acknowledged >= 0 AND acknowledged <= seq),
      day INTEGER NOT NULL,
      waived INTEGER NOT NULL CHECK (waived >= 0),
      expired INTEGER NOT NULL CHECK (expired >= 0),
      pruned_count INTEGER NOT NULL,
      pruned_delta TEXT NOT NULL
    ) STRICT`,
    `CREATE TABLE holds (
      id TEXT PRIMARY KEY,
      key_id INTEGER NOT NULL,
      amount INTEGER NOT NULL CHECK (amount >= 0),
      floor INTEGER NOT NULL CHECK (floor >= 0 AND floor <= amount),
      deadline INTEGER NOT NULL,
      max_output INTEGER NOT NULL,
      asked TEXT NOT NULL,
      model TEXT NOT NULL,
      provider TEXT NOT NULL,
      dialect TEXT NOT NULL,
      stream INTEGER NOT NULL CHECK (stream IN (0, 1)),
      created_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE entries (
      seq INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      kind TEXT NOT NULL CHECK (kind IN ('credit', 'charge', 'adjustment')),
      delta INTEGER NOT NULL,
      posted_after INTEGER NOT NULL CHECK (posted_after >= 0),
      at INTEGER NOT NULL,
      source TEXT,
      call_id TEXT, key_id INTEGER, model TEXT, provider TEXT, dialect TEXT, stream INTEGER,
      http_status INTEGER, reason TEXT, fees TEXT,
      u0 INTEGER, u1 INTEGER, u2 INTEGER, u3 INTEGER, u4 INTEGER, u5 INTEGER,
      p0 INTEGER, p1 INTEGER, p2 INTEGER, p3 INTEGER, p4 INTEGER,
      charged INTEGER, shortfall INTEGER, created_at INTEGER,
      held INTEGER, max_output INTEGER, hold_asked TEXT, settle_asked TEXT,
      CHECK ((kind = 'charge') = (call_id IS NOT NULL))
    ) STRICT`,
    `CREATE TABLE keys (
      id INTEGER PRIMARY KEY,
      secret_hash TEXT NOT NULL,
      budget INTEGER CHECK (budget >= 0),
      expires_at INTEGER,
      models TEXT,
      calls_per_minute INTEGER,
      concurrent_calls INTEGER,
      spent INTEGER NOT NULL,
      revoked_at INTEGER,
      created_at INTEGER NOT NULL
    ) STRICT`,
  ],
  // From here on `spent` covers acknowledged entries only; the others are added when acknowledged.
  [
    `UPDATE keys SET spent = spent + coalesce((SELECT sum(e.delta) FROM entries e
      WHERE e.key_id = keys.id AND e.seq > (SELECT acknowledged FROM account)), 0)`,
  ],
  // The spend guard. The baseline's columns, like `spent`, cover acknowledged entries only.
  [
    'ALTER TABLE account ADD COLUMN low_balance INTEGER CHECK (low_balance >= 0)',
    'ALTER TABLE account ADD COLUMN low INTEGER NOT NULL DEFAULT 0 CHECK (low IN (0, 1))',
    'ALTER TABLE account ADD COLUMN wiped INTEGER NOT NULL DEFAULT 0 CHECK (wiped IN (0, 1))',
    'ALTER TABLE keys ADD COLUMN notice_at REAL DEFAULT 5 CHECK (notice_at > 0)',
    'ALTER TABLE keys ADD COLUMN pause_at REAL DEFAULT 20 CHECK (pause_at > 0)',
    'ALTER TABLE keys ADD COLUMN paused_at INTEGER',
    'ALTER TABLE keys ADD COLUMN resumed_day INTEGER NOT NULL DEFAULT -1',
    'ALTER TABLE keys ADD COLUMN noticed_day INTEGER NOT NULL DEFAULT -1',
    'ALTER TABLE keys ADD COLUMN dear INTEGER NOT NULL DEFAULT 0 CHECK (dear IN (0, 1))',
    'ALTER TABLE keys ADD COLUMN habit_day INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE keys ADD COLUMN habit_today INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE keys ADD COLUMN habit_usual INTEGER NOT NULL DEFAULT 0 CHECK (habit_usual >= 0)',
    'ALTER TABLE keys ADD COLUMN habit_days INTEGER NOT NULL DEFAULT 0 CHECK (habit_days >= 0)',
    `UPDATE keys SET dear = 1 WHERE id IN (SELECT key_id FROM entries WHERE p4 >= 10000000000)`,
    `CREATE TABLE retired_secrets (
      hash TEXT PRIMARY KEY,
      key_id INTEGER NOT NULL,
      until INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
    `CREATE TABLE notices (
      id TEXT PRIMARY KEY,
      kind TEXT NOT NULL,
      key_id INTEGER,
      model TEXT,
      amount INTEGER,
      at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID`,
  ],
  // Deposit addresses. The bounds are BIP-32's: only children that a public key can derive.
  [
    `CREATE TABLE addresses (
      family TEXT NOT NULL CHECK (family IN ('evm', 'tron')),
      fingerprint TEXT NOT NULL CHECK (length(fingerprint) = 16),
      child INTEGER NOT NULL CHECK (child >= 0 AND child < 2147483648),
      PRIMARY KEY (family, fingerprint)
    ) STRICT, WITHOUT ROWID`,
  ],
  // Names only, and surcharges as JSON. A column of a call's metadata is named as in
  // call-columns.ts.
  [
    ...renameColumns('account', [
      ['one', 'singleton'],
      ['low', 'is_low'],
    ]),
    ...renameColumns('holds', [['asked', 'fingerprint']]),
    ...renameColumns('entries', [
      ['hold_asked', 'hold_fingerprint'],
      ['settle_asked', 'settle_fingerprint'],
      ['u0', 'input_uncached'],
      ['u1', 'cache_read'],
      ['u2', 'cache_write_5m'],
      ['u3', 'cache_write_1h'],
      ['u4', 'output'],
      ['u5', 'output_reasoning'],
      ['p0', 'input_uncached_price'],
      ['p1', 'cache_read_price'],
      ['p2', 'cache_write_5m_price'],
      ['p3', 'cache_write_1h_price'],
      ['p4', 'output_price'],
    ]),
    ...renameColumns('keys', [
      ['notice_at', 'alert_multiple'],
      ['pause_at', 'pause_multiple'],
      ['noticed_day', 'last_alert_day'],
      ['resumed_day', 'guard_disabled_day'],
      ['dear', 'used_expensive_model'],
      ['habit_day', 'baseline_day'],
      ['habit_today', 'baseline_today'],
      ['habit_usual', 'baseline_mean'],
      ['habit_days', 'baseline_active_days'],
    ]),
    ...renameColumns('retired_secrets', [['until', 'expires_at']]),
    'ALTER TABLE notices RENAME TO notifications',
    `UPDATE notifications SET kind = 'expensive_model', id = 'expensive_model:' || key_id
      WHERE kind = 'dear_model'`,
    // From `kind*count@price,...`, which no kind, count or price contains a character of.
    `UPDATE entries SET fees = '[{"kind":"' || replace(replace(replace(fees, ',', '"},{"kind":"'),
      '*', '","count":'), '@', ',"nano_usd_per_million":"') || '"}]' WHERE fees IS NOT NULL`,
  ],
  // Two more lifetimes of cache writes, which calls before had none of, and the rule of the prices.
  [
    'ALTER TABLE entries ADD COLUMN cache_write_30m INTEGER',
    'ALTER TABLE entries ADD COLUMN cache_write_12h INTEGER',
    'ALTER TABLE entries ADD COLUMN cache_write_30m_price INTEGER',
    'ALTER TABLE entries ADD COLUMN cache_write_12h_price INTEGER',
    'ALTER TABLE entries ADD COLUMN price_rule TEXT',
    `UPDATE entries SET cache_write_30m = 0, cache_write_12h = 0
      WHERE input_uncached IS NOT NULL`,
    `UPDATE entries SET cache_write_30m_price = 0, cache_write_12h_price = 0
      WHERE input_uncached_price IS NOT NULL`,
  ],
  // Refused calls and calls with a shortfall, of the day (refusals.ts).
  [
    'ALTER TABLE account ADD COLUMN refused INTEGER NOT NULL DEFAULT 0 CHECK (refused >= 0)',
    'ALTER TABLE account ADD COLUMN shortfalls INTEGER NOT NULL DEFAULT 0 CHECK (shortfalls >= 0)',
  ],
  // What the provider says that a call cost; calls before have none.
  ['ALTER TABLE entries ADD COLUMN provider_cost INTEGER CHECK (provider_cost >= 0)'],
  // The margin that a call's prices contain; unknown of calls before.
  [
    `ALTER TABLE entries ADD COLUMN margin_basis_points INTEGER
      CHECK (margin_basis_points BETWEEN 0 AND 10000)`,
  ],
  // One row for each call: its hold inserts it, its end gives it a number. What only describes the
  // call is text (metadata-text.ts). `open_from`: no row below it is open.
  [
    'ALTER TABLE account ADD COLUMN open_from INTEGER NOT NULL DEFAULT 1',
    // Calls of the day that were sent early and then declined, and when grants may be given to
    // other isolates (early-grants.ts).
    `ALTER TABLE account ADD COLUMN early_declines INTEGER NOT NULL DEFAULT 0
      CHECK (early_declines >= 0)`,
    'ALTER TABLE account ADD COLUMN early_until INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE entries RENAME TO old_entries',
    `CREATE TABLE entries (
      row INTEGER PRIMARY KEY,
      id TEXT NOT NULL UNIQUE,
      seq INTEGER CHECK (seq > 0),
      kind TEXT NOT NULL CHECK (kind IN ('credit', 'charge', 'adjustment')),
      delta INTEGER,
      posted_after INTEGER CHECK (posted_after >= 0),
      at INTEGER,
      source TEXT,
      call_id TEXT,
      key_id INTEGER,
      held INTEGER CHECK (held >= 0),
      max_output INTEGER,
      deadline INTEGER,
      floor INTEGER CHECK (floor >= 0 AND floor <= held),
      hold_fingerprint TEXT,
      opening TEXT,
      reason TEXT,
      charged INTEGER CHECK (charged >= 0),
      shortfall INTEGER CHECK (shortfall >= 0),
      settle_fingerprint TEXT,
      report TEXT,
      CHECK ((kind = 'charge') = (call_id IS NOT NULL)),
      CHECK ((kind = 'charge') = (opening IS NOT NULL)),
      CHECK ((seq IS NULL) = (delta IS NULL)),
      CHECK ((seq IS NULL) = (posted_after IS NULL)),
      CHECK ((seq IS NULL) = (at IS NULL)),
      CHECK (seq IS NOT NULL OR (call_id IS NOT NULL AND held IS NOT NULL AND floor IS NOT NULL
        AND deadline IS NOT NULL AND hold_fingerprint IS NOT NULL))
    ) STRICT`,
    `INSERT INTO entries (row, id, seq, kind, delta, posted_after, at, source, call_id, key_id, held,
        max_output, hold_fingerprint, opening, reason, charged, shortfall, settle_fingerprint, report)
      SELECT seq, id, seq, kind, delta, posted_after, at, source, call_id, key_id, held, max_output,
        hold_fingerprint, ${openingJson()}, reason, charged, shortfall, settle_fingerprint,
        CASE WHEN http_status IS NOT NULL THEN json_object('httpStatus', http_status,
          'usage', json_object('input_uncached', input_uncached, 'cache_read', cache_read,
            'cache_write_5m', cache_write_5m, 'cache_write_30m', cache_write_30m,
            'cache_write_1h', cache_write_1h, 'cache_write_12h', cache_write_12h,
            'output', output, 'output_reasoning', output_reasoning),
          'prices', json_object('input_uncached', CAST(input_uncached_price AS TEXT),
            'cache_read', CAST(cache_read_price AS TEXT),
            'cache_write_5m', CAST(cache_write_5m_price AS TEXT),
            'cache_write_30m', CAST(cache_write_30m_price AS TEXT),
            'cache_write_1h', CAST(cache_write_1h_price AS TEXT),
            'cache_write_12h', CAST(cache_write_12h_price AS TEXT),
            'output', CAST(output_price AS TEXT)),
          'priceRule', price_rule, 'fees', json(coalesce(fees, '[]')),
          'providerCost', CAST(provider_cost AS TEXT),
          'marginBasisPoints', margin_basis_points) END
      FROM old_entries ORDER BY seq`,
    `INSERT INTO entries (row, id, kind, call_id, key_id, held, max_output, deadline, floor,
        hold_fingerprint, opening)
      SELECT (SELECT coalesce(max(seq), 0) FROM old_entries) + row_number() OVER (ORDER BY created_at, id),
        id, 'charge', id, key_id, amount, max_output, deadline, floor, fingerprint,
        ${openingJson('id')}
      FROM holds ORDER BY created_at, id`,
    'CREATE UNIQUE INDEX entries_seq ON entries (seq) WHERE seq IS NOT NULL',
    'DROP TABLE old_entries',
    'DROP TABLE holds',
  ],
  // Budgets by period, and the price of the models that a key may call. The sums of week and month
  // are those of `baseline_day`; like `spent` they cover acknowledged entries only.
  [
    'ALTER TABLE keys ADD COLUMN day_budget INTEGER CHECK (day_budget >= 0)',
    'ALTER TABLE keys ADD COLUMN week_budget INTEGER CHECK (week_budget >= 0)',
    'ALTER TABLE keys ADD COLUMN month_budget INTEGER CHECK (month_budget >= 0)',
    'ALTER TABLE keys ADD COLUMN max_output_price INTEGER CHECK (max_output_price >= 0)',
    'ALTER TABLE notifications ADD COLUMN budget_period TEXT',
    'ALTER TABLE keys ADD COLUMN week_spent INTEGER NOT NULL DEFAULT 0',
    'ALTER TABLE keys ADD COLUMN month_spent INTEGER NOT NULL DEFAULT 0',
    // Charges from before the spend guard moved no baseline.
    `UPDATE keys SET baseline_day = coalesce((SELECT max(e.at) / 86400000 FROM entries e
      WHERE e.key_id = keys.id AND e.seq <= (SELECT acknowledged FROM account)), 0)
      WHERE baseline_day = 0`,
    `UPDATE keys SET baseline_today = ${spentSince('keys.baseline_day')}
      WHERE baseline_today = 0 AND baseline_active_days = 0`,
    `UPDATE keys SET
      week_spent = ${spentSince('keys.baseline_day - (keys.baseline_day + 3) % 7')},
      month_spent = ${spentSince(
        "CAST(strftime('%s', keys.baseline_day * 86400, 'unixepoch', 'start of month') AS INTEGER) / 86400",
      )}`,
  ],
  // `_price` names the prices of a call.
  renameColumns('keys', [['max_output_price', 'output_price_limit']]),
  // Refused calls, which have no entry (refused-calls.ts).
  [
    `CREATE TABLE refused_calls (
      key_id INTEGER NOT NULL,
      code TEXT NOT NULL CHECK (length(code) <= 40),
      hour INTEGER NOT NULL,
      count INTEGER NOT NULL CHECK (count > 0),
      last_at INTEGER NOT NULL,
      PRIMARY KEY (key_id, code, hour)
    ) STRICT, WITHOUT ROWID`,
  ],
  // Refunds (refunds.ts), and the entries of money that is not a call's, which are few.
  [
    `CREATE TABLE refunds (
      id TEXT PRIMARY KEY,
      amount INTEGER NOT NULL CHECK (amount > 0),
      state TEXT NOT NULL CHECK (state IN ('reserved', 'paid', 'released'))
    ) STRICT, WITHOUT ROWID`,
    "CREATE INDEX entries_money ON entries (seq) WHERE kind <> 'charge'",
  ],
  // The chain of entries (statement-line.ts). Entries from before are chained by the object's
  // alarms, a few at a time (entry-chain.ts); a tombstone has nothing to chain.
  [
    `ALTER TABLE entries ADD COLUMN hash TEXT CHECK (length(hash) = 64)`,
    'ALTER TABLE account ADD COLUMN chain_seq INTEGER NOT NULL DEFAULT 0 CHECK (chain_seq >= 0)',
    `ALTER TABLE account ADD COLUMN chain_hash TEXT NOT NULL DEFAULT '${NO_HASH}'
      CHECK (length(chain_hash) = 64)`,
    'UPDATE account SET chain_seq = seq WHERE wiped = 1',
  ],
  // Which gateway isolates may send calls early (early-grants.ts).
  ["ALTER TABLE account ADD COLUMN early_isolates TEXT NOT NULL DEFAULT ''"],
];

/** Charges of a key since a day, as far as they are acknowledged and still kept. */
function spentSince(day: string): string {
  return `min(9007199254740991, coalesce((SELECT -sum(e.delta) FROM entries e
    WHERE e.key_id = keys.id AND e.seq <= (SELECT acknowledged FROM account)
      AND e.at >= (${day}) * 86400000), 0))`;
}

/** What a hold says, from the columns that it had; null where there is no call. */
function openingJson(callId = 'call_id'): string {
  return `CASE WHEN ${callId} IS NOT NULL THEN json_object('createdAt', created_at,
    'keyId', key_id, 'model', model, 'provider', provider, 'dialect', dialect,
    'stream', json(CASE stream WHEN 1 THEN 'true' ELSE 'false' END)) END`;
}

type Rename = readonly [from: string, to: string];

function renameColumns(table: string, renames: readonly Rename[]): readonly string[] {
  return renames.map(([from, to]) => `ALTER TABLE ${table} RENAME COLUMN ${from} TO ${to}`);
}

/** Checks whether `open` has ever run. Writes nothing. */
export function tablesExist(sql: SqlStorage): boolean {
  const rows = sql.exec("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migrations'");
  return rows.toArray().length > 0;
}

/** Brings the tables up to step `target`, the newest by default. Call inside a transaction. */
export function migrate(sql: SqlStorage, now: number, target = MIGRATIONS.length): void {
  sql.exec(
    'CREATE TABLE IF NOT EXISTS migrations (step INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT',
  );
  const current = sql.exec<{ step: number }>(
    'SELECT coalesce(max(step), 0) AS step FROM migrations',
  );
  const last = current.one().step;
  for (const [index, statements] of MIGRATIONS.entries()) {
    if (index + 1 <= last || index + 1 > target) continue;
    for (const statement of statements) sql.exec(statement);
    sql.exec('INSERT INTO migrations (step, at) VALUES (?, ?)', index + 1, now);
  }
}
