/**
 * The money screens on the real stack: calls made through the gateway appear with their exact
 * bills, the exports add up to the account's ledger, no user sees another's call, and the
 * playground streams from the gateway without the key ever reaching the console.
 */
import type { LocalAccount, LocalStack } from '@farebox/local';
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { waitForBill } from './support/bills.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import {
  chatCompletion,
  chatEvents,
  type ScriptedUpstream,
  sendJson,
  sendStream,
  sleep,
} from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

warnIfNoBrowser();

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

describe.skipIf(!HAS_BROWSER)('the playground', () => {
  let page: Page;
  let closeBrowser: () => Promise<void>;
  const consoleRequests: Request[] = [];
  const consoleErrors: string[] = [];

  beforeAll(async () => {
    const browser = await openBrowser();
    closeBrowser = () => browser.close();
    page = await browser.newPage({ locale: 'en' });
    page.on('request', (request) => {
      if (request.url().startsWith(stack.consoleUrl)) consoleRequests.push(request);
    });
    page.on('console', (consoleMessage) => {
      if (consoleMessage.type() === 'error') consoleErrors.push(consoleMessage.text());
    });
    await page.goto(`${stack.consoleUrl}/sign-in`);
    await page.fill('input[name=email]', account.email);
    await page.fill('input[name=password]', account.password);
    await page.click('main button[type=submit]');
    await page.waitForURL(`${stack.consoleUrl}/`);
    await page.goto(`${stack.consoleUrl}/playground`);
    await page.waitForSelector('#play-model option', { state: 'attached' });
    await page.fill('#play-key', account.apiKey);
    await page.selectOption('#play-model', 'openai/gpt-5.4');
  }, 60_000);

  afterAll(() => closeBrowser?.());

  it('streams word by word through the gateway and shows the cost', async () => {
    const words = ['One', ' two', ' three', ' four', ' five', ' six'];
    const events = chatEvents(words, { input: 20, output: 6 });
    upstream.handler = (_, response) => sendStream(response, events, 150);
    await page.fill('#play-message', 'Count to six.');
    await page.click('#play-send');
    const reply = page.locator('#play-log .message-text').last();
    await expect.poll(() => reply.textContent(), { timeout: 10_000 }).toMatch(/^One/);
    expect(await reply.textContent()).not.toContain('six');
    await expect
      .poll(() => reply.textContent(), { timeout: 10_000 })
      .toBe('One two three four five six');
    const cost = page.locator('#play-cost');
    await expect.poll(() => cost.textContent(), { timeout: 10_000 }).toContain('$0.00014');
    await saveScreenshot(page, 'playground');
  });

  it('stops on request and shows the cost until then', async () => {
    // It hides no reasoning, so nothing is read on for its usage.
    await page.selectOption('#play-model', 'deepseek/deepseek-flash');
    const words = Array.from({ length: 400 }, (_, index) => ` word${index}`);
    upstream.handler = (_, response) =>
      sendStream(response, chatEvents(words, { input: 20, output: 800 }), 20);
    await page.fill('#play-message', 'Go on for ever.');
    await page.click('#play-send');
    const reply = page.locator('#play-log .message-text').last();
    await expect.poll(() => reply.textContent(), { timeout: 10_000 }).toContain('word3');
    await page.click('#play-stop');
    await upstream.received.at(-1)?.aborted;
    await expect
      .poll(() => page.textContent('#play-status'), { timeout: 10_000 })
      .toContain('Stopped.');
    expect(await reply.textContent()).not.toContain('word399');
  });

  it('shows the API’s error message', async () => {
    await page.fill('#play-key', `${account.apiKey.slice(0, -1)}_`);
    await page.fill('#play-message', 'Hello?');
    await page.click('#play-send');
    await expect
      .poll(() => page.textContent('#play-status'), { timeout: 10_000 })
      .toContain('The API returned an error:');
  });

  it('sends neither the key nor the conversation to the console and stores neither', async () => {
    await page.fill('#play-key', account.apiKey);
    await page.goto(`${stack.consoleUrl}/calls`);
    await page.goBack();
    expect(await page.inputValue('#play-key')).toBe('');
    expect(consoleRequests.length).toBeGreaterThan(5);
    for (const request of consoleRequests) {
      const requestDump = `${request.url()} ${JSON.stringify(await request.allHeaders())} ${request.postData() ?? ''}`;
      expect(requestDump).not.toContain(account.apiKey);
      expect(requestDump).not.toContain('Count to six');
    }
    const stored = await page.evaluate(() => [
      ...Object.values(globalThis.localStorage ?? {}),
      ...Object.values(globalThis.sessionStorage ?? {}),
    ]);
    expect(stored).toEqual([]);
    expect(consoleErrors.filter((said) => said.includes('Content Security Policy'))).toEqual([]);
  });
});
