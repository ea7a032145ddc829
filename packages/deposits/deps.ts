/** What the deposits room works with. Of the ledger it can ask one thing: to credit. */
import type { Database } from '@farebox/database';
import type { CreditsRpc, Instant } from '@farebox/ledger';
import type { LogEvent } from '@farebox/telemetry';
import type { WatchKey } from './addresses.ts';
import type { Chain } from './contract.ts';
import type { RpcTransport } from './rpc.ts';

export type DepositDeps = Readonly<{
  db: Database;
  credits: CreditsRpc;
  chains: readonly Chain[];
  /** By fingerprint: the operator's public keys, old ones too. An address below any other is not ours. */
  keys: ReadonlyMap<string, WatchKey>;
  rpcTransport: RpcTransport;
  /** Senders whose money an operator has to look at, in lowercase hexadecimal. */
  blockedSenders: readonly string[];
  now: () => Instant;
  logEvent: (event: LogEvent) => void;
}>;
