/**
 * Daily reconciliation. Each cron run takes a bounded slice of accounts, compares the account
 * object with Postgres, and wakes the object in case its alarm was lost. Skipped accounts are
 * logged. It repairs nothing except key rows that are still active although the object has revoked
 * the key.
 */
import {
  accountsToReconcile,
  markKeysRevoked,
  recordReconciliation,
} from '@farebox/database/ledger';
import type { AccountId, KeyId } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { database, type Env } from './env.ts';
import { POSTGRES_UNREACHABLE, reconcileAccount } from './reconcile-account.ts';

const RUN_INTERVAL_MS = 5 * 60_000;
const RUNS_PER_DAY = 288;
/**
 * An account takes at most five subrequests, and a Worker has 10,000
 * (developers.cloudflare.com/workers/platform/limits). More than 288 times as many accounts need
 * more runs.
 */
const MAX_ACCOUNTS_PER_RUN = 1_000;
const PAGE_SIZE = 100;
/** More would wait for each other: six connections may be open at once (same page). */
const CONCURRENCY = 10;
const ID_SPACE = 2n ** 64n;

/** The result of a run, for operators: Postgres alone can't show what has not reached it. */
type ReconciliationStats = Record<
  'accounts' | 'behind' | 'pending' | 'broken' | 'unfinished',
  number
>;

type Slice = Readonly<{ after: AccountId; last: AccountId }>;

/** Returns the slice of a run. Ids are random, so equal slices hold about equally many accounts. */
function getSlice(at: number): Slice {
  const run = BigInt(Math.floor(at / RUN_INTERVAL_MS) % RUNS_PER_DAY);
  const lastBefore = (n: bigint): string =>
    ((ID_SPACE * n) / BigInt(RUNS_PER_DAY) - 1n).toString(16).padStart(16, '0');
  return { after: run === 0n ? '' : lastBefore(run), last: lastBefore(run + 1n) };
}

/** Marks rows that a revocation could not mark when it happened. */
async function markRevoked(
  env: Env,
  account: AccountId,
  keys: readonly KeyId[],
  at: number,
): Promise<void> {
  try {
    await markKeysRevoked(database(env), account, keys, at);
  } catch {
    logEvent({ event: 'reconciliation_incomplete', account });
  }
}

async function reconcileOne(
  env: Env,
  account: AccountId,
  at: number,
  stats: ReconciliationStats,
): Promise<void> {
  stats.accounts += 1;
  try {
    const { violations, recentlyRevoked, lastSeq, acknowledgedSeq } = await reconcileAccount(
      env,
      account,
    );
    stats.behind += lastSeq > acknowledgedSeq ? 1 : 0;
    stats.pending += lastSeq - acknowledgedSeq;
    const unreachable = violations.includes(POSTGRES_UNREACHABLE) ? 1 : 0;
    stats.unfinished += unreachable;
    stats.broken += violations.length - unreachable;
    if (recentlyRevoked.length > 0) await markRevoked(env, account, recentlyRevoked, at);
    for (const invariant of violations) {
      if (invariant === POSTGRES_UNREACHABLE)
        logEvent({ event: 'reconciliation_incomplete', account });
      else logEvent({ event: 'invariant_broken', account, invariant });
    }
  } catch {
    stats.unfinished += 1;
    logEvent({ event: 'reconciliation_incomplete', account });
  }
}

/** Reconciles accounts with `CONCURRENCY` workers, each taking the next one as it finishes. */
async function reconcileAll(
  env: Env,
  accounts: readonly AccountId[],
  at: number,
  stats: ReconciliationStats,
): Promise<void> {
  const remaining = accounts.values();
  const worker = async (): Promise<void> => {
    for (const account of remaining) await reconcileOne(env, account, at, stats);
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, worker));
}

/** Returns a page of the slice's accounts after `after`, or undefined if Postgres can't be read. */
async function loadPage(env: Env, slice: Slice): Promise<readonly AccountId[] | undefined> {
  try {
    const page = await accountsToReconcile(database(env), { after: slice.after, limit: PAGE_SIZE });
    return page.filter((account) => account <= slice.last);
  } catch {
    return undefined;
  }
}

/** Returns whether the whole slice was reconciled. */
async function reconcileSlice(env: Env, at: number, stats: ReconciliationStats): Promise<boolean> {
  const { last, after: first } = getSlice(at);
  let after = first;
  for (let processed = 0; ; processed += PAGE_SIZE) {
    const page = await loadPage(env, { after, last });
    if (page?.length === 0) return true;
    if (page === undefined || processed >= MAX_ACCOUNTS_PER_RUN) break;
    await reconcileAll(env, page, at, stats);
    after = page.at(-1) ?? after;
  }
  // The run stopped here; the rest of the slice waits for tomorrow, or for an operator.
  logEvent({ event: 'reconciliation_incomplete', account: after });
  return false;
}

export async function runDailyReconciliation(env: Env, at: number): Promise<void> {
  const stats: ReconciliationStats = {
    accounts: 0,
    behind: 0,
    pending: 0,
    broken: 0,
    unfinished: 0,
  };
  const complete = await reconcileSlice(env, at, stats);
  if (!complete) stats.unfinished += 1;
  try {
    await recordReconciliation(database(env), { ...stats, at });
  } catch {
    logEvent({ event: 'unexpected', where: 'ledger.record_reconciliation', call: null });
  }
}
