/**
 * Every page of the console, in a real browser at four widths, in light and dark: no axe violation
 * of WCAG 2.2 A or AA, no sideways scrolling, one height of the bar, at most 25 KB with the
 * stylesheet, no third-party request, no undocumented cookie, no violation of the content security
 * policy, and each in every language. A link reveals a page that is not listed here.
 */

import { gzipSync } from 'node:zlib';
import type { LocalStack } from '@farebox/local';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findViolations, findViolationsInSchemes } from './support/axe.ts';
import {
  HAS_BROWSER,
  openBrowser,
  trackRequestedOrigins,
  warnIfNoBrowser,
} from './support/chromium.ts';
import { sharedStack } from './support/shared-stack.ts';
import { sql } from './support/sql.ts';
import { insertUsageHistory } from './support/usage-history.ts';
import { insertWebhookHistory } from './support/webhook-history.ts';

warnIfNoBrowser();

const PUBLIC_PAGES = [
  '/',
  '/sign-up',
  '/sign-in',
  '/forgot',
  '/reset?token=x',
  '/confirm?token=x',
  '/confirm-email?token=x',
  '/verify',
  '/nowhere',
];
const SIGNED_IN_PAGES = [
  '/',
  '/?by=kind',
  '/models',
  '/usage',
  '/usage?stack=kind',
  '/calls',
  '/keys',
  '/keys/new',
  '/transactions',
  '/refunds',
  '/top-up',
  '/alerts',
  '/alerts/webhook',
  '/alerts/webhook/endpoint',
  '/playground',
  '/security',
  '/rights',
  '/prove?next=/',
  '/design',
  '/nowhere',
];
const PHONE = { width: 375, height: 812 };
const SIZES = [
  { width: 320, height: 700 },
  PHONE,
  { width: 768, height: 1024 },
  { width: 1280, height: 900 },
] as const;
const MAX_PAGE_BYTES = 25_000;

describe.skipIf(!HAS_BROWSER)('every page of the console', () => {
  let stack: LocalStack;
  let browser: Browser;
  let anonymousContext: BrowserContext;
  let signedInContext: BrowserContext;

  beforeAll(async () => {
    ({ stack } = await sharedStack('mock'));
    browser = await openBrowser();
    anonymousContext = await browser.newContext({ viewport: PHONE });
    signedInContext = await browser.newContext({ viewport: PHONE });
    const account = await stack.createAccount({ creditUsd: '5' });
    await callOnce(account.apiKey);
    await addHistory(account.accountId);
    const page = await signedInContext.newPage();
    await page.goto(`${stack.consoleUrl}/sign-in`);
    await page.fill('input[name=email]', account.email);
    await page.fill('input[name=password]', account.password);
    await page.click('main button[type=submit]');
    await page.waitForURL(`${stack.consoleUrl}/`);
    await page.close();
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
  });

  async function callOnce(apiKey: string): Promise<void> {
    const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'openai/gpt-4o-mini',
        messages: [{ role: 'user', content: 'Hello' }],
      }),
    });
    await response.arrayBuffer();
    expect(response.status).toBe(200);
  }

  /** A history to show, for the account's key. */
  async function addHistory(accountId: string): Promise<void> {
    const query = 'select key_id from api_keys where account_id = $1';
    const [[keyId] = []] = await sql(stack, query, [accountId]);
    await insertUsageHistory(stack, accountId, Number(keyId));
    await insertRefund(accountId);
    await insertWebhookHistory(stack, accountId);
  }

  /** A refund with every digit of an amount, an address of full length, and a way to cancel it. */
  async function insertRefund(accountId: string): Promise<void> {
    const query = `insert into refunds
      (id, account_id, chain, address, amount, fee, state, requested_at)
      values ($1, $2, 'bsc', $3, 1234499968000, 200000000, 'reserved', now()) returning id`;
    await sql(stack, query, ['e'.repeat(32), accountId, `0x${'7'.repeat(40)}`]);
  }

  async function withPage(
    context: BrowserContext,
    path: string,
    check: (page: Page) => Promise<void>,
  ): Promise<void> {
    const page = await context.newPage();
    const consoleErrors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 4\d\d/.test(message.text()))
        consoleErrors.push(message.text());
    });
    const origins = trackRequestedOrigins(page);
    await page.goto(stack.consoleUrl + path);
    await check(page);
    expect(
      [...origins].filter(
        (origin) => origin !== new URL(stack.consoleUrl).origin && origin !== stack.gatewayUrl,
      ),
    ).toEqual([]);
    expect(consoleErrors).toEqual([]);
    await page.close();
  }

  /** The bytes of the page and the stylesheet, compressed as a server sends them. */
  async function weigh(page: Page): Promise<number> {
    const html = await page.context().request.get(page.url());
    const css = await page.context().request.get(`${stack.consoleUrl}/style.css`);
    return gzipSync(await html.body()).length + gzipSync(await css.body()).length;
  }

  async function measureOverflow(page: Page): Promise<number> {
    const overflow = await page.evaluate(
      'document.documentElement.scrollWidth - document.documentElement.clientWidth',
    );
    return Number(overflow);
  }

  /** Tables of which a part is off screen: an amount that has to be scrolled to is not seen. */
  async function countCutTables(page: Page): Promise<number> {
    const cut = await page.evaluate(
      `[...document.querySelectorAll('main table')]
        .filter((table) => table.checkVisibility())
        .filter((table) => table.getBoundingClientRect().right > innerWidth).length`,
    );
    return Number(cut);
  }

  /** The bar has the same height on every page, so that nothing moves between them. */
  async function checkBar(page: Page, name: string): Promise<void> {
    const box = await page.locator('.bar').boundingBox();
    if (box !== null) expect([box.y, box.height], `the bar of ${name}`).toEqual([0, 56]);
  }

  async function checkLayout(page: Page, name: string): Promise<void> {
    expect(await weigh(page), `${name} in bytes`).toBeLessThanOrEqual(MAX_PAGE_BYTES);
    for (const size of SIZES) {
      await page.setViewportSize(size);
      expect(await findViolationsInSchemes(page), `${name} at ${size.width}`).toEqual([]);
      expect(await measureOverflow(page), `${name} at ${size.width} scrolls sideways`).toBe(0);
      expect(await countCutTables(page), `cut tables of ${name} at ${size.width}`).toBe(0);
      await checkBar(page, name);
    }
  }

  it.each(PUBLIC_PAGES)(
    '%s is accessible, in light and dark, for anonymous users',
    async (path) => {
      await withPage(anonymousContext, path, (page) =>
        checkLayout(page, `anonymous${path.replaceAll(/\W+/g, '-')}`),
      );
    },
  );

  it.each(SIGNED_IN_PAGES)(
    '%s is accessible, in light and dark, for signed-in users',
    async (path) => {
      await withPage(signedInContext, path, (page) =>
        checkLayout(page, `person${path.replaceAll(/\W+/g, '-')}`),
      );
    },
  );

  /** The links of a page that is checked above already, and need not be drawn again. */
  async function fetchLinks(path: string): Promise<readonly string[]> {
    const response = await signedInContext.request.get(stack.consoleUrl + path);
    const links = (await response.text()).matchAll(/<a\b[^>]*\bhref="(\/[^"]*)"/g);
    return [...links].map(([, link = '']) => link.replaceAll('&amp;', '&'));
  }

  async function checkLinkedPage(path: string): Promise<readonly string[]> {
    let links: readonly string[] = [];
    await withPage(signedInContext, path, async (page) => {
      expect(await findViolations(page), path).toEqual([]);
      links = await page.$$eval('a[href^="/"]', (all) =>
        all.map((a) => a.getAttribute('href') ?? ''),
      );
    });
    return links;
  }

  it('that a page links to is tested here', async () => {
    const seen = new Set(SIGNED_IN_PAGES);
    const queue = [...SIGNED_IN_PAGES];
    for (const path of queue) {
      const isChecked = SIGNED_IN_PAGES.includes(path);
      const links = isChecked ? await fetchLinks(path) : await checkLinkedPage(path);
      const newLinks = links.filter(
        (link) => !/\.(csv|jsonl?|svg)\b|format=|export/.test(link) && !seen.has(link),
      );
      // One page of each shape: fifty calls in a list have one kind of page.
      for (const link of newLinks) {
        const shape = link.replaceAll(/[0-9a-f]{16,}|\d+/g, '#');
        if ([...seen].some((known) => known.replaceAll(/[0-9a-f]{16,}|\d+/g, '#') === shape))
          continue;
        seen.add(link);
        if (queue.length < 60) queue.push(link);
      }
    }
    expect(queue.length).toBeGreaterThan(SIGNED_IN_PAGES.length);
  }, 180_000);

  it('is served in each language and declares it', async () => {
    for (const [language, word] of [
      ['ru', 'Обзор'],
      ['zh', '概览'],
      ['en', 'Overview'],
    ] as const) {
      const page = await signedInContext.newPage();
      await page.goto(`${stack.consoleUrl}/`);
      await page.click('.bar button');
      const button = page.locator(`.menu button[value=${language}]`);
      if (await button.isEnabled()) await button.click();
      await page.goto(`${stack.consoleUrl}/`);
      expect(await page.getAttribute('html', 'lang')).toBe(language);
      expect(await page.textContent('nav.menu')).toContain(word);
      await page.close();
    }
  });

  it('opens its menu without a script, and Escape closes it', async () => {
    const storageState = await signedInContext.storageState();
    const context = await browser.newContext({
      viewport: PHONE,
      javaScriptEnabled: false,
      storageState,
    });
    const page = await context.newPage();
    await page.goto(`${stack.consoleUrl}/`);
    const link = page.locator('.menu a[href="/keys"]');
    expect(await link.isVisible()).toBe(false);
    await page.click('.bar button');
    await link.waitFor({ state: 'visible' });
    await page.keyboard.press('Escape');
    await link.waitFor({ state: 'hidden' });
    await context.close();
  });

  it('shows the balance and the way to add to it on every screen', async () => {
    for (const path of SIGNED_IN_PAGES) {
      const page = await signedInContext.newPage();
      await page.goto(stack.consoleUrl + path);
      const balance = page.locator('.bar .balance');
      expect(await balance.textContent(), path).toMatch(
        /Available balance: \$\d+\.\d\d.*Add credits/s,
      );
      expect(await balance.getAttribute('href'), path).toBe('/top-up');
      await page.close();
    }
  });

  it('stores nothing in the browser but the documented cookies', async () => {
    const page = await signedInContext.newPage();
    await page.goto(`${stack.consoleUrl}/`);
    const storedCount = await page.evaluate(() => localStorage.length + sessionStorage.length);
    expect(storedCount).toBe(0);
    const cookies = (await signedInContext.cookies()).map(({ name }) => name).sort();
    expect(
      cookies.filter(
        (name) => !['__Host-device', '__Host-language', '__Host-session'].includes(name),
      ),
    ).toEqual([]);
    for (const cookie of await signedInContext.cookies()) {
      expect(cookie).toMatchObject({ secure: true, httpOnly: true, path: '/', sameSite: 'Lax' });
    }
    await page.close();
  });
});
