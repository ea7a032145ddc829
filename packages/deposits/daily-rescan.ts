/**
 * Once a day the last 26 hours are read again, a bounded part a tick: what every provider left out at the
 * time, because it had just come out of maintenance, is found then. Nothing known is changed by it.
 */
import { readCursor, readRescan, recordRescan } from '@farebox/database/deposits';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { rescan } from './scan.ts';

const DAY_MS = 24 * 3_600_000;
const RESCAN_SPAN_MS = 26 * 3_600_000;
const WINDOWS_PER_RUN = 2;

type RescanRange = Readonly<{ next: number; last: number }>;

/** What is under way, or what a new day has to read; null where this day is done. */
async function nextRescanRange(
  deps: DepositDeps,
  chain: Chain,
  nextBlock: number,
): Promise<RescanRange | null> {
  const { blocks, endedAt } = await readRescan(deps.db, chain.name);
  if (blocks !== null) return blocks;
  if (endedAt !== null && deps.now() - endedAt < DAY_MS) return null;
  const span = Math.ceil(RESCAN_SPAN_MS / chain.blockMs);
  return { next: Math.max(chain.startBlock ?? 0, nextBlock - span), last: nextBlock - 1 };
}

export async function rescanDaily(deps: DepositDeps, chain: Chain): Promise<void> {
  const cursor = await readCursor(deps.db, chain.name);
  if (cursor === undefined || cursor.haltedAt !== null) return;
  const blocks = await nextRescanRange(deps, chain, cursor.nextBlock);
  if (blocks === null) return;
  let { next } = blocks;
  for (let windows = 0; windows < WINDOWS_PER_RUN && next <= blocks.last; windows += 1) {
    // The width that the scan found to work.
    const to = Math.min(next + cursor.window - 1, blocks.last);
    const { unread } = await rescan(deps, chain, { from: next, to });
    if (unread.length > 0) break;
    next = to + 1;
  }
  await recordRescan(deps.db, chain.name, { next, last: blocks.last }, deps.now());
}
