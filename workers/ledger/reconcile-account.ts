/**
 * Both sides of the books compared: what an object holds and what Postgres has of it. It reads, names
 * what is broken, and wakes the object so that whatever a lost alarm left undone starts again; that
 * much it does without Postgres too.
 */
import { type AccountTotals, getAccountTotals } from '@farebox/database/ledger';
import type { AccountId, Audit } from '@farebox/ledger';
import { accountStub, database, type Env } from './env.ts';

/** Named among what is broken where Postgres could not be asked: then nothing is known of its side. */
export const POSTGRES_UNREACHABLE = 'postgres_unreachable';

async function loadTotals(env: Env, account: AccountId): Promise<AccountTotals | undefined> {
  try {
    return await getAccountTotals(database(env), account);
  } catch {
    return undefined;
  }
}

/** Postgres is read first, so that whatever is shipped meanwhile only puts the object ahead of it. */
export async function reconcileAccount(env: Env, account: AccountId): Promise<Audit> {
  const totals = await loadTotals(env, account);
  const audit = await accountStub(env, account).audit();
  const violations = [...audit.violations];
  if (totals === undefined) {
    violations.push(POSTGRES_UNREACHABLE);
    return { ...audit, violations };
  }
  if (totals.entries !== totals.lastSeq) violations.push('postgres_contiguous');
  if (totals.lastSeq > audit.lastSeq) violations.push('postgres_not_ahead');
  if (await hasLostEntries(env, account, totals, audit))
    violations.push('postgres_has_acknowledged');
  const posted = await balanceAfter(env, account, totals.lastSeq, audit);
  if (posted !== undefined && posted !== totals.posted) {
    violations.push('postgres_and_unacknowledged_are_ledger');
  }
  return { ...audit, violations };
}

/** Lines acknowledged since Postgres was read are not lost, so one that seems to be is looked at twice. */
async function hasLostEntries(
  env: Env,
  account: AccountId,
  totals: AccountTotals,
  audit: Audit,
): Promise<boolean> {
  if (totals.lastSeq >= audit.acknowledgedSeq) return false;
  const now = await loadTotals(env, account);
  return now !== undefined && now.lastSeq < audit.acknowledgedSeq;
}

/** What the object says its balance was after line `seq`; undefined where it can't say. */
async function balanceAfter(
  env: Env,
  account: AccountId,
  seq: number,
  audit: Audit,
): Promise<bigint | undefined> {
  if (seq > audit.lastSeq) return undefined;
  if (seq === audit.lastSeq) return audit.posted;
  const [next] = await accountStub(env, account).listEntries(seq, 1);
  return next?.seq === seq + 1 ? next.postedAfter - next.delta : undefined;
}
