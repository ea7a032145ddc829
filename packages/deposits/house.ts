/** What the deposits room works with. Of the ledger it can ask one thing: to credit. */
import type { Database } from '@farebox/database';
import type { CreditsDoor, Instant } from '@farebox/ledger';
import type { Signal } from '@farebox/signals';
import type { WatchKey } from './addresses.ts';
import type { Chain } from './contract.ts';
import type { RpcAsk } from './rpc.ts';

export type DepositsHouse = Readonly<{
  db: Database;
  credits: CreditsDoor;
  chains: readonly Chain[];
  /** By fingerprint: the operator's public keys, old ones too. An address below any other is not ours. */
  keys: ReadonlyMap<string, WatchKey>;
  ask: RpcAsk;
  /** Senders whose money an operator has to look at, in lowercase hexadecimal. */
  barred: readonly string[];
  now: () => Instant;
  signal: (what: Signal) => void;
}>;
