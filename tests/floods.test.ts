/**
 * Floods against the public account pages of the real stack: an attacker with one IPv6 line locks
 * nobody out and makes us send few emails; beyond the hourly budget a browser solves a challenge,
 * or its email is sent later.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type LocalStack, startStack } from '@farebox/local';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createConsoleClient } from './support/browser.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { openMailbox } from './support/mailbox.ts';
import { waitForRateLimitWindow } from './support/rate-limit-windows.ts';
import { sql } from './support/sql.ts';

warnIfNoBrowser();

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const PASSWORD = 'a flood of good words';
const newEmail = () => `flood-${randomBytes(6).toString('hex')}@example.com`;

function post(stack: LocalStack, path: string, fields: Record<string, string>, network: string) {
  return createConsoleClient(stack, { network }).post(path, fields);
}

function count(statuses: readonly number[]): Readonly<Record<number, number>> {
  const counts: Record<number, number> = {};
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

describe('a flood from one IPv6 /64', () => {
  let stack: LocalStack;

  beforeAll(async () => {
    stack = await startStack({ quiet: true, cronEveryMs: null });
  }, 120_000);
  afterAll(() => stack?.stop());

  it('of 620 made-up reset links locks nobody of another network out', async () => {
    const { email, password } = await stack.createAccount({ creditUsd: '0' });
    await waitForRateLimitWindow(50_000);
    const statuses: number[] = [];
    for (let request = 0; request < 620; request += 20) {
      const batch = Array.from({ length: 20 }, (_, index) => {
        const network = `2001:db8:1:2::${(request + index + 1).toString(16)}`;
        return post(stack, '/reset', { token: `x${request + index}`, password: PASSWORD }, network);
      });
      statuses.push(...(await Promise.all(batch)).map(({ status }) => status));
    }
    expect(count(statuses)).toEqual({ 422: 60, 429: 560 });
    const signIn = await post(stack, '/sign-in', { email, password }, '198.51.100.21');
    expect(signIn).toMatchObject({ status: 303, location: '/' });
    const neighbour = await post(stack, '/sign-in', { email, password }, '2001:db8:1:3::1');
    expect(neighbour).toMatchObject({ status: 303, location: '/' });
    const fields = { email: newEmail(), password: PASSWORD };
    const signUp = await post(stack, '/sign-up', fields, '198.51.100.22');
    expect(signUp.location).toBe('/sign-up?done=sent');
    const forgot = await post(stack, '/forgot', { email }, '198.51.100.23');
    expect(forgot.location).toBe('/forgot?done=sent');
  }, 120_000);

  it('of 36 sign-ups, each to another mailbox, sends 30 emails', async () => {
    await waitForRateLimitWindow(50_000);
    const statuses: number[] = [];
    for (let index = 0; index < 36; index += 1) {
      const network = `2001:DB8:5:6::${index.toString(16)}`;
      const fields = { email: newEmail(), password: PASSWORD };
      statuses.push((await post(stack, '/sign-up', fields, network)).status);
    }
    expect(count(statuses)).toEqual({ 303: 30, 429: 6 });
  }, 120_000);

  it('leaves no network in the database', async () => {
    const rows = await sql(stack, 'select bucket from rate_limit_counters');
    expect(rows.length).toBeGreaterThan(10);
    for (const [bucket] of rows) expect(bucket).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('beyond the hourly budget of emails', () => {
  const BUDGET = 3;
  let stack: LocalStack;
  let browser: Browser | undefined;

  beforeAll(async () => {
    stack = await startStack({
      quiet: true,
      cronEveryMs: null,
      consoleBindings: { EMAILS_PER_HOUR: String(BUDGET) },
    });
    await waitForRateLimitWindow(60_000);
    for (let sent = 0; sent < BUDGET; sent += 1) {
      await post(stack, '/forgot', { email: newEmail() }, `203.0.113.${sent + 1}`);
    }
    browser = HAS_BROWSER ? await openBrowser() : undefined;
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  it.each(['/sign-up', '/forgot'])('%s answers with the form and a challenge', async (path) => {
    const fields = { email: newEmail(), password: PASSWORD };
    const response = await post(stack, path, fields, '203.0.113.50');
    expect(response.status).toBe(429);
    expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(response.body).toMatch(/name="challenge" value="\d{13}\.\d{2}\.[0-9a-f.]+"/);
    expect(response.body).toContain('src="/scripts/proof-of-work.js"');
    expect(response.body).toContain(fields.email);
    expect(response.body).not.toContain(PASSWORD);
  });

  it('operators are alerted', () => {
    expect(stack.output()).toMatch(/budget_exhausted.*stranger_emails/);
  });

  it('an email without a solution is queued for later', async () => {
    const email = newEmail();
    const fields = { email, password: PASSWORD, delayed: '1' };
    const response = await post(stack, '/sign-up', fields, '203.0.113.51');
    expect(response.location).toBe('/sign-up?done=delayed');
    const query =
      "select state, queued_at > now() + interval '25 minutes' from emails order by queued_at desc limit 1";
    await expect.poll(() => sql(stack, query)).toEqual([['queued', 't']]);
    expect(await openMailbox(stack).count(email)).toBe(0);
  });

  describe.skipIf(!HAS_BROWSER)('in a browser', () => {
    async function openForm(
      path: string,
      options: Parameters<Browser['newContext']>[0],
      network: string,
    ): Promise<Readonly<{ context: BrowserContext; page: Page }>> {
      if (browser === undefined) throw new Error('no browser');
      const extraHTTPHeaders = { 'cf-connecting-ip': network };
      const context = await browser.newContext({ locale: 'en', ...options, extraHTTPHeaders });
      const page = await context.newPage();
      await page.goto(stack.consoleUrl + path);
      return { context, page };
    }

    async function fill(page: Page, email: string): Promise<void> {
      await page.fill('main [name=email]', email);
      await page.fill('main [name=password]', PASSWORD);
      await page.click('main form button[type=submit]');
    }

    it('the script solves the challenge and the email arrives at once', async () => {
      const email = newEmail();
      const { context, page } = await openForm('/sign-up', {}, '2001:db8:7:1::1');
      const errors: string[] = [];
      page.on('pageerror', (error) => errors.push(error.message));
      page.on('console', (message) => {
        if (/Content Security Policy/.test(message.text())) errors.push(message.text());
      });
      await fill(page, email);
      await page.getByText('There are unusually many attempts right now').waitFor();
      await page.fill('main [name=password]', PASSWORD);
      await page.click('main form button[type=submit]');
      await page.waitForURL(`${stack.consoleUrl}/sign-up?done=sent`, { timeout: 60_000 });
      await openMailbox(stack).token(email, '/confirm');
      expect(errors).toEqual([]);
      await context.close();
    }, 90_000);

    it('without a script the same form sends the email later', async () => {
      const options = { javaScriptEnabled: false };
      const { context, page } = await openForm('/sign-up', options, '2001:db8:7:2::1');
      await fill(page, newEmail());
      await page.fill('main [name=password]', PASSWORD);
      await page.getByRole('button', { name: 'Continue, and send the email later' }).click();
      await page.waitForURL(`${stack.consoleUrl}/sign-up?done=delayed`);
      await page.getByText('The email is on hold for about 30 minutes').waitFor();
      await context.close();
    }, 60_000);

    it.each(['en', 'ru', 'zh'])(
      'the challenge fits a phone, in light and dark, in %s',
      async (locale) => {
        const viewport = { width: 375, height: 780 };
        const { context, page } = await openForm(
          '/sign-up',
          { viewport, locale },
          '2001:db8:7:3::1',
        );
        await fill(page, newEmail());
        await page.locator('form[data-proof-of-work]').waitFor();
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await saveScreenshot(page, `challenge-${locale}-${colorScheme}`);
          await page.evaluate(AXE);
          const serious: unknown = await page.evaluate(
            `axe.run().then(({ violations }) => violations
            .filter(({ impact }) => impact === 'serious' || impact === 'critical')
            .map(({ id }) => id))`,
          );
          expect(serious).toEqual([]);
        }
        const width = await page.evaluate('document.documentElement.scrollWidth');
        expect(width).toBeLessThanOrEqual(viewport.width);
        await context.close();
      },
      60_000,
    );
  });
});
