/**
 * Bursts of fresh connections of one account. Their holds travel together; what one request sends
 * for the others must not tie them to it, nor be lost when its client leaves. What finds a request
 * that goes on in another's context is packages/ledger/batches.workerd.test.ts (decision 0032).
 */
import { Agent, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchSettledBalance } from './support/bills.ts';
import { chatCompletion, sendJson } from './support/scripted-upstream.ts';
import { type SharedStack, sharedStack } from './support/shared-stack.ts';

const BURST = 64;
const BODY = JSON.stringify({
  model: 'gpt-5.4',
  messages: [{ role: 'user', content: 'Burst.' }],
  max_tokens: 100,
});

let shared: SharedStack;
let account: Readonly<{ apiKey: string; accountId: string }>;

beforeAll(async () => {
  shared = await sharedStack('scripted');
});

beforeEach(async () => {
  account = await shared.stack.createAccount({ creditUsd: '100' });
  shared.upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('done', { input: 5, output: 5 }));
});

afterAll(() => {
  shared.upstream.handler = (_, response) => {
    response.writeHead(500).end();
  };
});

/** Sends a call on a connection of its own; resolves with its status, or 0 if it was cut. */
function callAlone(leaveAfterMs: number | null): Promise<number> {
  return new Promise((resolve) => {
    const headers = {
      authorization: `Bearer ${account.apiKey}`,
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(BODY),
    };
    const url = `${shared.stack.gatewayUrl}/v1/chat/completions`;
    const agent = new Agent({ keepAlive: false });
    const call = request(url, { method: 'POST', headers, agent }, (response) => {
      response.resume().on('close', () => resolve(response.statusCode ?? 0));
    });
    call.on('error', () => resolve(0));
    call.end(BODY);
    if (leaveAfterMs !== null) setTimeout(() => call.destroy(), leaveAfterMs);
  });
}

async function expectAllSettled(): Promise<void> {
  await fetchSettledBalance(shared.stack.gatewayUrl, account.apiKey);
  const { accounts, operators } = shared.stack.ledger;
  const { accountId } = account;
  expect(await accounts.status(accountId)).toMatchObject({ openCalls: 0, held: 0n });
  expect((await operators.audit(accountId)).violations).toEqual([]);
}

describe(`${BURST} fresh connections at once`, () => {
  it('are all answered, and every call is settled, burst after burst', async () => {
    for (let round = 0; round < 8; round += 1) {
      const statuses = await Promise.all(Array.from({ length: BURST }, () => callAlone(null)));
      expect(statuses).toEqual(statuses.map(() => 200));
    }
    await expectAllSettled();
  });

  it('are all answered although every other client leaves within milliseconds', async () => {
    for (let round = 0; round < 4; round += 1) {
      const stays = (index: number) => index % 2 === 1;
      const calls = Array.from({ length: BURST }, (_, index) =>
        callAlone(stays(index) ? null : index % 8),
      );
      const statuses = (await Promise.all(calls)).filter((_, index) => stays(index));
      expect(statuses).toEqual(statuses.map(() => 200));
    }
    // The holds of those who left are admitted for nobody, and end all the same.
    await expectAllSettled();
  });
});
