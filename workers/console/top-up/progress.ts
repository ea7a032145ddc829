/** How far a deposit has come, and whether its network is being read, as a person may be told. Pure. */
import type { ChainState, DepositRow } from '@farebox/database';
import type { Chain } from '@farebox/deposits';

export type Confirmations = Readonly<{ has: number; needed: number }>;

/** Blocks on top of a deposit that is not credited yet, and how many there have to be; null where nothing is waited for. */
export function confirmationsOf(
  chain: Chain,
  state: ChainState | undefined,
  deposit: Pick<DepositRow, 'state' | 'blockNumber'>,
): Confirmations | null {
  if (deposit.state !== 'seen' && deposit.state !== 'final') return null;
  const { head = null, final = null } = state ?? {};
  if (head === null || final === null) return null;
  // What is final already, and not credited, waits for the depth of large sums.
  const needed = deposit.state === 'seen' ? Math.max(1, head - final) : chain.largeDepth;
  const has = Math.min(Math.max(0, head - deposit.blockNumber), needed);
  return has === needed && deposit.state === 'final' ? null : { has, needed };
}

/** The cron looks every minute. */
const LOOKED_LATE_MS = 5 * 60_000;
const BEHIND_MS = 10 * 60_000;

export type Reading = 'well' | 'late' | 'halted';

/** Whether money that is sent now is found as soon as is promised. */
export function readingOf(chain: Chain, state: ChainState | undefined, now: number): Reading {
  if (state === undefined) return 'well';
  const { haltedAt, lookedAt, final, nextBlock, finalAt } = state;
  if (haltedAt !== null) return 'halted';
  const behindMs = final === null ? 0 : (final + 1 - nextBlock) * chain.blockMs;
  const stale = finalAt !== null && now - finalAt > BEHIND_MS;
  const unread = lookedAt !== null && now - lookedAt > LOOKED_LATE_MS;
  return behindMs > BEHIND_MS || stale || unread ? 'late' : 'well';
}
