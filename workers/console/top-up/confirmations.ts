/** How far a deposit has come, and whether its network is being read, as a person may be told. Pure. */
import type { ChainState, DepositRow } from '@farebox/database/deposits';
import type { Chain } from '@farebox/deposits';

export type Confirmations = Readonly<{ current: number; required: number }>;

/** Blocks on top of a deposit that is not credited yet, and how many there have to be; null where nothing is waited for. */
export function countConfirmations(
  chain: Chain,
  state: ChainState | undefined,
  deposit: Pick<DepositRow, 'state' | 'blockNumber'>,
): Confirmations | null {
  if (deposit.state !== 'pending' && deposit.state !== 'final') return null;
  const { head = null, final = null } = state ?? {};
  if (head === null || final === null) return null;
  // What is final already, and not credited, waits for the depth of large sums.
  const required = deposit.state === 'pending' ? Math.max(1, head - final) : chain.largeDepth;
  const current = Math.min(Math.max(0, head - deposit.blockNumber), required);
  return current === required && deposit.state === 'final' ? null : { current, required };
}

/** The cron looks every minute. */
const POLL_OVERDUE_MS = 5 * 60_000;
const MAX_LAG_MS = 10 * 60_000;

export type NetworkStatus = 'ok' | 'delayed' | 'halted';

/** Whether money that is sent now is found as soon as is promised. */
export function networkStatus(
  chain: Chain,
  state: ChainState | undefined,
  now: number,
): NetworkStatus {
  if (state === undefined) return 'ok';
  const { haltedAt, lastPolledAt, final, nextBlock, finalAt } = state;
  if (haltedAt !== null) return 'halted';
  const lagMs = final === null ? 0 : (final + 1 - nextBlock) * chain.blockMs;
  const isStale = finalAt !== null && now - finalAt > MAX_LAG_MS;
  const isOverdue = lastPolledAt !== null && now - lastPolledAt > POLL_OVERDUE_MS;
  return lagMs > MAX_LAG_MS || isStale || isOverdue ? 'delayed' : 'ok';
}
