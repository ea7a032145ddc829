/**
 * What operators did, one line each, in a chain: a line's hash covers its own facts and the hash of the
 * line before, so that no line can be changed, put in or taken out without every later one giving it
 * away. Lines are appended here and nowhere changed; a trigger refuses it too (migrations/0001).
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, asc, desc, eq, gt, lt } from 'drizzle-orm';
import { attempt, type Database, DatabaseFailure, demand } from './connection.ts';
import { operatorActions } from './schema-operators.ts';

export type OperatorAction = Readonly<{
  at: Instant;
  operator: string;
  action: string;
  subject: AccountId | null;
  reason: string;
  outcome: string;
}>;
export type OperatorLine = OperatorAction &
  Readonly<{ seq: number; previousHash: string; hash: string }>;

const FIRST_PREVIOUS = '0'.repeat(64);
/** Operators are few: so many of them writing at once is a fault. */
const TRIES = 50;
const PAGE = 1_000;

/** A list in JSON has one reading only: no choice of texts can look like another line's. */
async function hashOf(line: Omit<OperatorLine, 'hash'>): Promise<string> {
  const { seq, operator, action, subject, reason, outcome, previousHash } = line;
  const at = new Date(line.at).toISOString();
  const canonical = [seq, at, operator, action, subject, reason, outcome, previousHash];
  const bytes = new TextEncoder().encode(JSON.stringify(canonical));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

type Row = typeof operatorActions.$inferSelect;

function lineOf(row: Row): OperatorLine {
  const { seq, operator, action, subject, reason, outcome, previousHash, hash } = row;
  const at = row.at.getTime();
  return { seq, at, operator, action, subject, reason, outcome, previousHash, hash };
}

async function lastLine(db: Database): Promise<OperatorLine | undefined> {
  const [row] = await demand(
    db.select().from(operatorActions).orderBy(desc(operatorActions.seq)).limit(1),
  );
  return row === undefined ? undefined : lineOf(row);
}

/** Two writers at once want the same number: one has it, the other looks again and takes the next. */
export async function appendOperatorAction(
  db: Database,
  action: OperatorAction,
): Promise<OperatorLine> {
  for (let tried = 0; tried < TRIES; tried++) {
    const last = await lastLine(db);
    const seq = (last?.seq ?? 0) + 1;
    const previousHash = last?.hash ?? FIRST_PREVIOUS;
    const unhashed = { ...action, seq, previousHash };
    const line = { ...unhashed, hash: await hashOf(unhashed) };
    const inserted = await attempt(
      db.insert(operatorActions).values({ ...line, at: new Date(line.at) }),
    );
    if (inserted.ok) return line;
    const { failure } = inserted;
    if (failure.kind !== 'refused' || failure.sqlState !== '23505') {
      throw new DatabaseFailure(failure);
    }
  }
  throw new Error('The next line of the operators’ chain was always taken.');
}

export type ChainVerdict =
  | Readonly<{ ok: true; lines: number; lastSeq: number; lastHash: string }>
  /** The first line that is not as it was written: not there, not after its predecessor, or changed. */
  | Readonly<{ ok: false; seq: number; flaw: 'missing' | 'unlinked' | 'altered' }>;
type Flaw = Extract<ChainVerdict, { ok: false }>;

async function flawOf(
  line: OperatorLine,
  seq: number,
  previousHash: string | null,
): Promise<Flaw | undefined> {
  if (line.seq !== seq) return { ok: false, seq, flaw: 'missing' };
  if (previousHash !== null && line.previousHash !== previousHash) {
    return { ok: false, seq, flaw: 'unlinked' };
  }
  const { hash, ...unhashed } = line;
  return (await hashOf(unhashed)) === hash ? undefined : { ok: false, seq, flaw: 'altered' };
}

async function pageAfter(db: Database, seq: number): Promise<readonly OperatorLine[]> {
  const rows = await demand(
    db
      .select()
      .from(operatorActions)
      .where(gt(operatorActions.seq, seq))
      .orderBy(asc(operatorActions.seq))
      .limit(PAGE),
  );
  return rows.map(lineOf);
}

/**
 * Walks the chain page by page, or its newest `latest` lines. That the newest lines were cut off it
 * can't see: for that, the number and hash of each line are said to the log as well.
 */
export async function verifyChain(
  db: Database,
  { latest }: Readonly<{ latest?: number }> = {},
): Promise<ChainVerdict> {
  const start = latest === undefined ? 0 : Math.max(0, ((await lastLine(db))?.seq ?? 0) - latest);
  let seq = start;
  let previousHash = start === 0 ? FIRST_PREVIOUS : null;
  for (;;) {
    const page = await pageAfter(db, seq);
    for (const line of page) {
      const flaw = await flawOf(line, seq + 1, previousHash);
      if (flaw !== undefined) return flaw;
      seq = line.seq;
      previousHash = line.hash;
    }
    if (page.length < PAGE) break;
  }
  return { ok: true, lines: seq - start, lastSeq: seq, lastHash: previousHash ?? FIRST_PREVIOUS };
}

/** Newest first, all of them or those about one account. */
export async function listOperatorActions(
  db: Database,
  { before, most, subject }: Readonly<{ before: number; most: number; subject?: AccountId }>,
): Promise<readonly OperatorLine[]> {
  const about = subject === undefined ? undefined : eq(operatorActions.subject, subject);
  const rows = await demand(
    db
      .select()
      .from(operatorActions)
      .where(and(lt(operatorActions.seq, before), about))
      .orderBy(desc(operatorActions.seq))
      .limit(most),
  );
  return rows.map(lineOf);
}
