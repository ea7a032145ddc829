/**
 * Reading one chain on. It promises that a block is passed only when every configured provider agrees on
 * it and on its transfers to us; that an answer which is not sure stops the cursor and skips nothing; and
 * that a final block which is no longer the same halts the chain (docs/decisions/0013-deposits.md). Work
 * a tick is bounded; two ticks at once are harmless.
 */
import {
  advanceCursor,
  type ChainCursor,
  haltChain,
  noteLook,
  readCursor,
  recordFinal,
  replacePending,
  startCursor,
} from '@farebox/database';
import type { Chain } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import {
  type Read,
  type RpcTrouble,
  readBlock,
  readRange,
  readTip,
  sameTransfer,
  type Tip,
  type TransferLog,
} from './rpc.ts';
import { ownersOf, type Watched, watch } from './watching.ts';

/** Windows a tick: with a batch each for both providers, about 20 requests. */
const WINDOWS_A_TICK = 8;
/** An older final block means that the chain, or the node, stands still. */
const FINALITY_AGE_MOST_MS = 600_000;

export type ScanTrouble = RpcTrouble | 'providers_disagree' | 'finality_stale' | 'halted';
type Stop = Readonly<{ ok: false; trouble: ScanTrouble }>;

/** The newest block whose transfers may count: final by the chain's word at every provider, and deep enough. */
export function safeBlock(chain: Chain, tips: readonly Tip[]): number {
  return Math.min(
    ...tips.map(({ head, final }) => Math.min(final.number, head.number - chain.depth)),
  );
}

export async function readTips(house: DepositsHouse, chain: Chain): Promise<Read<readonly Tip[]>> {
  const tips: Tip[] = [];
  for (const provider of chain.providers) {
    const tip = await readTip(house.ask, provider, chain);
    if (!tip.ok) return tip;
    tips.push(tip.value);
  }
  return { ok: true, value: tips };
}

type Agreed = Readonly<{ hash: string; transfers: readonly TransferLog[] }>;

/** What all providers say of a range, where they say the same. */
export async function readAgreed(
  house: DepositsHouse,
  chain: Chain,
  watched: Watched,
  blocks: Readonly<{ from: number; to: number }>,
): Promise<Readonly<{ ok: true; value: Agreed }> | Stop> {
  const wanted = { ...blocks, token: chain.token, ...watched };
  let agreed: Agreed | null = null;
  for (const provider of chain.providers) {
    const range = await readRange(house.ask, provider, wanted);
    if (!range.ok) return range;
    if (agreed !== null && !sameRange(agreed, range.value)) {
      return { ok: false, trouble: 'providers_disagree' };
    }
    agreed = range.value;
  }
  return agreed === null ? { ok: false, trouble: 'unreachable' } : { ok: true, value: agreed };
}

function sameRange(a: Agreed, b: Agreed): boolean {
  if (a.hash !== b.hash || a.transfers.length !== b.transfers.length) return false;
  return a.transfers.every((transfer, index) => {
    const other = b.transfers[index];
    return other !== undefined && sameTransfer(transfer, other);
  });
}

/** Halts where the block below the cursor is no longer the one that was read: what was final was not. */
async function isContinuous(
  house: DepositsHouse,
  chain: Chain,
  { nextBlock, lastHash }: ChainCursor,
): Promise<Readonly<{ ok: true }> | Stop> {
  if (lastHash === null) return { ok: true };
  for (const [index, provider] of chain.providers.entries()) {
    const block = await readBlock(house.ask, provider, nextBlock - 1);
    if (!block.ok) return block;
    if (block.value.hash === lastHash) continue;
    const found = block.value.hash;
    await halt(house, chain, { block: nextBlock - 1, expected: lastHash, found, provider: index });
    return { ok: false, trouble: 'halted' };
  }
  return { ok: true };
}

type Violation = Readonly<{ block: number; expected: string; found: string; provider: number }>;

/** Finality was violated: evidence is kept, somebody is called, and no more money moves on this chain. */
export async function halt(
  house: DepositsHouse,
  chain: Chain,
  violation: Violation,
): Promise<void> {
  const { block, expected, found, provider } = violation;
  const kind = 'finality_violated';
  await haltChain(house.db, {
    chain: chain.name,
    kind,
    blockNumber: block,
    expected,
    found,
    provider,
    now: house.now(),
  });
  house.signal({ event: 'chain_halted', chain: chain.name, kind, block });
}

type Progress = { window: number; next: number };

/** One window on. `narrower` where the provider wants fewer blocks: the cursor stays. */
async function stepOn(
  house: DepositsHouse,
  chain: Chain,
  watched: Watched,
  progress: Progress,
  safe: number,
  overlap: number,
): Promise<'advanced' | 'narrower' | 'overtaken' | Stop> {
  const from = progress.next;
  const to = Math.min(from + progress.window - 1, safe);
  const range = await readAgreed(house, chain, watched, { from: Math.max(0, from - overlap), to });
  if (!range.ok) {
    if (range.trouble !== 'too_wide' || progress.window <= chain.windowLeast) return range;
    progress.window = Math.max(chain.windowLeast, Math.floor((to - from + 1) / 2));
    return 'narrower';
  }
  const { hash, transfers } = range.value;
  const owned = await ownersOf(house, chain, transfers);
  await recordFinal(house.db, chain.name, owned, 'scan', house.now());
  const widened = Math.min(chain.windowMost, progress.window * 2);
  const advance = { chain: chain.name, from, to, hash, window: widened, now: house.now() };
  if (!(await advanceCursor(house.db, advance))) return 'overtaken';
  progress.window = widened;
  progress.next = to + 1;
  return 'advanced';
}

/**
 * Reads blocks once more that the cursor has passed, wherever all providers agree on them: for what both
 * left out at the time. Changes nothing that is known. Blocks that can't be read now are `unread`.
 */
export async function rescan(
  house: DepositsHouse,
  chain: Chain,
  blocks: Readonly<{ from: number; to: number }>,
): Promise<Readonly<{ unread: readonly Readonly<{ from: number; to: number }>[] }>> {
  const watched = await watch(house, chain);
  const unread: Readonly<{ from: number; to: number }>[] = [];
  for (let from = blocks.from; from <= blocks.to; from += chain.windowMost) {
    const window = { from, to: Math.min(from + chain.windowMost - 1, blocks.to) };
    const range = await readAgreed(house, chain, watched, window);
    if (!range.ok) {
      unread.push(window);
      continue;
    }
    const owned = await ownersOf(house, chain, range.value.transfers);
    await recordFinal(house.db, chain.name, owned, 'reread', house.now());
  }
  return { unread };
}

/** What lies above the safe block is shown and nothing more; where it can't be read it is shown later. */
async function lookAhead(
  house: DepositsHouse,
  chain: Chain,
  watched: Watched,
  from: number,
  head: number,
): Promise<void> {
  const [provider] = chain.providers;
  if (provider === undefined || from > head || head - from >= chain.windowMost) return;
  const wanted = { from, to: head, token: chain.token, ...watched };
  const range = await readRange(house.ask, provider, wanted);
  if (!range.ok) return;
  const owned = await ownersOf(house, chain, range.value.transfers);
  await replacePending(house.db, chain.name, owned, house.now());
}

async function readOn(
  house: DepositsHouse,
  chain: Chain,
  cursor: ChainCursor,
  tips: readonly Tip[],
): Promise<Readonly<{ ok: true }> | (Stop & { window: number })> {
  const watched = await watch(house, chain);
  const safe = safeBlock(chain, tips);
  const progress = { window: Math.min(cursor.window, chain.windowMost), next: cursor.nextBlock };
  for (let step = 0; step < WINDOWS_A_TICK && progress.next <= safe; step += 1) {
    // What an earlier, weaker answer may have left out is read once more, on each tick.
    const overlap = step === 0 ? Math.min(chain.overlap, progress.window) : 0;
    const done = await stepOn(house, chain, watched, progress, safe, overlap);
    if (done === 'overtaken') break;
    if (typeof done !== 'string') return { ...done, window: progress.window };
  }
  if (progress.next > safe) {
    const head = Math.min(...tips.map((tip) => tip.head.number));
    await lookAhead(house, chain, watched, progress.next, head);
  }
  return { ok: true };
}

/** Where the cursor stands; made at the first look, at the configured block or the newest safe one. */
async function cursorOf(
  house: DepositsHouse,
  chain: Chain,
  tips: readonly Tip[],
): Promise<ChainCursor> {
  const known = await readCursor(house.db, chain.name);
  if (known !== undefined) return known;
  const start = chain.startBlock ?? Math.max(0, safeBlock(chain, tips));
  await startCursor(house.db, chain.name, start, chain.windowMost);
  return cursorOf(house, chain, tips);
}

/** One tick of one chain: where it can't get on it says why and leaves everything as it was. */
export async function scanChain(
  house: DepositsHouse,
  chain: Chain,
): Promise<Readonly<{ ok: true; tips: readonly Tip[] }> | Stop> {
  const tips = await readTips(house, chain);
  if (!tips.ok) return noted(house, chain, null, tips, null);
  const cursor = await cursorOf(house, chain, tips.value);
  if (cursor.haltedAt !== null) return { ok: false, trouble: 'halted' };
  const oldest = Math.min(...tips.value.map(({ final }) => final.minedAt));
  if (house.now() - oldest > FINALITY_AGE_MOST_MS) {
    return noted(house, chain, tips.value, { ok: false, trouble: 'finality_stale' }, null);
  }
  const continuous = await isContinuous(house, chain, cursor);
  if (!continuous.ok) return noted(house, chain, tips.value, continuous, null);
  const read = await readOn(house, chain, cursor, tips.value);
  if (!read.ok) return noted(house, chain, tips.value, read, read.window);
  await note(house, chain, tips.value, null, null);
  return { ok: true, tips: tips.value };
}

async function note(
  house: DepositsHouse,
  chain: Chain,
  tips: readonly Tip[] | null,
  trouble: ScanTrouble | null,
  window: number | null,
): Promise<void> {
  await noteLook(house.db, {
    chain: chain.name,
    head: tips === null ? null : Math.min(...tips.map(({ head }) => head.number)),
    final: tips === null ? null : safeBlock(chain, tips),
    finalAt: tips === null ? null : Math.min(...tips.map(({ final }) => final.minedAt)),
    trouble,
    window,
    now: house.now(),
  });
}

async function noted(
  house: DepositsHouse,
  chain: Chain,
  tips: readonly Tip[] | null,
  { trouble }: Stop,
  window: number | null,
): Promise<Stop> {
  // A halted chain keeps the word it was halted with.
  if (trouble !== 'halted') await note(house, chain, tips, trouble, window);
  house.signal({ event: 'chain_trouble', chain: chain.name, trouble });
  return { ok: false, trouble };
}
