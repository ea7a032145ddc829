/**
 * Signed statements (docs/statements.md). The lines are made of what Postgres stores, checked
 * against the hashes that the account object made, and signed here when they are read.
 */
import { listEntries } from '@farebox/database/ledger';
import type {
  AccountId,
  Entry,
  StatementPage,
  StatementPageRequest,
  StatementRange,
} from '@farebox/ledger';
import { hashLine, NO_HASH, toStatementLine } from '@farebox/ledger/statement-line';
import { logEvent } from '@farebox/telemetry';
import { database, type Env } from './env.ts';
import { createStatementSigner } from './statement-keys.ts';

const LINES_PER_PAGE = 500;

type Lines = Readonly<{ lines: readonly string[]; next: number }>;

/** Returns undefined where an entry does not match its hash. */
async function readLines(
  env: Env,
  account: AccountId,
  from: number,
  last: number,
): Promise<Lines | undefined> {
  const limit = Math.min(LINES_PER_PAGE, last - from + 1);
  // With the entry before, for its hash.
  const after = Math.max(0, from - 2);
  const stored = await listEntries(database(env), account, after, from > 1 ? limit + 1 : limit);
  const before = from > 1 ? stored[0] : undefined;
  let previous = from > 1 ? (before?.hash ?? NO_HASH) : NO_HASH;
  const lines: string[] = [];
  for (const entry of from > 1 ? stored.slice(1) : stored) {
    const line = toStatementLine(account, entry, previous);
    const hash = hashLine(line);
    if (hash !== entry.hash || entry.seq !== from + lines.length) return undefined;
    lines.push(line);
    previous = hash;
  }
  return lines.length === limit ? { lines, next: from + limit } : undefined;
}

async function readEntry(env: Env, account: AccountId, seq: number): Promise<Entry | undefined> {
  const [entry] = await listEntries(database(env), account, seq - 1, 1);
  return entry?.seq === seq ? entry : undefined;
}

type Closing = Readonly<{ range: StatementRange; unchained: number; now: number }>;

/**
 * The last line: what the statement contains, so that a missing end is noticed. Everything in it is
 * read here: the caller does not decide what is signed.
 */
async function buildClosingLine(
  env: Env,
  account: AccountId,
  { range, unchained, now }: Closing,
): Promise<string> {
  const first = range === null ? undefined : await readEntry(env, account, range.first);
  const last = range === null ? undefined : await readEntry(env, account, range.last);
  const opening = first === undefined ? 0n : first.postedAfter - first.delta;
  const closing = last?.postedAfter ?? 0n;
  const entries = first === undefined || last === undefined ? 0 : last.seq - first.seq + 1;
  return JSON.stringify({
    account,
    kind: 'end',
    first: first === undefined ? null : String(first.seq),
    last: last === undefined ? null : String(last.seq),
    entries: String(entries),
    previous: last?.hash ?? NO_HASH,
    amount: (closing - opening).toString(),
    balance: closing.toString(),
    not_chained: String(unchained),
    made_at: new Date(now).toISOString(),
  });
}

/** Reads and signs a part of a statement; the last part ends with the closing line. */
export async function readStatement(
  env: Env,
  account: AccountId,
  { range, unchained, from }: StatementPageRequest,
  now: number,
): Promise<StatementPage> {
  const sign = await createStatementSigner(env);
  const signAll = (lines: readonly string[]) => Promise.all(lines.map(sign));
  const closing = () => buildClosingLine(env, account, { range, unchained, now });
  if (range === null) return { ok: true, lines: await signAll([await closing()]), next: null };
  const read = await readLines(env, account, Math.max(from, range.first), range.last);
  if (read === undefined) {
    logEvent({ event: 'invariant_broken', account, invariant: 'statement_is_chained' });
    return { ok: false, reason: 'broken' };
  }
  if (read.next <= range.last) {
    return { ok: true, lines: await signAll(read.lines), next: read.next };
  }
  return { ok: true, lines: await signAll([...read.lines, await closing()]), next: null };
}
