/** Ledger entries on their way from an account object to Postgres. */
import type { NanoUsd } from '@farebox/money';
import type { Result } from '@farebox/result';
import type { CallMetadata } from './calls.ts';
import type { Instant } from './identifiers.ts';

/**
 * One line of the book, as it reaches Postgres. `seq` is contiguous from 1 within the account.
 * A call that expired and was settled late has two lines, `<call>` and `<call>:late`; the `call` of
 * each is the whole bill as it stood after that line (so the later one replaces the earlier), and the
 * late one's `delta` is the difference to what expiry took, above zero where expiry took too much.
 */
export type Entry = Readonly<{
  seq: number;
  id: string;
  kind: 'credit' | 'charge' | 'adjustment';
  delta: NanoUsd;
  postedAfter: NanoUsd;
  at: Instant;
  /** Present on every `charge`, also one of zero. */
  call: CallMetadata | null;
}>;

/** What came of handing entries to Postgres. `acknowledged` is the highest sequence it now holds. */
export type DeliveryResult = Result<{ acknowledged: number }, 'unreachable' | 'gap' | 'mismatch'>;
