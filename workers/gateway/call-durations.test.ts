/** What is settled of a call's time, for answers of each kind, by a clock that the test moves. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallTimes } from './call-times.ts';
import { createTestGateway, createUnreadCatalog, TEST_API_KEY } from './gateway-context.testing.ts';
import { serveOperation } from './operation-call.ts';
import { relay } from './relay.ts';

const ARRIVAL = 1_700_000_000_000;
let now: number;

beforeEach(() => {
  now = ARRIVAL;
  vi.stubGlobal('IdentityTransformStream', TransformStream);
});
afterEach(() => void vi.unstubAllGlobals());

const encoder = new TextEncoder();

/** A body that arrives piece by piece, each at its millisecond after the arrival of the request. */
function arriving(pieces: readonly (readonly [ms: number, text: string])[]): ReadableStream {
  const rest = [...pieces];
  return new ReadableStream({
    type: 'bytes',
    pull: (controller) => {
      const [next] = rest.splice(0, 1);
      if (next === undefined) {
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      now = ARRIVAL + next[0];
      controller.enqueue(encoder.encode(next[1]));
    },
  });
}

function chunk(delta: object, rest: object = {}): string {
  const choices = [{ index: 0, delta, finish_reason: null, ...rest }];
  return `data: ${JSON.stringify({ object: 'chat.completion.chunk', choices })}\n\n`;
}

const usage = { prompt_tokens: 10, completion_tokens: 10, total_tokens: 20 };
const messages = [{ role: 'user', content: 'Hello.' }];

function stream(pieces: readonly (readonly [ms: number, text: string])[]): Response {
  return new Response(arriving(pieces), { headers: { 'content-type': 'text/event-stream' } });
}

function toRequest(body: object): Request {
  return new Request('https://api.example/', {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}

async function settle(
  body: object,
  answer: () => Response,
  handle: ReturnType<typeof serveOperation> = (ctx) => relay(ctx, 'chat', null),
) {
  const gateway = createTestGateway();
  vi.stubGlobal('fetch', async () => answer());
  const ctx = {
    ...gateway.createContext(toRequest(body)),
    clock: () => now,
    times: new CallTimes(now),
  };
  const response = await handle(ctx);
  await response.text();
  await expect.poll(() => gateway.settled.length, { timeout: 5_000 }).toBe(1);
  return gateway.settled[0];
}

describe('the settled durations of a call', () => {
  it('of a stream are those to its first text, not to its first event, and to its end', async () => {
    const settled = await settle({ model: 'gpt-5.4', messages, stream: true }, () =>
      stream([
        [40, chunk({ role: 'assistant', content: '' })],
        [320, chunk({ content: 'Good morning to you. ' })],
        [900, chunk({ content: 'How are you?' }, { finish_reason: 'stop' })],
        [1_900, `data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`],
      ]),
    );
    expect(settled).toMatchObject({ firstTokenMs: 320, totalMs: 1_900 });
  });

  it('leave out what the bill of an isolate that slept waits for', async () => {
    const { catalog, answerRead } = createUnreadCatalog();
    void catalog.refreshIfDue(now);
    const gateway = createTestGateway();
    vi.stubGlobal('fetch', async () =>
      stream([
        [40, chunk({ content: 'Good morning.' }, { finish_reason: 'stop' })],
        [300, `data: ${JSON.stringify({ choices: [], usage })}\n\ndata: [DONE]\n\n`],
      ]),
    );
    const ctx = {
      ...gateway.createContext(toRequest({ model: 'gpt-5.4', messages, stream: true })),
      clock: () => now,
      times: new CallTimes(now),
      deps: { ...gateway.deps, catalog },
    };
    const response = await relay(ctx, 'chat', null);
    await response.text();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(gateway.settled).toEqual([]);
    now = ARRIVAL + 8_000;
    answerRead({ changed: false });
    await expect.poll(() => gateway.settled.length, { timeout: 5_000 }).toBe(1);
    expect(gateway.settled[0]).toMatchObject({ firstTokenMs: 40, totalMs: 300 });
  });

  it('of a document have no first token', async () => {
    const message = { role: 'assistant', content: 'Good morning.' };
    const choices = [{ index: 0, message, finish_reason: 'stop' }];
    const text = JSON.stringify({ object: 'chat.completion', choices, usage });
    const settled = await settle({ model: 'gpt-5.4', messages }, () => {
      const headers = { 'content-type': 'application/json' };
      return new Response(arriving([[700, text]]), { headers });
    });
    expect(settled).toMatchObject({ firstTokenMs: null, totalMs: 700 });
  });

  it('of an operation have no first token', async () => {
    const embedding = { object: 'embedding', index: 0, embedding: [0.5] };
    const text = JSON.stringify({ object: 'list', data: [embedding], usage });
    const settled = await settle(
      { model: 'text-embedding-3-small', input: 'Hello.' },
      () => {
        const headers = { 'content-type': 'application/json' };
        return new Response(arriving([[30, text]]), { headers });
      },
      serveOperation('embeddings'),
    );
    expect(settled).toMatchObject({ firstTokenMs: null, totalMs: 30 });
  });

  it('of a call that its provider refuses are those to the refusal', async () => {
    const settled = await settle({ model: 'gpt-5.4', messages, stream: true }, () => {
      now = ARRIVAL + 55;
      return Response.json(
        { error: { message: 'no', type: 'invalid_request_error' } },
        { status: 400 },
      );
    });
    expect(settled).toMatchObject({
      reason: 'upstream_refused',
      firstTokenMs: null,
      totalMs: 55,
    });
  });
});
