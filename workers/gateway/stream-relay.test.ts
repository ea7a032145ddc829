/** How often a long answer is written down, and how its silence is bridged, by a clock of the test's own. */
import type { Reading } from '@farebox/providers';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { StreamRelay } from './stream-relay.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it('makes checkpoints ever later, up to three times as far apart, and pings in between', async () => {
  const start = Date.now();
  const checkpoints: number[] = [];
  const keepAlives: number[] = [];
  const reading = { ended: false, usageFinal: false, failed: false, finished: false };
  const meter = { feed: () => [], end: () => [], reading: () => reading };
  const options = {
    upstream: new ReadableStream<Uint8Array>(),
    client: new WritableStream<Uint8Array>({
      write: () => void keepAlives.push((Date.now() - start) / 1000),
    }),
    disconnect: { mark: () => Date.now(), onDisconnect: () => {} },
    abortUpstream: () => {},
    meter,
    timeouts: {
      ...{ firstByteMs: 600_000, idleMs: 300_000, keepAliveMs: 5_000 },
      ...{ checkpointMs: 4_000, drainMs: 20_000, holdGraceMs: 0 },
    },
    keepAliveBytes: new Uint8Array([58]),
    shouldDrain: (_: Reading) => false,
    checkpoint: async () => {
      checkpoints.push((Date.now() - start) / 1000);
      return null;
    },
    terminalEvent: () => new Uint8Array(),
    clock: Date.now,
  };
  void new StreamRelay(Object(options)).run();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(checkpoints).toEqual([4, 10, 19, 31, 43, 55]);
  expect(keepAlives).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
});
