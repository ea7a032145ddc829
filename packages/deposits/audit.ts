/**
 * Once a day each address is asked for: what it holds and what was swept of it must be what we recorded, and
 * what we credited must stand in its account's book. A bounded part a tick. What differs is looked at again on
 * each tick, because a transfer may have come in between two answers; where an address holds more than we
 * know of, the blocks since it was made are read again for it, the newest first, once after each day's audit.
 */
import {
  type Difference,
  findAddresses,
  getAddressRecords,
  listOpenDifferences,
  listWatchedAddresses,
  type OpenDifference,
  readAuditProgress,
  readCursor,
  recordAuditProgress,
  recordDifferenceRescan,
  recordDifferences,
  recordFinalTransfers,
  resolveDifferences,
  findLedgerDifferences as selectLedgerDifferences,
  type WatchedAddress,
} from '@farebox/database/deposits';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { readTokenBalances } from './rpc.ts';
import { readAgreedRange } from './scan.ts';
import { onlyAddresses, resolveOwners } from './watched-addresses.ts';

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ADDRESSES_PER_RUN = 200;
const OPEN_DIFFERENCES_PER_RUN = 200;
const WINDOWS_PER_RUN = 4;
/** A younger difference may be a transfer that came in between two answers. */
const DIFFERENCE_GRACE_MS = 10 * 60_000;

/** What differs at these addresses now, of every kind; null where the provider could not be asked. */
async function findDifferences(
  deps: DepositDeps,
  chain: Chain,
  addresses: readonly WatchedAddress[],
): Promise<readonly Difference[] | null> {
  // Not the one that scans: who left a transfer out may leave it out of the balance.
  const provider = chain.providers.at(-1);
  if (provider === undefined) return null;
  const addressTexts = addresses.map(({ address }) => address);
  const balances = await readTokenBalances(deps.rpcTransport, provider, chain, addressTexts);
  if (!balances.ok) return null;
  const records = await getAddressRecords(deps.db, chain.name, addressTexts);
  const differences: Difference[] = [];
  for (const [index, { units: held, frozen }] of balances.value.entries()) {
    const address = addressTexts[index] ?? '';
    const { recorded, swept } = records.get(address) ?? { recorded: 0n, swept: 0n };
    if (held + swept !== recorded)
      differences.push({ address, kind: 'balance', held, swept, recorded });
    if (frozen) differences.push({ address, kind: 'frozen', held, swept, recorded });
  }
  return [...differences, ...(await findLedgerDifferences(deps, chain, addresses))];
}

async function findLedgerDifferences(
  { db, now }: DepositDeps,
  chain: Chain,
  addresses: readonly WatchedAddress[],
): Promise<readonly Difference[]> {
  const byAccount = new Map(addresses.map(({ account, address }) => [account, address]));
  const { name, chainId } = chain;
  const before = now() - HOUR_MS;
  const differences = await selectLedgerDifferences(
    db,
    { chain: name, chainId },
    [...byAccount.keys()],
    before,
  );
  return differences.map(({ account, credited, posted: booked }) => ({
    address: byAccount.get(account) ?? '',
    kind: 'books',
    held: booked,
    swept: 0n,
    recorded: credited,
  }));
}

/** Of these addresses, what was found to differ before and does not now. */
async function resolveOtherDifferences(
  { db, now }: DepositDeps,
  chain: Chain,
  addresses: readonly WatchedAddress[],
  differences: readonly Difference[],
): Promise<void> {
  for (const kind of ['balance', 'books', 'frozen'] as const) {
    const differ = new Set(
      differences.filter((one) => one.kind === kind).map(({ address }) => address),
    );
    const others = addresses.map(({ address }) => address).filter((one) => !differ.has(one));
    await resolveDifferences(db, chain.name, kind, others, now());
  }
}

/** The next addresses of the day's audit. */
async function auditNextPage(deps: DepositDeps, chain: Chain): Promise<void> {
  const { db, now } = deps;
  const { after, endedAt } = await readAuditProgress(db, chain.name);
  if (after === null && endedAt !== null && now() - endedAt < DAY_MS) return;
  const page = await listWatchedAddresses(db, chain.family, after ?? '', ADDRESSES_PER_RUN);
  const differences = page.length === 0 ? [] : await findDifferences(deps, chain, page);
  if (differences === null) return;
  await recordDifferences(db, chain.name, differences, now(), { restartRescan: true });
  await resolveOtherDifferences(deps, chain, page, differences);
  const last = page.length < ADDRESSES_PER_RUN ? null : (page.at(-1)?.address ?? null);
  await recordAuditProgress(db, chain.name, last, now());
}

/** What was found before, once more: settled where it adds up by now. Answers what still differs. */
async function recheckOpenDifferences(
  deps: DepositDeps,
  chain: Chain,
): Promise<readonly OpenDifference[]> {
  const { db, now } = deps;
  const open = await listOpenDifferences(db, chain.name, OPEN_DIFFERENCES_PER_RUN);
  if (open.length === 0) return [];
  const known = await findAddresses(db, chain.family, [
    ...new Set(open.map(({ address }) => address)),
  ]);
  const differences = await findDifferences(deps, chain, known);
  if (differences === null) return [];
  await recordDifferences(db, chain.name, differences, now());
  await resolveOtherDifferences(deps, chain, known, differences);
  const remaining = new Set(differences.map(({ address, kind }) => `${kind}:${address}`));
  return open.filter(({ kind, address }) => remaining.has(`${kind}:${address}`));
}

/** The oldest block that can hold a transfer to an address made so long ago. */
function earliestBlock(chain: Chain, nextBlock: number, ageMs: number): number {
  // Networks were slower at times; twice as many blocks as there should be is far enough.
  const blocks = Math.ceil((2 * ageMs) / chain.blockMs) + chain.maxWindow;
  return Math.max(0, chain.startBlock ?? 0, nextBlock - blocks);
}

/** Reads blocks once more for one address that holds more than we know of, a bounded number of them. */
async function searchMissedTransfers(
  deps: DepositDeps,
  chain: Chain,
  { address, rescanBelow: rereadBelow, since }: OpenDifference,
): Promise<void> {
  const { db } = deps;
  const cursor = await readCursor(db, chain.name);
  const [known] = await findAddresses(db, chain.family, [address]);
  if (cursor === undefined || known === undefined) return;
  const first = earliestBlock(chain, cursor.nextBlock, Math.max(0, since - known.createdAt));
  const addressFilter = onlyAddresses([address]);
  let below = rereadBelow ?? cursor.nextBlock;
  for (let windows = 0; windows < WINDOWS_PER_RUN && below > first; windows += 1) {
    const from = Math.max(first, below - cursor.window);
    const range = await readAgreedRange(deps, chain, addressFilter, { from, to: below - 1 });
    if (!range.ok) break;
    const owned = await resolveOwners(deps, chain, range.value.transfers);
    await recordFinalTransfers(db, chain.name, owned, 'audit', deps.now());
    below = from;
  }
  await recordDifferenceRescan(db, chain.name, address, below);
}

export async function auditChain(deps: DepositDeps, chain: Chain): Promise<void> {
  const remaining = await recheckOpenDifferences(deps, chain);
  const persistent = remaining.filter(({ since }) => deps.now() - since > DIFFERENCE_GRACE_MS);
  // Once an hour: loud enough to be heard, not so loud that it is switched off.
  const kinds = deps.now() % HOUR_MS < MINUTE_MS ? persistent.map(({ kind }) => kind) : [];
  for (const kind of new Set(kinds)) {
    deps.logEvent({ event: 'deposit_difference', chain: chain.name, kind });
  }
  const missed = persistent.find(
    ({ kind, held, swept, recorded }) => kind === 'balance' && held + swept > recorded,
  );
  if (missed !== undefined) await searchMissedTransfers(deps, chain, missed);
  await auditNextPage(deps, chain);
}
