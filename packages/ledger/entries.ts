/**
 * The book's lines: append-only, numbered without a gap, each with the balance after it. Those beyond
 * the acknowledged number are the outbox to Postgres, so there is no second write that could be lost.
 * A line is never changed; only acknowledged charges older than the kept time are dropped.
 */
import { FEE_KINDS, type Fee, type NanoUsd, type Prices, type Usage } from '@farebox/money';
import { fromSql, fromSqlText, toSql, toSqlSaturating } from './amounts.ts';
import { KEPT_MS } from './bounds.ts';
import {
  type CallId,
  DIALECTS,
  type DialectName,
  type Entry,
  type Generation,
  type Instant,
  SETTLE_REASONS,
  type SettleReason,
} from './contract.ts';
import { note } from './notices.ts';
import { foldSpending } from './recall.ts';
import { type Balance, type Shelf, writeBalance } from './shelf.ts';

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
export type Ending = Readonly<{
  entryId: string;
  reason: SettleReason;
  httpStatus: number | null;
  usage: Usage | null;
  prices: Prices | null;
  fees: readonly Fee[];
  asked: string | null;
  /** What this line takes (below zero: gives back). */
  taken: NanoUsd;
  /** The call's whole bill after this line. */
  charged: NanoUsd;
  shortfall: NanoUsd;
}>;

const COLUMNS = `seq, id, kind, delta, posted_after, at, call_id, key_id, model, provider, dialect,
  stream, http_status, reason, fees, u0, u1, u2, u3, u4, u5, p0, p1, p2, p3, p4, charged, shortfall,
  created_at, held, max_output, hold_asked, settle_asked`;
const INSERT_CALL = `INSERT INTO entries (${COLUMNS}) VALUES (${COLUMNS.replace(/\w+/g, '?')})`;
const INSERT_MONEY = `INSERT INTO entries (seq, id, kind, delta, posted_after, at, source)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const BY_ID = 'SELECT * FROM entries WHERE id = ?';
const AFTER = 'SELECT * FROM entries WHERE seq > ? ORDER BY seq LIMIT ?';

export function lateId(id: CallId): string {
  return `${id}:late`;
}

export function findEntry(shelf: Shelf, id: string): EntryRow | undefined {
  return shelf.sql.exec<EntryRow>(BY_ID, id).toArray()[0];
}

/** Posts `delta` to the balance; the caller writes the line in the same transaction. */
function post(balance: Balance, delta: NanoUsd): void {
  balance.posted += delta;
  balance.seq += 1;
}

/** Lines keep their order in time too, though the clock of another machine may be behind. */
function dated(shelf: Shelf, now: Instant): Instant {
  const { memory } = shelf;
  if (now > memory.lastAt) memory.lastAt = now;
  return memory.lastAt;
}

const LOW = 'UPDATE account SET low = ? WHERE one = 1';

/** Told once when the balance falls below what its owner chose, and again only after it rose above. */
function watchBalance(shelf: Shelf, balance: Balance): void {
  const { memory } = shelf;
  const low = memory.lowBalance !== null && balance.posted < memory.lowBalance;
  if (low === memory.low) return;
  memory.low = low;
  shelf.sql.exec(LOW, low ? 1 : 0);
  if (!low) return;
  const said = { keyId: null, model: null, amount: balance.posted, at: memory.lastAt };
  note(shelf, { id: `low_balance:${balance.seq}`, kind: 'low_balance', ...said });
}

/** A credit or an adjustment. `source` says which kind of money, or the operator's note. */
export function appendMoney(
  shelf: Shelf,
  balance: Balance,
  line: Readonly<{ id: string; kind: 'credit' | 'adjustment'; delta: NanoUsd; source: string }>,
  now: Instant,
): void {
  post(balance, line.delta);
  const after = toSql(balance.posted);
  const { id, kind, delta, source } = line;
  const at = dated(shelf, now);
  shelf.sql.exec(INSERT_MONEY, balance.seq, id, kind, toSql(delta), after, at, source);
  writeBalance(shelf, balance);
  watchBalance(shelf, balance);
}

/** The line that ends a call; the hold's amount must already be out of `balance.held`. */
export function appendCall(
  shelf: Shelf,
  balance: Balance,
  hold: HoldRow,
  ending: Ending,
  now: Instant,
): void {
  post(balance, -ending.taken);
  const { usage, prices, fees } = ending;
  shelf.sql.exec(
    INSERT_CALL,
    balance.seq,
    ending.entryId,
    'charge',
    toSql(-ending.taken),
    toSql(balance.posted),
    dated(shelf, now),
    hold.id,
    hold.key_id,
    hold.model,
    hold.provider,
    hold.dialect,
    hold.stream,
    ending.httpStatus,
    ending.reason,
    feesText(fees),
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
    toSql(ending.charged),
    toSqlSaturating(ending.shortfall),
    hold.created_at,
    hold.amount,
    hold.max_output,
    hold.asked,
    ending.asked,
  );
  writeBalance(shelf, balance);
  watchBalance(shelf, balance);
}

/** `kind*count@price`, several joined by commas; null for none, which is nearly always. */
export function feesText(fees: readonly Fee[]): string | null {
  if (fees.length === 0) return null;
  return fees.map((fee) => `${fee.kind}*${fee.count}@${fee.nano_usd_per_million}`).join(',');
}

function feesOf(text: string | null): readonly Fee[] {
  if (text === null) return [];
  return text.split(',').map((part) => {
    const [name, count, price] = part.split(/[*@]/);
    return {
      kind: oneOf(FEE_KINDS, name ?? ''),
      count: Number(count),
      nano_usd_per_million: BigInt(price ?? ''),
    };
  });
}

function oneOf<T extends string>(known: readonly T[], text: string): T {
  const found = known.find((one) => one === text);
  if (found === undefined) throw new RangeError('stored word not in its closed list');
  return found;
}

function usageOf(row: EntryRow): Usage | null {
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

function pricesOf(row: EntryRow): Prices | null {
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
const NOTHING_HAPPENED: ReadonlySet<SettleReason> = new Set([
  'not_sent',
  'upstream_refused',
  'expired_unsettled',
]);

function dialectOf(text: string): DialectName {
  return oneOf(DIALECTS, text);
}

export function generationOf(row: EntryRow): Generation {
  const reason = oneOf(SETTLE_REASONS, row.reason);
  return {
    id: row.call_id ?? row.id,
    model: row.model,
    provider: row.provider,
    dialect: dialectOf(row.dialect),
    stream: row.stream === 1,
    httpStatus: row.http_status,
    status: NOTHING_HAPPENED.has(reason) && row.charged === 0 ? 'void' : 'settled',
    reason,
    usage: usageOf(row),
    prices: pricesOf(row),
    fees: feesOf(row.fees),
    charged: fromSql(row.charged),
    shortfall: fromSql(row.shortfall),
    createdAt: row.created_at,
    settledAt: row.at,
  };
}

function entryOf(row: EntryRow): Entry {
  return {
    seq: row.seq,
    id: row.id,
    kind: oneOf(['credit', 'charge', 'adjustment'], row.kind),
    delta: fromSql(row.delta),
    postedAfter: fromSql(row.posted_after),
    at: row.at,
    call: row.call_id === null ? null : { ...generationOf(row), keyId: row.key_id },
  };
}

type OpenCallRow = HoldRow & { deadline: number };
const OPEN_CALL = 'SELECT * FROM holds WHERE id = ?';

/** The bill of one call: still open, ended, or corrected by a late settlement. */
export function findGeneration(shelf: Shelf, id: CallId): Generation | null {
  const open = shelf.sql.exec<OpenCallRow>(OPEN_CALL, id).toArray()[0];
  if (open !== undefined) return openGeneration(open);
  const row = findEntry(shelf, lateId(id)) ?? findEntry(shelf, id);
  return row === undefined || row.call_id !== id ? null : generationOf(row);
}

function openGeneration(row: OpenCallRow): Generation {
  return {
    id: row.id,
    model: row.model,
    provider: row.provider,
    dialect: dialectOf(row.dialect),
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

export function entriesAfter(shelf: Shelf, seq: number, most: number): readonly Entry[] {
  return shelf.sql.exec<EntryRow>(AFTER, seq, most).toArray().map(entryOf);
}

const MARKS = 'SELECT seq, acknowledged FROM account';
const ACKNOWLEDGE = 'UPDATE account SET acknowledged = ? WHERE one = 1';

export function outboxMarks(shelf: Shelf): { seq: number; acknowledged: number } {
  return shelf.sql.exec<{ seq: number; acknowledged: number }>(MARKS).one();
}

/** Never goes back, and never beyond what was written. Returns what was acknowledged before. */
export function acknowledge(shelf: Shelf, seq: number): number {
  const marks = outboxMarks(shelf);
  const next = Math.min(Math.max(marks.acknowledged, seq), marks.seq);
  if (next !== marks.acknowledged) {
    foldSpending(shelf, marks.acknowledged, next);
    shelf.sql.exec(ACKNOWLEDGE, next);
  }
  return marks.acknowledged;
}

const PRUNED_PER_ROUND = 1_000;
const OLD = `SELECT max(seq) AS last FROM (SELECT seq FROM entries
  WHERE kind = 'charge' AND at < ?1 AND seq < (SELECT acknowledged FROM account)
  ORDER BY seq LIMIT ?2)`;
const OLD_SUM = `SELECT count(*) AS count, CAST(coalesce(sum(delta), 0) AS TEXT) AS delta
  FROM entries WHERE kind = 'charge' AND at < ?1 AND seq <= ?2`;
const DROP_OLD = "DELETE FROM entries WHERE kind = 'charge' AND at < ?1 AND seq <= ?2";
const PRUNED = 'SELECT pruned_count, pruned_delta FROM account';
const COUNT_PRUNED = 'UPDATE account SET pruned_count = ?, pruned_delta = ? WHERE one = 1';

/**
 * Drops acknowledged charges older than the kept time and remembers their sum. Credits stay for good:
 * their ids are what keeps one transfer from being credited twice.
 */
export function prune(shelf: Shelf, now: Instant): number {
  const before = now - KEPT_MS;
  const found = shelf.sql.exec<{ last: number | null }>(OLD, before, PRUNED_PER_ROUND).one();
  if (found.last === null) return 0;
  const sums = shelf.sql.exec<{ count: number; delta: string }>(OLD_SUM, before, found.last).one();
  const known = shelf.sql.exec<{ pruned_count: number; pruned_delta: string }>(PRUNED).one();
  const delta = fromSqlText(known.pruned_delta) + fromSqlText(sums.delta);
  shelf.sql.exec(COUNT_PRUNED, known.pruned_count + sums.count, delta.toString());
  shelf.sql.exec(DROP_OLD, before, found.last);
  return sums.count;
}
