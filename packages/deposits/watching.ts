/**
 * Which addresses are looked for, and whose a transfer is. Up to a few thousand addresses are asked for by
 * name, a thousand a query; above that everybody's transfers are read, and whose they are is looked up by the
 * addresses in them, so that the cost no longer grows with the number of accounts.
 */
import {
  addressesIssued,
  type FoundTransfer,
  findAddresses,
  watchedAddresses,
} from '@farebox/database';
import type { Chain, HexAddress } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import type { TransferLog } from './rpc.ts';

const BY_NAME_MOST = 5_000;
const PAGE = 1_000;

export type Watched = Readonly<{
  /** What a provider is asked for; null: everybody's transfers. */
  byName: readonly HexAddress[] | null;
  /** Those of the recipients that are ours. */
  ours: (recipients: ReadonlySet<HexAddress>) => Promise<ReadonlySet<HexAddress>>;
}>;

/** These addresses and no others. */
export function watchOnly(addresses: readonly HexAddress[]): Watched {
  const known: ReadonlySet<HexAddress> = new Set(addresses);
  return { byName: addresses, ours: async () => known };
}

async function all({ db }: DepositsHouse, { family }: Chain): Promise<readonly HexAddress[]> {
  const addresses: HexAddress[] = [];
  let after = '';
  for (;;) {
    const page = await watchedAddresses(db, family, after, PAGE);
    addresses.push(...page.map(({ address }) => address));
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return addresses;
    after = last.address;
  }
}

/** Looks up each recipient once: a second provider's answer names the same ones. */
function everybody({ db }: DepositsHouse, { family }: Chain): Watched {
  const asked = new Set<HexAddress>();
  const own = new Set<HexAddress>();
  const ours = async (recipients: ReadonlySet<HexAddress>) => {
    const fresh = [...recipients].filter((recipient) => !asked.has(recipient));
    const found = fresh.length === 0 ? [] : await findAddresses(db, family, fresh);
    for (const recipient of fresh) asked.add(recipient);
    for (const { address } of found) own.add(address);
    return own;
  };
  return { byName: null, ours };
}

export async function watch(house: DepositsHouse, chain: Chain): Promise<Watched> {
  const issued = await addressesIssued(house.db, chain.family);
  return issued > BY_NAME_MOST ? everybody(house, chain) : watchOnly(await all(house, chain));
}

/** Each transfer with its account. */
export async function ownersOf(
  { db }: DepositsHouse,
  { family }: Chain,
  transfers: readonly TransferLog[],
): Promise<readonly FoundTransfer[]> {
  if (transfers.length === 0) return [];
  const recipients = [...new Set(transfers.map(({ recipient }) => recipient))];
  const found = await findAddresses(db, family, recipients);
  const accounts = new Map(found.map(({ address, account }) => [address, account]));
  return transfers.flatMap((transfer) => {
    const account = accounts.get(transfer.recipient);
    return account === undefined ? [] : [{ ...transfer, account }];
  });
}
