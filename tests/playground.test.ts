/**
 * The playground in a browser on the real stack: each wire format streams from the gateway, the
 * page's key is made in one click and ends with the next one, and neither key nor conversation
 * reaches the console or stays in the browser.
 */

import type { LocalAccount, LocalStack } from '@farebox/local';
import { formatUsd, tokenCost } from '@farebox/money';
import type { Browser, Page, Request } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findViolations, findViolationsInSchemes } from './support/axe.ts';
import { waitForBill } from './support/bills.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { type CallDialect, DIALECT_CALLS } from './support/dialect-calls.ts';
import { chatEvents, type ScriptedUpstream, sendStream } from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';
import { sql } from './support/sql.ts';

warnIfNoBrowser();

const COUNTS = { input: 20, output: 6 };
const WORDS = ['One', ' two', ' three', ' four', ' five', ' six'];
const WAIT = { timeout: 10_000 };

type DialectCase = Readonly<{
  dialect: CallDialect;
  model: string;
  api: string;
  /** The member of the provider's request that the system prompt stands in. */
  system: string;
}>;

const DIALECT_CASES: readonly DialectCase[] = [
  {
    dialect: 'messages',
    model: 'anthropic/claude-opus-5-5',
    api: '/v1/messages',
    system: '"system":"Be brief."',
  },
  {
    dialect: 'responses',
    model: 'openai/gpt-5.4',
    api: '/v1/responses',
    system: '"instructions":"Be brief."',
  },
  {
    dialect: 'gemini',
    model: 'google/gemini-3.5-flash',
    api: '/v1beta/models/{model}:generateContent',
    system: '"systemInstruction":{"parts":[{"text":"Be brief."}]}',
  },
  {
    dialect: 'chat',
    model: 'deepseek/deepseek-flash',
    api: '/v1/chat/completions',
    system: '{"role":"system","content":"Be brief."}',
  },
];

describe.skipIf(!HAS_BROWSER)('the playground', () => {
  let upstream: ScriptedUpstream;
  let stack: LocalStack;
  let account: LocalAccount;
  let page: Page;
  let browser: Browser;
  const consoleRequests: Request[] = [];
  const consoleErrors: string[] = [];
  const pageKeys: string[] = [];

  beforeAll(async () => {
    ({ stack, upstream } = await sharedStack('scripted'));
    account = await stack.createAccount({ creditUsd: '5' });
    browser = await openBrowser();
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
  }, 120_000);

  afterAll(() => browser?.close());

  async function createPageKey(): Promise<string> {
    const before = await page.inputValue('#play-key');
    await page.click('#play-create-key');
    await expect.poll(() => page.inputValue('#play-key'), WAIT).not.toBe(before);
    const key = await page.inputValue('#play-key');
    pageKeys.push(key);
    return key;
  }

  async function send(text: string): Promise<void> {
    await page.fill('#play-message', text);
    await page.click('#play-send');
  }

  const readReply = (log = '#play-log') =>
    page.locator(`${log} .message-text`).last().textContent();

  it('starts with a model that is cheap, and lists those of every provider', async () => {
    expect(await page.inputValue('#play-model')).toBe('openai/gpt-6-luna');
    const models = await page.locator('#play-model option').allTextContents();
    for (const { model } of DIALECT_CASES) expect(models).toContain(model);
  });

  it('makes a key for its page in one click, which works at once', async () => {
    expect(await createPageKey()).toMatch(/^fbx_/);
    expect(await page.textContent('#play-key-status')).toMatch(/^This key works until \d/);
  });

  it.each(DIALECT_CASES)(
    'streams word by word from $model in its own API, $dialect, and shows the cost',
    async ({ dialect, model, api, system }) => {
      const events = DIALECT_CALLS[dialect].events(WORDS, COUNTS);
      upstream.handler = (_, response) => sendStream(response, events, 100);
      await page.click('#play-clear');
      await page.selectOption('#play-model', model);
      expect(await page.inputValue('#play-api')).toBe(api);
      await page.fill('#play-system', 'Be brief.');
      await send('Count to six.');
      await expect.poll(() => readReply(), WAIT).toMatch(/^One/);
      expect(await readReply()).not.toContain('six');
      await expect.poll(() => readReply(), WAIT).toBe(WORDS.join(''));
      await expect.poll(() => page.textContent('#play-cost'), WAIT).toMatch(/\$0\.0\d+/);
      await expect.poll(() => page.textContent('#play-status'), WAIT).toBe('Done.');
      expect(upstream.received.at(-1)?.body.replaceAll(/\s/g, '')).toContain(
        system.replaceAll(/\s/g, ''),
      );
    },
  );

  /** The prices of a model, in nano-USD per million tokens. */
  async function fetchPrices(model: string): Promise<Readonly<Record<string, bigint>>> {
    const response = await fetch(`${stack.gatewayUrl}/v1/models/${encodeURIComponent(model)}`);
    const {
      prices_nano_usd_per_million: prices,
    }: Record<string, Record<string, string>> = await response.json();
    return Object.fromEntries(
      Object.entries(prices ?? {}).map(([bucket, price]) => [bucket, BigInt(price)]),
    );
  }

  const formatEstimate = (nanoUsd: bigint, roundingMode: 'halfExpand' | 'ceil' = 'halfExpand') =>
    new Intl.NumberFormat('en', {
      ...{ style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' },
      maximumSignificantDigits: 2,
      roundingMode,
    }).format(Number(nanoUsd) / 1e9);

  /** What the gateway says that it would hold for the request of one message to Responses. */
  async function fetchHold(content: string, limit: number): Promise<bigint> {
    const input = [{ role: 'user', content }];
    const body = { model: 'openai/gpt-5.4', input, max_output_tokens: limit, stream: true };
    const response = await fetch(`${stack.gatewayUrl}/v1/estimate`, {
      method: 'POST',
      headers: { authorization: `Bearer ${account.apiKey}` },
      body: JSON.stringify(body),
    });
    const { data }: { data: { hold_nano_usd: string } } = await response.json();
    return BigInt(data.hold_nano_usd);
  }

  it('estimates the cost before a call while it is typed, and sends nothing for that', async () => {
    const sent: string[] = [];
    page.on('request', (request) => {
      if (!request.url().endsWith('/icon.svg')) sent.push(request.url());
    });
    await page.click('#play-clear');
    await page.fill('#play-system', '');
    await page.selectOption('#play-model', 'openai/gpt-5.4');
    const { input_uncached: input = 0n, output = 0n } = await fetchPrices('openai/gpt-5.4');
    for (const [text, tokens, limit] of [
      ['a'.repeat(400), 104, 1_000],
      ['a'.repeat(800), 204, 1_000],
      ['Привет', 7, 500],
    ] as const) {
      await page.fill('#play-limit', String(limit));
      await page.fill('#play-message', text);
      const least = tokenCost(tokens, input);
      expect(await page.textContent('#play-estimate')).toBe(
        `Before sending: about ${formatEstimate(least)} for ${tokens} tokens of input, ` +
          `about ${formatEstimate(least + tokenCost(limit, output))} ` +
          `with all ${limit.toLocaleString('en')} tokens of output. ` +
          `At most ${formatEstimate(await fetchHold(text, limit), 'ceil')} is reserved until the call ends.`,
      );
    }
    expect(sent).toEqual([]);
  });

  it('shows what an answer costs while it streams, and then what its bill says', async () => {
    const events = chatEvents(WORDS, COUNTS);
    let release: () => void = () => {};
    const halfway = new Promise<void>((resolve) => {
      release = resolve;
    });
    upstream.handler = async (_, response) => {
      await sendStream(response, events.slice(0, 4), 50, 'hang');
      await halfway;
      for (const event of events.slice(4)) response.write(event);
      response.end();
    };
    await page.selectOption('#play-model', 'deepseek/deepseek-flash');
    await page.fill('#play-limit', '1024');
    await send('Count to six.');
    await expect
      .poll(() => page.textContent('#play-cost'), WAIT)
      .toMatch(/^Cost so far: about \$0\.0\d+$/);
    release();
    await expect.poll(() => page.textContent('#play-status'), WAIT).toBe('Done.');
    const shown = (await page.textContent('#play-cost')) ?? '';
    const [, cost, id] =
      /^Cost of the last response: \$([\d.]+) \(request ID (\w+)\)/.exec(shown) ?? [];
    const bill = await waitForBill(stack.gatewayUrl, account.apiKey, id ?? null);
    expect(cost).toBe(formatUsd(BigInt(bill.cost_nano_usd)));
  });

  it.each([
    ['an answer that streams', 'word3'],
    ['a call that is not answered yet', null],
  ])('stops %s when it is cleared, and never sends it again', async (_, awaited) => {
    const words = Array.from({ length: 400 }, (__, index) => ` word${index}`);
    upstream.handler = async (__, response) => {
      if (awaited !== null)
        await sendStream(response, chatEvents(words, { input: 20, output: 800 }), 20);
    };
    const before = upstream.received.length;
    await send('Go on for ever.');
    await expect.poll(() => upstream.received.length, WAIT).toBe(before + 1);
    if (awaited !== null) await expect.poll(() => readReply(), WAIT).toContain(awaited);
    const stopped = page.waitForEvent('requestfailed');
    await page.click('#play-clear');
    expect((await stopped).method()).toBe('POST');
    if (awaited !== null) await upstream.received.at(-1)?.aborted;
    await expect.poll(() => page.isEnabled('#play-send'), WAIT).toBe(true);
    expect(await page.locator('#play-log .message-text').count()).toBe(0);
    upstream.handler = (__, response) => sendStream(response, chatEvents(['Hi'], COUNTS));
    await send('A new start.');
    await expect.poll(() => page.textContent('#play-status'), WAIT).toBe('Done.');
    expect(upstream.received).toHaveLength(before + 2);
    expect(upstream.received.at(-1)?.body).not.toContain('for ever');
    expect(await page.locator('#play-log .message-text').allTextContents()).toEqual([
      'A new start.',
      'Hi',
    ]);
  });

  it.each([
    ['openai/gpt-5.4', 'responses.create'],
    ['anthropic/claude-opus-5-5', 'messages.create'],
    ['google/gemini-3.5-flash', /generateContent|generate_content/],
    ['deepseek/deepseek-flash', 'chat.completions.create'],
  ])('shows a call to %s as code of the SDK of its own API', async (model, method) => {
    await page.selectOption('#play-model', model);
    await page
      .locator('#play-code-details')
      .evaluate((details) => details.setAttribute('open', ''));
    for (const language of ['javascript', 'python']) {
      await page.selectOption('#play-language', language);
      expect(await page.textContent('#play-code')).toMatch(method);
    }
    await page.selectOption('#play-language', 'curl');
    expect(await page.textContent('#play-code')).toMatch(/^curl http/);
  });

  it('is accessible with two models and the code in view', async () => {
    await page.check('#play-compare');
    await page.fill('#play-message', 'Hello');
    expect(await findViolationsInSchemes(page)).toEqual([]);
    await page.setViewportSize({ width: 320, height: 700 });
    // What lies half below the bar at the top counts as a target that is too small.
    await page.evaluate('scrollTo(0, 0)');
    expect(await findViolations(page), 'on a phone').toEqual([]);
    expect(
      await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      ),
    ).toBe(0);
    await saveScreenshot(page, 'playground-phone');
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.emulateMedia({ colorScheme: 'light' });
    await page.uncheck('#play-compare');
  });

  it.each([
    ['ru', /[а-я]{4}/],
    ['zh', /\p{Script=Han}{2}/u],
  ] as const)('speaks %s in its estimate, its states and its costs', async (language, words) => {
    const context = await browser.newContext({ storageState: await page.context().storageState() });
    const tab = await context.newPage();
    await tab.request.post(`${stack.consoleUrl}/language`, {
      form: { language, back: '/playground' },
      headers: { origin: stack.consoleUrl },
    });
    await tab.goto(`${stack.consoleUrl}/playground`);
    await tab.waitForSelector('#play-model option', { state: 'attached' });
    upstream.handler = (_, response) => sendStream(response, chatEvents(WORDS, COUNTS), 20);
    await tab.selectOption('#play-model', 'deepseek/deepseek-flash');
    await tab.fill('#play-key', account.apiKey);
    await tab.fill('#play-message', 'Hello');
    expect(await tab.textContent('#play-estimate')).toMatch(words);
    expect(await tab.textContent('#play-estimate')).not.toMatch(/[{}]|undefined|NaN/);
    await tab.click('#play-send');
    await expect.poll(() => tab.locator('#play-cost a').count(), WAIT).toBe(1);
    for (const part of ['#play-cost', '#play-status'])
      expect(await tab.textContent(part)).toMatch(words);
    expect(await findViolations(tab)).toEqual([]);
    await tab.request.post(`${stack.consoleUrl}/language`, {
      form: { language: 'en', back: '/playground' },
      headers: { origin: stack.consoleUrl },
    });
    await context.close();
  });

  it('estimates the cost of a call where scripts are off, by numbers only', async () => {
    const context = await browser.newContext({
      javaScriptEnabled: false,
      storageState: await page.context().storageState(),
      locale: 'en',
    });
    const tab = await context.newPage();
    await tab.goto(`${stack.consoleUrl}/playground`);
    await tab.selectOption('select[name=model]', 'openai/gpt-5.4');
    await tab.fill('input[name=input]', '4000');
    await tab.fill('input[name=limit]', '100');
    await tab.click('form[action="/playground"] button');
    const { input_uncached: input = 0n } = await fetchPrices('openai/gpt-5.4');
    await tab.waitForURL(/input=4000/);
    expect(await tab.textContent('main [role=status]')).toContain(
      `About $${Number(tokenCost(4_000, input)) / 1e9} for the input`,
    );
    const shown = await tab.textContent('main [role=status]');
    const held = Number(/About \$([\d.]+) is reserved/.exec(shown ?? '')?.[1]);
    const exact = Number(await fetchHold('four'.repeat(4_000), 100)) / 1e9;
    // Shown with two digits.
    expect(Math.abs(held / exact - 1)).toBeLessThan(0.05);
    expect(await tab.isVisible('#playground')).toBe(false);
    await saveScreenshot(tab, 'playground-without-script');
    await context.close();
  });

  it('takes its key out of the page when the key expires', async () => {
    const context = await browser.newContext({
      storageState: await page.context().storageState(),
      locale: 'en',
    });
    const tab = await context.newPage();
    await tab.clock.install();
    await tab.goto(`${stack.consoleUrl}/playground`);
    await tab.click('#play-create-key');
    await expect.poll(() => tab.inputValue('#play-key'), WAIT).toMatch(/^fbx_/);
    await tab.clock.fastForward('01:00:10');
    await expect.poll(() => tab.inputValue('#play-key'), WAIT).toBe('');
    expect(await tab.textContent('#play-key-status')).toContain('expired');
    await context.close();
    await createPageKey();
  });

  it('asks the same model in another of its APIs', async () => {
    const events = chatEvents(WORDS, COUNTS);
    upstream.handler = (_, response) => sendStream(response, events);
    await page.click('#play-clear');
    await page.selectOption('#play-model', 'openai/gpt-5.4');
    await page.selectOption('#play-api', '/v1/chat/completions');
    await send('Count to six.');
    await expect.poll(() => page.textContent('#play-cost'), WAIT).toContain('$0.00014');
    expect(await readReply()).toBe(WORDS.join(''));
    await saveScreenshot(page, 'playground');
  });

  it('asks two models at once and shows the cost of each', async () => {
    upstream.handler = ({ path }, response) => {
      const dialect = path.includes('messages') ? 'messages' : 'chat';
      return sendStream(response, DIALECT_CALLS[dialect].events([dialect], COUNTS));
    };
    await page.click('#play-clear');
    await page.check('#play-compare');
    await page.selectOption('#play-model-2', 'anthropic/claude-opus-5-5');
    await send('Who are you?');
    for (const suffix of ['', '-2'])
      await expect.poll(() => page.textContent(`#play-cost${suffix}`), WAIT).toMatch(/\$0\.0\d+/);
    expect([await readReply(), await readReply('#play-log-2')]).toEqual(['chat', 'messages']);
    await saveScreenshot(page, 'playground-compare');
    await page.uncheck('#play-compare');
  });

  it('stops on request and shows the cost until then', async () => {
    // It hides no reasoning, so nothing is read on for its usage.
    await page.selectOption('#play-model', 'deepseek/deepseek-flash');
    const words = Array.from({ length: 400 }, (_, index) => ` word${index}`);
    upstream.handler = (_, response) =>
      sendStream(response, chatEvents(words, { input: 20, output: 800 }), 20);
    await send('Go on for ever.');
    await expect.poll(() => readReply(), WAIT).toContain('word3');
    await page.click('#play-stop');
    await upstream.received.at(-1)?.aborted;
    await expect.poll(() => page.textContent('#play-status'), WAIT).toContain('Stopped.');
    expect(await readReply()).not.toContain('word399');
  });

  it('shows the request as code, with the page’s key and with no other', async () => {
    await page
      .locator('#play-code-details')
      .evaluate((details) => details.setAttribute('open', ''));
    await page.fill('#play-message', 'It’s a "test".');
    for (const [language, text] of [
      ['curl', `${stack.gatewayUrl}/v1/chat/completions`],
      ['javascript', "import OpenAI from 'openai';"],
      ['python', 'from openai import OpenAI'],
    ] as const) {
      await page.selectOption('#play-language', language);
      const code = await page.textContent('#play-code');
      expect(code).toContain(text);
      expect(code).toContain('It’s a \\"test\\".');
      expect(code).toContain(await page.inputValue('#play-key'));
    }
    await page.fill('#play-key', account.apiKey);
    expect(await page.textContent('#play-code')).toContain('fbx_...');
    expect(await page.textContent('#play-code')).not.toContain(account.apiKey);
  });

  it('shows the API’s error message', async () => {
    await page.fill('#play-key', `${account.apiKey.slice(0, -1)}_`);
    await send('Hello?');
    await expect
      .poll(() => page.textContent('#play-status'), WAIT)
      .toContain('The API returned an error:');
  });

  it('ends the page’s key when the next one is made, and lists one of them', async () => {
    await createPageKey();
    const [earlier, latest] = [pageKeys.at(-2), pageKeys.at(-1)];
    const getStatus = async (key: string | undefined) => {
      const headers = { authorization: `Bearer ${key}` };
      return (await fetch(`${stack.gatewayUrl}/v1/key`, { headers })).status;
    };
    expect([await getStatus(earlier), await getStatus(latest)]).toEqual([401, 200]);
    const cookies = await page.context().cookies();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const list = await fetch(`${stack.consoleUrl}/keys`, { headers: { cookie } });
    expect(
      (await list.text()).match(/>\s*Playground\s*<\/a>\s*<span class="second"/g),
    ).toHaveLength(1);
  });

  it('makes no key for a session that must prove its user again, and says where', async () => {
    const query =
      "update sessions set last_auth_at = last_auth_at - interval '1 hour' where account_id = $1";
    await sql(stack, query, [account.accountId]);
    const before = await page.inputValue('#play-key');
    expect(await page.isVisible('#play-prove')).toBe(false);
    await page.click('#play-create-key');
    await page.locator('#play-prove').waitFor({ state: 'visible' });
    expect(await page.getAttribute('#play-prove', 'href')).toBe('/prove?next=/playground');
    expect(await page.textContent('#play-key-status')).toContain('Confirm that it’s you');
    expect(await page.inputValue('#play-key')).toBe(before);
  });

  it('makes no key for a request of another origin', async () => {
    const cookies = await page.context().cookies();
    const cookie = cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    const headers = { cookie, origin: 'https://elsewhere.example' };
    const path = `${stack.consoleUrl}/playground/key`;
    expect((await fetch(path, { method: 'POST', headers })).status).toBe(403);
    expect((await fetch(path, { method: 'POST', headers: { cookie } })).status).toBe(403);
  });

  it('sends neither the key nor the conversation to the console and stores neither', async () => {
    const keys = [account.apiKey, ...pageKeys];
    await page.goto(`${stack.consoleUrl}/calls`);
    await page.goBack();
    expect(await page.inputValue('#play-key')).toBe('');
    expect(consoleRequests.length).toBeGreaterThan(5);
    for (const request of consoleRequests) {
      const requestDump = `${request.url()} ${JSON.stringify(await request.allHeaders())} ${request.postData() ?? ''}`;
      for (const text of [...keys, 'Count to six', 'Be brief'])
        expect(requestDump).not.toContain(text);
    }
    const stored = await page.evaluate(() => [
      ...Object.values(globalThis.localStorage ?? {}),
      ...Object.values(globalThis.sessionStorage ?? {}),
    ]);
    expect(stored).toEqual([]);
    expect(consoleErrors.filter((said) => said.includes('Content Security Policy'))).toEqual([]);
  });
});
