/** Writes to a client against a fake clock: alone at once, gathered while many streams are open. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ClientWriter, DENSE_MS, GATHER_MS } from './client-writer.ts';
import { MIN_BUSY_STREAMS, StreamLoad } from './stream-load.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();

type Write = Readonly<{ at: number; text: string }>;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A writer beside `others` open streams, all of which receive something in each second. */
function startWriter(others: number, sink: UnderlyingSink<Uint8Array> = {}) {
  const load = new StreamLoad();
  const entries = Array.from({ length: others }, () => load.open());
  const writes: Write[] = [];
  const client = new WritableStream<Uint8Array>(
    {
      write: (chunk) => void writes.push({ at: Date.now(), text: decoder.decode(chunk) }),
      ...sink,
    },
    new CountQueuingStrategy({ highWaterMark: 1_000 }),
  );
  const onFailed = vi.fn();
  const options = { client, load: load.open(), onTaken: () => {}, onFailed, clock: Date.now };
  const writer = new ClientWriter(options);
  const write = (text: string) => {
    for (const entry of entries) entry.touch(Date.now());
    return writer.write(encoder.encode(text), Date.now());
  };
  return { writer, write, writes, onFailed };
}

describe('ClientWriter', () => {
  it('writes each piece at once while fewer than sixteen streams are open', async () => {
    const { write, writes } = startWriter(MIN_BUSY_STREAMS - 2);
    for (const text of ['a', 'b', 'c']) {
      write(text);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(writes).toEqual([
      { at: 0, text: 'a' },
      { at: 1, text: 'b' },
      { at: 2, text: 'c' },
    ]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('gathers what follows a write within 20 ms while sixteen streams are open', async () => {
    const { write, writes } = startWriter(MIN_BUSY_STREAMS - 1);
    for (const text of ['a', 'b', 'c', 'd', 'e', 'f']) {
      write(text);
      await vi.advanceTimersByTimeAsync(7);
    }
    expect(writes.map(({ text }) => text).join('')).toBe('abcdef');
    expect(writes.map(({ at }) => at)).toEqual([0, 20, 40]);
  });

  it('writes pieces at once that are 10 ms or more apart, however many streams are open', async () => {
    const { write, writes } = startWriter(MIN_BUSY_STREAMS);
    for (const text of ['a', 'b', 'c', 'd']) {
      write(text);
      await vi.advanceTimersByTimeAsync(DENSE_MS);
    }
    expect(writes.map(({ at }) => at)).toEqual([0, 10, 20, 30]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('delivers every piece in order, none more than 20 ms late, dense ones in writes as far apart', async () => {
    const pieces = fc.array(
      fc.record({
        wait: fc.oneof(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 60 })),
        size: fc.integer({ min: 1, max: 200 }),
      }),
      { minLength: 1, maxLength: 60 },
    );
    await fc.assert(
      fc.asyncProperty(pieces, async (list) => {
        const { write, writes } = startWriter(MIN_BUSY_STREAMS);
        const arrivals: Write[] = [];
        for (const [index, { wait, size }] of list.entries()) {
          await vi.advanceTimersByTimeAsync(wait);
          const text = `<${index}>`.padEnd(size + 6, '.');
          arrivals.push({ at: Date.now(), text });
          write(text);
        }
        await vi.advanceTimersByTimeAsync(GATHER_MS);
        expect(writes.map(({ text }) => text).join('')).toBe(
          arrivals.map(({ text }) => text).join(''),
        );
        for (const arrival of arrivals) {
          const delivery = writes.find(({ text }) => text.includes(arrival.text.slice(0, 6)));
          expect((delivery?.at ?? Number.NaN) - arrival.at).toBeLessThanOrEqual(GATHER_MS);
        }
        const isSparse = (time: number) =>
          arrivals.some(({ at }, index) => {
            const before = arrivals[index - 1]?.at ?? Number.NEGATIVE_INFINITY;
            return at === time && at - before >= DENSE_MS;
          });
        for (const [index, { at }] of writes.entries()) {
          const before = writes[index - 1]?.at ?? Number.NEGATIVE_INFINITY;
          if (!isSparse(at)) expect(at - before).toBeGreaterThanOrEqual(GATHER_MS);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('writes gathered bytes at once when they are many', async () => {
    const { write, writes } = startWriter(MIN_BUSY_STREAMS);
    write('first');
    write('x'.repeat(16_384));
    await vi.advanceTimersByTimeAsync(0);
    expect(writes.map(({ at, text }) => [at, text.length])).toEqual([
      [0, 5],
      [0, 16_384],
    ]);
  });

  it('writes gathered pieces before a keep-alive event, and before it closes', async () => {
    const { writer, write, writes } = startWriter(MIN_BUSY_STREAMS);
    for (const text of ['a', 'b']) write(text);
    writer.writeKeepAlive(encoder.encode(':'));
    write('c');
    await writer.finishWrites();
    await writer.close(encoder.encode('end'));
    expect(writes.map(({ text }) => text)).toEqual(['a', 'b', ':', 'c', 'end']);
  });

  it('makes its caller wait once 64 KB are not taken, and not before', async () => {
    let take = () => {};
    const taken = new Promise<void>((resolve) => {
      take = resolve;
    });
    const { writer, write } = startWriter(0, { write: () => taken });
    expect(write('x'.repeat(40_000))).toBeUndefined();
    const wait = write('x'.repeat(40_000));
    expect(wait).toBeInstanceOf(Promise);
    expect(writer.isWriting).toBe(true);
    take();
    await wait;
    expect(writer.isWriting).toBe(false);
    expect(write('more')).toBeUndefined();
  });

  it('reports a client that is gone, and writes nothing that it had gathered', async () => {
    const { writer, write, writes, onFailed } = startWriter(MIN_BUSY_STREAMS, {
      write: () => Promise.reject(new Error('gone')),
    });
    write('a');
    write('b');
    await vi.advanceTimersByTimeAsync(0);
    expect(onFailed).toHaveBeenCalled();
    writer.stop();
    await vi.advanceTimersByTimeAsync(100);
    expect(writes).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
