/**
 * Reads the last 26 hours again once a day, a bounded part per cron run. It finds transfers that
 * every provider omitted at the time, for example just after maintenance. Known deposits don't
 * change.
 */

import {
  readCursor,
  readRescan,
  recordFinalTransfers,
  recordRescan,
} from '@farebox/database/deposits';
import { DAY_MS } from '@farebox/ledger';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { type BlockRange, readAgreedRange } from './provider-agreement.ts';
import { buildAddressFilter, resolveOwners } from './watched-addresses.ts';

const RESCAN_SPAN_MS = 26 * 3_600_000;
const WINDOWS_PER_RUN = 2;

/**
 * Reads blocks below the cursor again and records transfers that were missed. Known deposits don't
 * change. Windows on which the providers don't agree now are returned as `unread`.
 */
export async function rescan(
  deps: DepositDeps,
  chain: Chain,
  blocks: BlockRange,
): Promise<Readonly<{ unread: readonly BlockRange[] }>> {
  const addressFilter = await buildAddressFilter(deps, chain);
  const unread: BlockRange[] = [];
  for (let from = blocks.from; from <= blocks.to; from += chain.maxWindow) {
    const window = { from, to: Math.min(from + chain.maxWindow - 1, blocks.to) };
    const range = await readAgreedRange(deps, chain, addressFilter, window);
    if (!range.ok) {
      unread.push(window);
      continue;
    }
    const owned = await resolveOwners(deps, chain, range.value.transfers);
    await recordFinalTransfers(deps.db, chain.name, owned, 'rescan', deps.now());
  }
  return { unread };
}

type RescanRange = Readonly<{ next: number; last: number }>;

/** The unfinished range, or the range of a new day. Null when this day's rescan is done. */
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

/** Continues the daily rescan of one chain by a few windows. */
export async function rescanDaily(deps: DepositDeps, chain: Chain): Promise<void> {
  const cursor = await readCursor(deps.db, chain.name);
  if (cursor === undefined || cursor.haltedAt !== null) return;
  const blocks = await nextRescanRange(deps, chain, cursor.nextBlock);
  if (blocks === null) return;
  let { next } = blocks;
  for (let windows = 0; windows < WINDOWS_PER_RUN && next <= blocks.last; windows += 1) {
    // The scan has already narrowed this window to what the provider accepts.
    const to = Math.min(next + cursor.window - 1, blocks.last);
    const { unread } = await rescan(deps, chain, { from: next, to });
    if (unread.length > 0) break;
    next = to + 1;
  }
  await recordRescan(deps.db, chain.name, { next, last: blocks.last }, deps.now());
}
