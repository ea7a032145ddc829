/** A hard zero: many calls race for a balance that affords a few, and exactly those few are admitted. */
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { balanceOf, billOf } from './bills.ts';
import { chatCompletion, json, ScriptedUpstream } from './scripted-upstream.ts';

const RACERS = 200;
const AFFORDED = 10n;

let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    database: 'pglite-memory',
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-upstream' } },
    gatewayBindings: { KEY_CALLS_PER_SECOND: '1000' },
    quiet: true,
  });
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

const body = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Race.' }],
  max_tokens: 1000,
});

function call(apiKey: string, path = '/v1/chat/completions'): Promise<Response> {
  return fetch(`${stack.gatewayUrl}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body,
  });
}

async function holdOfOne(apiKey: string): Promise<bigint> {
  const response = await call(apiKey, '/v1/estimate');
  const { data } = (await response.json()) as { data: { hold_nano_usd: string } };
  return BigInt(data.hold_nano_usd);
}

describe(`${RACERS} calls on a balance for ${AFFORDED}`, () => {
  it(`admits exactly ${AFFORDED}, ends at or above zero, and the book adds up`, async () => {
    const { apiKey, accountId } = await stack.createAccount({ creditUsd: '0' });
    const credit = AFFORDED * (await holdOfOne(apiKey));
    await stack.doors.credits.credit(accountId, { id: 'race', amount: credit, source: 'local' });
    let refused = 0;
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      open = resolve;
    });
    upstream.answer = async (_, response) => {
      await gate;
      json(response, chatCompletion('done', { input: 5, output: 1000 }));
    };
    const calls = Array.from({ length: RACERS }, async () => {
      const response = await call(apiKey);
      if (response.status !== 200) refused += 1;
      if (upstream.received.length + refused >= RACERS) open();
      return response;
    });
    const watch = setInterval(() => {
      if (upstream.received.length + refused >= RACERS) open();
    }, 20);
    const responses = await Promise.all(calls);
    clearInterval(watch);
    const admitted = responses.filter((response) => response.status === 200);
    expect(admitted.length).toBe(Number(AFFORDED));
    expect(upstream.received.length).toBe(Number(AFFORDED));
    const codes = await Promise.all(
      responses
        .filter((response) => response.status !== 200)
        .map(async (response) => {
          const { error } = (await response.json()) as { error: { code: string } };
          return `${response.status} ${error.code} ${response.headers.has('retry-after')}`;
        }),
    );
    expect(new Set(codes)).toEqual(new Set(['429 balance_held true']));
    for (const response of admitted) {
      const bill = await billOf(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
      expect(bill).toMatchObject({ status: 'settled', shortfall_nano_usd: '0' });
    }
    const balance = await balanceOf(stack.gatewayUrl, apiKey);
    expect(balance.held).toBe(0n);
    expect(balance.posted).toBeGreaterThanOrEqual(0n);
    const entries = await stack.doors.accounts.statement(accountId, 0, 1000);
    expect(entries.reduce((sum, entry) => sum + entry.delta, 0n)).toBe(balance.posted);
    expect((await stack.doors.operators.audit(accountId)).broken).toEqual([]);
  });
});
