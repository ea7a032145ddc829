/** The refusals in a row of one key, and how long it then waits between calls. Pure. */
import type { Instant, SettleReason } from './contract/index.ts';

/** Refused calls in a row before the key slows down, and the longest pause between two calls. */
export const REFUSALS_IN_ROW = 20;
const MAX_PAUSE_MS = 60_000;
/** A row ends when no call was refused for this long. */
export const REFUSAL_ROW_MS = 15 * 60_000;

/** Refusals in a row of one key. */
export type RefusalRow = { count: number; lastAt: Instant };

/** The outcomes that show that the key's requests are served: they end a row. */
const SERVED: ReadonlySet<SettleReason> = new Set([
  'provider_reported',
  'free',
  'estimated_after_disconnect',
  'estimated_after_upstream_cut',
  'estimated_usage_missing',
  'estimated_usage_implausible',
  'counted',
]);

/** Returns the row after a call that ended with `reason` at `at`. Pure. */
export function nextRefusalRow(row: RefusalRow, reason: SettleReason, at: Instant): RefusalRow {
  if (SERVED.has(reason)) return { count: 0, lastAt: 0 };
  if (reason !== 'upstream_refused') return row;
  const isNewRow = at - row.lastAt > REFUSAL_ROW_MS;
  return { count: isNewRow ? 1 : row.count + 1, lastAt: at };
}

/** Returns how long a key waits after its last refusal: 1 s after twenty in a row, then twice as long. */
export function refusalPauseMs(count: number): number {
  if (count < REFUSALS_IN_ROW) return 0;
  return Math.min(MAX_PAUSE_MS, 1_000 * 2 ** Math.min(count - REFUSALS_IN_ROW, 10));
}
