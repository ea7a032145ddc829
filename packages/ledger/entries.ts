/**
 * The ledger's entries: append-only, numbered without a gap, each with the balance after it.
 * Entries beyond the acknowledged number are the outbox to Postgres, so there is no second write
 * that could be lost. An entry never changes; only acknowledged charges older than the retention
 * time are deleted.
 *
 * A call is one row of the table: its hold inserts it without a number, its end makes it an entry
 * (docs/decisions/0032-batches-per-account.md).
 */
import { enumFromJson, MAX_AMOUNT, type NanoUsd } from '@farebox/money';
import { rollUpSpending } from './cache.ts';
import { NOT_REPORTED, type ReportedMetadata } from './call-columns.ts';
import {
  type CallId,
  type CallMetadata,
  type CallOpening,
  type Entry,
  type Generation,
  type Instant,
  SETTLE_REASONS,
  type SettleReason,
} from './contract/index.ts';
import { ENTRY_RETENTION_MS } from './limits.ts';
import { openingFromText, reportFromText, reportToText } from './metadata-text.ts';
import { notify } from './notifications.ts';
import { fromSql, fromSqlText, minBigInt, toSql } from './sql-amounts.ts';
import { hashEntry, type StatementEntry } from './statement-line.ts';
import {
  changeBalance,
  InvariantViolation,
  isClosed,
  type MutableBalance,
  type OpenHold,
  type Tx,
} from './transaction.ts';

type SqlRow = Record<string, SqlStorageValue>;

/** An entry. What belongs to a call is null in credits and adjustments. */
export type EntryRow = SqlRow & {
  row: number;
  seq: number;
  id: string;
  kind: string;
  delta: number;
  posted_after: number;
  at: number;
  source: string | null;
  call_id: string | null;
  key_id: number | null;
  charged: number | null;
  shortfall: number | null;
  reason: string | null;
  held: number | null;
  max_output: number | null;
  hold_fingerprint: string | null;
  settle_fingerprint: string | null;
  opening: string | null;
  report: string | null;
  hash: string | null;
};

/** How a call ended. The fingerprint is null where no settlement came. */
export type ChargeDetails = ReportedMetadata &
  Readonly<{
    reason: SettleReason;
    fingerprint: string | null;
    /** The amount this entry takes; below zero it gives back. */
    taken: NanoUsd;
    /** The call's whole charge after this entry. */
    charged: NanoUsd;
    shortfall: NanoUsd;
  }>;

const END_CALL = `UPDATE entries SET seq = ?, delta = ?, posted_after = ?, at = ?, reason = ?,
  charged = ?, shortfall = ?, settle_fingerprint = ?, report = ?, hash = ?
  WHERE row = ? AND seq IS NULL`;
const INSERT_LATE_CHARGE = `INSERT INTO entries (seq, delta, posted_after, at, reason, charged,
  shortfall, settle_fingerprint, report, hash, row, id, kind, call_id, key_id, held, max_output,
  hold_fingerprint, opening)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'charge', ?, ?, ?, ?, ?, ?)`;
const INSERT_CREDIT_OR_ADJUSTMENT = `INSERT INTO entries (row, seq, id, kind, delta, posted_after,
  at, source, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const BY_ID = 'SELECT * FROM entries WHERE id = ? AND seq IS NOT NULL';
const AFTER = 'SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?';

export function lateId(id: CallId): string {
  return `${id}:late`;
}

const SELECT_WIPED = 'SELECT wiped FROM account';

/** Checks whether the account is a tombstone, though charges may be left (account-closure.ts). */
export function isTombstone({ sql, cache }: Tx): boolean {
  return isClosed(cache) && sql.exec<{ wiped: number }>(SELECT_WIPED).one().wiped === 1;
}

/** Finds an entry by its id. A charge that a tombstone still keeps is already unknown. */
export function findEntry(tx: Tx, id: string): EntryRow | undefined {
  const row = tx.sql.exec<EntryRow>(BY_ID, id).toArray()[0];
  return row?.kind === 'charge' && isTombstone(tx) ? undefined : row;
}

/**
 * Posts `delta` to the balance and returns the balance; the caller writes the entry in the same
 * transaction.
 */
function post(tx: Tx, delta: NanoUsd): MutableBalance {
  const balance = changeBalance(tx);
  balance.posted += delta;
  balance.seq += 1;
  tx.changes.posted += delta;
  tx.changes.entries += 1;
  return balance;
}

/** Takes the number of a new row. */
function nextRow({ cache }: Tx): number {
  cache.nextRow += 1;
  return cache.nextRow - 1;
}

/**
 * Returns a time not before the last entry's, though the clock of another machine may be behind.
 */
function monotonicTime(tx: Tx): Instant {
  const { cache, now } = tx;
  if (now > cache.lastEntryAt) cache.lastEntryAt = now;
  return cache.lastEntryAt;
}

/**
 * Returns the hash of the entry that `post` just counted, and moves the chain to it; null while older
 * entries are not chained yet (entry-chain.ts).
 */
function chainNewEntry({ cache }: Tx, entry: StatementEntry): string | null {
  const { balance, account } = cache;
  if (balance.chain_seq !== entry.seq - 1) return null;
  balance.chain_hash = hashEntry(account, entry, balance.chain_hash);
  balance.chain_seq = entry.seq;
  return balance.chain_hash;
}

const UPDATE_LOW = 'UPDATE account SET is_low = ? WHERE singleton = 1';

/**
 * Notifies once when the balance falls below the owner's threshold, and again only after it rose
 * above.
 */
function alertOnLowBalance(tx: Tx, balance: Readonly<MutableBalance>): void {
  const { cache } = tx;
  const isLow = cache.lowBalance !== null && balance.posted < cache.lowBalance;
  if (isLow === cache.isBalanceLow) return;
  cache.isBalanceLow = isLow;
  tx.sql.exec(UPDATE_LOW, isLow ? 1 : 0);
  if (!isLow) return;
  const fields = { keyId: null, model: null, amount: balance.posted, at: cache.lastEntryAt };
  notify(tx, { id: `low_balance:${balance.seq}`, kind: 'low_balance', ...fields });
}

/**
 * Appends a credit or an adjustment and returns the balance after it. `source` is the kind of money,
 * or the operator's note.
 */
export function appendCreditOrAdjustment(
  tx: Tx,
  entry: Readonly<{ id: string; kind: 'credit' | 'adjustment'; delta: NanoUsd; source: string }>,
): NanoUsd {
  const { id, kind, delta, source } = entry;
  const balance = post(tx, delta);
  const { seq, posted } = balance;
  const at = monotonicTime(tx);
  const shown = { seq, id, kind: parseKind(entry), delta, postedAfter: posted, at, call: null };
  const hash = chainNewEntry(tx, shown);
  const amounts = [toSql(delta), toSql(posted)];
  const row = [nextRow(tx), seq, id, kind, ...amounts, at, source, hash];
  tx.sql.exec(INSERT_CREDIT_OR_ADJUSTMENT, ...row);
  alertOnLowBalance(tx, balance);
  return balance.posted;
}

/** Returns null where no report came. */
function toReportText(details: ChargeDetails): string | null {
  const { httpStatus, usage, prices } = details;
  if (httpStatus === null || usage === null || prices === null) return null;
  return reportToText({ ...details, httpStatus, usage, prices });
}

/** The entry of a charge: its own id, the call that it ends, and what the call's hold said. */
type ChargedCall = Readonly<{ id: string; callId: CallId; opening: CallOpening }>;

/** The values of the first ten columns of END_CALL and INSERT_LATE_CHARGE. */
function chargeValues(
  tx: Tx,
  balance: MutableBalance,
  { id, callId, opening }: ChargedCall,
  details: ChargeDetails,
): SqlStorageValue[] {
  const { seq, posted: postedAfter } = balance;
  const { reason, charged } = details;
  const delta = -details.taken;
  const at = monotonicTime(tx);
  // Only informs, so it stops at the largest amount that is exact.
  const shortfall = minBigInt(details.shortfall, MAX_AMOUNT);
  const report = toReportText(details);
  // As it is read later: without a report where it is not whole.
  const reported = report === null ? NOT_REPORTED : details;
  const call = { ...opening, ...reported, id: callId, reason, charged, shortfall };
  const hash = chainNewEntry(tx, { seq, id, kind: 'charge', delta, postedAfter, at, call });
  const amounts = [toSql(charged), toSql(shortfall)];
  const end = [seq, toSql(delta), toSql(postedAfter), at, reason, ...amounts];
  return [...end, details.fingerprint, report, hash];
}

/** Makes the row of an open call its entry; the hold must already be released. */
export function endCall(tx: Tx, { row, id, opening }: OpenHold, details: ChargeDetails): void {
  const balance = post(tx, -details.taken);
  const values = chargeValues(tx, balance, { id, callId: id, opening }, details);
  const { rowsWritten } = tx.sql.exec(END_CALL, ...values, row);
  if (rowsWritten === 0) throw new InvariantViolation('hold_ends_once');
  alertOnLowBalance(tx, balance);
}

/** Appends the correction of a call that had expired; `base` is the entry of its expiry. */
export function appendLateCharge(tx: Tx, base: EntryRow, details: ChargeDetails): void {
  const balance = post(tx, -details.taken);
  const { id, key_id, held, max_output, hold_fingerprint, opening } = base;
  if (opening === null) throw new RangeError('entry of no call');
  const copied = [id, key_id, held, max_output, hold_fingerprint, opening];
  const call = { id: lateId(id), callId: id, opening: openingFromText(opening) };
  const values = chargeValues(tx, balance, call, details);
  tx.sql.exec(INSERT_LATE_CHARGE, ...values, nextRow(tx), lateId(id), ...copied);
  alertOnLowBalance(tx, balance);
}

/** The id of a refund's entry is the refund's with this before it. */
export const REFUND_ENTRY_PREFIX = 'refund:';
/**
 * The sources of adjustments that are not an operator's alone. A refund is stored as an adjustment
 * with its own source: the table's list of kinds could only change by copying the table.
 */
export const REFUND_SOURCE = 'refund';
export const CORRECTION_SOURCE = 'correction';

function parseKind({ kind, source }: Pick<EntryRow, 'kind' | 'source'>): Entry['kind'] {
  if (kind === 'adjustment' && source === REFUND_SOURCE) return 'refund';
  if (kind === 'credit' || kind === 'charge' || kind === 'adjustment') return kind;
  throw new RangeError('unknown kind of entry');
}

/** Ends without known work of the provider. */
const VOID_REASONS: ReadonlySet<SqlStorageValue> = new Set<SettleReason>([
  'not_sent',
  'upstream_refused',
  'expired_unsettled',
]);

function isVoid(row: EntryRow): boolean {
  return row.charged === 0 && VOID_REASONS.has(row.reason ?? null);
}

/** Reads the call that a charge ended. */
function toCallMetadata(row: EntryRow): CallMetadata {
  const { call_id, opening, reason } = row;
  if (call_id === null || opening === null) throw new RangeError('entry of no call');
  return {
    ...openingFromText(opening),
    ...reportFromText(row.report),
    id: call_id,
    status: isVoid(row) ? 'void' : 'settled',
    reason: reason === null ? null : enumFromJson(SETTLE_REASONS, reason),
    charged: fromSql(row.charged ?? undefined),
    shortfall: fromSql(row.shortfall ?? undefined),
    settledAt: row.at,
  };
}

function toEntry(row: EntryRow): Entry {
  return {
    seq: row.seq,
    id: row.id,
    kind: parseKind(row),
    delta: fromSql(row.delta),
    postedAfter: fromSql(row.posted_after),
    at: row.at,
    call: row.call_id === null ? null : toCallMetadata(row),
    ...(row.hash === null ? {} : { hash: row.hash }),
  };
}

/** Returns the bill of one call: still open, ended, or corrected by a late settlement. */
export function findGeneration(tx: Tx, id: CallId): Generation | null {
  const open = tx.cache.holds.get(id);
  if (open !== undefined) return toGeneration(toOpenCall(open));
  const row = findEntry(tx, lateId(id)) ?? findEntry(tx, id);
  return row === undefined || row.call_id !== id ? null : toGeneration(toCallMetadata(row));
}

function toGeneration({ keyId: _, ...generation }: CallMetadata): Generation {
  return generation;
}

function toOpenCall({ id, opening }: OpenHold): CallMetadata {
  return {
    ...opening,
    ...NOT_REPORTED,
    id,
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

const ACKNOWLEDGE = 'UPDATE account SET acknowledged = ? WHERE singleton = 1';

export function outboxPosition({ cache }: Tx): Readonly<{ seq: number; acknowledged: number }> {
  return { seq: cache.balance.seq, acknowledged: cache.acknowledged };
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
    tx.cache.acknowledged = next;
  }
  return position.acknowledged;
}

const MAX_PRUNED_PER_RUN = 1_000;
const CHARGES_AFTER = `SELECT seq, delta, at FROM entries WHERE seq > ? AND kind = 'charge'
  ORDER BY seq LIMIT ?`;
type ChargeRow = { seq: number; delta: number; at: number };
const DELETE_CHARGES = "DELETE FROM entries WHERE seq > ? AND seq <= ? AND kind = 'charge'";
const SELECT_PRUNED = 'SELECT pruned_count, pruned_delta FROM account';
const UPDATE_PRUNED = 'UPDATE account SET pruned_count = ?, pruned_delta = ? WHERE singleton = 1';

/** The oldest charges, to be deleted; after that no charge up to `upTo` is kept. */
type OldCharges = Readonly<{ count: number; delta: NanoUsd; upTo: number }>;

/** Which charges stay, and how many others one transaction deletes at most. */
type Retention = Readonly<{ isKept: (charge: ChargeRow) => boolean; limit: number }>;

/**
 * Finds the oldest charges that are not kept. The first charge that is kept ends the search: where
 * there is nothing to delete, which is nearly always, it reads one row, however many entries there
 * are. A cursor that is not read to its end would keep its statement in use until it is collected.
 */
function findOldCharges({ sql, cache }: Tx, { isKept, limit }: Retention): OldCharges {
  const read = (rows: number) => sql.exec<ChargeRow>(CHARGES_AFTER, cache.prunedTo, rows).toArray();
  const [oldest] = read(1);
  if (oldest === undefined) return { count: 0, delta: 0n, upTo: cache.balance.seq };
  if (isKept(oldest)) return { count: 0, delta: 0n, upTo: oldest.seq - 1 };
  const charges = read(limit + 1);
  const firstKept = charges.findIndex(isKept);
  const count = Math.min(firstKept < 0 ? charges.length : firstKept, limit);
  const delta = charges.slice(0, count).reduce((sum, charge) => sum + fromSql(charge.delta), 0n);
  const next = charges[count];
  return { count, delta, upTo: next === undefined ? cache.balance.seq : next.seq - 1 };
}

/** Deletes the oldest charges, keeps their sum, and returns their number. */
function deleteOldCharges(tx: Tx, retention: Retention): number {
  const { sql, cache } = tx;
  const { count, delta, upTo } = findOldCharges(tx, retention);
  if (count > 0) {
    const pruned = sql.exec<{ pruned_count: number; pruned_delta: string }>(SELECT_PRUNED).one();
    const sum = fromSqlText(pruned.pruned_delta) + delta;
    sql.exec(UPDATE_PRUNED, pruned.pruned_count + count, sum.toString());
    sql.exec(DELETE_CHARGES, cache.prunedTo, upTo);
  }
  cache.prunedTo = upTo;
  return count;
}

/**
 * Deletes acknowledged charges older than the retention time and returns their number; times never
 * decrease with the number of an entry. Credits are kept: their ids keep a transfer from being
 * credited twice.
 */
export function prune(tx: Tx): number {
  const { cache, now } = tx;
  const before = now - ENTRY_RETENTION_MS;
  const isKept = ({ at, seq }: ChargeRow) => at >= before || seq >= cache.acknowledged;
  return deleteOldCharges(tx, { isKept, limit: MAX_PRUNED_PER_RUN });
}

/** Deletes the oldest charges of a tombstone, which Postgres has, whatever their age. */
export function deleteWipedCharges(tx: Tx, limit: number): void {
  const isKept = ({ seq }: ChargeRow) => seq > tx.cache.acknowledged;
  deleteOldCharges(tx, { isKept, limit });
}

/** Checks whether any charge is kept. */
export function hasCharges({ sql, cache }: Tx): boolean {
  return sql.exec(CHARGES_AFTER, cache.prunedTo, 1).toArray().length > 0;
}
