/** One minute of the cron: each chain by itself, so that one chain's trouble never waits for another's. */
import type { Chain } from './contract.ts';
import { creditChain } from './credit.ts';
import type { DepositsHouse } from './house.ts';
import { scanChain } from './scan.ts';

async function tickChain(house: DepositsHouse, chain: Chain): Promise<void> {
  if (chain.providers.length === 1) house.signal({ event: 'single_provider', chain: chain.name });
  const scanned = await scanChain(house, chain);
  if (scanned.ok) await creditChain(house, chain, scanned.tips);
}

/** Reads and credits all chains that have a provider. A chain that throws is said, and the others go on. */
export async function tick(house: DepositsHouse): Promise<void> {
  const enabled = house.chains.filter(({ providers }) => providers.length > 0);
  const done = await Promise.allSettled(enabled.map((chain) => tickChain(house, chain)));
  for (const [index, result] of done.entries()) {
    if (result.status === 'fulfilled') continue;
    const where = `deposits.${enabled[index]?.name ?? 'chain'}`;
    house.signal({ event: 'unexpected', where, call: null });
  }
}
