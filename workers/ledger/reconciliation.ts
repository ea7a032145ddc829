/**
 * Both sides of the books compared: what an object holds and what Postgres has of it. It reads, names
 * what is broken, and wakes the object so that whatever a lost alarm left undone starts again; that
 * much it does without Postgres too.
 */
import { type AccountTotals, accountTotals } from '@farebox/database';
import type { AccountId, Audit } from '@farebox/ledger';
import { accountStub, database, type Env } from './env.ts';

/** Named among what is broken where Postgres could not be asked: then nothing is known of its side. */
export const POSTGRES_UNREACHABLE = 'postgres_unreachable';

async function totalsOf(env: Env, account: AccountId): Promise<AccountTotals | undefined> {
  try {
    return await accountTotals(database(env), account);
  } catch {
    return undefined;
  }
}

/** Postgres is read first, so that whatever is shipped meanwhile only puts the object ahead of it. */
export async function auditBoth(env: Env, account: AccountId): Promise<Audit> {
  const totals = await totalsOf(env, account);
  const audit = await accountStub(env, account).audit();
  const broken = [...audit.broken];
  if (totals === undefined) {
    broken.push(POSTGRES_UNREACHABLE);
    return { ...audit, broken };
  }
  if (totals.entries !== totals.lastSeq) broken.push('postgres_contiguous');
  if (totals.lastSeq > audit.lastSeq) broken.push('postgres_not_ahead');
  if (await hasLost(env, account, totals, audit)) broken.push('postgres_has_acknowledged');
  const posted = await postedAfter(env, account, totals.lastSeq, audit);
  if (posted !== undefined && posted !== totals.posted) {
    broken.push('postgres_and_unacknowledged_are_ledger');
  }
  return { ...audit, broken };
}

/** Lines acknowledged since Postgres was read are not lost, so one that seems to be is looked at twice. */
async function hasLost(
  env: Env,
  account: AccountId,
  totals: AccountTotals,
  audit: Audit,
): Promise<boolean> {
  if (totals.lastSeq >= audit.acknowledgedSeq) return false;
  const now = await totalsOf(env, account);
  return now !== undefined && now.lastSeq < audit.acknowledgedSeq;
}

/** What the object says its balance was after line `seq`; undefined where it can't say. */
async function postedAfter(
  env: Env,
  account: AccountId,
  seq: number,
  audit: Audit,
): Promise<bigint | undefined> {
  if (seq > audit.lastSeq) return undefined;
  if (seq === audit.lastSeq) return audit.posted;
  const [next] = await accountStub(env, account).statement(seq, 1);
  return next?.seq === seq + 1 ? next.postedAfter - next.delta : undefined;
}
