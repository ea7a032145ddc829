/**
 * Scans one chain for transfers to our addresses. Guarantees: the cursor passes a block only when
 * every configured provider agrees on it and on its transfers; an inconclusive answer stops the
 * cursor, so no block is skipped; and a final block that changes halts the chain
 * (docs/decisions/0013-deposits.md). The work per cron run is bounded, and two runs at once are
 * harmless.
 */
import {
  advanceCursor,
  type ChainCursor,
  readCursor,
  recordFinalTransfers,
  recordPoll,
  replacePending,
  startCursor,
} from '@farebox/database/deposits';
import { err, type Failure, type NoData, ok, type Result, type Success } from '@farebox/result';
import { readBlock, type Tip } from './blocks.ts';
import type { AddressFilter, Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { halt } from './halt.ts';
import type { RpcError } from './json-rpc.ts';
import { readAgreedRange, readTips, safeBlock } from './provider-agreement.ts';
import { readRange } from './transfers.ts';
import { buildAddressFilter, resolveOwners } from './watched-addresses.ts';

/** Windows per cron run. With one batch per window and provider, a run makes about 20 requests. */
const WINDOWS_PER_RUN = 8;
/** If the newest final block is older than this, the chain or the node has stalled. */
const MAX_FINALITY_AGE_MS = 600_000;

export type ScanError = RpcError | 'providers_disagree' | 'finality_stale' | 'halted';
type ScanFailure = Failure<ScanError>;

/**
 * Halts the chain if the block below the cursor has another hash than when it was read as final.
 */
async function checkContinuity(
  deps: DepositDeps,
  chain: Chain,
  { nextBlock, lastHash }: ChainCursor,
): Promise<Result<NoData, ScanError>> {
  if (lastHash === null) return ok();
  for (const [index, provider] of chain.providers.entries()) {
    const block = await readBlock(deps.rpcTransport, provider, nextBlock - 1);
    if (!block.ok) return block;
    if (block.value.hash === lastHash) continue;
    const found = block.value.hash;
    await halt(deps, chain, { block: nextBlock - 1, expected: lastHash, found, provider: index });
    return err('halted');
  }
  return ok();
}

type ScanProgress = { window: number; next: number };

/**
 * Scans one window. Returns `narrower` without moving the cursor if the provider wants fewer
 * blocks.
 */
async function scanWindow(
  deps: DepositDeps,
  chain: Chain,
  addressFilter: AddressFilter,
  progress: ScanProgress,
  safe: number,
  overlap: number,
): Promise<'advanced' | 'narrower' | 'cursor_moved' | ScanFailure> {
  const from = progress.next;
  const to = Math.min(from + progress.window - 1, safe);
  const range = await readAgreedRange(deps, chain, addressFilter, {
    from: Math.max(0, from - overlap),
    to,
  });
  if (!range.ok) {
    if (range.reason !== 'too_wide' || progress.window <= chain.minWindow) return range;
    progress.window = Math.max(chain.minWindow, Math.floor((to - from + 1) / 2));
    return 'narrower';
  }
  const { hash, transfers } = range.value;
  const owned = await resolveOwners(deps, chain, transfers);
  await recordFinalTransfers(deps.db, chain.name, owned, 'scan', deps.now());
  const widened = Math.min(chain.maxWindow, progress.window * 2);
  const advance = { chain: chain.name, from, to, hash, window: widened, now: deps.now() };
  if (!(await advanceCursor(deps.db, advance))) return 'cursor_moved';
  progress.window = widened;
  progress.next = to + 1;
  return 'advanced';
}

/**
 * Records transfers above the safe block as pending, for display only. A failed read is left to the
 * next run.
 */
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
): Promise<Success | (ScanFailure & { window: number })> {
  const addressFilter = await buildAddressFilter(deps, chain);
  const safe = safeBlock(chain, tips);
  const progress = { window: Math.min(cursor.window, chain.maxWindow), next: cursor.nextBlock };
  for (let step = 0; step < WINDOWS_PER_RUN && progress.next <= safe; step += 1) {
    // Each run starts a little below the cursor: an earlier answer may have omitted a log.
    const overlap = step === 0 ? Math.min(chain.overlap, progress.window) : 0;
    const outcome = await scanWindow(deps, chain, addressFilter, progress, safe, overlap);
    if (outcome === 'cursor_moved') break;
    if (typeof outcome !== 'string') return { ...outcome, window: progress.window };
  }
  if (progress.next > safe) {
    const head = Math.min(...tips.map((tip) => tip.head.number));
    await scanUnconfirmed(deps, chain, addressFilter, progress.next, head);
  }
  return ok();
}

/**
 * The chain's cursor. On the first run it starts at the configured block, or else at the newest
 * safe one.
 */
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

/** Scans one chain for one cron run. On an error it records the reason and changes nothing else. */
export async function scanChain(
  deps: DepositDeps,
  chain: Chain,
): Promise<Result<{ tips: readonly Tip[] }, ScanError>> {
  const tips = await readTips(deps, chain);
  if (!tips.ok) return recordFailure(deps, chain, null, tips, null);
  const cursor = await getOrCreateCursor(deps, chain, tips.value);
  if (cursor.haltedAt !== null) return err('halted');
  const oldest = Math.min(...tips.value.map(({ final }) => final.minedAt));
  if (deps.now() - oldest > MAX_FINALITY_AGE_MS) {
    return recordFailure(deps, chain, tips.value, err('finality_stale'), null);
  }
  const continuous = await checkContinuity(deps, chain, cursor);
  if (!continuous.ok) return recordFailure(deps, chain, tips.value, continuous, null);
  const read = await scanWindows(deps, chain, cursor, tips.value);
  if (!read.ok) return recordFailure(deps, chain, tips.value, read, read.window);
  await recordOutcome(deps, chain, tips.value, null, null);
  return ok({ tips: tips.value });
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
  { reason }: ScanFailure,
  window: number | null,
): Promise<ScanFailure> {
  // A halted chain keeps the error it was halted with.
  if (reason !== 'halted') await recordOutcome(deps, chain, tips, reason, window);
  deps.logEvent({ event: 'chain_read_failed', chain: chain.name, error: reason });
  return err(reason);
}
