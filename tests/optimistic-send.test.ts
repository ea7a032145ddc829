/**
 * A call that is sent to its provider before its hold is answered, and then declined: nothing of the
 * answer reaches the caller, the provider's request is aborted, and the next call waits for its hold.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { fetchSettledBalance, waitForBill } from './support/bills.ts';
import { chatCompletion, sendJson, sleep } from './support/scripted-upstream.ts';
import { type SharedStack, sharedStack } from './support/shared-stack.ts';

let shared: SharedStack;
let account: Awaited<ReturnType<SharedStack['stack']['createAccount']>>;

beforeAll(async () => {
  shared = await sharedStack('scripted');
});

beforeEach(async () => {
  account = await shared.stack.createAccount({ creditUsd: '100' });
  shared.upstream.received.length = 0;
  shared.upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('for the admitted only', { input: 5, output: 5 }));
});

afterAll(() => {
  shared.upstream.handler = (_, response) => {
    response.writeHead(500).end();
  };
});

function call(): Promise<Response> {
  return fetch(`${shared.stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${account.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'gpt-5.4',
      messages: [{ role: 'user', content: 'Soon?' }],
      max_tokens: 100,
    }),
  });
}

/** The early requests of the account that the platform paid for in vain. */
function countEarlyDeclines(): number {
  const line = new RegExp(`early_send_declined\\W+account\\W+${account.accountId}`, 'g');
  return shared.stack.output().match(line)?.length ?? 0;
}

/** Makes a call that is admitted, so that the next one may be sent early. */
async function warmUp(): Promise<void> {
  shared.upstream.received.length = 0;
  const response = await call();
  expect(await response.text()).toContain('for the admitted only');
  expect(shared.upstream.received).toHaveLength(1);
}

/** The ways in which the next hold is declined. */
const DECLINES: readonly (readonly [string, number, () => Promise<unknown>])[] = [
  [
    'whose key was revoked meanwhile',
    401,
    async () => {
      const { accounts } = shared.stack.ledger;
      for (const { keyId } of await accounts.keys(account.accountId))
        await accounts.revokeKey(account.accountId, keyId);
    },
  ],
  [
    'of an account that was frozen meanwhile',
    403,
    () => shared.stack.ledger.operators.freeze(account.accountId, true),
  ],
  [
    'of an account that was emptied meanwhile',
    402,
    async () => {
      const { operators } = shared.stack.ledger;
      const posted = (await operators.status(account.accountId))?.posted ?? 0n;
      const request = { id: `adj:${account.accountId}`, delta: -posted, note: 'test' };
      expect(await operators.adjust(account.accountId, request)).toMatchObject({ ok: true });
    },
  ],
];

/** Half of the time for which an admitted call lets another be sent early (decision 0033). */
const MAX_PREPARATION_MS = 2_500;

/** Lets the next hold be declined, of an account that may send early until then. */
async function prepareDecline(decline: () => Promise<unknown>): Promise<void> {
  for (;;) {
    const warmedUpAt = Date.now();
    await warmUp();
    await fetchSettledBalance(shared.stack.gatewayUrl, account.apiKey);
    await decline();
    if (Date.now() - warmedUpAt < MAX_PREPARATION_MS) return;
    account = await shared.stack.createAccount({ creditUsd: '100' });
  }
}

describe('a call that was sent early', () => {
  it('is answered and billed once when its hold is admitted', async () => {
    await warmUp();
    const response = await call();
    expect(response.status).toBe(200);
    expect(await response.text()).toContain('for the admitted only');
    const id = response.headers.get('x-request-id');
    const bill = await waitForBill(shared.stack.gatewayUrl, account.apiKey, id);
    expect(bill).toMatchObject({ status: 'settled', reason: 'provider_reported' });
    expect(shared.upstream.received).toHaveLength(2);
  });

  it.each(DECLINES)(
    '%s, gives its caller the error only, and is aborted',
    async (_, status, decline) => {
      await prepareDecline(decline);
      shared.upstream.handler = async (request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.write('{"choices":[{"message":{"content":"for the admitted only"');
        await request.aborted;
      };
      const response = await call();
      expect(response.status).toBe(status);
      expect(await response.text()).not.toContain('for the admitted only');
      await expect.poll(countEarlyDeclines).toBe(1);
      // It has reached the provider by now, unless the hold was answered faster.
      await sleep(200);
      await Promise.all(shared.upstream.received.slice(1).map(({ aborted }) => aborted));
      const asked = shared.upstream.received.length;
      expect((await call()).status).toBe(status);
      expect(shared.upstream.received).toHaveLength(asked);
      expect(countEarlyDeclines()).toBe(1);
    },
  );
});
