/**
 * Every page of the console, in a real browser: no serious axe violation in light and dark, no
 * sideways scrolling on a phone, no third-party request, no undocumented cookie, no violation of
 * the content security policy, and each in every language. A link reveals a page that is not listed
 * here.
 */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LocalStack } from '@farebox/local';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HAS_BROWSER,
  openBrowser,
  saveScreenshot,
  trackRequestedOrigins,
  warnIfNoBrowser,
} from './support/chromium.ts';
import { sharedStack } from './support/shared-stack.ts';

warnIfNoBrowser();

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PUBLIC_PAGES = [
  '/',
  '/sign-up',
  '/sign-in',
  '/forgot',
  '/reset?token=x',
  '/confirm?token=x',
  '/confirm-email?token=x',
  '/nowhere',
];
const SIGNED_IN_PAGES = [
  '/',
  '/usage',
  '/calls',
  '/keys',
  '/keys/new',
  '/transactions',
  '/top-up',
  '/alerts',
  '/playground',
  '/security',
  '/rights',
  '/prove?next=/',
  '/nowhere',
];
const PHONE = { width: 360, height: 780 };
const DESKTOP = { width: 1280, height: 900 };

type Violation = Readonly<{ id: string; impact: string | null; nodes: number }>;

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

  async function findSeriousViolations(page: Page): Promise<readonly Violation[]> {
    // The content policy would block an injected script element; evaluate bypasses it, as an
    // extension does.
    await page.evaluate(AXE);
    return page.evaluate(async () => {
      const run: unknown = await Reflect.get(globalThis, 'axe').run();
      const violations: { id: string; impact: string | null; nodes: unknown[] }[] = Reflect.get(
        Object(run),
        'violations',
      );
      return violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, impact, nodes }) => ({ id, impact, nodes: nodes.length }));
    });
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

  async function checkLayout(page: Page, name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      expect(await findSeriousViolations(page), `${name} in ${colorScheme}`).toEqual([]);
    }
    const overflow = Number(
      await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      ),
    );
    expect(overflow, `${name} scrolls sideways`).toBeLessThanOrEqual(0);
    await page.setViewportSize(DESKTOP);
    await page.emulateMedia({ colorScheme: 'light' });
    await saveScreenshot(page, name);
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

  it('that a page links to is tested here', async () => {
    const seen = new Set(SIGNED_IN_PAGES);
    const queue = [...SIGNED_IN_PAGES];
    for (const path of queue) {
      await withPage(signedInContext, path, async (page) => {
        const links = await page.$$eval('a[href^="/"]', (all) =>
          all.map((a) => a.getAttribute('href') ?? ''),
        );
        if (!SIGNED_IN_PAGES.includes(path)) {
          expect(await findSeriousViolations(page), path).toEqual([]);
        }
        const newLinks = links.filter(
          (link) => !/\.(csv|json|svg)\b|format=|export/.test(link) && !seen.has(link),
        );
        // One page of each shape: fifty calls in a list have one kind of page.
        for (const link of newLinks) {
          const shape = link.replaceAll(/[0-9a-f]{16,}|\d+/g, '#');
          if ([...seen].some((known) => known.replaceAll(/[0-9a-f]{16,}|\d+/g, '#') === shape))
            continue;
          seen.add(link);
          if (queue.length < 60) queue.push(link);
        }
      });
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
      await page.click(`footer button[value=${language}]`).catch(() => {});
      await page.goto(`${stack.consoleUrl}/`);
      expect(await page.getAttribute('html', 'lang')).toBe(language);
      expect(await page.textContent('nav')).toContain(word);
      await saveScreenshot(page, `overview-${language}`);
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
