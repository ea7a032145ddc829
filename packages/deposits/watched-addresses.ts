/**
 * Which addresses a scan asks for, and which account a transfer belongs to. Up to a few thousand
 * addresses are put into the queries, 1,000 each. Above that, scans read all transfers of the token
 * and look up their recipients, so that the cost no longer grows with the number of accounts.
 */
import {
  countIssuedAddresses,
  type DetectedTransfer,
  findAddresses,
  listWatchedAddresses,
} from '@farebox/database/deposits';
import type { AddressFilter, Chain, HexAddress } from './contract.ts';
import type { DepositDeps } from './deps.ts';
import type { TransferLog } from './transfers.ts';

const MAX_QUERIED_ADDRESSES = 5_000;
const PAGE_SIZE = 1_000;

/** A filter for exactly these addresses. */
export function onlyAddresses(addresses: readonly HexAddress[]): AddressFilter {
  const known: ReadonlySet<HexAddress> = new Set(addresses);
  return { queriedAddresses: addresses, filterOwned: async () => known };
}

async function readAllAddresses(
  { db }: DepositDeps,
  { family }: Chain,
): Promise<readonly HexAddress[]> {
  const addresses: HexAddress[] = [];
  let after = '';
  for (;;) {
    const page = await listWatchedAddresses(db, family, after, PAGE_SIZE);
    addresses.push(...page.map(({ address }) => address));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE_SIZE) return addresses;
    after = last.address;
  }
}

/**
 * A filter for every issued address. Looks up each recipient once: both providers return the same
 * ones.
 */
function anyAddress({ db }: DepositDeps, { family }: Chain): AddressFilter {
  const lookedUp = new Set<HexAddress>();
  const owned = new Set<HexAddress>();
  const filterOwned = async (recipients: ReadonlySet<HexAddress>) => {
    const unresolved = [...recipients].filter((recipient) => !lookedUp.has(recipient));
    const found = unresolved.length === 0 ? [] : await findAddresses(db, family, unresolved);
    for (const recipient of unresolved) lookedUp.add(recipient);
    for (const { address } of found) owned.add(address);
    return owned;
  };
  return { queriedAddresses: null, filterOwned };
}

/** The filter of a scan: addresses by name, or all transfers when there are too many addresses. */
export async function buildAddressFilter(deps: DepositDeps, chain: Chain): Promise<AddressFilter> {
  const issued = await countIssuedAddresses(deps.db, chain.family);
  return issued > MAX_QUERIED_ADDRESSES
    ? anyAddress(deps, chain)
    : onlyAddresses(await readAllAddresses(deps, chain));
}

/** Adds the account to each transfer. Transfers to addresses that aren't ours are dropped. */
export async function resolveOwners(
  { db }: DepositDeps,
  { family }: Chain,
  transfers: readonly TransferLog[],
): Promise<readonly DetectedTransfer[]> {
  if (transfers.length === 0) return [];
  const recipients = [...new Set(transfers.map(({ recipient }) => recipient))];
  const found = await findAddresses(db, family, recipients);
  const accounts = new Map(found.map(({ address, account }) => [address, account]));
  return transfers.flatMap((transfer) => {
    const account = accounts.get(transfer.recipient);
    return account === undefined ? [] : [{ ...transfer, account }];
  });
}
