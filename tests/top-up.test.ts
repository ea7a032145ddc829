/**
 * Topping up as a person does it: the network, the address, the money on its way and there, and a
 * transaction that seemed lost; on a phone, in the dark, in each language, and never somebody else's.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readAddress } from '@farebox/deposits';
import {
  anvilPath,
  type LocalAccount,
  type LocalChains,
  type LocalStack,
  startChains,
  startStack,
} from '@farebox/local';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConsole, signInAs, type Visitor } from './browser.ts';
import { HAS_BROWSER, keepScreenshot, openBrowser, sayWhyNot } from './chromium.ts';
import { sql } from './sql.ts';

sayWhyNot();

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const anvil = anvilPath();
const PHONE = { width: 360, height: 780 };

describe.skipIf(anvil === null)('topping up', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-chains-'));
  let chains: LocalChains;
  let stack: LocalStack;
  let ada: LocalAccount;
  let me: Visitor;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    const { POLYGON_RPC_URLS: _, ...texts } = chains.texts;
    stack = await startStack({
      quiet: true,
      cronEveryMs: null,
      chains: texts,
      consoleBindings: { FAUCET_URL: chains.faucetUrl },
    });
    ada = await stack.createAccount({ creditUsd: '0' });
    me = openConsole(stack);
    await signInAs(me, ada);
    await chains.mine('tron', 10);
  }, 120_000);
  afterAll(async () => {
    await stack?.stop();
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function addressIn(body: string): string {
    const output = /<output class="key">(.*?)<\/output>/.exec(body)?.[1] ?? '';
    return output.replace(/<[^>]*>/g, '');
  }

  it('begins with the network, and says which is not there', async () => {
    const { body } = await me.get('/top-up');
    expect(body).toContain('href="/top-up/tron"');
    expect(body).toContain('href="/top-up/bsc"');
    expect(body).not.toContain('href="/top-up/polygon"');
    expect(body).toContain('Polygon PoS: not available at the moment');
    expect((await me.get('/top-up/polygon')).status).toBe(404);
    expect((await me.get('/top-up/ethereum')).status).toBe(404);
    expect((await openConsole(stack).get('/top-up/tron')).location).toContain('/sign-in');
  });

  it('shows an address of one’s own, the same each time, and its bare QR code', async () => {
    const { body } = await me.get('/top-up/tron');
    const address = addressIn(body);
    expect(address).toMatch(/^T\w{33}$/);
    expect(addressIn((await me.get('/top-up/tron')).body)).toBe(address);
    expect(body).toContain('<svg role="img"');
    expect(body).toContain('TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t');
    expect(body).toContain('At least 1 USDT');
    const other = openConsole(stack);
    await signInAs(other, await stack.createAccount({ creditUsd: '0' }));
    expect(addressIn((await other.get('/top-up/tron')).body)).not.toBe(address);
  });

  it('shows money on its way, then there', async () => {
    const address = addressIn((await me.get('/top-up/tron')).body);
    await chains.pay('tron', readAddress('tron', address) ?? '', 12_340_000n);
    await chains.mine('tron', 1);
    await stack.tick();
    const seen = (await me.get('/top-up')).body;
    expect(seen).toContain('12.34');
    expect(seen).toContain('Seen, waiting for the network to be sure');
    expect(seen).toContain('0 of 4 confirmations');
    expect(seen).toContain('<progress value="0" max="4"');
    await chains.mine('tron', 8);
    await stack.tick();
    const there = (await me.get('/top-up')).body;
    expect(there).toContain('$12.34');
    expect((await me.get('/')).body).toContain('$12.34');
    expect((await me.get('/transactions')).status).toBe(200);
  });

  it('looks for a transaction that seemed lost, and says why it is not one', async () => {
    const address = addressIn((await me.get('/top-up/tron')).body);
    const hash = await chains.pay('tron', readAddress('tron', address) ?? '', 3_000_000n);
    const claim = (visitor: Visitor, transaction: string) =>
      visitor.post('/top-up/tron', { transaction });
    const unknown = await claim(me, hash);
    expect(unknown.status).toBe(422);
    expect(unknown.body).toContain('This network does not know the transaction');
    expect((await claim(me, '"><script>alert(1)</script>')).body).not.toContain('<script>alert');
    await chains.mine('tron', 9);
    const other = openConsole(stack);
    await signInAs(other, await stack.createAccount({ creditUsd: '0' }));
    expect((await claim(other, hash)).body).toContain('not to an address of yours');
    expect((await other.get('/top-up')).body).toContain('Nothing has arrived yet');
    expect((await claim(me, hash)).location).toBe('/top-up/tron?done=claimed');
    await stack.tick();
    const { body } = await me.get('/top-up/tron?done=claimed');
    expect(body).toContain('Found. It is in the list below.');
    expect(body).toContain('>$3<');
    const standing = await stack.doors.accounts.standing(ada.accountId);
    expect(standing?.posted).toBe(15_340_000_000n);
  });

  it('has a faucet on one’s own machine, and nowhere else', async () => {
    const guest = openConsole(stack);
    const bob = await stack.createAccount({ creditUsd: '0' });
    await signInAs(guest, bob);
    expect((await guest.get('/top-up/bsc')).body).toContain('Give me 10 test USDT');
    expect((await guest.post('/top-up/bsc/faucet', {})).location).toBe('/top-up/bsc?done=paid');
    expect((await guest.post('/top-up/polygon/faucet', {})).status).toBe(404);
    await chains.mine('bsc', 12);
    await stack.tick();
    await stack.tick();
    expect((await stack.doors.accounts.standing(bob.accountId))?.posted).toBe(10_000_000_000n);
  });

  it('says when its network is halted', async () => {
    await sql(stack, "update chain_cursors set halted_at = now() where chain = 'bsc'", []);
    expect((await me.get('/top-up/bsc')).body).toContain('This network is halted');
    expect((await me.get('/top-up/tron')).body).not.toContain('This network is');
    await sql(stack, "update chain_cursors set halted_at = null where chain = 'bsc'", []);
  });

  it('offers a wallet the token’s own transfer on the networks that have a way to say so', async () => {
    const link = (await me.get('/top-up/bsc')).body;
    expect(link).toMatch(
      /href="ethereum:0x55d398326f99059ff775485246999027b3197955@56\/transfer\?address=0x\w{40}"/,
    );
    expect((await me.get('/top-up/tron')).body).not.toContain('ethereum:');
  });

  it('is bounded in how often it looks', async () => {
    const fidget = openConsole(stack);
    await signInAs(fidget, await stack.createAccount({ creditUsd: '0' }));
    let last = '';
    for (let tries = 0; tries < 22; tries += 1) {
      last = (await fidget.post('/top-up/tron', { transaction: 'x' })).body;
    }
    expect(last).toContain('Too many tries');
  });

  describe.skipIf(!HAS_BROWSER)('in a browser', () => {
    let browser: Browser;
    beforeAll(async () => {
      browser = await openBrowser();
    });
    afterAll(() => browser?.close());

    it('shows what arrives while one looks, without being asked', async () => {
      const page = await (await browser.newContext()).newPage();
      await page.clock.install();
      await page.goto(`${stack.consoleUrl}/sign-in`);
      await page.fill('main [name=email]', ada.email);
      await page.fill('main [name=password]', ada.password);
      await page.click('main form button[type=submit]');
      await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
      await page.goto(`${stack.consoleUrl}/top-up/tron`);
      const address = addressIn(await page.content());
      await chains.pay('tron', readAddress('tron', address) ?? '', 77_000_000n);
      await chains.mine('tron', 9);
      await stack.tick();
      await stack.tick();
      expect(await page.textContent('#deposits')).not.toContain('$77');
      await page.clock.runFor(16_000);
      await page.locator('#deposits', { hasText: '$77' }).waitFor();
      await page.context().close();
    });

    it.each(['en', 'ru', 'zh'])('fits a phone, light and dark, in %s', async (locale) => {
      const context = await browser.newContext({ viewport: PHONE, locale });
      const page = await context.newPage();
      await page.goto(`${stack.consoleUrl}/sign-in`);
      await page.fill('main [name=email]', ada.email);
      await page.fill('main [name=password]', ada.password);
      await page.click('main form button[type=submit]');
      await page.waitForURL((url) => !url.pathname.startsWith('/sign-in'));
      for (const path of ['/top-up', '/top-up/tron']) {
        await page.goto(stack.consoleUrl + path);
        await keepScreenshot(page, `top-up-${path.split('/').at(-1)}-${locale}`);
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
