/**
 * Meets every account once a day, a slice of them each tick: its books are compared and its object is
 * woken. A tick is bounded; what it could not do it says. It repairs nothing itself but rows of keys that
 * still look alive though the object refuses them.
 */
import { accountsToSweep, markKeysRevoked, recordSweep } from '@farebox/database';
import type { AccountId, KeyId } from '@farebox/ledger';
import { signal } from '@farebox/signals';
import { database, type Env } from './env.ts';
import { auditBoth, POSTGRES_UNREACHABLE } from './reconciliation.ts';

const TICK_MS = 5 * 60_000;
const TICKS_PER_DAY = 288;
/**
 * An account takes at most five subrequests, and a Worker has 10,000
 * (developers.cloudflare.com/workers/platform/limits). More than this times 288 accounts need more ticks.
 */
const MOST_PER_TICK = 1_000;
const PAGE = 100;
/** More would only wait for one another: six connections may be open at once (same page). */
const AT_ONCE = 10;
const SPACE = 2n ** 64n;

/** What a tick met, for operators: Postgres can't say by itself what has not reached it. */
type Tally = Record<'accounts' | 'behind' | 'pending' | 'broken' | 'unfinished', number>;

type Slice = Readonly<{ after: AccountId; last: AccountId }>;

/** Account ids are random, so equal slices of their space hold about equally many accounts. */
function sliceOf(at: number): Slice {
  const tick = BigInt(Math.floor(at / TICK_MS) % TICKS_PER_DAY);
  const lastBefore = (n: bigint): string =>
    ((SPACE * n) / BigInt(TICKS_PER_DAY) - 1n).toString(16).padStart(16, '0');
  return { after: tick === 0n ? '' : lastBefore(tick), last: lastBefore(tick + 1n) };
}

/** Rows that a revocation could not mark when it happened. */
async function markRevoked(
  env: Env,
  account: AccountId,
  keys: readonly KeyId[],
  at: number,
): Promise<void> {
  try {
    await markKeysRevoked(database(env), account, keys, at);
  } catch {
    signal({ event: 'sweep_unfinished', account });
  }
}

async function sweepOne(env: Env, account: AccountId, at: number, tally: Tally): Promise<void> {
  tally.accounts += 1;
  try {
    const { broken, revokedLately, lastSeq, acknowledgedSeq } = await auditBoth(env, account);
    tally.behind += lastSeq > acknowledgedSeq ? 1 : 0;
    tally.pending += lastSeq - acknowledgedSeq;
    const unreached = broken.includes(POSTGRES_UNREACHABLE) ? 1 : 0;
    tally.unfinished += unreached;
    tally.broken += broken.length - unreached;
    if (revokedLately.length > 0) await markRevoked(env, account, revokedLately, at);
    for (const invariant of broken) {
      if (invariant === POSTGRES_UNREACHABLE) signal({ event: 'sweep_unfinished', account });
      else signal({ event: 'invariant_broken', account, invariant });
    }
  } catch {
    tally.unfinished += 1;
    signal({ event: 'sweep_unfinished', account });
  }
}

/** Each of `workers` takes the next account as soon as it is done with one. */
async function sweepAll(
  env: Env,
  accounts: readonly AccountId[],
  at: number,
  tally: Tally,
): Promise<void> {
  const rest = accounts.values();
  const worker = async (): Promise<void> => {
    for (const account of rest) await sweepOne(env, account, at, tally);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

/** The accounts of the slice after `after`, at most a page; undefined where Postgres can't say. */
async function pageOf(env: Env, slice: Slice): Promise<readonly AccountId[] | undefined> {
  try {
    const page = await accountsToSweep(database(env), { after: slice.after, most: PAGE });
    return page.filter((account) => account <= slice.last);
  } catch {
    return undefined;
  }
}

/** True where the whole slice was met. */
async function sweepSlice(env: Env, at: number, tally: Tally): Promise<boolean> {
  const { last, after: first } = sliceOf(at);
  let after = first;
  for (let met = 0; ; met += PAGE) {
    const page = await pageOf(env, { after, last });
    if (page?.length === 0) return true;
    if (page === undefined || met >= MOST_PER_TICK) break;
    await sweepAll(env, page, at, tally);
    after = page.at(-1) ?? after;
  }
  // Where it stopped: the rest of this slice waits for tomorrow, or for an operator.
  signal({ event: 'sweep_unfinished', account: after });
  return false;
}

export async function sweep(env: Env, at: number): Promise<void> {
  const tally: Tally = { accounts: 0, behind: 0, pending: 0, broken: 0, unfinished: 0 };
  const whole = await sweepSlice(env, at, tally);
  if (!whole) tally.unfinished += 1;
  try {
    await recordSweep(database(env), { ...tally, at });
  } catch {
    signal({ event: 'unexpected', where: 'ledger.record_sweep', call: null });
  }
}
