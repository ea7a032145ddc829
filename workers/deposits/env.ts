/** The deposits Worker's bindings, read in one place. What is missing or unreadable is named and said. */
import { connect } from '@farebox/database';
import { type DepositsHouse, httpAsk, readConfiguration } from '@farebox/deposits';
import type { CreditsDoor } from '@farebox/ledger';
import { signal } from '@farebox/signals';

export type Env = Readonly<{
  /** The ledger's entrypoint `Credits`. */
  CREDITS?: CreditsDoor;
  DATABASE_URL?: string;
  /** Extended public keys, comma separated, the current one first. */
  XPUB_EVM?: string;
  XPUB_TRON?: string;
  /** Addresses of senders whose money an operator has to look at, comma separated. */
  BARRED_SENDERS?: string;
}>;

export class MissingBinding extends Error {
  constructor(name: string) {
    super(`The binding ${name} is missing or unreadable.`);
    this.name = 'MissingBinding';
    signal({ event: 'binding_missing', name });
  }
}

export function houseOf(env: Env, fetcher: typeof fetch): DepositsHouse {
  if (env.CREDITS === undefined) throw new MissingBinding('CREDITS');
  if (env.DATABASE_URL === undefined) throw new MissingBinding('DATABASE_URL');
  const { chains, keys, barred, flaws } = readConfiguration(env);
  for (const name of flaws) signal({ event: 'binding_missing', name });
  return {
    db: connect(env.DATABASE_URL),
    credits: env.CREDITS,
    chains,
    keys,
    ask: httpAsk((url, init) => fetcher(url, init)),
    barred,
    now: Date.now,
    signal,
  };
}
