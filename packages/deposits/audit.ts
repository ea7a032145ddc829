/**
 * Daily audit of every address, a bounded part per cron run. What an address holds plus what was
 * swept must equal what we recorded, and what we credited must be in the account's ledger.
 * Differences are checked again on each run, because a transfer may arrive between two reads. If an
 * address holds more than we recorded, the blocks since it was issued are read again for it, newest
 * first, once per daily audit.
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
import { DAY_MS } from '@farebox/ledger';
import { readTokenBalances } from './balances.ts';
import type { Chain } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import { readAgreedRange } from './provider-agreement.ts';
import { onlyAddresses, resolveOwners } from './watched-addresses.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ADDRESSES_PER_RUN = 200;
const OPEN_DIFFERENCES_PER_RUN = 200;
const WINDOWS_PER_RUN = 4;
/** A younger difference may be a transfer that arrived between two reads. */
const DIFFERENCE_GRACE_MS = 10 * 60_000;

type Findings = Readonly<{
  differences: readonly Difference[];
  /** Addresses of which the issuer could not be asked: what was frozen before stays so. */
  unknownFrozen: ReadonlySet<string>;
}>;

const NOTHING_FOUND: Findings = { differences: [], unknownFrozen: new Set() };

/**
 * The current differences of these addresses, of every kind. Null when the provider can't be read.
 */
async function findDifferences(
  deps: DepositDeps,
  chain: Chain,
  addresses: readonly WatchedAddress[],
): Promise<Findings | null> {
  // The last provider, because a provider that omits a transfer may omit it from the balance too.
  const provider = chain.providers.at(-1);
  if (provider === undefined) return null;
  const addressTexts = addresses.map(({ address }) => address);
  const balances = await readTokenBalances(deps.rpcTransport, provider, chain, addressTexts);
  if (!balances.ok) return null;
  const records = await getAddressRecords(deps.db, chain.name, addressTexts);
  const differences: Difference[] = [];
  const unknownFrozen = new Set<string>();
  for (const [index, { units: held, frozen }] of balances.value.entries()) {
    const address = addressTexts[index] ?? '';
    const { recorded, swept } = records.get(address) ?? { recorded: 0n, swept: 0n };
    if (held + swept !== recorded)
      differences.push({ address, kind: 'balance', held, swept, recorded });
    if (frozen === true) differences.push({ address, kind: 'frozen', held, swept, recorded });
    if (frozen === null) unknownFrozen.add(address);
  }
  differences.push(...(await findLedgerDifferences(deps, chain, addresses)));
  return { differences, unknownFrozen };
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
    kind: 'ledger',
    held: booked,
    swept: 0n,
    recorded: credited,
  }));
}

/** Resolves earlier differences of these addresses that are gone. */
async function resolveOtherDifferences(
  { db, now }: DepositDeps,
  chain: Chain,
  addresses: readonly WatchedAddress[],
  { differences, unknownFrozen }: Findings,
): Promise<void> {
  for (const kind of ['balance', 'ledger', 'frozen'] as const) {
    const differ = new Set(
      differences.filter((one) => one.kind === kind).map(({ address }) => address),
    );
    const isOpen = (one: string) =>
      differ.has(one) || (kind === 'frozen' && unknownFrozen.has(one));
    const others = addresses.map(({ address }) => address).filter((one) => !isOpen(one));
    await resolveDifferences(db, chain.name, kind, others, now());
  }
}

/** Audits the next page of addresses, if today's audit isn't done. */
async function auditNextPage(deps: DepositDeps, chain: Chain): Promise<void> {
  const { db, now } = deps;
  const { after, endedAt } = await readAuditProgress(db, chain.name);
  if (after === null && endedAt !== null && now() - endedAt < DAY_MS) return;
  const page = await listWatchedAddresses(db, chain.family, after ?? '', ADDRESSES_PER_RUN);
  const findings = page.length === 0 ? NOTHING_FOUND : await findDifferences(deps, chain, page);
  if (findings === null) return;
  await recordDifferences(db, chain.name, findings.differences, now(), { restartRescan: true });
  await resolveOtherDifferences(deps, chain, page, findings);
  const last = page.length < ADDRESSES_PER_RUN ? null : (page.at(-1)?.address ?? null);
  await recordAuditProgress(db, chain.name, last, now());
}

/** Checks open differences again, resolves those that are gone, and returns the others. */
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
  const findings = await findDifferences(deps, chain, known);
  if (findings === null) return [];
  await recordDifferences(db, chain.name, findings.differences, now());
  await resolveOtherDifferences(deps, chain, known, findings);
  const remaining = new Set(findings.differences.map(({ address, kind }) => `${kind}:${address}`));
  return open.filter(({ kind, address }) => remaining.has(`${kind}:${address}`));
}

/** The oldest block that can hold a transfer to an address issued `ageMs` ago. */
function earliestBlock(chain: Chain, nextBlock: number, ageMs: number): number {
  // Block times vary: twice the expected number of blocks is enough.
  const blocks = Math.ceil((2 * ageMs) / chain.blockMs) + chain.maxWindow;
  return Math.max(0, chain.startBlock ?? 0, nextBlock - blocks);
}

/** Reads a bounded number of blocks again for one address that holds more than we recorded. */
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

/** Runs one bounded part of a chain's audit. Logs differences that persist. */
export async function auditChain(deps: DepositDeps, chain: Chain): Promise<void> {
  const remaining = await recheckOpenDifferences(deps, chain);
  const persistent = remaining.filter(({ since }) => deps.now() - since > DIFFERENCE_GRACE_MS);
  // Logged once an hour, so that alerts on it stay readable.
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
