/**
 * The book's lines: append-only, numbered without a gap, each with the balance after it. Those beyond
 * the acknowledged number are the outbox to Postgres, so there is no second write that could be lost.
 * A line is never changed; only acknowledged charges older than the kept time are dropped.
 */
import {
  type NanoUsd,
  type Prices,
  SURCHARGE_KINDS,
  type Surcharge,
  type Usage,
} from '@farebox/money';
import { rollUpSpending } from './cache.ts';
import {
  type CallId,
  DIALECTS,
  type Entry,
  type Generation,
  type Instant,
  type RecordedDialect,
  SETTLE_REASONS,
  type SettleReason,
} from './contract/index.ts';
import { ENTRY_RETENTION_MS } from './limits.ts';
import { notify } from './notifications.ts';
import { fromSql, fromSqlText, toSql, toSqlSaturating } from './sql-amounts.ts';
import { type MutableBalance, type Tx, writeBalance } from './transaction.ts';

export type EntryRow = {
  seq: number;
  id: string;
  kind: string;
  delta: number;
  posted_after: number;
  at: number;
  source: string | null;
  call_id: string | null;
  key_id: number;
  model: string;
  provider: string;
  dialect: string;
  stream: number;
  http_status: number | null;
  reason: string;
  fees: string | null;
  u0: number | null;
  u1: number;
  u2: number;
  u3: number;
  u4: number;
  u5: number;
  p0: number;
  p1: number;
  p2: number;
  p3: number;
  p4: number;
  charged: number;
  shortfall: number;
  created_at: number;
  held: number;
  max_output: number;
  hold_asked: string | null;
  settle_asked: string | null;
};

/** What a hold leaves behind in the line that ends it. */
export type HoldRow = {
  id: CallId;
  key_id: number;
  amount: number;
  max_output: number;
  asked: string;
  model: string;
  provider: string;
  dialect: string;
  stream: number;
  created_at: number;
};

/** How a call ended. Usage, prices and asked are null where nothing was heard of it. */
export type ChargeDetails = Readonly<{
  entryId: string;
  reason: SettleReason;
  httpStatus: number | null;
  usage: Usage | null;
  prices: Prices | null;
  fees: readonly Surcharge[];
  fingerprint: string | null;
  /** What this line takes (below zero: gives back). */
  taken: NanoUsd;
  /** The call's whole bill after this line. */
  charged: NanoUsd;
  shortfall: NanoUsd;
}>;

const COLUMNS = `seq, id, kind, delta, posted_after, at, call_id, key_id, model, provider, dialect,
  stream, http_status, reason, fees, u0, u1, u2, u3, u4, u5, p0, p1, p2, p3, p4, charged, shortfall,
  created_at, held, max_output, hold_asked, settle_asked`;
const INSERT_CHARGE = `INSERT INTO entries (${COLUMNS}) VALUES (${COLUMNS.replace(/\w+/g, '?')})`;
const INSERT_CREDIT_OR_ADJUSTMENT = `INSERT INTO entries (seq, id, kind, delta, posted_after, at, source)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const BY_ID = 'SELECT * FROM entries WHERE id = ?';
const AFTER = 'SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?';

export function lateId(id: CallId): string {
  return `${id}:late`;
}

export function findEntry(tx: Tx, id: string): EntryRow | undefined {
  return tx.sql.exec<EntryRow>(BY_ID, id).toArray()[0];
}

/** Posts `delta` to the balance; the caller writes the line in the same transaction. */
function post(balance: MutableBalance, delta: NanoUsd): void {
  balance.posted += delta;
  balance.seq += 1;
}

/** Lines keep their order in time too, though the clock of another machine may be behind. */
function monotonicTime(tx: Tx): Instant {
  const { cache, now } = tx;
  if (now > cache.lastEntryAt) cache.lastEntryAt = now;
  return cache.lastEntryAt;
}

const UPDATE_LOW = 'UPDATE account SET low = ? WHERE one = 1';

/** Told once when the balance falls below what its owner chose, and again only after it rose above. */
function alertOnLowBalance(tx: Tx, balance: MutableBalance): void {
  const { cache } = tx;
  const isLow = cache.lowBalance !== null && balance.posted < cache.lowBalance;
  if (isLow === cache.isBalanceLow) return;
  cache.isBalanceLow = isLow;
  tx.sql.exec(UPDATE_LOW, isLow ? 1 : 0);
  if (!isLow) return;
  const fields = { keyId: null, model: null, amount: balance.posted, at: cache.lastEntryAt };
  notify(tx, { id: `low_balance:${balance.seq}`, kind: 'low_balance', ...fields });
}

/** A credit or an adjustment. `source` says which kind of money, or the operator's note. */
export function appendCreditOrAdjustment(
  tx: Tx,
  balance: MutableBalance,
  entry: Readonly<{ id: string; kind: 'credit' | 'adjustment'; delta: NanoUsd; source: string }>,
): void {
  post(balance, entry.delta);
  const after = toSql(balance.posted);
  const { id, kind, delta, source } = entry;
  const at = monotonicTime(tx);
  tx.sql.exec(INSERT_CREDIT_OR_ADJUSTMENT, balance.seq, id, kind, toSql(delta), after, at, source);
  writeBalance(tx, balance);
  alertOnLowBalance(tx, balance);
}

/** The line that ends a call; the hold's amount must already be out of `balance.held`. */
export function appendCharge(
  tx: Tx,
  balance: MutableBalance,
  hold: HoldRow,
  details: ChargeDetails,
): void {
  post(balance, -details.taken);
  const { usage, prices, fees } = details;
  tx.sql.exec(
    INSERT_CHARGE,
    balance.seq,
    details.entryId,
    'charge',
    toSql(-details.taken),
    toSql(balance.posted),
    monotonicTime(tx),
    hold.id,
    hold.key_id,
    hold.model,
    hold.provider,
    hold.dialect,
    hold.stream,
    details.httpStatus,
    details.reason,
    formatSurcharges(fees),
    usage?.input_uncached ?? null,
    usage?.cache_read ?? null,
    usage?.cache_write_5m ?? null,
    usage?.cache_write_1h ?? null,
    usage?.output ?? null,
    usage?.output_reasoning ?? null,
    prices === null ? null : toSql(prices.input_uncached),
    prices === null ? null : toSql(prices.cache_read),
    prices === null ? null : toSql(prices.cache_write_5m),
    prices === null ? null : toSql(prices.cache_write_1h),
    prices === null ? null : toSql(prices.output),
    toSql(details.charged),
    toSqlSaturating(details.shortfall),
    hold.created_at,
    hold.amount,
    hold.max_output,
    hold.asked,
    details.fingerprint,
  );
  writeBalance(tx, balance);
  alertOnLowBalance(tx, balance);
}

/** `kind*count@price`, several joined by commas; null for none, which is nearly always. */
export function formatSurcharges(fees: readonly Surcharge[]): string | null {
  if (fees.length === 0) return null;
  return fees
    .map((surcharge) => `${surcharge.kind}*${surcharge.count}@${surcharge.nano_usd_per_million}`)
    .join(',');
}

function parseSurcharges(text: string | null): readonly Surcharge[] {
  if (text === null) return [];
  return text.split(',').map((part) => {
    const [name, count, price] = part.split(/[*@]/);
    return {
      kind: parseEnum(SURCHARGE_KINDS, name ?? ''),
      count: Number(count),
      nano_usd_per_million: BigInt(price ?? ''),
    };
  });
}

function parseEnum<T extends string>(allowed: readonly T[], text: string): T {
  const match = allowed.find((candidate) => candidate === text);
  if (match === undefined) throw new RangeError('stored word not in its closed list');
  return match;
}

function toUsage(row: EntryRow): Usage | null {
  if (row.u0 === null) return null;
  return {
    input_uncached: row.u0,
    cache_read: row.u1,
    cache_write_5m: row.u2,
    cache_write_1h: row.u3,
    output: row.u4,
    output_reasoning: row.u5,
  };
}

function toPrices(row: EntryRow): Prices | null {
  if (row.u0 === null) return null;
  return {
    input_uncached: fromSql(row.p0),
    cache_read: fromSql(row.p1),
    cache_write_5m: fromSql(row.p2),
    cache_write_1h: fromSql(row.p3),
    output: fromSql(row.p4),
  };
}

/** Ended without the provider having done anything that we know of. */
const VOID_REASONS: ReadonlySet<SettleReason> = new Set([
  'not_sent',
  'upstream_refused',
  'expired_unsettled',
]);

function parseDialect(text: string): RecordedDialect {
  return parseEnum(DIALECTS, text);
}

export function toGeneration(row: EntryRow): Generation {
  const reason = parseEnum(SETTLE_REASONS, row.reason);
  return {
    id: row.call_id ?? row.id,
    model: row.model,
    provider: row.provider,
    dialect: parseDialect(row.dialect),
    stream: row.stream === 1,
    httpStatus: row.http_status,
    status: VOID_REASONS.has(reason) && row.charged === 0 ? 'void' : 'settled',
    reason,
    usage: toUsage(row),
    prices: toPrices(row),
    fees: parseSurcharges(row.fees),
    charged: fromSql(row.charged),
    shortfall: fromSql(row.shortfall),
    createdAt: row.created_at,
    settledAt: row.at,
  };
}

function toEntry(row: EntryRow): Entry {
  return {
    seq: row.seq,
    id: row.id,
    kind: parseEnum(['credit', 'charge', 'adjustment'], row.kind),
    delta: fromSql(row.delta),
    postedAfter: fromSql(row.posted_after),
    at: row.at,
    call: row.call_id === null ? null : { ...toGeneration(row), keyId: row.key_id },
  };
}

type OpenCallRow = HoldRow & { deadline: number };
const OPEN_CALL = 'SELECT * FROM holds WHERE id = ?';

/** The bill of one call: still open, ended, or corrected by a late settlement. */
export function findGeneration(tx: Tx, id: CallId): Generation | null {
  const open = tx.sql.exec<OpenCallRow>(OPEN_CALL, id).toArray()[0];
  if (open !== undefined) return toOpenGeneration(open);
  const row = findEntry(tx, lateId(id)) ?? findEntry(tx, id);
  return row === undefined || row.call_id !== id ? null : toGeneration(row);
}

function toOpenGeneration(row: OpenCallRow): Generation {
  return {
    id: row.id,
    model: row.model,
    provider: row.provider,
    dialect: parseDialect(row.dialect),
    stream: row.stream === 1,
    httpStatus: null,
    status: 'open',
    reason: null,
    usage: null,
    prices: null,
    fees: [],
    charged: 0n,
    shortfall: 0n,
    createdAt: row.created_at,
    settledAt: null,
  };
}

const MAX_ENTRIES_PER_PAGE = 1_000;

/** Returns the entries after `afterSeq`, oldest first, at most 1,000. */
export function listEntries(tx: Tx, afterSeq: number, limit: number): readonly Entry[] {
  return entriesAfter(tx, afterSeq, Math.max(0, Math.min(limit, MAX_ENTRIES_PER_PAGE)));
}

export function entriesAfter(tx: Tx, seq: number, limit: number): readonly Entry[] {
  return tx.sql.exec<EntryRow>(AFTER, seq, limit).toArray().map(toEntry);
}

const SELECT_OUTBOX_POSITION = 'SELECT seq, acknowledged FROM account';
const ACKNOWLEDGE = 'UPDATE account SET acknowledged = ? WHERE one = 1';

export function outboxPosition(tx: Tx): { seq: number; acknowledged: number } {
  return tx.sql.exec<{ seq: number; acknowledged: number }>(SELECT_OUTBOX_POSITION).one();
}

/** Never goes back, and never beyond what was written. Returns what was acknowledged before. */
export function acknowledge(tx: Tx, seq: number): number {
  const position = outboxPosition(tx);
  const next = Math.min(Math.max(position.acknowledged, seq), position.seq);
  if (next !== position.acknowledged) {
    rollUpSpending(tx, position.acknowledged, next);
    tx.sql.exec(ACKNOWLEDGE, next);
  }
  return position.acknowledged;
}

const MAX_PRUNED_PER_RUN = 1_000;
const SELECT_PRUNABLE = `SELECT max(seq) AS last FROM (SELECT seq FROM entries
  WHERE kind = 'charge' AND at < ?1 AND seq < (SELECT acknowledged FROM account)
  ORDER BY seq LIMIT ?2)`;
const SUM_PRUNABLE = `SELECT count(*) AS count, CAST(coalesce(sum(delta), 0) AS TEXT) AS delta
  FROM entries WHERE kind = 'charge' AND at < ?1 AND seq <= ?2`;
const DELETE_PRUNABLE = "DELETE FROM entries WHERE kind = 'charge' AND at < ?1 AND seq <= ?2";
const SELECT_PRUNED = 'SELECT pruned_count, pruned_delta FROM account';
const UPDATE_PRUNED = 'UPDATE account SET pruned_count = ?, pruned_delta = ? WHERE one = 1';

/**
 * Drops acknowledged charges older than the kept time and remembers their sum. Credits stay for good:
 * their ids are what keeps one transfer from being credited twice.
 */
export function prune(tx: Tx): number {
  const before = tx.now - ENTRY_RETENTION_MS;
  const cutoff = tx.sql
    .exec<{ last: number | null }>(SELECT_PRUNABLE, before, MAX_PRUNED_PER_RUN)
    .one();
  if (cutoff.last === null) return 0;
  const sums = tx.sql
    .exec<{ count: number; delta: string }>(SUM_PRUNABLE, before, cutoff.last)
    .one();
  const pruned = tx.sql.exec<{ pruned_count: number; pruned_delta: string }>(SELECT_PRUNED).one();
  const delta = fromSqlText(pruned.pruned_delta) + fromSqlText(sums.delta);
  tx.sql.exec(UPDATE_PRUNED, pruned.pruned_count + sums.count, delta.toString());
  tx.sql.exec(DELETE_PRUNABLE, before, cutoff.last);
  return sums.count;
}
