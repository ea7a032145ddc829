/**
 * Once a day the last 26 hours are read again, a bounded part a tick: what every provider left out at the
 * time, because it had just come out of maintenance, is found then. Nothing known is changed by it.
 */
import { noteReread, readCursor, readReread } from '@farebox/database';
import type { Chain } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import { rescan } from './scan.ts';

const DAY_MS = 24 * 3_600_000;
const SPAN_MS = 26 * 3_600_000;
const WINDOWS_A_TICK = 2;

type Blocks = Readonly<{ next: number; until: number }>;

/** What is under way, or what a new day has to read; null where this day is done. */
async function blocksToRead(
  house: DepositsHouse,
  chain: Chain,
  nextBlock: number,
): Promise<Blocks | null> {
  const { blocks, endedAt } = await readReread(house.db, chain.name);
  if (blocks !== null) return blocks;
  if (endedAt !== null && house.now() - endedAt < DAY_MS) return null;
  const span = Math.ceil(SPAN_MS / chain.blockMs);
  return { next: Math.max(chain.startBlock ?? 0, nextBlock - span), until: nextBlock - 1 };
}

export async function rereadChain(house: DepositsHouse, chain: Chain): Promise<void> {
  const cursor = await readCursor(house.db, chain.name);
  if (cursor === undefined || cursor.haltedAt !== null) return;
  const blocks = await blocksToRead(house, chain, cursor.nextBlock);
  if (blocks === null) return;
  let { next } = blocks;
  for (let windows = 0; windows < WINDOWS_A_TICK && next <= blocks.until; windows += 1) {
    // The width that the scan found to work.
    const to = Math.min(next + cursor.window - 1, blocks.until);
    const { unread } = await rescan(house, chain, { from: next, to });
    if (unread.length > 0) break;
    next = to + 1;
  }
  await noteReread(house.db, chain.name, { next, until: blocks.until }, house.now());
}
