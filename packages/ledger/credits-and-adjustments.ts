/**
 * Credits, operators' adjustments, and freezing. One id moves money at most once, even after the
 * account is closed. An adjustment never uses money that open calls hold.
 */
import { MAX_AMOUNT } from '@farebox/money';
import type { AdjustRequest, AdjustResult, CreditRequest, CreditResult } from './contract/index.ts';
import { isBoundAddress } from './deposit-addresses.ts';
import { appendCreditOrAdjustment, findEntry } from './entries.ts';
import { fromSql } from './sql-amounts.ts';
import { readBalance, type Tx } from './transaction.ts';

type NewEntry = Readonly<{
  id: string;
  kind: 'credit' | 'adjustment';
  delta: bigint;
  source: string;
}>;
type ReplayResult =
  | Readonly<{ ok: true; posted: bigint }>
  | Readonly<{ ok: false; reason: 'conflict' }>;

function replayEntry(tx: Tx, entry: NewEntry): ReplayResult | undefined {
  const row = findEntry(tx, entry.id);
  if (row === undefined) return undefined;
  // The tombstone of a closed account has no note.
  const sameSource = row.source === null || row.source === entry.source;
  const same = row.kind === entry.kind && fromSql(row.delta) === entry.delta && sameSource;
  return same ? { ok: true, posted: fromSql(row.posted_after) } : { ok: false, reason: 'conflict' };
}

export function credit(tx: Tx, request: CreditRequest): CreditResult {
  const entry: NewEntry = {
    id: request.id,
    kind: 'credit',
    delta: request.amount,
    source: request.source,
  };
  const replayed = replayEntry(tx, entry);
  if (replayed !== undefined) return replayed;
  const balance = readBalance(tx);
  if (balance.state === 'closed') return { ok: false, reason: 'closed' };
  if (request.source === 'deposit' && !isBoundAddress(tx, request.address)) {
    return { ok: false, reason: 'address_unknown' };
  }
  if (request.amount <= 0n) return { ok: false, reason: 'not_positive' };
  if (balance.posted + request.amount > MAX_AMOUNT) return { ok: false, reason: 'too_large' };
  return { ok: true, posted: appendCreditOrAdjustment(tx, entry) };
}

export function adjust(tx: Tx, request: AdjustRequest): AdjustResult {
  const { id, delta, note } = request;
  const entry: NewEntry = { id, kind: 'adjustment', delta, source: note };
  const replayed = replayEntry(tx, entry);
  if (replayed !== undefined) return replayed;
  const balance = readBalance(tx);
  if (balance.state === 'closed') return { ok: false, reason: 'closed' };
  if (balance.posted + delta > MAX_AMOUNT) return { ok: false, reason: 'too_large' };
  if (balance.posted + delta < balance.held) return { ok: false, reason: 'insufficient' };
  return { ok: true, posted: appendCreditOrAdjustment(tx, entry) };
}

const UPDATE_STATE = 'UPDATE account SET state = ? WHERE singleton = 1';

export function freeze(tx: Tx, frozen: boolean): void {
  if (readBalance(tx).state === 'closed') return;
  const state = frozen ? 'frozen' : 'open';
  tx.sql.exec(UPDATE_STATE, state);
  tx.cache.balance.state = state;
}
