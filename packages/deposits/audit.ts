/**
 * Once a day each address is asked for: what it holds and what was swept of it must be what we recorded, and
 * what we credited must stand in its account's book. A bounded part a tick. What differs is looked at again on
 * each tick, because a transfer may have come in between two answers; where an address holds more than we
 * know of, the blocks since it was made are read again for it, the newest first, once after each day's audit.
 */
import {
  bookDifferences,
  type Difference,
  findAddresses,
  noteAudit,
  noteDifferenceReread,
  noteDifferences,
  type OpenDifference,
  openDifferences,
  readAudit,
  readCursor,
  recordFinal,
  recordsOf,
  settleDifferences,
  type WatchedAddress,
  watchedAddresses,
} from '@farebox/database';
import type { Chain } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import { readHoldings } from './rpc.ts';
import { readAgreed } from './scan.ts';
import { ownersOf, watchOnly } from './watching.ts';

const DAY_MS = 24 * 3_600_000;
const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const ADDRESSES_A_TICK = 200;
const OPEN_A_TICK = 200;
const WINDOWS_A_TICK = 4;
/** A younger difference may be a transfer that came in between two answers. */
const SETTLES_WITHIN_MS = 10 * 60_000;

/** What differs at these addresses now, of every kind; null where the provider could not be asked. */
async function differencesAt(
  house: DepositsHouse,
  chain: Chain,
  addresses: readonly WatchedAddress[],
): Promise<readonly Difference[] | null> {
  // Not the one that scans: who left a transfer out may leave it out of the balance.
  const provider = chain.providers.at(-1);
  if (provider === undefined) return null;
  const texts = addresses.map(({ address }) => address);
  const holdings = await readHoldings(house.ask, provider, chain, texts);
  if (!holdings.ok) return null;
  const records = await recordsOf(house.db, chain.name, texts);
  const differences: Difference[] = [];
  for (const [index, { units: held, frozen }] of holdings.value.entries()) {
    const address = texts[index] ?? '';
    const { recorded, swept } = records.get(address) ?? { recorded: 0n, swept: 0n };
    if (held + swept !== recorded)
      differences.push({ address, kind: 'balance', held, swept, recorded });
    if (frozen) differences.push({ address, kind: 'frozen', held, swept, recorded });
  }
  return [...differences, ...(await booksAt(house, chain, addresses))];
}

async function booksAt(
  { db, now }: DepositsHouse,
  chain: Chain,
  addresses: readonly WatchedAddress[],
): Promise<readonly Difference[]> {
  const byAccount = new Map(addresses.map(({ account, address }) => [account, address]));
  const { name, chainId } = chain;
  const before = now() - HOUR_MS;
  const found = await bookDifferences(db, { chain: name, chainId }, [...byAccount.keys()], before);
  return found.map(({ account, credited, booked }) => ({
    address: byAccount.get(account) ?? '',
    kind: 'books',
    held: booked,
    swept: 0n,
    recorded: credited,
  }));
}

/** Of these addresses, what was found to differ before and does not now. */
async function settleOthers(
  { db, now }: DepositsHouse,
  chain: Chain,
  addresses: readonly WatchedAddress[],
  found: readonly Difference[],
): Promise<void> {
  for (const kind of ['balance', 'books', 'frozen'] as const) {
    const differ = new Set(found.filter((one) => one.kind === kind).map(({ address }) => address));
    const others = addresses.map(({ address }) => address).filter((one) => !differ.has(one));
    await settleDifferences(db, chain.name, kind, others, now());
  }
}

/** The next addresses of the day's audit. */
async function auditOn(house: DepositsHouse, chain: Chain): Promise<void> {
  const { db, now } = house;
  const { after, endedAt } = await readAudit(db, chain.name);
  if (after === null && endedAt !== null && now() - endedAt < DAY_MS) return;
  const page = await watchedAddresses(db, chain.family, after ?? '', ADDRESSES_A_TICK);
  const found = page.length === 0 ? [] : await differencesAt(house, chain, page);
  if (found === null) return;
  await noteDifferences(db, chain.name, found, now(), { anew: true });
  await settleOthers(house, chain, page, found);
  const last = page.length < ADDRESSES_A_TICK ? null : (page.at(-1)?.address ?? null);
  await noteAudit(db, chain.name, last, now());
}

/** What was found before, once more: settled where it adds up by now. Answers what still differs. */
async function lookAgain(house: DepositsHouse, chain: Chain): Promise<readonly OpenDifference[]> {
  const { db, now } = house;
  const open = await openDifferences(db, chain.name, OPEN_A_TICK);
  if (open.length === 0) return [];
  const known = await findAddresses(db, chain.family, [
    ...new Set(open.map(({ address }) => address)),
  ]);
  const found = await differencesAt(house, chain, known);
  if (found === null) return [];
  await noteDifferences(db, chain.name, found, now());
  await settleOthers(house, chain, known, found);
  const still = new Set(found.map(({ address, kind }) => `${kind}:${address}`));
  return open.filter(({ kind, address }) => still.has(`${kind}:${address}`));
}

/** The oldest block that can hold a transfer to an address made so long ago. */
function firstBlockOf(chain: Chain, nextBlock: number, ageMs: number): number {
  // Networks were slower at times; twice as many blocks as there should be is far enough.
  const blocks = Math.ceil((2 * ageMs) / chain.blockMs) + chain.windowMost;
  return Math.max(0, chain.startBlock ?? 0, nextBlock - blocks);
}

/** Reads blocks once more for one address that holds more than we know of, a bounded number of them. */
async function searchFor(
  house: DepositsHouse,
  chain: Chain,
  { address, rereadBelow, since }: OpenDifference,
): Promise<void> {
  const { db } = house;
  const cursor = await readCursor(db, chain.name);
  const [known] = await findAddresses(db, chain.family, [address]);
  if (cursor === undefined || known === undefined) return;
  const first = firstBlockOf(chain, cursor.nextBlock, Math.max(0, since - known.createdAt));
  const watched = watchOnly([address]);
  let below = rereadBelow ?? cursor.nextBlock;
  for (let windows = 0; windows < WINDOWS_A_TICK && below > first; windows += 1) {
    const from = Math.max(first, below - cursor.window);
    const range = await readAgreed(house, chain, watched, { from, to: below - 1 });
    if (!range.ok) break;
    const owned = await ownersOf(house, chain, range.value.transfers);
    await recordFinal(db, chain.name, owned, 'audit', house.now());
    below = from;
  }
  await noteDifferenceReread(db, chain.name, address, below);
}

export async function auditChain(house: DepositsHouse, chain: Chain): Promise<void> {
  const still = await lookAgain(house, chain);
  const lasting = still.filter(({ since }) => house.now() - since > SETTLES_WITHIN_MS);
  // Once an hour: loud enough to be heard, not so loud that it is switched off.
  const kinds = house.now() % HOUR_MS < MINUTE_MS ? lasting.map(({ kind }) => kind) : [];
  for (const kind of new Set(kinds)) {
    house.signal({ event: 'deposit_difference', chain: chain.name, kind });
  }
  const missed = lasting.find(
    ({ kind, held, swept, recorded }) => kind === 'balance' && held + swept > recorded,
  );
  if (missed !== undefined) await searchFor(house, chain, missed);
  await auditOn(house, chain);
}
