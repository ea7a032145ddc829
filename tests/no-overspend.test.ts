/**
 * A hard zero: many calls race for a balance that affords a few, and exactly that many are
 * admitted.
 */
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchBalance, waitForBill } from './support/bills.ts';
import { chatCompletion, ScriptedUpstream, sendJson } from './support/scripted-upstream.ts';

const CONCURRENT_CALLS = 200;
const AFFORDABLE_CALLS = 10n;

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

async function estimateHold(apiKey: string): Promise<bigint> {
  const response = await call(apiKey, '/v1/estimate');
  const { data } = (await response.json()) as { data: { hold_nano_usd: string } };
  return BigInt(data.hold_nano_usd);
}

describe(`${CONCURRENT_CALLS} calls on a balance for ${AFFORDABLE_CALLS}`, () => {
  it(`admits exactly ${AFFORDABLE_CALLS}, ends at or above zero, and the ledger adds up`, async () => {
    const { apiKey, accountId } = await stack.createAccount({ creditUsd: '0' });
    const credit = AFFORDABLE_CALLS * (await estimateHold(apiKey));
    await stack.ledger.credits.credit(accountId, { id: 'race', amount: credit, source: 'local' });
    let declined = 0;
    let openGate: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      openGate = resolve;
    });
    upstream.handler = async (_, response) => {
      await gate;
      sendJson(response, chatCompletion('done', { input: 5, output: 1000 }));
    };
    const calls = Array.from({ length: CONCURRENT_CALLS }, async () => {
      const response = await call(apiKey);
      if (response.status !== 200) declined += 1;
      if (upstream.received.length + declined >= CONCURRENT_CALLS) openGate();
      return response;
    });
    const poll = setInterval(() => {
      if (upstream.received.length + declined >= CONCURRENT_CALLS) openGate();
    }, 20);
    const responses = await Promise.all(calls);
    clearInterval(poll);
    const admitted = responses.filter((response) => response.status === 200);
    expect(admitted.length).toBe(Number(AFFORDABLE_CALLS));
    expect(upstream.received.length).toBe(Number(AFFORDABLE_CALLS));
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
      const bill = await waitForBill(
        stack.gatewayUrl,
        apiKey,
        response.headers.get('x-request-id'),
      );
      expect(bill).toMatchObject({ status: 'settled', shortfall_nano_usd: '0' });
    }
    const balance = await fetchBalance(stack.gatewayUrl, apiKey);
    expect(balance.held).toBe(0n);
    expect(balance.posted).toBeGreaterThanOrEqual(0n);
    const entries = await stack.ledger.accounts.listEntries(accountId, 0, 1000);
    expect(entries.reduce((sum, entry) => sum + entry.delta, 0n)).toBe(balance.posted);
    expect((await stack.ledger.operators.audit(accountId)).violations).toEqual([]);
  });
});
