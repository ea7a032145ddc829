/** The dependencies of the Add credits screen. */

import { cachePerEnv, localUrl, requireBinding, requireUrl } from '@farebox/bindings';
import type { Database } from '@farebox/database';
import { readChainStates } from '@farebox/database/deposits';
import { type Configuration, parseConfiguration } from '@farebox/deposits';
import { logEvent } from '@farebox/telemetry';
import type { ClaimsRpc, Env } from '../env.ts';
import { listNetworks, type Network } from './confirmations.ts';

/** The configured networks and the extended public keys that new addresses are derived from. */
export type DepositSettings = Pick<Configuration, 'chains' | 'currentKeys' | 'blockedSenders'>;

/** Unreadable variables are logged and their networks left out: the other networks still work. */
export const getDepositSettings = cachePerEnv((env: Env): DepositSettings => {
  const { chains, currentKeys, blockedSenders, invalidVariables } = parseConfiguration(env);
  for (const name of invalidVariables) logEvent({ event: 'binding_missing', name });
  return { chains, currentKeys, blockedSenders };
});

export async function loadNetworks(
  env: Env,
  db: Database,
  now: number,
): Promise<readonly Network[]> {
  return listNetworks(getDepositSettings(env).chains, await readChainStates(db), now);
}

/** The URL of the faucet for test USDT; null outside local development. */
export function getFaucetUrl(env: Env): string | null {
  const { hostname } = requireUrl(env.CONSOLE_URL, 'CONSOLE_URL');
  return localUrl(env.FAUCET_URL, 'FAUCET_URL', hostname) ?? null;
}

export function getClaimsRpc(env: Env): ClaimsRpc {
  return requireBinding(env.CLAIMS, 'CLAIMS');
}
