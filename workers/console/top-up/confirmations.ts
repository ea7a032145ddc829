/** The confirmations of a deposit and the status of its network, for display. Pure. */
import type { ChainState, DepositRow } from '@farebox/database/deposits';
import type { Chain } from '@farebox/deposits';

export type Confirmations = Readonly<{ current: number; required: number }>;

/** Counts the blocks on top of an uncredited deposit; null where it waits for none. */
export function countConfirmations(
  chain: Chain,
  state: ChainState | undefined,
  deposit: Pick<DepositRow, 'state' | 'blockNumber'>,
): Confirmations | null {
  if (deposit.state !== 'pending' && deposit.state !== 'final') return null;
  const { head = null, final = null } = state ?? {};
  if (head === null || final === null) return null;
  // A final deposit that is not credited waits for the depth of large amounts.
  const required = deposit.state === 'pending' ? Math.max(1, head - final) : chain.largeDepth;
  const current = Math.min(Math.max(0, head - deposit.blockNumber), required);
  return current === required && deposit.state === 'final' ? null : { current, required };
}

/** The deposits Worker polls every minute. */
const POLL_OVERDUE_MS = 5 * 60_000;
const MAX_LAG_MS = 10 * 60_000;

type NetworkStatus = 'ok' | 'delayed' | 'halted';

/** Returns whether a deposit sent now would be found in the promised time. */
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

/** A network without a provider is one that this deployment has not configured. */
export type Network = Readonly<{ chain: Chain; status: NetworkStatus | 'unavailable' }>;

export function listNetworks(
  chains: readonly Chain[],
  states: readonly ChainState[],
  now: number,
): readonly Network[] {
  return chains.map((chain) => {
    if (chain.providers.length === 0) return { chain, status: 'unavailable' };
    const state = states.find((one) => one.chain === chain.name);
    return { chain, status: networkStatus(chain, state, now) };
  });
}
