/**
 * The public site in a real browser, served by its Worker as it is deployed: accessible in light and
 * dark, no sideways scrolling on a phone, within budgets of bytes and requests, nothing from third
 * parties before consent, and no violation of the content security policy.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LocalStack } from '@farebox/local';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HAS_BROWSER,
  openBrowser,
  saveScreenshot,
  trackRequestedOrigins,
  warnIfNoBrowser,
} from './support/chromium.ts';
import { sharedStack } from './support/shared-stack.ts';
import { type SlowPages, startSlowPages } from './support/slow-pages.ts';

warnIfNoBrowser();

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PAGES = [
  '/',
  '/prices',
  '/billing',
  '/deposits',
  '/comparison',
  '/benchmark',
  '/trust',
  '/status',
  '/privacy',
  '/terms',
  '/contact',
  '/changelog',
  '/docs',
  '/docs/quickstart',
  '/docs/api',
  '/docs/api/conversations',
  '/docs/api/schemas',
  '/docs/errors',
  '/docs/errors/insufficient_balance',
  '/docs/dialects',
  '/docs/storage',
  '/ru/',
  '/ru/prices',
  '/ru/comparison',
  '/zh/benchmark',
  '/docs/clients/python',
  '/ru/privacy',
  '/ru/docs',
  '/zh/',
  '/zh/billing',
  '/nowhere',
];
const PHONE = { width: 360, height: 780 };
const DESKTOP = { width: 1280, height: 900 };

let stack: LocalStack;
let siteUrl: string;

beforeAll(async () => {
  ({ stack } = await sharedStack('site'));
  siteUrl = stack.siteUrl ?? '';
}, 120_000);

describe('the site’s Worker', () => {
  it('answers Markdown to a client that prefers it, and HTML to a browser', async () => {
    const get = (path: string, accept: string) => fetch(siteUrl + path, { headers: { accept } });
    for (const path of ['/', '/ru/', '/docs/errors']) {
      const markdown = await get(path, 'text/markdown');
      expect(markdown.headers.get('content-type'), path).toContain('text/markdown');
      expect(markdown.headers.get('vary'), path).toContain('Accept');
      expect(await markdown.text(), path).toMatch(/^# /);
      const html = await get(path, 'text/html');
      expect(html.headers.get('content-type'), path).toContain('text/html');
      expect(await html.text(), path).toMatch(/^<!doctype html>/);
    }
  });

  it('sets the console’s security headers on pages, files and the missing page', async () => {
    const expected = await fetch(`${stack.consoleUrl}/sign-in`);
    for (const path of ['/', '/style.css', '/nowhere', '/docs/errors.md', '/llms.txt']) {
      const response = await fetch(siteUrl + path);
      for (const name of [
        'cross-origin-opener-policy',
        'referrer-policy',
        'x-content-type-options',
        'permissions-policy',
      ]) {
        expect(response.headers.get(name), `${name} of ${path}`).toBe(expected.headers.get(name));
      }
      const policy = response.headers.get('content-security-policy') ?? '';
      expect(policy, path).toContain(
        "default-src 'none'; style-src 'self'; script-src 'self' https://mc.yandex.ru;",
      );
      // Of two policies both would hold; and none may name an origin but the counter's.
      const others = policy.match(/,|\*|(https|wss):[^ ;]*/g);
      expect(new Set(others), path).toEqual(
        new Set(['https://mc.yandex.ru', 'wss://mc.yandex.ru']),
      );
    }
  });

  it('answers 404 with a page in three languages where there is none', async () => {
    const response = await fetch(`${siteUrl}/nowhere`);
    expect(response.status).toBe(404);
    const html = await response.text();
    for (const language of ['en', 'ru', 'zh']) expect(html).toContain(`<p lang="${language}">`);
  });
});

type Violation = Readonly<{ id: string; targets: string }>;

async function findSeriousViolations(page: Page): Promise<readonly Violation[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    const run: unknown = await Reflect.get(globalThis, 'axe').run();
    const violations: { id: string; impact: string; nodes: { target: unknown }[] }[] = Reflect.get(
      Object(run),
      'violations',
    );
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, nodes }) => ({ id, targets: JSON.stringify(nodes.map(({ target }) => target)) }));
  });
}

/** The browser's entries of a type so far, as `toText` describes each in the page. */
function readEntries(page: Page, type: string, toText: string): Promise<readonly string[]> {
  return page.evaluate(`new Promise((resolve) => {
    new PerformanceObserver((list) => resolve(list.getEntries().map(${toText})))
      .observe({ type: '${type}', buffered: true });
    setTimeout(() => resolve([]), 300);
  })`);
}

/** Each shift of the layout with what was moved. */
function readShifts(page: Page): Promise<readonly string[]> {
  const toText = `({ value, sources }) => value.toFixed(4) + ': ' + sources
    .map(({ node }) => (node?.nodeName ?? '?') + ' ' + (node?.textContent ?? '').trim().slice(0, 40))
    .join(', ')`;
  return readEntries(page, 'layout-shift', toText);
}

async function readLargestPaints(page: Page): Promise<readonly number[]> {
  const times = await readEntries(
    page,
    'largest-contentful-paint',
    '({ startTime }) => String(startTime)',
  );
  return times.map(Number);
}

/** Resolves after the browser has drawn what it has. */
const NEXT_FRAME =
  'new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))';

/** The number of tables that stay hidden after their page has arrived. */
const HIDDEN_TABLES = `[...document.querySelectorAll('.article table')]
  .filter((table) => getComputedStyle(table).visibility !== 'visible').length`;

describe.skipIf(!HAS_BROWSER)('the site in a browser', () => {
  let browser: Browser;
  let slow: SlowPages;

  beforeAll(async () => {
    browser = await openBrowser();
    slow = await startSlowPages(siteUrl);
  });
  afterAll(async () => {
    slow?.close();
    await browser?.close();
  });

  async function withPage(
    path: string,
    viewport: typeof PHONE,
    check: (page: Page) => Promise<void>,
  ): Promise<void> {
    const page = await browser.newPage({ viewport });
    const errors: string[] = [];
    page.on('console', (message) => {
      if (message.type() === 'error' && !/status of 404/.test(message.text()))
        errors.push(message.text());
    });
    page.on('pageerror', (error) => errors.push(error.message));
    const origins = trackRequestedOrigins(page);
    await page.goto(siteUrl + path, { waitUntil: 'networkidle' });
    await check(page);
    expect([...origins], path).toEqual([siteUrl]);
    expect(errors, path).toEqual([]);
    await page.close();
  }

  it.each(PAGES)('%s is accessible, fits a phone, and masks its fields', async (path) => {
    await withPage(path, PHONE, async (page) => {
      const unmasked = await page.$$eval(
        ':is(input, textarea, select):not(.ym-disable-keys)',
        (fields) => fields.map((field) => field.outerHTML),
      );
      expect(unmasked).toEqual([]);
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect(await findSeriousViolations(page), colorScheme).toEqual([]);
      }
      const overflow = await page.evaluate(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      );
      expect(overflow).toBeLessThanOrEqual(0);
      await page.emulateMedia({ colorScheme: 'light' });
      await saveScreenshot(page, `site${path.replaceAll(/\W+/g, '-')}-phone`);
      await page.setViewportSize(DESKTOP);
      await saveScreenshot(page, `site${path.replaceAll(/\W+/g, '-')}`);
    });
  });

  it.each(['/', '/docs/quickstart', '/ru/', '/zh/docs', '/privacy'])(
    '%s needs at most 6 requests and 30 KB compressed, and shifts nothing',
    async (path) => {
      const page = await browser.newPage({ viewport: DESKTOP });
      const sizes: number[] = [];
      page.on('response', async (response) => {
        const body = await response.body().catch(() => Buffer.alloc(0));
        const { gzipSync } = await import('node:zlib');
        sizes.push(gzipSync(body).length);
      });
      await page.goto(siteUrl + path, { waitUntil: 'networkidle' });
      const largestPaint = Math.max(0, ...(await readLargestPaints(page)));
      expect(await readShifts(page)).toEqual([]);
      expect(largestPaint).toBeGreaterThan(0);
      expect(largestPaint).toBeLessThan(2_500);
      expect(sizes.length).toBeLessThanOrEqual(6);
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(30_000);
      await page.close();
    },
  );

  it.each(['/', '/privacy', '/prices', '/ru/prices', '/benchmark', '/docs/errors'])(
    '%s shifts nothing while it arrives in pieces, on a desktop and on a phone',
    async (path) => {
      for (const viewport of [DESKTOP, PHONE]) {
        const page = await browser.newPage({ viewport });
        await page.goto(slow.url + path, { waitUntil: 'commit' });
        do await page.evaluate(NEXT_FRAME);
        while (slow.sendPiece());
        await page.waitForLoadState('networkidle');
        await page.evaluate(NEXT_FRAME);
        expect(await readShifts(page)).toEqual([]);
        expect(await page.evaluate(HIDDEN_TABLES)).toBe(0);
        await page.close();
      }
    },
  );

  it.each(['/prices', '/ru/prices'])('%s shows name and both prices on a phone', async (path) => {
    await withPage(path, PHONE, async (page) => {
      const row = 'table.models tbody tr:first-child';
      const { width = 0 } = (await page.locator(`${row} td:first-child`).boundingBox()) ?? {};
      expect(width).toBeGreaterThan(170);
      const output = await page.locator(`${row} td:nth-child(3)`).boundingBox();
      expect((output?.x ?? PHONE.width) + (output?.width ?? 0)).toBeLessThanOrEqual(PHONE.width);
    });
  });

  it('finds, filters and sorts models on the price list', async () => {
    await withPage('/prices', DESKTOP, async (page) => {
      const names = () =>
        page.$$eval('table.models tbody tr:not([hidden]) td:first-child code', (cells) =>
          cells.map((cell) => cell.textContent ?? ''),
        );
      const all = await names();
      await page.fill('#find', 'claude opus');
      const found = await names();
      expect(found.length).toBeGreaterThan(0);
      expect(found.filter((name) => !name.includes('opus'))).toEqual([]);
      expect(await page.textContent('[role=status][data-count]')).toContain(String(found.length));
      await page.fill('#find', '');
      await page.selectOption('#provider', 'deepseek');
      expect((await names()).filter((name) => !name.startsWith('deepseek/'))).toEqual([]);
      await page.selectOption('#provider', '');
      await page.click('table.models th:nth-child(3) button');
      const outputs = await page.$$eval('table.models tbody td:nth-child(3)', (cells) =>
        cells.map((cell) => cell.getAttribute('data-value') ?? '').filter((value) => value !== ''),
      );
      expect(outputs.map(Number)).toEqual(outputs.map(Number).sort((a, b) => a - b));
      expect([...(await names())].sort()).toEqual([...all].sort());
    });
  });

  it.each([
    ['/docs', 'insufficient balance', '/docs/errors/insufficient_balance'],
    ['/ru/docs', 'резерв', '/ru/billing'],
    ['/zh/docs', '预留', '/zh/billing'],
  ])('%s finds "%s" and sends nothing of it anywhere', async (path, words, expected) => {
    await withPage(path, DESKTOP, async (page) => {
      const requested: string[] = [];
      page.on('request', (request) => requested.push(request.url()));
      await page.fill('#search', words);
      await page.waitForSelector('[data-results] li');
      const links = await page.$$eval('[data-results] a', (all) =>
        all.map((link) => link.getAttribute('href') ?? ''),
      );
      expect(links.some((link) => link.startsWith(expected))).toBe(true);
      expect(requested.map((url) => new URL(url).pathname)).toEqual([
        `/search/${path === '/docs' ? 'en' : path.slice(1, 3)}.json`,
      ]);
    });
  });
});
