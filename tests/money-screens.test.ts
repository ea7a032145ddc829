/**
 * The money screens on the real stack: calls made through the gateway appear with their exact
 * bills, the exports add up to the account's ledger, and no user sees another's call.
 */
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import {
  chatCompletion,
  type ScriptedUpstream,
  sendJson,
  sleep,
} from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

// gpt-4o-mini: 0.15 USD in, 0.60 USD out per million tokens (OpenAI price list).
const INPUT = 150n;
const OUTPUT = 600n;
const CREDIT = 5_000_000_000n;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let account: LocalAccount;
let otherAccount: LocalAccount;
let myCookie: string;
let otherCookie: string;
/** The ids of the account's calls, oldest first, with the cost of each. */
const calls: { id: string; cost: bigint }[] = [];

async function call(apiKey: string, counts: { input: number; output: number }): Promise<string> {
  upstream.handler = (_, response) => sendJson(response, chatCompletion('Hello.', counts));
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Say hello.' }],
    }),
  });
  await response.arrayBuffer();
  const bill = await waitForBill(stack.gatewayUrl, apiKey, response.headers.get('x-request-id'));
  return bill.id;
}

async function signIn({ email, password }: LocalAccount): Promise<string> {
  const response = await fetch(`${stack.consoleUrl}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      origin: stack.consoleUrl,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ email, password }).toString(),
  });
  const cookies = response.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
  const session = cookies.find((cookie) => /^__Host-session=.+/.test(cookie));
  if (session === undefined) throw new Error(`not signed in: ${response.status}`);
  return session;
}

function getPage(path: string, cookie = myCookie): Promise<Response> {
  return fetch(`${stack.consoleUrl}${path}`, {
    redirect: 'manual',
    headers: { cookie, 'accept-language': 'en' },
  });
}

async function getText(path: string, cookie = myCookie): Promise<string> {
  const response = await getPage(path, cookie);
  expect(response.status).toBe(200);
  return response.text();
}

/** Entries reach Postgres a second or so after the call. */
async function waitForCall(id: string, timeoutMs = 20_000): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while ((await getPage(`/calls/${id}`)).status !== 200) {
    if (Date.now() > deadline) throw new Error('the call was not listed');
    await sleep(200);
  }
}

/** One column of a CSV whose other cells contain no comma. */
function column(csv: string, name: string): string[] {
  const [header = '', ...lines] = csv.trimEnd().split('\r\n');
  const at = header.split(',').indexOf(name);
  expect(at).toBeGreaterThanOrEqual(0);
  return lines.map((line) => line.split(',')[at] ?? '');
}

function sum(amounts: readonly string[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n);
}

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  account = await stack.createAccount({ creditUsd: '5', name: 'Main' });
  otherAccount = await stack.createAccount({ creditUsd: '1' });
  for (const [input, output] of [
    [11, 3],
    [100_003, 17],
    [1, 1],
  ] as const) {
    const id = await call(account.apiKey, { input, output });
    calls.push({ id, cost: BigInt(input) * INPUT + BigInt(output) * OUTPUT });
  }
  [myCookie, otherCookie] = [await signIn(account), await signIn(otherAccount)];
  await waitForCall(calls.at(-1)?.id ?? '');
}, 180_000);

describe('calls made through the gateway', () => {
  it('are listed newest first, each with its exact bill', async () => {
    const page = await getText('/calls');
    const listedIds = [...page.matchAll(/href="\/calls\/([0-9a-f]{32})"/g)].map(([, id]) => id);
    expect(listedIds).toEqual(calls.map(({ id }) => id).reverse());
    // 100,003 x 0.15 and 17 x 0.60 USD for a million each.
    const bill = await getText(`/calls/${calls[1]?.id}`);
    for (const amount of ['$0.01500045', '$0.0000102', '$0.01501065']) {
      expect(bill).toContain(amount);
    }
    expect(bill).toContain('You were charged for the usage the provider reported.');
  });

  it('and credits add up, as CSV, to the balance of the account object', async () => {
    const charged = sum(column(await getText('/calls.csv'), 'charged_nano_usd'));
    expect(charged).toBe(calls.reduce((total, { cost }) => total + cost, 0n));
    const credited = sum(column(await getText('/transactions.csv'), 'amount_nano_usd'));
    expect(credited).toBe(CREDIT);
    const { posted } = await stack.ledger.operators.audit(account.accountId);
    expect(credited - charged).toBe(posted);
    for (const groupBy of ['day', 'model', 'key']) {
      const csv = await getText(`/usage.csv?by=${groupBy}`);
      expect(sum(column(csv, 'charged_nano_usd'))).toBe(charged);
    }
  });

  it('appear in the balance and the chart of the overview', async () => {
    const page = await getText('/');
    expect(page).toContain('$4.98498515');
    expect(page).toMatch(/<svg[^>]*role="img"/);
  });

  it('are filtered by model, key, status and date', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    for (const query of ['outcome=failed', 'model=openai/o1', 'key=1', `from=${tomorrow}`]) {
      expect(await getText(`/calls?${query}`)).toContain('No calls match these filters.');
    }
    expect(await getText('/calls?outcome=succeeded&model=openai/gpt-4o-mini')).toContain(
      calls[0]?.id ?? '-',
    );
  });

  it('are invisible to other users', async () => {
    const [{ id } = { id: '' }] = calls;
    expect((await getPage(`/calls/${id}`, otherCookie)).status).toBe(404);
    for (const path of ['/', '/calls', '/calls.csv', '/usage', '/transactions']) {
      expect(await getText(path, otherCookie)).not.toContain(id);
    }
    expect((await getPage(`/calls/${id}`, '')).status).toBe(303);
  });
});

describe('the low-balance threshold', () => {
  it('is stored in the account object', async () => {
    const response = await fetch(`${stack.consoleUrl}/alerts/low-balance`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: myCookie,
        origin: stack.consoleUrl,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'threshold=1.25',
    });
    expect(response.status).toBe(303);
    const status = await stack.ledger.accounts.status(account.accountId);
    expect(status?.lowBalance).toBe(1_250_000_000n);
  });
});
