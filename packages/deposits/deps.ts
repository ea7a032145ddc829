/** Dependencies of the deposits package. Its only access to the ledger is to credit
 * deposits and to post refunds that were reserved. */
import type { Database } from '@farebox/database';
import type { CreditsRpc, Instant } from '@farebox/ledger';
import type { LogEvent } from '@farebox/telemetry';
import type { WatchKey } from './addresses.ts';
import type { Chain } from './contract.ts';
import type { RpcTransport } from './json-rpc.ts';

export type DepositDeps = Readonly<{
  db: Database;
  credits: CreditsRpc;
  chains: readonly Chain[];
  /**
   * The operator's public keys by fingerprint, former ones too. Addresses of any other key aren't
   * ours.
   */
  keys: ReadonlyMap<string, WatchKey>;
  rpcTransport: RpcTransport;
  /** Senders whose deposits wait for an operator's review, in lowercase hexadecimal. */
  blockedSenders: readonly string[];
  now: () => Instant;
  logEvent: (event: LogEvent) => void;
}>;
