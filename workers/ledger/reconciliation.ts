/**
 * Both sides of the books compared: what an object holds and what Postgres has of it. It reads, names
 * what is broken, and wakes the object so that whatever a lost alarm left undone starts again.
 */
import { accountsToSweep, accountTotals } from '@farebox/database';
import type { AccountId, Audit } from '@farebox/ledger';
import { signal } from '@farebox/signals';
import { accountStub, database, type Env } from './env.ts';

/** Postgres is read first, so that whatever is shipped meanwhile only puts the object ahead of it. */
export async function auditBoth(env: Env, account: AccountId): Promise<Audit> {
  const totals = await accountTotals(database(env), account);
  const audit = await accountStub(env, account).audit();
  const broken = [...audit.broken];
  if (totals.entries !== totals.lastSeq) broken.push('postgres_contiguous');
  if (totals.lastSeq > audit.lastSeq) broken.push('postgres_not_ahead');
  if (totals.lastSeq < audit.lastSeq || totals.lastSeq === 0) {
    const [next] = await accountStub(env, account).statement(totals.lastSeq, 1);
    const before = next === undefined ? 0n : next.postedAfter - next.delta;
    if (next?.seq === totals.lastSeq + 1 && before !== totals.posted) {
      broken.push('postgres_and_unacknowledged_are_ledger');
    }
  } else if (totals.lastSeq === audit.lastSeq && totals.posted !== audit.posted) {
    broken.push('postgres_and_unacknowledged_are_ledger');
  }
  return { ...audit, broken };
}

const TICK_MS = 5 * 60_000;
const TICKS_PER_DAY = 288;
/** One tick's subrequests are bounded; more accounts than this times 288 need more ticks, not more each. */
const MOST_PER_TICK = 200;
const SPACE = 2n ** 64n;

/** Account ids are random, so equal slices of their space hold about equally many accounts. */
function sliceOf(at: number): Readonly<{ after: AccountId; until: AccountId }> {
  const tick = BigInt(Math.floor(at / TICK_MS) % TICKS_PER_DAY);
  const edge = (n: bigint): string =>
    ((SPACE * n) / BigInt(TICKS_PER_DAY)).toString(16).padStart(16, '0');
  return { after: tick === 0n ? '' : edge(tick), until: edge(tick + 1n) };
}

async function sweepOne(env: Env, account: AccountId): Promise<void> {
  try {
    const { broken } = await auditBoth(env, account);
    for (const invariant of broken) signal({ event: 'invariant_broken', account, invariant });
  } catch {
    signal({ event: 'unexpected', where: 'ledger.sweep', call: null });
  }
}

/** Each account once a day, a slice each tick. */
export async function sweep(env: Env, at: number): Promise<void> {
  const { after, until } = sliceOf(at);
  const accounts = await accountsToSweep(database(env), { after, most: MOST_PER_TICK });
  for (const account of accounts) {
    // The last edge is 17 digits long and sorts below none of them as text; length decides.
    if (until.length === 16 && account > until) return;
    await sweepOne(env, account);
  }
}
