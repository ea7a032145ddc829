/** Ledger entries on their way from an account object to Postgres. */
import type { NanoUsd } from '@farebox/money';
import type { Result } from '@farebox/result';
import type { CallMetadata } from './calls.ts';
import type { Instant } from './identifiers.ts';

/**
 * One ledger entry as Postgres receives it. `seq` is contiguous from 1 within the account. A call
 * that expired and was settled late has two entries, `<call>` and `<call>:late`. The `call` of each
 * is the whole bill after that entry, so the later one replaces the earlier. The `delta` of the
 * late one is the difference to what expiry charged, above zero if expiry charged too much.
 */
export type Entry = Readonly<{
  seq: number;
  id: string;
  /** `refund`: deposits that were paid back; below zero. */
  kind: 'credit' | 'charge' | 'adjustment' | 'refund';
  delta: NanoUsd;
  postedAfter: NanoUsd;
  at: Instant;
  /** Present on every `charge`, including one of zero. */
  call: CallMetadata | null;
  /**
   * The entry's hash in the account's chain, 64 hexadecimal characters; absent until it is chained
   * (docs/statements.md).
   */
  hash?: string;
}>;

/**
 * The result of a delivery to Postgres. `acknowledged` is the highest sequence number stored there.
 */
export type DeliveryResult = Result<{ acknowledged: number }, 'unreachable' | 'gap' | 'mismatch'>;
