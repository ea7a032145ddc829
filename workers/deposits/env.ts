/** The deposits Worker's bindings, read in one place. What is missing or unreadable is named and said. */
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
  /** Addresses of senders whose money an operator has to look at, comma separated. */
  BARRED_SENDERS?: string;
}>;

export class MissingBindingError extends Error {
  constructor(name: string) {
    super(`The binding ${name} is missing or unreadable.`);
    this.name = 'MissingBinding';
    logEvent({ event: 'binding_missing', name });
  }
}

export function getDeps(env: Env, fetcher: typeof fetch): DepositDeps {
  if (env.CREDITS === undefined) throw new MissingBindingError('CREDITS');
  if (env.DATABASE_URL === undefined) throw new MissingBindingError('DATABASE_URL');
  const { chains, keys, blockedSenders, invalidVariables } = parseConfiguration(env);
  for (const name of invalidVariables) logEvent({ event: 'binding_missing', name });
  return {
    db: connect(env.DATABASE_URL),
    credits: env.CREDITS,
    chains,
    keys,
    rpcTransport: httpTransport((url, init) => fetcher(url, init)),
    blockedSenders,
    now: Date.now,
    logEvent,
  };
}
