/**
 * Senders whose money an operator has to look at before it is credited: those on the frozen list of sanctioned
 * addresses, those an operator added, and those the token's own issuer froze. Nothing of it is lost.
 */
import type { Chain, HexAddress } from './contract.ts';
import type { DepositsHouse } from './house.ts';
import { readHoldings } from './rpc.ts';
import frozen from './sanctioned-senders.generated.json' with { type: 'json' };

export type SenderFlaw = 'barred_sender' | 'frozen_sender';

/** An address is the same twenty bytes on every network. */
const SANCTIONED: ReadonlySet<HexAddress> = new Set(frozen.addresses);

/** What is to be said of each that something is said of; null where the issuer could not be asked. */
export async function flawsOf(
  { ask, barred }: DepositsHouse,
  chain: Chain,
  senders: readonly HexAddress[],
): Promise<ReadonlyMap<HexAddress, SenderFlaw> | null> {
  const flaws = new Map<HexAddress, SenderFlaw>();
  const each = [...new Set(senders)];
  for (const sender of each) {
    if (SANCTIONED.has(sender) || barred.includes(sender)) flaws.set(sender, 'barred_sender');
  }
  const provider = chain.providers.at(-1);
  if (chain.frozenCall === null || provider === undefined) return flaws;
  const others = each.filter((sender) => !flaws.has(sender));
  const holdings = await readHoldings(ask, provider, chain, others);
  if (!holdings.ok) return null;
  for (const [index, sender] of others.entries()) {
    if (holdings.value[index]?.frozen === true) flaws.set(sender, 'frozen_sender');
  }
  return flaws;
}
