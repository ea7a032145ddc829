/**
 * What every handler gets before its own work: an authenticated caller, and a body that is
 * released.
 */
import { currentMacSecret, mintApiKey, parseMacSecrets } from '@farebox/identity/api-keys';
import { describe, expect, it } from 'vitest';
import { CallTimes } from './call-times.ts';
import { type RequestContext, respondError } from './context.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import type { GatewayDeps } from './env.ts';
import { RateLimiter } from './rate-limiter.ts';
import { RefusedCallCounter } from './refused-calls.ts';
import { newCallId } from './request-id.ts';
import { withBody, withCaller } from './with-caller.ts';

const macSecrets = parseMacSecrets(`1:${'ab'.repeat(32)}`);
if (macSecrets === undefined) throw new Error('malformed MAC secrets');
const ACCOUNT = '0123456789abcdef';
const KEY_ID = 7;
const { apiKey } = mintApiKey(
  currentMacSecret(macSecrets),
  ACCOUNT,
  KEY_ID,
  new Uint8Array(24).fill(5),
);

function createContext(init: RequestInit) {
  const released = { count: 0 };
  const request = new Request('https://api.example/v1/estimate', { method: 'POST', ...init });
  const bodyReader = {
    drain: async () => {
      await request.arrayBuffer();
    },
    respond: async (_request: Request, response: Response) => response,
    read: async () => {
      const bytes = new Uint8Array(await request.arrayBuffer());
      const release = () => {
        released.count += 1;
      };
      return { ok: true, bytes, release };
    },
  };
  const rateLimiter = new RateLimiter({ perSecond: 1, burst: 1 });
  const counted: string[] = [];
  const refusedCalls = new RefusedCallCounter(
    async (_, refused) => void counted.push(...refused.map(({ code }) => code)),
    async () => {},
  );
  const deps: GatewayDeps = Object({ macSecrets, rateLimiter, bodyReader, refusedCalls });
  const ctx: RequestContext = {
    ...{ deps, request, id: newCallId(Date.now()), dialect: 'chat' },
    ...{ waitUntil: () => {}, clock: () => 0, timer: new DeadlineTimer(() => 0) },
    times: new CallTimes(0),
    refusals: { caller: null },
  };
  return { ctx, released, counted };
}

const authorized = { headers: { authorization: `Bearer ${apiKey}` }, body: 'hello' };

describe('a refused call', () => {
  it('is counted by its code once its key is known', async () => {
    const { ctx, counted } = createContext(authorized);
    const refuse = withBody(async (context) => respondError(context, { reason: 'invalid_json' }));
    expect((await refuse(ctx)).status).toBe(400);
    await expect.poll(() => counted).toEqual(['invalid_json']);
  });

  it('is counted also where the edge refuses it for the rate of its key', async () => {
    const { ctx, counted } = createContext(authorized);
    await withCaller(async () => new Response())(ctx);
    const refused = await withBody(async () => new Response())(ctx);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('ratelimit-policy')).toBe('"requests";q=1;w=1');
    expect(refused.headers.get('ratelimit')).toBe('"requests";r=0;t=1');
    await expect.poll(() => counted).toEqual(['rate_limited']);
  });

  it('without a valid key is counted for no one', async () => {
    const headers = { authorization: 'Bearer sk-other' };
    const { ctx, counted } = createContext({ headers, body: 'hello' });
    expect((await withBody(async () => new Response())(ctx)).status).toBe(401);
    await Promise.resolve();
    expect(counted).toEqual([]);
  });
});

describe('withCaller', () => {
  it('passes the account and the key of the request, and further arguments', async () => {
    const { ctx } = createContext(authorized);
    const handler = withCaller(async (_ctx, caller, suffix: string) => {
      return new Response(`${caller.account} ${caller.key.keyId} ${suffix}`);
    });
    expect(await (await handler(ctx, 'x')).text()).toBe(`${ACCOUNT} ${KEY_ID} x`);
  });

  it('responds with the error and drains the body without calling the handler', async () => {
    const { ctx } = createContext({ body: 'hello' });
    const handler = withCaller(async () => {
      throw new Error('called');
    });
    const response = await handler(ctx);
    expect(response.status).toBe(401);
    expect(await response.json()).toMatchObject({ error: { code: 'missing_api_key' } });
    expect(ctx.request.bodyUsed).toBe(true);
  });

  it('rejects a key above its rate with the seconds to wait', async () => {
    const { ctx } = createContext(authorized);
    const handler = withCaller(async () => new Response('ok'));
    expect((await handler(ctx)).status).toBe(200);
    const response = await handler(ctx);
    expect(response.status).toBe(429);
    expect(response.headers.get('retry-after')).toBe('1');
  });
});

describe('the key of a request', () => {
  const spellings: [string, string][] = [
    ['authorization', `Bearer ${apiKey}`],
    ['authorization', `bearer  ${apiKey} `],
    ['authorization', apiKey],
    ['authorization', `Bearer Bearer ${apiKey}`],
    ['authorization', `Bearer "${apiKey}"`],
    ['x-api-key', apiKey],
    ['x-api-key', `Bearer ${apiKey}`],
    ['x-goog-api-key', apiKey],
    ['api-key', apiKey],
    ['api-key', `Bearer ${apiKey}`],
  ];
  it.each(spellings)('is read from %s: %s', async (name, value) => {
    const handler = withCaller(async (_ctx, caller) => new Response(caller.account));
    const { ctx } = createContext({ headers: { [name]: value } });
    expect(await (await handler(ctx)).text()).toBe(ACCOUNT);
  });

  it('is preferred to a token of another kind', async () => {
    const handler = withCaller(async (_ctx, caller) => new Response(caller.account));
    const { ctx } = createContext({
      headers: { authorization: 'Bearer eyJhbGciOi', 'api-key': apiKey },
    });
    expect(await (await handler(ctx)).text()).toBe(ACCOUNT);
  });
});

describe('withBody', () => {
  it('passes the body and releases it after the response', async () => {
    const { ctx, released } = createContext(authorized);
    const handler = withBody(async (_ctx, _caller, body) => {
      expect(released.count).toBe(0);
      return new Response(body.bytes.slice());
    });
    expect(await (await handler(ctx)).text()).toBe('hello');
    expect(released.count).toBe(1);
  });

  it('releases the body when the handler throws', async () => {
    const { ctx, released } = createContext(authorized);
    const handler = withBody(async () => {
      throw new Error('broken');
    });
    await expect(handler(ctx)).rejects.toThrow('broken');
    expect(released.count).toBe(1);
  });
});
