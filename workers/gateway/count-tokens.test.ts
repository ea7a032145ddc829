/** Counts of tokens by a provider that answers late, in part or not at all. */
import type { RefusedCalls } from '@farebox/ledger';
import { ok } from '@farebox/result';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { countTokens } from './count-tokens.ts';
import type { GatewayDeps } from './env.ts';
import { createTestGateway, TEST_API_KEY } from './gateway-context.testing.ts';
import { RateLimiter } from './rate-limiter.ts';
import { RefusedCallCounter } from './refused-calls.ts';

const COUNT = '{"object":"response.input_tokens","input_tokens":7}';

/** Calls with an answer whose body begins with `text` and then ends as `end` says. */
async function count(
  text: string,
  end: (controller: ReadableStreamDefaultController) => void,
): Promise<Response> {
  vi.stubGlobal('fetch', async (_: string, { signal }: { signal: AbortSignal }) => {
    const body = new ReadableStream({
      start: (controller) => {
        signal.addEventListener('abort', () => controller.error(signal.reason));
        controller.enqueue(new TextEncoder().encode(text));
        end(controller);
      },
    });
    return new Response(body, { headers: { 'content-type': 'application/json' } });
  });
  return countTokens(createTestGateway().createContext(createRequest()), ENDPOINT, null);
}

const ENDPOINT = 'responses_input_tokens';

function createRequest(): Request {
  return new Request('https://api.example/v1/responses/input_tokens', {
    method: 'POST',
    headers: { authorization: `Bearer ${TEST_API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'gpt-5.4', input: 'Hi' }),
  });
}

afterEach(() => void vi.unstubAllGlobals());

describe('a count of tokens', () => {
  it('is that of the provider', async () => {
    const response = await count(COUNT, (controller) => controller.close());
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(COUNT);
  });

  it('is an error 504 where the provider falls silent in the middle of it', async () => {
    const response = await count(COUNT.slice(0, 9), () => {});
    expect(response.status).toBe(504);
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_timeout' } });
  });

  it('is an error 502 where the connection breaks in the middle of it', async () => {
    const response = await count(COUNT.slice(0, 9), (controller) => controller.error(new Error()));
    expect(response.status).toBe(502);
    expect(await response.json()).toMatchObject({ error: { code: 'upstream_unreachable' } });
  });

  it('is an error 502 where the provider sends more than any count has', async () => {
    const response = await count(COUNT + ' '.repeat(70_000), (controller) => controller.close());
    expect(response.status).toBe(502);
  });

  it.each([
    ['a rejection by the provider', 400, 'upstream_refused'],
    ['an overloaded provider', 503, 'upstream_overloaded'],
    ['a used up rate of the provider', 429, 'upstream_rate_limited'],
  ])('counts among the refused calls of its key after %s', async (_, status, code) => {
    const body = { error: { message: 'No.', type: 'invalid_request_error', code: 'x' } };
    vi.stubGlobal('fetch', async () => Response.json(body, { status }));
    const gateway = createTestGateway();
    const counted: RefusedCalls[] = [];
    const refusedCalls = new RefusedCallCounter(
      async (_account, refused) => void counted.push(...refused),
      async () => {},
    );
    const ledger = { ...gateway.deps.ledger, refuse: async () => ok({ value: null }) };
    const deps: GatewayDeps = Object({ ...gateway.deps, ledger, refusedCalls });
    await countTokens({ ...gateway.createContext(createRequest()), deps }, ENDPOINT, null);
    await expect.poll(() => counted).toMatchObject([{ keyId: 7, code, count: 1 }]);
  });

  it('is not counted among the refused calls where it is answered', async () => {
    vi.stubGlobal('fetch', async () => Response.json({ input_tokens: 7 }));
    const gateway = createTestGateway();
    await countTokens(gateway.createContext(createRequest()), ENDPOINT, null);
    expect(gateway.deps.refusedCalls.isEmpty).toBe(true);
  });

  it('is refused to an account that asks for more than free calls may be made', async () => {
    vi.stubGlobal('fetch', async () => Response.json({ input_tokens: 7 }));
    const gateway = createTestGateway();
    const freeCallLimiter = new RateLimiter({ perSecond: 0.1, burst: 2 });
    const deps = { ...gateway.deps, freeCallLimiter };
    const ask = () =>
      countTokens({ ...gateway.createContext(createRequest()), deps }, ENDPOINT, null);
    expect((await ask()).status).toBe(200);
    expect((await ask()).status).toBe(200);
    const refused = await ask();
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused.json()).toMatchObject({ error: { code: 'rate_limited' } });
    expect(refused.headers.get('ratelimit-policy')).toBe('"free-calls";q=2;w=20');
    expect(refused.headers.get('ratelimit')).toMatch(/^"free-calls";r=0;t=\d+$/);
  });
});
