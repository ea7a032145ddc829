/**
 * The money screens on the real stack: calls made through the gateway appear with their exact bills, the
 * exports add up to the account's own book, nobody sees another's call, and the playground streams from
 * the gateway without the key ever reaching the console.
 */
import { createServer } from 'node:net';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import type { Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { billOf } from './bills.ts';
import { HAS_BROWSER, keepScreenshot, openBrowser, sayWhyNot } from './chromium.ts';
import {
  chatCompletion,
  chatEvents,
  json,
  pause,
  ScriptedUpstream,
  stream,
} from './scripted-upstream.ts';

sayWhyNot();

// gpt-4o-mini: 0.15 USD in, 0.60 USD out per million tokens (OpenAI price list).
const INPUT = 150n;
const OUTPUT = 600n;
const CREDIT = 5_000_000_000n;

let upstream: ScriptedUpstream;
let stack: LocalStack;
let mine: LocalAccount;
let other: LocalAccount;
let myCookie: string;
let otherCookie: string;
/** The ids of my calls, oldest first, and what each cost. */
const made: { id: string; cost: bigint }[] = [];

/** The console has to name the gateway's address before it runs. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

async function call(apiKey: string, counts: { input: number; output: number }): Promise<string> {
  upstream.answer = (_, response) => json(response, chatCompletion('Hello.', counts));
  const answer = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Say hello.' }],
    }),
  });
  await answer.arrayBuffer();
  const bill = await billOf(stack.gatewayUrl, apiKey, answer.headers.get('x-request-id'));
  return bill.id;
}

async function signIn({ email, password }: LocalAccount): Promise<string> {
  const answer = await fetch(`${stack.consoleUrl}/sign-in`, {
    method: 'POST',
    redirect: 'manual',
    headers: {
      origin: stack.consoleUrl,
      'content-type': 'application/x-www-form-urlencoded',
    },
    body: new URLSearchParams({ email, password }).toString(),
  });
  const cookies = answer.headers.getSetCookie().map((cookie) => cookie.split(';')[0] ?? '');
  const session = cookies.find((cookie) => /^__Host-session=.+/.test(cookie));
  if (session === undefined) throw new Error(`not signed in: ${answer.status}`);
  return session;
}

function get(path: string, cookie = myCookie): Promise<Response> {
  return fetch(`${stack.consoleUrl}${path}`, {
    redirect: 'manual',
    headers: { cookie, 'accept-language': 'en' },
  });
}

async function text(path: string, cookie = myCookie): Promise<string> {
  const answer = await get(path, cookie);
  expect(answer.status).toBe(200);
  return answer.text();
}

/** Lines reach Postgres a second or so after the call. */
async function whenListed(id: string, patienceMs = 20_000): Promise<void> {
  const until = Date.now() + patienceMs;
  while ((await get(`/calls/${id}`)).status !== 200) {
    if (Date.now() > until) throw new Error('the call was not listed');
    await pause(200);
  }
}

/** One column of a CSV whose other cells hold no comma. */
function column(csv: string, name: string): string[] {
  const [header = '', ...lines] = csv.trimEnd().split('\r\n');
  const at = header.split(',').indexOf(name);
  expect(at).toBeGreaterThanOrEqual(0);
  return lines.map((line) => line.split(',')[at] ?? '');
}

function sum(amounts: readonly string[]): bigint {
  return amounts.reduce((all, amount) => all + BigInt(amount), 0n);
}

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  stack = await startStack({
    ports: { gateway: await freePort(), console: await freePort() },
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'sk-upstream' } },
    quiet: true,
  });
  mine = await stack.createAccount({ creditUsd: '5', name: 'Main' });
  other = await stack.createAccount({ creditUsd: '1' });
  for (const [input, output] of [
    [11, 3],
    [1_000_003, 17],
    [1, 1],
  ] as const) {
    const id = await call(mine.apiKey, { input, output });
    made.push({ id, cost: BigInt(input) * INPUT + BigInt(output) * OUTPUT });
  }
  [myCookie, otherCookie] = [await signIn(mine), await signIn(other)];
  await whenListed(made.at(-1)?.id ?? '');
}, 180_000);

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

describe('calls made through the gateway', () => {
  it('appear newest first, each with its exact bill', async () => {
    const page = await text('/calls');
    const listed = [...page.matchAll(/href="\/calls\/([0-9a-f]{32})"/g)].map(([, id]) => id);
    expect(listed).toEqual(made.map(({ id }) => id).reverse());
    // 1,000,003 x 0.15 and 17 x 0.60 USD for a million each.
    const bill = await text(`/calls/${made[1]?.id}`);
    for (const figure of ['$0.15000045', '$0.0000102', '$0.15001065']) {
      expect(bill).toContain(figure);
    }
    expect(bill).toContain('The provider reported what was used');
  });

  it('and credits, as CSV, add up to the balance in the account itself', async () => {
    const charged = sum(column(await text('/calls.csv'), 'charged_nano_usd'));
    expect(charged).toBe(made.reduce((all, { cost }) => all + cost, 0n));
    const credited = sum(column(await text('/transactions.csv'), 'amount_nano_usd'));
    expect(credited).toBe(CREDIT);
    const { posted } = await stack.doors.operators.audit(mine.accountId);
    expect(credited - charged).toBe(posted);
    for (const by of ['day', 'model', 'key']) {
      const csv = await text(`/usage.csv?by=${by}`);
      expect(sum(column(csv, 'charged_nano_usd'))).toBe(charged);
    }
  });

  it('are in the balance and the chart of the overview', async () => {
    const page = await text('/');
    expect(page).toContain('$4.84998515');
    expect(page).toMatch(/<svg[^>]*role="img"/);
  });

  it('are filtered', async () => {
    const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10);
    for (const query of ['outcome=failed', 'model=openai/o1', 'key=1', `from=${tomorrow}`]) {
      expect(await text(`/calls?${query}`)).toContain('No call fits.');
    }
    expect(await text('/calls?outcome=succeeded&model=openai/gpt-4o-mini')).toContain(
      made[0]?.id ?? '-',
    );
  });

  it('are nobody else’s to see', async () => {
    const [{ id } = { id: '' }] = made;
    expect((await get(`/calls/${id}`, otherCookie)).status).toBe(404);
    for (const path of ['/', '/calls', '/calls.csv', '/usage', '/transactions']) {
      expect(await text(path, otherCookie)).not.toContain(id);
    }
    expect((await get(`/calls/${id}`, '')).status).toBe(303);
  });
});

describe('the low-balance threshold', () => {
  it('is kept by the account itself', async () => {
    const answer = await fetch(`${stack.consoleUrl}/alerts/low-balance`, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        cookie: myCookie,
        origin: stack.consoleUrl,
        'content-type': 'application/x-www-form-urlencoded',
      },
      body: 'threshold=1.25',
    });
    expect(answer.status).toBe(303);
    const standing = await stack.doors.accounts.standing(mine.accountId);
    expect(standing?.lowBalance).toBe(1_250_000_000n);
  });
});

describe.skipIf(!HAS_BROWSER)('the playground', () => {
  let page: Page;
  let close: () => Promise<void>;
  const toConsole: Request[] = [];
  const refused: string[] = [];

  beforeAll(async () => {
    const browser = await openBrowser();
    close = () => browser.close();
    page = await browser.newPage({ locale: 'en' });
    page.on('request', (request) => {
      if (request.url().startsWith(stack.consoleUrl)) toConsole.push(request);
    });
    page.on('console', (said) => {
      if (said.type() === 'error') refused.push(said.text());
    });
    await page.goto(`${stack.consoleUrl}/sign-in`);
    await page.fill('input[name=email]', mine.email);
    await page.fill('input[name=password]', mine.password);
    await page.click('main button[type=submit]');
    await page.waitForURL(`${stack.consoleUrl}/`);
    await page.goto(`${stack.consoleUrl}/playground`);
    await page.waitForSelector('#play-model option', { state: 'attached' });
    await page.fill('#play-key', mine.apiKey);
    await page.selectOption('#play-model', 'openai/gpt-4o-mini');
  }, 60_000);

  afterAll(() => close?.());

  it('streams through the gateway, word by word, and shows what it cost', async () => {
    const words = ['One', ' two', ' three', ' four', ' five', ' six'];
    const events = chatEvents(words, { input: 20, output: 6 });
    upstream.answer = (_, response) => stream(response, events, 150);
    await page.fill('#play-message', 'Count to six.');
    await page.click('#play-send');
    const said = page.locator('#play-log .said').last();
    await expect.poll(() => said.textContent(), { timeout: 10_000 }).toMatch(/^One/);
    expect(await said.textContent()).not.toContain('six');
    await expect
      .poll(() => said.textContent(), { timeout: 10_000 })
      .toBe('One two three four five six');
    const cost = page.locator('#play-cost');
    await expect.poll(() => cost.textContent(), { timeout: 10_000 }).toContain('$0.0000066');
    await keepScreenshot(page, 'playground');
  });

  it('stops when it is told to, and says what that cost', async () => {
    const words = Array.from({ length: 400 }, (_, index) => ` word${index}`);
    upstream.answer = (_, response) =>
      stream(response, chatEvents(words, { input: 20, output: 800 }), 20);
    await page.fill('#play-message', 'Go on for ever.');
    await page.click('#play-send');
    const said = page.locator('#play-log .said').last();
    await expect.poll(() => said.textContent(), { timeout: 10_000 }).toContain('word3');
    await page.click('#play-stop');
    await upstream.received.at(-1)?.aborted;
    await expect
      .poll(() => page.textContent('#play-status'), { timeout: 10_000 })
      .toContain('Stopped.');
    expect(await said.textContent()).not.toContain('word399');
  });

  it('says why the API refused', async () => {
    await page.fill('#play-key', `${mine.apiKey.slice(0, -1)}_`);
    await page.fill('#play-message', 'Hello?');
    await page.click('#play-send');
    await expect
      .poll(() => page.textContent('#play-status'), { timeout: 10_000 })
      .toContain('The API refused the call:');
  });

  it('never told the console the key or a word of the talk, and kept neither', async () => {
    await page.fill('#play-key', mine.apiKey);
    await page.goto(`${stack.consoleUrl}/calls`);
    await page.goBack();
    expect(await page.inputValue('#play-key')).toBe('');
    expect(toConsole.length).toBeGreaterThan(5);
    for (const request of toConsole) {
      const told = `${request.url()} ${JSON.stringify(await request.allHeaders())} ${request.postData() ?? ''}`;
      expect(told).not.toContain(mine.apiKey);
      expect(told).not.toContain('Count to six');
    }
    const kept = await page.evaluate(() => [
      ...Object.values(globalThis.localStorage ?? {}),
      ...Object.values(globalThis.sessionStorage ?? {}),
    ]);
    expect(kept).toEqual([]);
    expect(refused.filter((said) => said.includes('Content Security Policy'))).toEqual([]);
  });
});
