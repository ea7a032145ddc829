/** Calls that Farebox refused: they have no entry, and are counted. */
import type { Instant, KeyId } from './identifiers.ts';

/**
 * How often calls of a key were refused for one reason in one hour. `code` is the error's code in the
 * API; `hour` is whole hours since the epoch.
 */
export type RefusedCalls = Readonly<{
  keyId: KeyId;
  code: string;
  hour: number;
  count: number;
  lastAt: Instant;
}>;

export const HOUR_MS = 3_600_000;
/** The most counts that one message brings. */
export const MAX_REFUSED_COUNTS = 200;
