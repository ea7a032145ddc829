/**
 * Adding credits as a user does it: the network, the address, the pending and the credited deposit,
 * and a missing transaction; on a phone, in dark mode, in each language, and never for another
 * account.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAddress } from '@farebox/deposits';
import {
  anvilPath,
  type LocalAccount,
  type LocalChains,
  type LocalStack,
  startChains,
  startStack,
} from '@farebox/local';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleClient, createConsoleClient, signInAs } from './support/browser.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { openMailbox } from './support/mailbox.ts';
import { sql } from './support/sql.ts';

warnIfNoBrowser();

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const anvil = anvilPath();
const PHONE = { width: 360, height: 780 };

describe.skipIf(anvil === null)('adding credits', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-chains-'));
  let chains: LocalChains;
  let stack: LocalStack;
  let account: LocalAccount;
  let ownClient: ConsoleClient;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    const { POLYGON_RPC_URLS: _, ...configuration } = chains.bindings;
    stack = await startStack({
      quiet: true,
      cronEveryMs: null,
      chains: configuration,
      consoleBindings: { FAUCET_URL: chains.faucetUrl },
    });
    account = await stack.createAccount({ creditUsd: '0' });
    ownClient = createConsoleClient(stack);
    await signInAs(ownClient, account);
    await chains.mine('tron', 10);
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function readShownAddress(body: string): string {
    const output = /<output id="deposit-address" class="key">(.*?)<\/output>/.exec(body)?.[1] ?? '';
    return output.replace(/<[^>]*>/g, '');
  }

  it('starts with the network and says which ones are not configured', async () => {
    const { body } = await ownClient.get('/top-up');
    expect(body).toContain('href="/top-up/tron"');
    expect(body).toContain('href="/top-up/bsc"');
    expect(body).not.toContain('href="/top-up/polygon"');
    expect(body).toContain('<strong>Polygon PoS</strong> <small>currently unavailable</small>');
    expect((await ownClient.get('/top-up/polygon')).status).toBe(404);
    const unknown = await ownClient.get('/top-up/ethereum');
    expect(unknown.status).toBe(404);
    expect(unknown.body).toContain('<nav');
    expect((await createConsoleClient(stack).get('/top-up/tron')).location).toContain('/sign-in');
  });

  it('shows the account’s own permanent address and its QR code', async () => {
    const { body } = await ownClient.get('/top-up/tron');
    const address = readShownAddress(body);
    expect(address).toMatch(/^T\w{33}$/);
    expect(readShownAddress((await ownClient.get('/top-up/tron')).body)).toBe(address);
    expect(body).toContain('<svg role="img"');
    expect(body).toContain('Minimum: 1 USDT');
    const other = createConsoleClient(stack);
    await signInAs(other, await stack.createAccount({ creditUsd: '0' }));
    expect(readShownAddress((await other.get('/top-up/tron')).body)).not.toBe(address);
  });

  it.each(['tron', 'bsc'])('shows no address on %s but the deposit address', async (network) => {
    const { body } = await ownClient.get(`/top-up/${network}`);
    const text = body.replace(/<[^>]*>/g, '');
    const addresses = text.match(/T[1-9A-HJ-NP-Za-km-z]{33}|0x[0-9a-fA-F]{40}/g);
    expect(addresses).toEqual([readShownAddress(body)]);
    expect(text).toContain('It is not an address to send to');
  });

  it('shows a deposit while it is pending and once it is credited', async () => {
    const address = readShownAddress((await ownClient.get('/top-up/tron')).body);
    await chains.pay('tron', parseAddress('tron', address) ?? '', 12_340_000n);
    await chains.mine('tron', 1);
    await stack.runCrons();
    const pendingPage = (await ownClient.get('/top-up')).body;
    expect(pendingPage).toContain('12.34');
    expect(pendingPage).toContain('>Pending<');
    expect(pendingPage).toContain('Waiting for confirmations.');
    expect(pendingPage).toContain('0 of 4 confirmations');
    expect(pendingPage).toContain('<progress value="0" max="4"');
    await chains.mine('tron', 8);
    await stack.runCrons();
    const creditedPage = (await ownClient.get('/top-up')).body;
    expect(creditedPage).toContain('$12.34');
    expect((await ownClient.get('/')).body).toContain('$12.34');
    expect((await ownClient.get('/transactions')).status).toBe(200);
  });

  it('looks up a missing transaction and says why it is not credited', async () => {
    const address = readShownAddress((await ownClient.get('/top-up/tron')).body);
    const hash = await chains.pay('tron', parseAddress('tron', address) ?? '', 3_000_000n);
    const submitClaim = (client: ConsoleClient, transaction: string) =>
      client.post('/top-up/tron', { transaction });
    const unknown = await submitClaim(ownClient, hash);
    expect(unknown.status).toBe(422);
    expect(unknown.body).toContain('This transaction wasn’t found on this network');
    expect((await submitClaim(ownClient, '"><script>alert(1)</script>')).body).not.toContain(
      '<script>alert',
    );
    await chains.mine('tron', 9);
    const other = createConsoleClient(stack);
    await signInAs(other, await stack.createAccount({ creditUsd: '0' }));
    expect((await submitClaim(other, hash)).body).toContain('but not to your address');
    expect((await other.get('/top-up')).body).toContain('No deposits yet');
    expect((await submitClaim(ownClient, hash)).location).toBe('/top-up/tron?done=claimed');
    await stack.runCrons();
    const { body } = await ownClient.get('/top-up/tron?done=claimed');
    expect(body).toContain('Transfer found. See the list below.');
    expect(body).toContain('>$3.00<');
    const status = await stack.ledger.accounts.status(account.accountId);
    expect(status?.posted).toBe(15_340_000_000n);
  });

  it('has a faucet in local development only', async () => {
    const guestClient = createConsoleClient(stack);
    const bob = await stack.createAccount({ creditUsd: '0' });
    await signInAs(guestClient, bob);
    expect((await guestClient.get('/top-up/bsc')).body).toContain('Get 10 test USDT');
    expect((await guestClient.post('/top-up/bsc/faucet', {})).location).toBe(
      '/top-up/bsc?done=paid',
    );
    expect((await guestClient.post('/top-up/polygon/faucet', {})).status).toBe(404);
    await chains.mine('bsc', 12);
    await stack.runCrons();
    await stack.runCrons();
    expect((await stack.ledger.accounts.status(bob.accountId))?.posted).toBe(10_000_000_000n);
  });

  it('shows neither address nor QR code of a halted network, and says what happens', async () => {
    const address = readShownAddress((await ownClient.get('/top-up/bsc')).body);
    await sql(stack, "update chain_cursors set halted_at = now() where chain = 'bsc'", []);
    const { body } = await ownClient.get('/top-up/bsc');
    expect(body).toContain('Deposits on this network are paused');
    expect(body).toContain('it is credited once deposits resume');
    expect(body.toLowerCase()).not.toContain(address.toLowerCase());
    expect(body).not.toContain('<svg role="img"');
    expect(body).not.toContain('Get 10 test USDT');
    const claim = await ownClient.post('/top-up/bsc', { transaction: `0x${'1'.repeat(64)}` });
    expect([claim.status, claim.body.includes(address)]).toEqual([422, false]);
    const tron = await ownClient.get('/top-up/tron');
    expect(tron.body).not.toContain('Deposits on this network are');
    expect(tron.body).toContain(
      '<strong>BNB Smart Chain (BEP-20)</strong> <small>deposits paused</small>',
    );
    const newcomer = createConsoleClient(stack);
    await signInAs(newcomer, await stack.createAccount({ creditUsd: '0' }));
    expect((await newcomer.get('/')).body).toContain('<small>deposits paused</small>');
    await sql(stack, "update chain_cursors set halted_at = null where chain = 'bsc'", []);
    expect(readShownAddress((await ownClient.get('/top-up/bsc')).body)).toBe(address);
  });

  it('offers wallets a token transfer link on networks that have one', async () => {
    const topUpPage = (await ownClient.get('/top-up/bsc')).body;
    expect(topUpPage).toMatch(
      /href="ethereum:0x55d398326f99059ff775485246999027b3197955@56\/transfer\?address=0x\w{40}"/,
    );
    expect((await ownClient.get('/top-up/tron')).body).not.toContain('ethereum:');
  });

  it('limits how often a transaction is looked up', async () => {
    const frequentClient = createConsoleClient(stack);
    await signInAs(frequentClient, await stack.createAccount({ creditUsd: '0' }));
    let lastBody = '';
    for (let attempt = 0; attempt < 22; attempt += 1) {
      lastBody = (await frequentClient.post('/top-up/tron', { transaction: 'x' })).body;
    }
    expect(lastBody).toContain('Too many attempts');
  });

  describe.skipIf(!HAS_BROWSER)('in a browser', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(() => browser?.close());

    async function signInOnPage(page: Page, { email, password } = account): Promise<void> {
      await page.goto(`${stack.consoleUrl}/sign-in`);
      await page.fill('main [name=email]', email);
      await page.fill('main [name=password]', password);
      await page.click('main form button[type=submit]');
      await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
    }

    /**
     * The way of a new user, typed and clicked as on the screens: every page, click and field counts.
     * The transfer itself happens in a wallet.
     */
    it('leads from the landing page to a first call in 6 pages, 7 clicks and 3 fields', async () => {
      const context = await browser.newContext({ viewport: PHONE, locale: 'en' });
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const page = await context.newPage();
      const email = 'first-call@example.com';
      const counts = { pages: 0, clicks: 0, fields: 0 };
      const startedAt = Date.now();
      const arrive = async (path: string | RegExp) => {
        counts.pages += 1;
        await page.waitForURL((url) => (url.pathname + url.search).match(path) !== null);
      };
      const click = async (selector: string) => {
        counts.clicks += 1;
        await page.click(selector);
      };
      const type = async (name: string, text: string) => {
        counts.fields += 1;
        await page.fill(`main [name=${name}]`, text);
      };
      await page.goto(`${stack.consoleUrl}/`);
      await arrive(/^\/$/);
      await click('a[href="/sign-up"]:visible');
      await arrive(/^\/sign-up$/);
      await type('email', email);
      await type('password', 'correct horse battery staple 9');
      await click('main form button[type=submit]');
      await arrive(/done=sent/);
      const token = await openMailbox(stack).token(email, '/confirm');
      counts.clicks += 1;
      await page.goto(`${stack.consoleUrl}/confirm?token=${token}`);
      await arrive(/^\/confirm/);
      await type('password', 'correct horse battery staple 9');
      await click('main form button[type=submit]');
      await page.locator('output#key').waitFor();
      counts.pages += 1;
      await saveScreenshot(page, 'start');
      await click('button[data-copy=key]');
      const apiKey = await page.evaluate('navigator.clipboard.readText()');
      const call = (path: string, init: RequestInit = {}) =>
        fetch(stack.gatewayUrl + path, {
          ...init,
          headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        });
      // The key works before there is money, and the snippet with the key in it is the call.
      expect((await call('/v1/key')).status).toBe(200);
      const snippet = (await page.textContent('.panel-1 pre')) ?? '';
      expect(snippet).toContain(`export FAREBOX_KEY=${apiKey}`);
      await click('.networks a[href="/top-up/tron"]');
      await arrive(/^\/top-up\/tron$/);
      await click('button[data-copy=deposit-address]');
      expect(counts).toEqual({ pages: 6, clicks: 7, fields: 3 });
      const address = readShownAddress(await page.content());
      await chains.pay('tron', parseAddress('tron', address) ?? '', 5_000_000n);
      await chains.mine('tron', 9);
      await stack.runCrons();
      await stack.runCrons();
      const body = /-d '(.*)'/.exec(snippet)?.[1] ?? '';
      const answer = await call('/v1/chat/completions', { method: 'POST', body });
      expect(answer.status).toBe(200);
      await answer.arrayBuffer();
      process.stdout.write(`first call after ${(Date.now() - startedAt) / 1000} s\n`);
      await context.close();
    });

    it('updates the page when a deposit arrives', async () => {
      const page = await (await browser.newContext()).newPage();
      await page.clock.install();
      await signInOnPage(page);
      await page.goto(`${stack.consoleUrl}/top-up/tron`);
      const address = readShownAddress(await page.content());
      await chains.pay('tron', parseAddress('tron', address) ?? '', 77_000_000n);
      await chains.mine('tron', 9);
      await stack.runCrons();
      await stack.runCrons();
      expect(await page.textContent('#deposits')).not.toContain('$77');
      await page.clock.runFor(16_000);
      await page.locator('#deposits', { hasText: '$77' }).waitFor();
      await page.context().close();
    });

    it('copies the deposit address by a button that only the script shows', async () => {
      const context = await browser.newContext({ viewport: PHONE, locale: 'en' });
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      const page = await context.newPage();
      await signInOnPage(page);
      await page.goto(`${stack.consoleUrl}/top-up/tron`);
      await page.getByRole('button', { name: 'Copy address' }).click();
      await page.getByText('Address copied.').waitFor();
      const copied = await page.evaluate('navigator.clipboard.readText()');
      expect(copied).toBe(readShownAddress(await page.content()));
      expect(copied).toMatch(/^T\w{33}$/);
      const storageState = await context.storageState();
      await context.close();
      const withoutScript = await browser.newContext({ javaScriptEnabled: false, storageState });
      const plainPage = await withoutScript.newPage();
      await plainPage.goto(`${stack.consoleUrl}/top-up/tron`);
      await expect(
        plainPage.getByRole('button', { name: 'Copy address' }).isVisible(),
      ).resolves.toBe(false);
      expect(await plainPage.locator('#deposit-address').textContent()).toBe(copied);
      await withoutScript.close();
    });

    it.each(['en', 'ru', 'zh'])('fits a phone, in light and dark, in %s', async (locale) => {
      const context = await browser.newContext({ viewport: PHONE, locale });
      const page = await context.newPage();
      // An account of its own: unknown browsers may try one account five times a minute.
      await signInOnPage(page, await stack.createAccount({ creditUsd: '0' }));
      for (const path of ['/top-up', '/top-up/tron']) {
        await page.goto(stack.consoleUrl + path);
        await saveScreenshot(page, `top-up-${path.split('/').at(-1)}-${locale}`);
        expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(
          PHONE.width,
        );
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          await page.evaluate(AXE);
          const serious: unknown = await page.evaluate(
            `axe.run().then(({ violations }) => violations
              .filter(({ impact }) => impact === 'serious' || impact === 'critical')
              .map(({ id }) => id))`,
          );
          expect(serious).toEqual([]);
        }
      }
      await context.close();
    });
  });
});
