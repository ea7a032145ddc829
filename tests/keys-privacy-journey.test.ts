/**
 * Keys and data rights in a real browser: a key created by keyboard alone and copied, also without
 * a script, the export as a download, account deletion; axe on each page, dark and light, on a
 * phone.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { LocalAccount, LocalStack } from '@farebox/local';
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
const PHONE = { width: 360, height: 780 };

describe.skipIf(!HAS_BROWSER)('keys and data rights in a browser', () => {
  let stack: LocalStack;
  let browser: Browser;
  let home: string;

  beforeAll(async () => {
    [{ stack }, browser] = await Promise.all([sharedStack('mock'), openBrowser()]);
    home = stack.consoleUrl;
  }, 180_000);
  afterAll(async () => {
    await browser?.close();
  });

  async function signIn(context: BrowserContext, account: LocalAccount): Promise<Page> {
    const page = await context.newPage();
    await page.goto(`${home}/sign-in`);
    await page.locator('input[name=email]').fill(account.email);
    await page.locator('input[name=password]').fill(account.password);
    await page.locator('main button[type=submit]').first().click();
    await page.waitForURL(`${home}/`);
    return page;
  }

  async function checkPage(page: Page, name: string): Promise<void> {
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await page.evaluate(AXE);
      const serious = await page.evaluate(
        `axe.run().then(({ violations }) => violations
          .filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => id + ' ' + nodes.map(({ html }) => html).join(' ')))`,
      );
      expect(serious, `${name} in ${colorScheme}`).toEqual([]);
    }
    const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
    expect(Number(await page.evaluate(overflow)), `${name} scrolls sideways`).toBeLessThanOrEqual(
      0,
    );
    await page.emulateMedia({ colorScheme: 'light' });
    await saveScreenshot(page, name);
  }

  async function openAndCheck(page: Page, path: string, name: string): Promise<void> {
    const response = await page.goto(home + path);
    expect(response?.status(), path).toBe(200);
    await checkPage(page, name);
  }

  it('creates and copies a key by keyboard alone, on pages that fit a phone', async () => {
    const account = await stack.createAccount({ creditUsd: '5' });
    const context = await browser.newContext({ viewport: PHONE, locale: 'en' });
    await context.grantPermissions(['clipboard-read', 'clipboard-write']);
    const page = await signIn(context, account);
    const origins = trackRequestedOrigins(page);
    await openAndCheck(page, '/keys/new', 'keys-new');
    await page.locator('input[name=name]').focus();
    await page.keyboard.press('Control+A');
    await page.keyboard.type('By keyboard, with a name that is as long as names may be, 64 chars');
    await page.keyboard.press('Enter');
    const key = await page.locator('output.key').textContent();
    expect(key).toMatch(/^fbx_/);
    await page.getByRole('button', { name: 'Copy', exact: true }).click();
    await page.getByText('Copied.').waitFor();
    expect(await page.evaluate('navigator.clipboard.readText()')).toBe(key);
    await checkPage(page, 'keys-shown');
    await page.getByRole('link', { name: 'I’ve saved my key' }).click();
    await page.waitForURL(/\/keys\/\d+$/);
    const path = new URL(page.url()).pathname;
    await checkPage(page, 'keys-one');
    await openAndCheck(page, '/keys', 'keys');
    for (const verb of ['edit', 'roll', 'resume', 'revoke']) {
      await openAndCheck(page, `${path}/${verb}`, `keys-${verb}`);
    }
    await page.getByRole('button', { name: 'Revoke' }).click();
    await page.getByText('Key revoked.').waitFor();
    expect([...origins]).toEqual([new URL(home).origin]);
    await context.close();
  });

  it('is told about models selected beside all models, and makes the key with these only', async () => {
    const account = await stack.createAccount({ creditUsd: '5' });
    const context = await browser.newContext({ viewport: { width: 375, height: 780 } });
    const page = await signIn(context, account);
    await page.goto(`${home}/keys/new`);
    await page.locator('details', { hasText: 'openai' }).first().locator('summary').click();
    await page.getByLabel('openai/gpt-5-mini', { exact: true }).check();
    await page.locator('main form button[type=submit]').click();
    await page.getByText('You selected models but left “All models” on').waitFor();
    await page.emulateMedia({ colorScheme: 'dark' });
    await saveScreenshot(page, 'keys-contradiction-dark');
    await checkPage(page, 'keys-contradiction');
    expect(await page.getByLabel('openai/gpt-5-mini', { exact: true }).isChecked()).toBe(true);
    await page.getByLabel('Only these:').check();
    await page.locator('main form button[type=submit]').click();
    await page.getByRole('heading', { name: 'What this key can do' }).waitFor();
    const models = page.locator('dl.pairs div', { hasText: 'Models' }).locator('dd');
    expect(await models.textContent()).toBe('openai/gpt-5-mini');
    await context.close();
  });

  it('exercises data rights in Russian and Chinese and ends signed out', async () => {
    const account = await stack.createAccount({ creditUsd: '5' });
    const context = await browser.newContext({ viewport: PHONE, locale: 'en' });
    const page = await signIn(context, account);
    for (const language of ['Русский', '中文', 'English']) {
      await page.goto(`${home}/rights`);
      await page.getByLabel(language).check();
      await page.locator('form[action="/rights/language"] button').click();
      await page.waitForURL(/done=language/);
      await checkPage(page, `rights-${language}`);
      for (const path of ['data', 'deletion']) {
        await openAndCheck(page, `/rights/${path}`, `rights-${path}-${language}`);
      }
      await openAndCheck(page, '/keys/new', `keys-new-${language}`);
      await openAndCheck(page, '/keys', `keys-${language}`);
    }
    await page.goto(`${home}/rights/data`);
    const [file] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Download everything as JSON' }).click(),
    ]);
    expect(file.suggestedFilename()).toBe('farebox-account.json');
    const text = readFileSync(await file.path(), 'utf8');
    expect(text).toContain(account.email);
    JSON.parse(text);
    await page.goto(`${home}/rights/deletion`);
    await page.getByLabel('Enter your email address to confirm').fill(account.email);
    await page.getByRole('button', { name: 'Delete my account permanently' }).click();
    await page.getByText('Your account is deleted').first().waitFor();
    await checkPage(page, 'rights-gone');
    expect(
      (await context.cookies()).map(({ name }) => name).filter((n) => n !== '__Host-language'),
    ).toEqual([]);
    await context.close();
  });

  it('works without a script', async () => {
    const account = await stack.createAccount({ creditUsd: '5' });
    const context = await browser.newContext({ viewport: PHONE, javaScriptEnabled: false });
    const page = await signIn(context, account);
    await page.goto(`${home}/keys/new`);
    await page.getByRole('button', { name: 'Create API key' }).click();
    expect(await page.locator('output.key').textContent()).toMatch(/^fbx_/);
    expect(await page.getByRole('button', { name: 'Copy', exact: true }).isVisible()).toBe(false);
    await page.goto(`${home}/rights`);
    await page.getByRole('button', { name: 'Turn off' }).first().click();
    await page.getByText('Saved. See the receipt below.').waitFor();
    await page.goto(`${home}/rights/deletion`);
    await page.getByLabel('Enter your email address to confirm').fill(account.email);
    await page.getByRole('button', { name: 'Delete my account permanently' }).click();
    await page.getByText('Your account is deleted').first().waitFor();
    await context.close();
  });
});
