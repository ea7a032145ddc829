/**
 * Which addresses are looked for, and whose a transfer is. Up to a few thousand addresses are asked for by
 * name, a thousand a query; above that everybody's transfers are read and sifted here, so that the cost no
 * longer grows with the number of accounts.
 */
import { type FoundTransfer, findAddresses, watchedAddresses } from '@farebox/database';
import type { Chain, HexAddress } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import type { TransferLog } from './rpc.ts';

const BY_NAME_MOST = 5_000;
const PAGE = 1_000;

export type Watched = Readonly<{ recipients: ReadonlySet<HexAddress>; everybody: boolean }>;

export async function watch({ db }: DepositsHouse, { family }: Chain): Promise<Watched> {
  const recipients = new Set<HexAddress>();
  let after = '';
  for (;;) {
    const page = await watchedAddresses(db, family, after, PAGE);
    for (const { address } of page) recipients.add(address);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) break;
    after = last.address;
  }
  return { recipients, everybody: recipients.size > BY_NAME_MOST };
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
