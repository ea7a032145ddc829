/** Answers that are read before anything is sent: whole where their length is told, or in chunks. */
import { configureProviders, createMeter } from '@farebox/providers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CopyingReader, readAhead } from './answer-source.ts';
import type { Call } from './call.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { ReadScheduler } from './read-scheduler.ts';
import type { UpstreamSuccess } from './response-headers.ts';

const IDLE_MS = 300_000;
const encoder = new TextEncoder();
const decoder = new TextDecoder();
const provider = configureProviders({ apiKeys: { openai: 'k' }, baseUrls: {}, extra: [] }).get(
  'openai',
);

function startCall() {
  const abort = new AbortController();
  const timer = new DeadlineTimer(Date.now);
  const deps = { timeouts: { idleMs: IDLE_MS }, readScheduler: new ReadScheduler() };
  const account = 'a'.repeat(16);
  const call: Call = Object({ abort, account, ctx: { deps, timer, clock: Date.now } });
  return call;
}

function startMeter(stream: boolean) {
  if (provider === undefined) throw new Error('no provider');
  return createMeter({
    ...{ provider, dialect: 'chat', stream, contentType: 'application/json' },
    ...{ model: 'gpt-5.4', choices: 1, hideUsage: false, replaceError: null },
  });
}

function createUpstream(chunks: readonly Uint8Array[], length: number | null): UpstreamSuccess {
  const source: UnderlyingByteSource = {
    type: 'bytes',
    start: (controller: ReadableByteStreamController) => {
      for (const chunk of chunks) if (chunk.length > 0) controller.enqueue(chunk.slice());
      controller.close();
    },
  };
  const body = new ReadableStream(source);
  const head = { ok: true as const, status: 200, contentType: 'application/json' };
  const arrayBuffer = () => new Response(body).arrayBuffer();
  return { ...head, servedTier: null, length, body, arrayBuffer };
}

/** What came of an answer: the bytes for the client, those that follow included, and the verdict. */
async function readAnswer(upstream: UpstreamSuccess, stream: boolean) {
  const meter = startMeter(stream);
  const ahead = await readAhead(startCall(), upstream, meter);
  if (ahead.kind === 'broken') return ahead;
  const texts = ahead.pieces.map((piece) => decoder.decode(piece.slice()));
  if (ahead.kind === 'under_way') {
    for (;;) {
      const { done, value } = await ahead.reader.read();
      if (done) break;
      texts.push(...meter.feed(value).map((piece) => decoder.decode(piece.slice())));
    }
    texts.push(...meter.end().map((piece) => decoder.decode(piece.slice())));
  }
  return { text: texts.join(''), verdict: meter.verdict(), reading: meter.reading() };
}

const DOCUMENT = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion', created: 1, model: 'gpt-5.4' },
  choices: [
    { index: 0, message: { role: 'assistant', content: 'h\u00e9llo' }, finish_reason: 'stop' },
  ],
  usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
});
const EVENT = JSON.stringify({
  ...{ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'gpt-5.4' },
  choices: [{ index: 0, delta: { content: 'hi' }, finish_reason: 'stop' }],
});
const ANSWERS: readonly [string, string][] = [
  ['a document', DOCUMENT],
  ['a document after white space and a byte order mark', `\ufeff \n${DOCUMENT}\n`],
  ['a document that is cut', DOCUMENT.slice(0, -9)],
  ['a stream', `data: ${EVENT}\n\ndata: [DONE]\n\n`],
  ['a stream that is cut', `data: ${EVENT}\n\ndata: {"id"`],
  ['one event per line', `${EVENT}\n${EVENT}\n`],
  ['an error', '{"error":{"message":"no","type":"server_error"}}'],
  ['a page', '<html>no</html>'],
  ['nothing', ''],
];

describe('an answer of which the length is told', () => {
  const cases = ANSWERS.flatMap(([name, text]) =>
    [true, false].map(
      (stream) => [name, stream ? 'a stream' : 'a document', text, stream] as const,
    ),
  );
  it.each(cases)('comes out as it would in chunks: %s where %s was asked for', async (...args) => {
    const [, , text, stream] = args;
    const bytes = encoder.encode(text);
    const whole = await readAnswer(createUpstream([bytes], bytes.length), stream);
    for (const at of [0, 1, 7, Math.floor(bytes.length / 2)]) {
      const chunks = [bytes.subarray(0, at), bytes.subarray(at)];
      expect(await readAnswer(createUpstream(chunks, null), stream)).toEqual(whole);
    }
  });

  it('is not read in one piece if it is large', async () => {
    const upstream = createUpstream([encoder.encode(DOCUMENT)], 65_537);
    const arrayBuffer = vi.fn(upstream.arrayBuffer);
    await readAhead(startCall(), { ...upstream, arrayBuffer }, startMeter(false));
    expect(arrayBuffer).not.toHaveBeenCalled();
  });

  describe('and whose provider falls silent', () => {
    beforeEach(() => {
      vi.useFakeTimers({ now: 0 });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('ends at the idle timeout, which aborts the provider', async () => {
      const call = startCall();
      const arrayBuffer = () =>
        new Promise<ArrayBuffer>((_, reject) => {
          call.abort.signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      const reading = readAhead(
        call,
        { ...createUpstream([], 10), arrayBuffer },
        startMeter(false),
      );
      await vi.advanceTimersByTimeAsync(IDLE_MS - 1);
      expect(call.abort.signal.aborted).toBe(false);
      await vi.advanceTimersByTimeAsync(1);
      expect(await reading).toEqual({ kind: 'broken', reason: 'upstream_timeout' });
    });

    it('is broken off if its connection is', async () => {
      const arrayBuffer = () => Promise.reject(new Error('connection lost'));
      const upstream = { ...createUpstream([], 10), arrayBuffer };
      expect(await readAhead(startCall(), upstream, startMeter(false))).toEqual({
        kind: 'broken',
        reason: 'upstream_disconnected',
      });
      await vi.advanceTimersByTimeAsync(IDLE_MS);
      expect(vi.getTimerCount()).toBe(0);
    });
  });
});

describe('CopyingReader', () => {
  it('returns each chunk as a copy of its own size, and then the end', async () => {
    const texts = ['data: a\n\n', 'x'.repeat(5_000), 'data: [DONE]\n\n'];
    const { body } = createUpstream(
      texts.map((text) => encoder.encode(text)),
      null,
    );
    const reader = new CopyingReader(body);
    const chunks: Uint8Array[] = [];
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
    }
    expect(chunks.map((chunk) => decoder.decode(chunk)).join('')).toBe(texts.join(''));
    for (const { buffer, length } of chunks) expect(buffer.byteLength).toBe(length);
    expect((await reader.read()).done).toBe(true);
  });

  it('rejects a read when its body breaks off', async () => {
    const source: UnderlyingByteSource = {
      type: 'bytes',
      pull: (controller: ReadableByteStreamController) => controller.error(new Error('lost')),
    };
    await expect(new CopyingReader(new ReadableStream(source)).read()).rejects.toThrow('lost');
  });
});
