/**
 * One user's journey through the console, in a real browser and by keyboard alone: sign-up, the
 * email, confirmation, a key, a call with it, its chart and bill, the stored data, account
 * deletion. Each step saves a screenshot.
 */
import { readFileSync } from 'node:fs';
import type { LocalStack } from '@farebox/local';
import OpenAI from 'openai';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAccountId } from './support/api-keys.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { openMailbox } from './support/mailbox.ts';
import { sharedStack } from './support/shared-stack.ts';

warnIfNoBrowser();

const EMAIL = 'ada.lovelace@example.com';
const PASSWORD = 'analytical-engine-1843';
/** More tab stops than any page has. */
const MAX_TAB_STOPS = 80;

describe.skipIf(!HAS_BROWSER)('a user with a keyboard only', () => {
  let stack: LocalStack;
  let browser: Browser;
  let page: Page;
  let apiKey = '';

  beforeAll(async () => {
    ({ stack } = await sharedStack('mock'));
    browser = await openBrowser();
    page = await browser.newPage();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
  });

  /** Presses Tab until the focused element matches `selector`. */
  async function tabTo(selector: string): Promise<void> {
    for (let tabStop = 0; tabStop < MAX_TAB_STOPS; tabStop += 1) {
      await page.keyboard.press('Tab');
      if ((await page.locator(`${selector}:focus`).count()) > 0) return;
    }
    throw new Error(`${selector} can't be reached by the tab key on ${page.url()}`);
  }

  async function type(name: string, text: string): Promise<void> {
    await tabTo(`main [name="${name}"]`);
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.type(text);
  }

  /** Presses Enter and waits for the next page. */
  async function pressEnter(): Promise<void> {
    const navigation = page.waitForEvent('framenavigated');
    await page.keyboard.press('Enter');
    await navigation;
    await page.waitForLoadState('load');
  }

  async function open(path: string): Promise<void> {
    await page.goto(stack.consoleUrl + path);
  }

  function mainText(): Promise<string> {
    return page.textContent('main').then((text) => text ?? '');
  }

  it('signs up and is told to check the email', async () => {
    await open('/sign-up');
    await type('email', EMAIL);
    await type('password', PASSWORD);
    await pressEnter();
    expect(page.url()).toContain('done=sent');
    await saveScreenshot(page, 'journey-1-sent');
  });

  it('confirms with the link and the password', async () => {
    const token = await openMailbox(stack).token(EMAIL, '/confirm');
    await open(`/confirm?token=${token}`);
    await type('password', PASSWORD);
    await pressEnter();
    expect(await page.textContent('nav.menu')).toContain(EMAIL);
    await open('/');
    await saveScreenshot(page, 'journey-2-overview-empty');
  });

  it('creates an API key that is shown once', async () => {
    await open('/keys/new');
    await type('name', 'laptop');
    await pressEnter();
    apiKey = ((await page.textContent('output.key')) ?? '').trim();
    expect(apiKey).toMatch(/^fbx_[0-9A-Za-z]{67}$/);
    await saveScreenshot(page, 'journey-3-key');
    await open('/keys');
    expect(await page.content()).not.toContain(apiKey);
    expect(await mainText()).toContain(apiKey.slice(-4));
  });

  it('gets 402 without credits and 200 after adding credits', async () => {
    const client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1` });
    const createCompletion = () =>
      client.chat.completions.create({
        model: 'openai/gpt-4o-mini',
        messages: [{ role: 'user', content: 'Hello' }],
      });
    await expect(createCompletion()).rejects.toMatchObject({ status: 402 });
    await topUp();
    expect((await createCompletion()).choices[0]?.message.content).toBeTruthy();
  });

  /** Credits the account through the ledger; tests/deposits.test.ts covers real deposits. */
  async function topUp(): Promise<void> {
    const account = parseAccountId(apiKey);
    const credit = { id: 'local:journey', amount: 5_000_000_000n, source: 'local' } as const;
    expect(await stack.ledger.credits.credit(account, credit)).toMatchObject({ ok: true });
  }

  it('sees the cost in the chart, the list and the bill', async () => {
    await expect
      .poll(
        async () => {
          await open('/calls');
          return mainText();
        },
        { timeout: 20_000 },
      )
      .toContain('openai/gpt-4o-mini');
    await saveScreenshot(page, 'journey-4-calls');
    await page.click('main table a');
    expect(await mainText()).toContain('openai/gpt-4o-mini');
    await saveScreenshot(page, 'journey-5-bill');
    await open('/usage');
    expect(await page.locator('main svg.chart').count()).toBeGreaterThan(0);
    expect(await page.locator('main table').count()).toBeGreaterThan(0);
    await saveScreenshot(page, 'journey-6-usage');
  });

  it('sees all stored data and exports it', async () => {
    await open('/rights');
    expect(await mainText()).toContain(EMAIL);
    await saveScreenshot(page, 'journey-7-rights');
    await open('/rights/data');
    await tabTo('form[action="/rights/data/export"] button');
    const [file] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    const exported: unknown = JSON.parse(readFileSync(await file.path(), 'utf8'));
    expect(JSON.stringify(exported)).toContain(EMAIL);
    expect(JSON.stringify(exported)).toContain('openai/gpt-4o-mini');
    expect(JSON.stringify(exported)).not.toContain(apiKey);
  });

  it('deletes the account, which revokes the key at once and returns a receipt', async () => {
    await open('/rights/deletion');
    expect(await mainText()).toContain('Your balance isn’t refunded by the deletion itself');
    await saveScreenshot(page, 'journey-8-leaving');
    await type('email', EMAIL);
    await pressEnter();
    expect(await mainText()).toContain('Your account is deleted');
    expect(await mainText()).not.toContain(EMAIL);
    await saveScreenshot(page, 'journey-9-gone');
    const client = new OpenAI({ apiKey, baseURL: `${stack.gatewayUrl}/v1` });
    await expect(client.models.list()).rejects.toMatchObject({ status: 401 });
    await open('/');
    expect(page.url()).not.toContain('/keys');
    expect(await page.textContent('body')).not.toContain(EMAIL);
  });
});
