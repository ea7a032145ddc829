/**
 * The cron run of each minute. Chains run independently, so that one chain's error doesn't delay
 * another.
 */
import { auditChain } from './audit.ts';
import type { Chain } from './contract.ts';
import { creditChain } from './credit.ts';
import { rescanDaily } from './daily-rescan.ts';
import type { DepositDeps } from './deps.ts';
import { confirmRefunds } from './refund-confirmation.ts';
import { scanChain } from './scan.ts';
import { confirmSweeps } from './sweep-confirmation.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

async function processChain(deps: DepositDeps, chain: Chain): Promise<void> {
  // Logged once an hour, so that alerts on it stay readable.
  const hourly = deps.now() % HOUR_MS < MINUTE_MS;
  if (hourly && chain.providers.length === 1)
    deps.logEvent({ event: 'single_provider', chain: chain.name });
  const scanned = await scanChain(deps, chain);
  if (!scanned.ok) return;
  await rescanDaily(deps, chain);
  await creditChain(deps, chain, scanned.tips);
  await confirmSweeps(deps, chain, scanned.tips);
  await confirmRefunds(deps, chain, scanned.tips);
  await auditChain(deps, chain);
}

/**
 * Scans, credits and audits all chains that have a provider. If one throws, that is logged and the
 * others go on.
 */
export async function runScheduled(deps: DepositDeps): Promise<void> {
  const enabled = deps.chains.filter(({ providers }) => providers.length > 0);
  const results = await Promise.allSettled(enabled.map((chain) => processChain(deps, chain)));
  for (const [index, result] of results.entries()) {
    if (result.status === 'fulfilled') continue;
    const where = `deposits.${enabled[index]?.name ?? 'chain'}`;
    deps.logEvent({ event: 'unexpected', where, call: null });
  }
}
