/**
 * Compares the account object with Postgres and names every violated invariant. Reading the object
 * also wakes it, so that work left by a lost alarm resumes, even if Postgres is unreachable.
 */
import { type AccountTotals, getAccountTotals } from '@farebox/database/ledger';
import type { AccountId, Audit } from '@farebox/ledger';
import { accountStub, database, type Env } from './env.ts';

/** Reported in place of a comparison when Postgres is unreachable. */
export const POSTGRES_UNREACHABLE = 'postgres_unreachable';

async function loadTotals(env: Env, account: AccountId): Promise<AccountTotals | undefined> {
  try {
    return await getAccountTotals(database(env), account);
  } catch {
    return undefined;
  }
}

/** Reads Postgres first, so that a delivery in between only puts the object ahead of it. */
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

/**
 * Reads Postgres again before it reports a loss: entries may have been acknowledged since the first
 * read.
 */
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

/** Returns the object's balance after entry `seq`, or undefined if it no longer has it. */
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
