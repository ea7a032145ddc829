/** Reads the deposits Worker's bindings. Missing and invalid ones are logged by name. */
import { requireBinding } from '@farebox/bindings';
import { connect } from '@farebox/database';
import { type DepositDeps, httpTransport, parseConfiguration } from '@farebox/deposits';
import type { CreditsRpc } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';

export type Env = Readonly<{
  /** The ledger's entrypoint `Credits`. */
  CREDITS?: CreditsRpc;
  DATABASE_URL?: string;
  /** Extended public keys, comma separated, the current one first. */
  XPUB_EVM?: string;
  XPUB_TRON?: string;
  /** Addresses of senders whose deposits wait for an operator's review, comma separated. */
  BLOCKED_SENDERS?: string;
  /** The former name of BLOCKED_SENDERS, accepted for one release. */
  BARRED_SENDERS?: string;
}>;

export function getDeps(env: Env, fetcher: typeof fetch): DepositDeps {
  const credits = requireBinding(env.CREDITS, 'CREDITS');
  const db = connect(requireBinding(env.DATABASE_URL, 'DATABASE_URL'));
  const { chains, keys, blockedSenders, invalidVariables } = parseConfiguration(env);
  for (const name of invalidVariables) logEvent({ event: 'binding_missing', name });
  return {
    db,
    credits,
    chains,
    keys,
    rpcTransport: httpTransport((url, init) => fetcher(url, init)),
    blockedSenders,
    now: Date.now,
    logEvent,
  };
}
