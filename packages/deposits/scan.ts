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
  readCursor,
  recordFinalTransfers,
  recordPoll,
  replacePending,
  startCursor,
} from '@farebox/database/deposits';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import {
  type RpcError,
  type RpcResult,
  readBlock,
  readRange,
  readTip,
  sameTransfer,
  type Tip,
  type TransferLog,
} from './rpc.ts';
import { type AddressFilter, buildAddressFilter, resolveOwners } from './watched-addresses.ts';

/** Windows a tick: with a batch each for both providers, about 20 requests. */
const WINDOWS_PER_RUN = 8;
/** An older final block means that the chain, or the node, stands still. */
const MAX_FINALITY_AGE_MS = 600_000;

export type ScanError = RpcError | 'providers_disagree' | 'finality_stale' | 'halted';
type ScanFailure = Readonly<{ ok: false; error: ScanError }>;

/** The newest block whose transfers may count: final by the chain's word at every provider, and deep enough. */
export function safeBlock(chain: Chain, tips: readonly Tip[]): number {
  return Math.min(
    ...tips.map(({ head, final }) => Math.min(final.number, head.number - chain.depth)),
  );
}

export async function readTips(
  deps: DepositDeps,
  chain: Chain,
): Promise<RpcResult<readonly Tip[]>> {
  const tips: Tip[] = [];
  for (const provider of chain.providers) {
    const tip = await readTip(deps.rpcTransport, provider, chain);
    if (!tip.ok) return tip;
    tips.push(tip.value);
  }
  return { ok: true, value: tips };
}

type AgreedRange = Readonly<{ hash: string; transfers: readonly TransferLog[] }>;

/** What all providers say of a range, where they say the same. */
export async function readAgreedRange(
  deps: DepositDeps,
  chain: Chain,
  addressFilter: AddressFilter,
  blocks: Readonly<{ from: number; to: number }>,
): Promise<Readonly<{ ok: true; value: AgreedRange }> | ScanFailure> {
  const query = { ...blocks, token: chain.token, ...addressFilter };
  let agreed: AgreedRange | null = null;
  for (const provider of chain.providers) {
    const range = await readRange(deps.rpcTransport, provider, query);
    if (!range.ok) return range;
    if (agreed !== null && !sameRange(agreed, range.value)) {
      return { ok: false, error: 'providers_disagree' };
    }
    agreed = range.value;
  }
  return agreed === null ? { ok: false, error: 'unreachable' } : { ok: true, value: agreed };
}

function sameRange(a: AgreedRange, b: AgreedRange): boolean {
  if (a.hash !== b.hash || a.transfers.length !== b.transfers.length) return false;
  return a.transfers.every((transfer, index) => {
    const other = b.transfers[index];
    return other !== undefined && sameTransfer(transfer, other);
  });
}

/** Halts where the block below the cursor is no longer the one that was read: what was final was not. */
async function checkContinuity(
  deps: DepositDeps,
  chain: Chain,
  { nextBlock, lastHash }: ChainCursor,
): Promise<Readonly<{ ok: true }> | ScanFailure> {
  if (lastHash === null) return { ok: true };
  for (const [index, provider] of chain.providers.entries()) {
    const block = await readBlock(deps.rpcTransport, provider, nextBlock - 1);
    if (!block.ok) return block;
    if (block.value.hash === lastHash) continue;
    const found = block.value.hash;
    await halt(deps, chain, { block: nextBlock - 1, expected: lastHash, found, provider: index });
    return { ok: false, error: 'halted' };
  }
  return { ok: true };
}

type FinalityViolation = Readonly<{
  block: number;
  expected: string;
  found: string;
  provider: number;
}>;

/** Finality was violated: evidence is kept, somebody is called, and no more money moves on this chain. */
export async function halt(
  deps: DepositDeps,
  chain: Chain,
  violation: FinalityViolation,
): Promise<void> {
  const { block, expected, found, provider } = violation;
  const kind = 'finality_violated';
  await haltChain(deps.db, {
    chain: chain.name,
    kind,
    blockNumber: block,
    expected,
    found,
    provider,
    now: deps.now(),
  });
  deps.logEvent({ event: 'chain_halted', chain: chain.name, kind, block });
}

type ScanProgress = { window: number; next: number };

/** One window on. `narrower` where the provider wants fewer blocks: the cursor stays. */
async function scanWindow(
  deps: DepositDeps,
  chain: Chain,
  addressFilter: AddressFilter,
  progress: ScanProgress,
  safe: number,
  overlap: number,
): Promise<'advanced' | 'narrower' | 'overtaken' | ScanFailure> {
  const from = progress.next;
  const to = Math.min(from + progress.window - 1, safe);
  const range = await readAgreedRange(deps, chain, addressFilter, {
    from: Math.max(0, from - overlap),
    to,
  });
  if (!range.ok) {
    if (range.error !== 'too_wide' || progress.window <= chain.minWindow) return range;
    progress.window = Math.max(chain.minWindow, Math.floor((to - from + 1) / 2));
    return 'narrower';
  }
  const { hash, transfers } = range.value;
  const owned = await resolveOwners(deps, chain, transfers);
  await recordFinalTransfers(deps.db, chain.name, owned, 'scan', deps.now());
  const widened = Math.min(chain.maxWindow, progress.window * 2);
  const advance = { chain: chain.name, from, to, hash, window: widened, now: deps.now() };
  if (!(await advanceCursor(deps.db, advance))) return 'overtaken';
  progress.window = widened;
  progress.next = to + 1;
  return 'advanced';
}

/**
 * Reads blocks once more that the cursor has passed, wherever all providers agree on them: for what both
 * left out at the time. Changes nothing that is known. Blocks that can't be read now are `unread`.
 */
export async function rescan(
  deps: DepositDeps,
  chain: Chain,
  blocks: Readonly<{ from: number; to: number }>,
): Promise<Readonly<{ unread: readonly Readonly<{ from: number; to: number }>[] }>> {
  const addressFilter = await buildAddressFilter(deps, chain);
  const unread: Readonly<{ from: number; to: number }>[] = [];
  for (let from = blocks.from; from <= blocks.to; from += chain.maxWindow) {
    const window = { from, to: Math.min(from + chain.maxWindow - 1, blocks.to) };
    const range = await readAgreedRange(deps, chain, addressFilter, window);
    if (!range.ok) {
      unread.push(window);
      continue;
    }
    const owned = await resolveOwners(deps, chain, range.value.transfers);
    await recordFinalTransfers(deps.db, chain.name, owned, 'reread', deps.now());
  }
  return { unread };
}

/** What lies above the safe block is shown and nothing more; where it can't be read it is shown later. */
async function scanUnconfirmed(
  deps: DepositDeps,
  chain: Chain,
  addressFilter: AddressFilter,
  from: number,
  head: number,
): Promise<void> {
  const [provider] = chain.providers;
  if (provider === undefined || from > head || head - from >= chain.maxWindow) return;
  const query = { from, to: head, token: chain.token, ...addressFilter };
  const range = await readRange(deps.rpcTransport, provider, query);
  if (!range.ok) return;
  const owned = await resolveOwners(deps, chain, range.value.transfers);
  await replacePending(deps.db, chain.name, owned, deps.now());
}

async function scanWindows(
  deps: DepositDeps,
  chain: Chain,
  cursor: ChainCursor,
  tips: readonly Tip[],
): Promise<Readonly<{ ok: true }> | (ScanFailure & { window: number })> {
  const addressFilter = await buildAddressFilter(deps, chain);
  const safe = safeBlock(chain, tips);
  const progress = { window: Math.min(cursor.window, chain.maxWindow), next: cursor.nextBlock };
  for (let step = 0; step < WINDOWS_PER_RUN && progress.next <= safe; step += 1) {
    // What an earlier, weaker answer may have left out is read once more, on each tick.
    const overlap = step === 0 ? Math.min(chain.overlap, progress.window) : 0;
    const outcome = await scanWindow(deps, chain, addressFilter, progress, safe, overlap);
    if (outcome === 'overtaken') break;
    if (typeof outcome !== 'string') return { ...outcome, window: progress.window };
  }
  if (progress.next > safe) {
    const head = Math.min(...tips.map((tip) => tip.head.number));
    await scanUnconfirmed(deps, chain, addressFilter, progress.next, head);
  }
  return { ok: true };
}

/** Where the cursor stands; made at the first look, at the configured block or the newest safe one. */
async function getOrCreateCursor(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[],
): Promise<ChainCursor> {
  const known = await readCursor(deps.db, chain.name);
  if (known !== undefined) return known;
  const start = chain.startBlock ?? Math.max(0, safeBlock(chain, tips));
  await startCursor(deps.db, chain.name, start, chain.maxWindow);
  return getOrCreateCursor(deps, chain, tips);
}

/** One tick of one chain: where it can't get on it says why and leaves everything as it was. */
export async function scanChain(
  deps: DepositDeps,
  chain: Chain,
): Promise<Readonly<{ ok: true; tips: readonly Tip[] }> | ScanFailure> {
  const tips = await readTips(deps, chain);
  if (!tips.ok) return recordFailure(deps, chain, null, tips, null);
  const cursor = await getOrCreateCursor(deps, chain, tips.value);
  if (cursor.haltedAt !== null) return { ok: false, error: 'halted' };
  const oldest = Math.min(...tips.value.map(({ final }) => final.minedAt));
  if (deps.now() - oldest > MAX_FINALITY_AGE_MS) {
    return recordFailure(deps, chain, tips.value, { ok: false, error: 'finality_stale' }, null);
  }
  const continuous = await checkContinuity(deps, chain, cursor);
  if (!continuous.ok) return recordFailure(deps, chain, tips.value, continuous, null);
  const read = await scanWindows(deps, chain, cursor, tips.value);
  if (!read.ok) return recordFailure(deps, chain, tips.value, read, read.window);
  await recordOutcome(deps, chain, tips.value, null, null);
  return { ok: true, tips: tips.value };
}

async function recordOutcome(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[] | null,
  error: ScanError | null,
  window: number | null,
): Promise<void> {
  await recordPoll(deps.db, {
    chain: chain.name,
    head: tips === null ? null : Math.min(...tips.map(({ head }) => head.number)),
    final: tips === null ? null : safeBlock(chain, tips),
    finalAt: tips === null ? null : Math.min(...tips.map(({ final }) => final.minedAt)),
    lastError: error,
    window,
    now: deps.now(),
  });
}

async function recordFailure(
  deps: DepositDeps,
  chain: Chain,
  tips: readonly Tip[] | null,
  { error }: ScanFailure,
  window: number | null,
): Promise<ScanFailure> {
  // A halted chain keeps the word it was halted with.
  if (error !== 'halted') await recordOutcome(deps, chain, tips, error, window);
  deps.logEvent({ event: 'chain_trouble', chain: chain.name, trouble: error });
  return { ok: false, error };
}
