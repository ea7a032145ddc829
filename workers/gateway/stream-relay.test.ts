/**
 * The stream relay against a fake clock: checkpoints, keep-alive events, timeouts and disconnects.
 */
import type { Meter, Reading } from '@farebox/providers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientDisconnect } from './client-disconnect.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { EMPTY_READING } from './settle-call.ts';
import { type LoadEntry, StreamLoad } from './stream-load.ts';
import { StreamRelay, type StreamRelayOptions } from './stream-relay.ts';

const TIMEOUTS = {
  ...{ firstByteMs: 600_000, idleMs: 300_000, keepAliveMs: 5_000 },
  ...{ checkpointMs: 4_000, drainMs: 20_000, holdGraceMs: 0 },
};
const encoder = new TextEncoder();
const decoder = new TextDecoder();

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A relay whose test writes the provider's chunks and sees what reaches the client, and when. */
function startRelay(options: Partial<StreamRelayOptions> = {}, reading: Partial<Reading> = {}) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const upstream = writable.getWriter();
  upstream.closed.catch(() => {});
  const client = new AbortController();
  const written: string[] = [];
  const aborted = { at: -1 };
  const meter: Meter = {
    format: 'events',
    hasEnded: reading.ended === true,
    hasFinalUsage: reading.finished === true && reading.usageFinal === true,
    feed: (chunk) => [chunk],
    end: () => [],
    reading: () => ({ ...EMPTY_READING, ...reading }),
    verdict: () => ({ kind: 'answer' }),
  };
  const relay = new StreamRelay({
    source: { reader: readable.getReader(), reusesMemory: false, pieces: [] },
    client: new WritableStream({ write: (chunk) => void written.push(decoder.decode(chunk)) }),
    disconnect: new ClientDisconnect(client.signal, Date.now),
    abortUpstream: () => {
      if (aborted.at < 0) aborted.at = Date.now();
    },
    meter,
    timeouts: TIMEOUTS,
    firstOutput: null,
    framing: {
      keepAliveBytes: encoder.encode(':'),
      lastWord: () => encoder.encode('last'),
      terminalEvent: (endReason, stopReason) => encoder.encode(`${endReason} ${stopReason}`),
    },
    shouldDrain: () => false,
    checkpoint: async () => null,
    load: new StreamLoad(),
    clock: Date.now,
    timer: new DeadlineTimer(Date.now),
    ...options,
  });
  const send = (text: string) => upstream.write(encoder.encode(text));
  return { ended: relay.run(), upstream, send, client, written, aborted };
}

/** The load of an isolate that notes when its streams say that they are active. */
class RecordedLoad extends StreamLoad {
  readonly touchedAt: number[] = [];

  override open(): LoadEntry {
    const entry = super.open();
    const touch = entry.touch.bind(entry);
    entry.touch = (now) => {
      this.touchedAt.push(now);
      return touch(now);
    };
    return entry;
  }
}

describe('StreamRelay', () => {
  it('writes what was withheld at the time at which the answer ends', async () => {
    const load = new RecordedLoad();
    const { ended, upstream, send } = startRelay({
      load,
      meter: {
        format: 'events',
        hasEnded: false,
        hasFinalUsage: false,
        feed: (chunk) => [chunk],
        end: () => [encoder.encode('withheld')],
        reading: () => ({ ...EMPTY_READING, ended: true }),
        verdict: () => ({ kind: 'answer' }),
      },
    });
    await vi.advanceTimersByTimeAsync(1_000);
    await send('first');
    await vi.advanceTimersByTimeAsync(59_000);
    await upstream.close();
    await ended;
    expect(load.touchedAt).toEqual([1_000, 60_000]);
  });

  it('records when the first output arrives, once, and not the events before it', async () => {
    const recorded: number[] = [];
    let isOutput = false;
    const { ended, upstream, send } = startRelay({
      firstOutput: { hasArrived: () => isOutput, record: (now) => recorded.push(now) },
    });
    await vi.advanceTimersByTimeAsync(100);
    await send('role');
    await vi.advanceTimersByTimeAsync(200);
    isOutput = true;
    await send('text');
    await vi.advanceTimersByTimeAsync(300);
    await send('more');
    await upstream.close();
    await ended;
    expect(recorded).toEqual([300]);
  });

  it('records no first output that arrives after the client has left', async () => {
    const recorded: number[] = [];
    const { ended, upstream, send, client } = startRelay({
      firstOutput: { hasArrived: () => true, record: (now) => recorded.push(now) },
      shouldDrain: () => true,
    });
    await vi.advanceTimersByTimeAsync(100);
    client.abort();
    await send('text');
    await upstream.close();
    await ended;
    expect(recorded).toEqual([]);
  });

  it('makes checkpoints ever later, up to three times as far apart, with keep-alive events in between', async () => {
    const checkpoints: number[] = [];
    const keepAlives: number[] = [];
    startRelay({
      client: new WritableStream({ write: () => void keepAlives.push(Date.now() / 1000) }),
      checkpoint: async () => {
        checkpoints.push(Date.now() / 1000);
        return null;
      },
    });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(checkpoints).toEqual([4, 10, 19, 31, 43, 55]);
    expect(keepAlives).toEqual([5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
  });

  it('ends a complete response without an event of its own', async () => {
    const { ended, upstream, send, written } = startRelay({}, { ended: true });
    await send('a');
    await upstream.close();
    expect(await ended).toBe('complete');
    expect(written).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends a quarter of a second after the last word, though the connection stays', async () => {
    const { ended, send, written, aborted } = startRelay({}, { ended: true });
    await send('a');
    await vi.advanceTimersByTimeAsync(250);
    expect(await ended).toBe('complete');
    expect(aborted.at).toBe(250);
    expect(written).toEqual(['a']);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('writes the last word of an answer that finished and ended without one', async () => {
    const { ended, upstream, send, written } = startRelay({}, { finished: true });
    await send('a');
    await upstream.close();
    expect(await ended).toBe('complete');
    expect(written).toEqual(['a', 'last']);
  });

  it('breaks off a document that is incomplete, to which no error can be added', async () => {
    const { ended, upstream, send, written } = startRelay({ framing: null });
    await send('a');
    await upstream.abort();
    expect(await ended).toBe('upstream_disconnected');
    expect(written).toEqual(['a']);
  });

  it('ends with an error event when the provider disconnects before the end', async () => {
    const { ended, upstream, send, written } = startRelay();
    await send('a');
    await upstream.abort();
    expect(await ended).toBe('upstream_disconnected');
    expect(written).toEqual(['a', 'upstream_disconnected null']);
  });

  it('ends with an error event when the provider is silent for the idle timeout', async () => {
    const timeouts = { ...TIMEOUTS, keepAliveMs: 1e9 };
    const { ended, send, written, aborted } = startRelay({ timeouts });
    await vi.advanceTimersByTimeAsync(200_000);
    await send('a');
    await vi.advanceTimersByTimeAsync(299_000);
    expect(aborted.at).toBe(-1);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await ended).toBe('upstream_timeout');
    expect(aborted.at).toBe(500_000);
    expect(written).toEqual(['a', 'upstream_timeout null']);
  });

  it('takes a client that reads nothing for the idle timeout as disconnected', async () => {
    // As workerd's IdentityTransformStream does, it fails a pending write when it is aborted.
    const client = new WritableStream<Uint8Array>({
      write: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', reject)),
    });
    const { ended, send, aborted } = startRelay({ client });
    await send('a');
    await vi.advanceTimersByTimeAsync(TIMEOUTS.idleMs);
    expect(aborted.at).toBe(TIMEOUTS.idleMs);
    expect(await ended).toBe('client_disconnected');
  });

  it('aborts the provider at once when the client disconnects and no usage is awaited', async () => {
    const { ended, client, aborted } = startRelay();
    await vi.advanceTimersByTimeAsync(1_000);
    client.abort();
    expect(aborted.at).toBe(1_000);
    expect(await ended).toBe('client_disconnected');
  });

  it('reads on for the usage after a disconnect, for at most the drain timeout', async () => {
    const { ended, client, aborted, written } = startRelay({ shouldDrain: () => true });
    await vi.advanceTimersByTimeAsync(1_000);
    client.abort();
    await vi.advanceTimersByTimeAsync(25_000);
    expect(aborted.at).toBe(21_000);
    expect(await ended).toBe('client_disconnected');
    expect(written).toEqual([]);
  });

  it('stops with the account’s reason when a checkpoint brings one back', async () => {
    const { ended, written } = startRelay({ checkpoint: async () => 'key_revoked' });
    await vi.advanceTimersByTimeAsync(4_000);
    expect(await ended).toBe('stopped_by_account');
    expect(written).toEqual(['stopped_by_account key_revoked']);
  });

  it('waits for the client to take a whole answer until the idle timeout, and no longer', async () => {
    const client = new WritableStream<Uint8Array>({
      write: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', reject)),
    });
    const { ended, upstream, send } = startRelay({ client }, { ended: true });
    await send('a');
    await upstream.close();
    let hasEnded = false;
    ended.then(() => {
      hasEnded = true;
    });
    await vi.advanceTimersByTimeAsync(TIMEOUTS.idleMs - 1);
    expect(hasEnded).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toBe('complete');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends an answer that finished with its usage after silence, though its connection stays open', async () => {
    const { ended, send, written, aborted } = startRelay({}, { finished: true, usageFinal: true });
    await send('a');
    await vi.advanceTimersByTimeAsync(700);
    await send('b');
    await vi.advanceTimersByTimeAsync(799);
    expect(aborted.at).toBe(-1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await ended).toBe('complete');
    expect(written.join('')).toBe('ablast');
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts no silence while a slow client takes what came, so that all that was sent is read', async () => {
    const chunks = [70_000, 1].map((length) => new Uint8Array(length).fill(0x61));
    const wait = () => new Promise<never>(() => {});
    const read = async () => {
      const value = chunks.shift();
      return value === undefined ? wait() : { done: false as const, value };
    };
    let taken = 0;
    const client = new WritableStream<Uint8Array>({
      write: async (chunk) => {
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        taken += chunk.length;
      },
    });
    const source = { reader: { read, cancel: async () => {} }, reusesMemory: false, pieces: [] };
    const { aborted } = startRelay({ source, client }, { finished: true, usageFinal: true });
    await vi.advanceTimersByTimeAsync(3_500);
    expect(chunks).toEqual([]);
    expect(aborted.at).toBe(-1);
    await vi.advanceTimersByTimeAsync(3_500);
    expect(aborted.at).toBe(3_800);
    expect(taken).toBe(70_001);
  });

  it('waits through silence where an answer has finished without its usage', async () => {
    const { ended, upstream, send, aborted } = startRelay({}, { finished: true });
    await send('a');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(aborted.at).toBe(-1);
    await upstream.close();
    expect(await ended).toBe('complete');
  });

  it('copes with a source that uses the memory of a chunk again', async () => {
    const buffer = new Uint8Array(1);
    const bytes = encoder.encode('abc');
    let next = 0;
    const reader = {
      read: async () => {
        const byte = bytes[next];
        next += 1;
        if (byte === undefined) return { done: true as const, value: undefined };
        buffer[0] = byte;
        return { done: false as const, value: buffer };
      },
      cancel: async () => {},
    };
    const written: string[] = [];
    const client = new WritableStream<Uint8Array>({
      write: async (chunk) => {
        await Promise.resolve();
        written.push(decoder.decode(chunk));
      },
    });
    const source = { reader, reusesMemory: true, pieces: [] };
    const { ended } = startRelay({ source, client }, { ended: true });
    expect(await ended).toBe('complete');
    expect(written).toEqual(['a', 'b', 'c']);
  });

  it('writes what it gathered before the error event of a provider that broke off', async () => {
    const load = new StreamLoad();
    const others = Array.from({ length: 20 }, () => load.open());
    for (const other of others) other.touch(Date.now());
    const { ended, upstream, send, written } = startRelay({ load });
    await send('a');
    await send('b');
    await send('c');
    await upstream.abort();
    expect(await ended).toBe('upstream_disconnected');
    expect(written).toEqual(['a', 'bc', 'upstream_disconnected null']);
  });
});
