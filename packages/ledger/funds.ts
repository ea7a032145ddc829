/**
 * Money that comes from outside a call: credits and an operator's adjustments, and the account's own
 * state. It promises that one id moves money at most once for ever, also after the account is closed,
 * and that no adjustment reaches into what open calls hold.
 */
import { LARGEST_AMOUNT } from '@farebox/money';
import { isOwn } from './addresses.ts';
import { fromSql } from './amounts.ts';
import type {
  AdjustRequest,
  AdjustResult,
  CreditRequest,
  CreditResult,
  Instant,
} from './contract.ts';
import { appendMoney, findEntry } from './entries.ts';
import { readBalance, type Shelf } from './shelf.ts';

type Line = Readonly<{
  id: string;
  kind: 'credit' | 'adjustment';
  delta: bigint;
  source: string;
}>;
type Repeated =
  | Readonly<{ ok: true; posted: bigint }>
  | Readonly<{ ok: false; reason: 'conflict' }>;

function repeated(shelf: Shelf, line: Line): Repeated | undefined {
  const row = findEntry(shelf, line.id);
  if (row === undefined) return undefined;
  // The tombstone of a closed account keeps no note.
  const sameSource = row.source === null || row.source === line.source;
  const same = row.kind === line.kind && fromSql(row.delta) === line.delta && sameSource;
  return same ? { ok: true, posted: fromSql(row.posted_after) } : { ok: false, reason: 'conflict' };
}

export function credit(shelf: Shelf, request: CreditRequest, now: Instant): CreditResult {
  const line: Line = {
    id: request.id,
    kind: 'credit',
    delta: request.amount,
    source: request.source,
  };
  const answered = repeated(shelf, line);
  if (answered !== undefined) return answered;
  const balance = readBalance(shelf);
  if (balance.state === 'closed') return { ok: false, reason: 'closed' };
  if (request.source === 'deposit' && !isOwn(shelf, request.address)) {
    return { ok: false, reason: 'address_unknown' };
  }
  if (request.amount <= 0n) return { ok: false, reason: 'not_positive' };
  if (balance.posted + request.amount > LARGEST_AMOUNT) return { ok: false, reason: 'too_large' };
  appendMoney(shelf, balance, line, now);
  return { ok: true, posted: balance.posted };
}

export function adjust(shelf: Shelf, request: AdjustRequest, now: Instant): AdjustResult {
  const { id, delta, note } = request;
  const line: Line = { id, kind: 'adjustment', delta, source: note };
  const answered = repeated(shelf, line);
  if (answered !== undefined) return answered;
  const balance = readBalance(shelf);
  if (balance.state === 'closed') return { ok: false, reason: 'closed' };
  if (balance.posted + delta > LARGEST_AMOUNT) return { ok: false, reason: 'too_large' };
  if (balance.posted + delta < balance.held) return { ok: false, reason: 'insufficient' };
  appendMoney(shelf, balance, line, now);
  return { ok: true, posted: balance.posted };
}

const STATE = "UPDATE account SET state = ? WHERE one = 1 AND state <> 'closed'";

export function freeze(shelf: Shelf, frozen: boolean): void {
  shelf.sql.exec(STATE, frozen ? 'frozen' : 'open');
}
