/**
 * The audit log of operator actions. Each entry's hash covers its fields and the hash of the
 * previous entry, so that no entry can be changed, inserted or removed without breaking every later
 * one. Entries are only appended; a trigger refuses anything else (migrations/0001).
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, asc, desc, eq, gt, lt } from 'drizzle-orm';
import { type Database, DatabaseError, queryOrThrow, tryQuery } from '../connection/connection.ts';
import { operatorActions } from '../schema/operators.ts';

export type OperatorAction = Readonly<{
  at: Instant;
  operator: string;
  action: string;
  subject: AccountId | null;
  reason: string;
  outcome: string;
}>;
export type AuditLogEntry = OperatorAction &
  Readonly<{ seq: number; previousHash: string; hash: string }>;

const GENESIS_HASH = '0'.repeat(64);
/** Operators are few: this many concurrent writers indicate a fault. */
const MAX_ATTEMPTS = 50;
const PAGE_SIZE = 1_000;

/** A JSON list has only one reading, so no choice of texts can imitate another entry. */
async function hashEntry(entry: Omit<AuditLogEntry, 'hash'>): Promise<string> {
  const { seq, operator, action, subject, reason, outcome, previousHash } = entry;
  const at = new Date(entry.at).toISOString();
  const canonical = [seq, at, operator, action, subject, reason, outcome, previousHash];
  const bytes = new TextEncoder().encode(JSON.stringify(canonical));
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
  return Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

type Row = typeof operatorActions.$inferSelect;

function toEntry(row: Row): AuditLogEntry {
  const { seq, operator, action, subject, reason, outcome, previousHash, hash } = row;
  const at = row.at.getTime();
  return { seq, at, operator, action, subject, reason, outcome, previousHash, hash };
}

async function findLastEntry(db: Database): Promise<AuditLogEntry | undefined> {
  const [row] = await queryOrThrow(
    db.select().from(operatorActions).orderBy(desc(operatorActions.seq)).limit(1),
  );
  return row === undefined ? undefined : toEntry(row);
}

/** Appends an entry. If a concurrent writer takes the number, retries with the next one. */
export async function appendOperatorAction(
  db: Database,
  action: OperatorAction,
): Promise<AuditLogEntry> {
  for (let attemptNumber = 0; attemptNumber < MAX_ATTEMPTS; attemptNumber++) {
    const last = await findLastEntry(db);
    const seq = (last?.seq ?? 0) + 1;
    const previousHash = last?.hash ?? GENESIS_HASH;
    const unhashed = { ...action, seq, previousHash };
    const entry = { ...unhashed, hash: await hashEntry(unhashed) };
    const inserted = await tryQuery(
      db.insert(operatorActions).values({ ...entry, at: new Date(entry.at) }),
    );
    if (inserted.ok) return entry;
    const { error: failure } = inserted;
    if (failure.kind !== 'refused' || failure.sqlState !== '23505') {
      throw new DatabaseError(failure);
    }
  }
  throw new Error('The audit log’s next number was taken in every attempt.');
}

export type AuditLogCheck =
  | Readonly<{ ok: true; entries: number; lastSeq: number; lastHash: string }>
  /** The first wrong entry: missing, not linked to its predecessor, or altered. */
  | Readonly<{ ok: false; seq: number; problem: 'missing' | 'unlinked' | 'altered' }>;
type AuditLogProblem = Extract<AuditLogCheck, { ok: false }>;

async function checkEntry(
  entry: AuditLogEntry,
  seq: number,
  previousHash: string | null,
): Promise<AuditLogProblem | undefined> {
  if (entry.seq !== seq) return { ok: false, seq, problem: 'missing' };
  if (previousHash !== null && entry.previousHash !== previousHash) {
    return { ok: false, seq, problem: 'unlinked' };
  }
  const { hash, ...unhashed } = entry;
  return (await hashEntry(unhashed)) === hash ? undefined : { ok: false, seq, problem: 'altered' };
}

async function listEntriesAfter(db: Database, seq: number): Promise<readonly AuditLogEntry[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(operatorActions)
      .where(gt(operatorActions.seq, seq))
      .orderBy(asc(operatorActions.seq))
      .limit(PAGE_SIZE),
  );
  return rows.map(toEntry);
}

/**
 * Verifies the log page by page, or its newest `latest` entries. A truncated end can't be detected
 * from the table: for that, the number and hash of each entry also go to the logs.
 */
export async function verifyAuditLog(
  db: Database,
  { latest }: Readonly<{ latest?: number }> = {},
): Promise<AuditLogCheck> {
  const start =
    latest === undefined ? 0 : Math.max(0, ((await findLastEntry(db))?.seq ?? 0) - latest);
  let seq = start;
  let previousHash = start === 0 ? GENESIS_HASH : null;
  for (;;) {
    const page = await listEntriesAfter(db, seq);
    for (const entry of page) {
      const problem = await checkEntry(entry, seq + 1, previousHash);
      if (problem !== undefined) return problem;
      seq = entry.seq;
      previousHash = entry.hash;
    }
    if (page.length < PAGE_SIZE) break;
  }
  return { ok: true, entries: seq - start, lastSeq: seq, lastHash: previousHash ?? GENESIS_HASH };
}

/** Lists entries, newest first: all, or those about one account. */
export async function listOperatorActions(
  db: Database,
  { before, limit, subject }: Readonly<{ before: number; limit: number; subject?: AccountId }>,
): Promise<readonly AuditLogEntry[]> {
  const subjectFilter = subject === undefined ? undefined : eq(operatorActions.subject, subject);
  const rows = await queryOrThrow(
    db
      .select()
      .from(operatorActions)
      .where(and(lt(operatorActions.seq, before), subjectFilter))
      .orderBy(desc(operatorActions.seq))
      .limit(limit),
  );
  return rows.map(toEntry);
}
