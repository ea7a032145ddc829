/** How often a long answer is written down, and how its silence is bridged, by a clock of the test's own. */
import type { Reading } from '@farebox/providers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Carrier } from './stream.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('makes checkpoints ever later, up to three times as far apart, and pings in between', async () => {
  const start = Date.now();
  const made: number[] = [];
  const pings: number[] = [];
  const reading = { ended: false, usageFinal: false, failed: false, finished: false };
  const meter = { feed: () => [], end: () => [], reading: () => reading };
  const job = {
    upstream: new ReadableStream<Uint8Array>(),
    client: new WritableStream<Uint8Array>({
      write: () => void pings.push((Date.now() - start) / 1000),
    }),
    departure: { note: () => Date.now(), means: () => {} },
    abortUpstream: () => {},
    meter,
    patience: {
      ...{ firstByte: 600_000, silence: 300_000, ping: 5_000 },
      ...{ checkpoint: 4_000, drain: 20_000, grace: 0 },
    },
    ping: new Uint8Array([58]),
    worthDraining: (_: Reading) => false,
    checkpoint: async () => {
      made.push((Date.now() - start) / 1000);
      return null;
    },
    lastWord: () => new Uint8Array(),
    clock: Date.now,
  };
  void new Carrier(Object(job)).run();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(made).toEqual([4, 10, 19, 31, 43, 55]);
  expect(pings).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
});
