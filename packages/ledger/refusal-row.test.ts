/** How a key's refusals in a row are counted, and the pauses that follow. */
import { describe, expect, it } from 'vitest';
import { SETTLE_REASONS, type SettleReason } from './contract/index.ts';
import { nextRefusalRow, REFUSAL_ROW_MS, refusalPauseMs } from './refusal-row.ts';

const NOW = 2_000_000_000_000;

describe('nextRefusalRow', () => {
  const ENDS_ROW: readonly SettleReason[] = [
    'provider_reported',
    'free',
    'estimated_after_disconnect',
    'estimated_after_upstream_cut',
    'estimated_usage_missing',
    'estimated_usage_implausible',
    'counted',
  ];

  it.each(SETTLE_REASONS)('after a call that ended as %s', (reason) => {
    const row = nextRefusalRow({ count: 5, lastAt: NOW - 1 }, reason, NOW);
    if (reason === 'upstream_refused') expect(row).toEqual({ count: 6, lastAt: NOW });
    else if (ENDS_ROW.includes(reason)) expect(row.count).toBe(0);
    else expect(row).toEqual({ count: 5, lastAt: NOW - 1 });
  });

  it('starts anew when the last refusal is long ago', () => {
    const row = { count: 50, lastAt: NOW - REFUSAL_ROW_MS - 1 };
    expect(nextRefusalRow(row, 'upstream_refused', NOW)).toEqual({ count: 1, lastAt: NOW });
  });
});

describe('refusalPauseMs', () => {
  it.each([
    [0, 0],
    [19, 0],
    [20, 1_000],
    [21, 2_000],
    [25, 32_000],
    [26, 60_000],
    [1_000_000, 60_000],
  ])('after %i refusals in a row is %i ms', (count, pauseMs) => {
    expect(refusalPauseMs(count)).toBe(pauseMs);
  });
});
