/** Calls that are refused before they have an entry are counted in their account, through workerd. */
import type { LocalStack } from '@farebox/local';
import { beforeAll, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import { chatCompletion, type ScriptedUpstream, sendJson } from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
});

function call(apiKey: string, body: object): Promise<Response> {
  return fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({ messages: [{ role: 'user', content: 'Hello.' }], ...body }),
  });
}

it('counts refused calls by code, and an answered call has its duration and is not counted', async () => {
  upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('ok', { input: 1, output: 1 }));
  const { accountId, apiKey } = await stack.createAccount({ creditUsd: '5' });
  for (let n = 0; n < 3; n++)
    expect((await call(apiKey, { model: 'no-such-model' })).status).toBe(404);
  expect((await call(apiKey, { model: 'gpt-4o-mini', max_tokens: 'many' })).status).toBe(400);
  const answer = await call(apiKey, { model: 'gpt-4o-mini', max_tokens: 10 });
  expect(answer.status).toBe(200);
  await waitForBill(stack.gatewayUrl, apiKey, answer.headers.get('x-request-id'));
  const bill = await fetch(
    `${stack.gatewayUrl}/v1/generation/${answer.headers.get('x-request-id')}`,
    { headers: { authorization: `Bearer ${apiKey}` } },
  );
  expect(await bill.json()).toMatchObject({
    data: { first_token_ms: null, total_ms: expect.any(Number) },
  });
  const listCounts = async () => {
    const refused = await stack.ledger.accounts.refusedCalls(accountId);
    return refused.map(({ code, count }) => `${code} ${count}`).sort();
  };
  await expect
    .poll(listCounts, { timeout: 15_000, interval: 500 })
    .toEqual(['invalid_field 1', 'model_not_found 3']);
});
