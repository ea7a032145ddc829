/**
 * The ledger's entries: append-only, numbered without a gap, each with the balance after it.
 * Entries beyond the acknowledged number are the outbox to Postgres, so there is no second write
 * that could be lost. An entry never changes; only acknowledged charges older than the retention
 * time are deleted.
 */
import { MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { rollUpSpending } from './cache.ts';
import {
  callFromCells,
  columnsFrom,
  NOT_REPORTED,
  openingFromCells,
  type ReportedMetadata,
  reportToCells,
} from './call-columns.ts';
import type {
  CallId,
  CallMetadata,
  Entry,
  Generation,
  Instant,
  SettleReason,
} from './contract/index.ts';
import { ENTRY_RETENTION_MS } from './limits.ts';
import { notify } from './notifications.ts';
import { fromSql, fromSqlText, minBigInt, toSql } from './sql-amounts.ts';
import { fromSqlCell, toSqlCell } from './sql-cells.ts';
import { type MutableBalance, type Tx, writeBalance } from './transaction.ts';

export type SqlRow = Record<string, SqlStorageValue>;

/** An entry, and for a charge the columns of its call (call-columns.ts) under their names. */
export type EntryRow = SqlRow & {
  seq: number;
  id: string;
  kind: string;
  delta: number;
  posted_after: number;
  at: number;
  source: string | null;
  call_id: string | null;
  key_id: number;
  charged: number;
  shortfall: number;
  reason: string | null;
  held: number;
  max_output: number;
  hold_fingerprint: string | null;
  settle_fingerprint: string | null;
};

/**
 * What a hold leaves behind in the entry that ends it: itself, and the opening columns of its call.
 */
export type HoldRow = SqlRow & HoldColumns & { id: CallId };
export type HoldColumns = {
  key_id: number;
  amount: number;
  max_output: number;
  fingerprint: string;
};

/** How a call ended. The fingerprint is null where no settlement came. */
export type ChargeDetails = ReportedMetadata &
  Readonly<{
    entryId: string;
    reason: SettleReason;
    fingerprint: string | null;
    /** The amount this entry takes; below zero it gives back. */
    taken: NanoUsd;
    /** The call's whole charge after this entry. */
    charged: NanoUsd;
    shortfall: NanoUsd;
  }>;

const OPENING_COLUMNS = columnsFrom('opening').map(({ name }) => name);
export const REPORT_COLUMNS = columnsFrom('report').map(({ name }) => name);
/** The columns of `holds` that describe its call, as a list for SQL. */
export const OPENING_COLUMN_LIST = OPENING_COLUMNS.join(', ');

const CHARGE_COLUMNS = [
  ...['seq', 'id', 'kind', 'delta', 'posted_after', 'at', 'call_id'],
  ...OPENING_COLUMNS,
  ...REPORT_COLUMNS,
  ...['reason', 'charged', 'shortfall', 'held', 'max_output'],
  ...['hold_fingerprint', 'settle_fingerprint'],
];
const INSERT_CHARGE = `INSERT INTO entries (${CHARGE_COLUMNS.join(', ')})
  VALUES (${CHARGE_COLUMNS.map(() => '?').join(', ')})`;
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

/** Posts `delta` to the balance; the caller writes the entry in the same transaction. */
function post(balance: MutableBalance, delta: NanoUsd): void {
  balance.posted += delta;
  balance.seq += 1;
}

/**
 * Returns a time not before the last entry's, though the clock of another machine may be behind.
 */
function monotonicTime(tx: Tx): Instant {
  const { cache, now } = tx;
  if (now > cache.lastEntryAt) cache.lastEntryAt = now;
  return cache.lastEntryAt;
}

const UPDATE_LOW = 'UPDATE account SET is_low = ? WHERE singleton = 1';

/**
 * Notifies once when the balance falls below the owner's threshold, and again only after it rose
 * above.
 */
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

/** Appends a credit or an adjustment. `source` is the kind of money, or the operator's note. */
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

/** Appends the entry that ends a call; the hold's amount must already be out of `balance.held`. */
export function appendCharge(
  tx: Tx,
  balance: MutableBalance,
  hold: HoldRow,
  details: ChargeDetails,
): void {
  post(balance, -details.taken);
  const values: SqlStorageValue[] = [
    balance.seq,
    details.entryId,
    'charge',
    toSql(-details.taken),
    toSql(balance.posted),
    monotonicTime(tx),
    hold.id,
  ];
  for (const name of OPENING_COLUMNS) values.push(hold[name] ?? null);
  for (const cell of reportToCells(details)) values.push(toSqlCell(cell));
  // Only informs, so it stops at the largest amount that is exact.
  const shortfall = minBigInt(details.shortfall, MAX_AMOUNT);
  values.push(details.reason, toSql(details.charged), toSql(shortfall), hold.amount);
  values.push(hold.max_output, hold.fingerprint, details.fingerprint);
  tx.sql.exec(INSERT_CHARGE, ...values);
  writeBalance(tx, balance);
  alertOnLowBalance(tx, balance);
}

function parseKind(kind: string): Entry['kind'] {
  if (kind === 'credit' || kind === 'charge' || kind === 'adjustment') return kind;
  throw new RangeError('unknown kind of entry');
}

/** Ends without known work of the provider. */
const VOID_REASONS: ReadonlySet<SqlStorageValue> = new Set<SettleReason>([
  'not_sent',
  'upstream_refused',
  'expired_unsettled',
]);

/**
 * Columns that `entries` keeps under another name, or not at all because they follow from others.
 */
function derivedCell(row: EntryRow, name: string): SqlStorageValue {
  if (name === 'id') return row.call_id;
  if (name === 'settled_at') return row.at;
  return isVoid(row) ? 'void' : 'settled';
}

function isVoid(row: EntryRow): boolean {
  return row.charged === 0 && VOID_REASONS.has(row.reason ?? null);
}

export function toCallMetadata(row: EntryRow): CallMetadata {
  return callFromCells(({ name, type, source }) =>
    fromSqlCell(type, source === 'derived' ? derivedCell(row, name) : row[name]),
  );
}

function toEntry(row: EntryRow): Entry {
  return {
    seq: row.seq,
    id: row.id,
    kind: parseKind(row.kind),
    delta: fromSql(row.delta),
    postedAfter: fromSql(row.posted_after),
    at: row.at,
    call: row.call_id === null ? null : toCallMetadata(row),
  };
}

const OPEN_CALL = 'SELECT * FROM holds WHERE id = ?';

/** Returns the bill of one call: still open, ended, or corrected by a late settlement. */
export function findGeneration(tx: Tx, id: CallId): Generation | null {
  const open = tx.sql.exec<HoldRow>(OPEN_CALL, id).toArray()[0];
  if (open !== undefined) return toGeneration(toOpenCall(open));
  const row = findEntry(tx, lateId(id)) ?? findEntry(tx, id);
  return row === undefined || row.call_id !== id ? null : toGeneration(toCallMetadata(row));
}

function toGeneration({ keyId: _, ...generation }: CallMetadata): Generation {
  return generation;
}

function toOpenCall(row: HoldRow): CallMetadata {
  return {
    ...openingFromCells(({ name, type }) => fromSqlCell(type, row[name])),
    ...NOT_REPORTED,
    id: row.id,
    status: 'open',
    reason: null,
    charged: 0n,
    shortfall: 0n,
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
const ACKNOWLEDGE = 'UPDATE account SET acknowledged = ? WHERE singleton = 1';

export function outboxPosition(tx: Tx): { seq: number; acknowledged: number } {
  return tx.sql.exec<{ seq: number; acknowledged: number }>(SELECT_OUTBOX_POSITION).one();
}

/**
 * Moves the acknowledged number forward, at most to the last entry. Returns the previous number.
 */
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
const UPDATE_PRUNED = 'UPDATE account SET pruned_count = ?, pruned_delta = ? WHERE singleton = 1';

/**
 * Deletes acknowledged charges older than the retention time, keeps their sum, and returns their
 * number. Credits are kept: their ids keep a transfer from being credited twice.
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
