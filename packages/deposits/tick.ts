/** One minute of the cron: each chain by itself, so that one chain's trouble never waits for another's. */
import { auditChain } from './audit.ts';
import type { Chain } from './contract.ts';
import { creditChain } from './credit.ts';
import type { DepositsHouse } from './house.ts';
import { rereadChain } from './reread.ts';
import { scanChain } from './scan.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

async function tickChain(house: DepositsHouse, chain: Chain): Promise<void> {
  // Once an hour: loud enough to be heard, not so loud that it is switched off.
  const hourly = house.now() % HOUR_MS < MINUTE_MS;
  if (hourly && chain.providers.length === 1)
    house.signal({ event: 'single_provider', chain: chain.name });
  const scanned = await scanChain(house, chain);
  if (!scanned.ok) return;
  await rereadChain(house, chain);
  await creditChain(house, chain, scanned.tips);
  await auditChain(house, chain);
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
