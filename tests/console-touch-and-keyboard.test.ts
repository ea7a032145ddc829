/**
 * The way of a new user through the console, from sign-up to sign-out, by the keyboard alone and by
 * touch alone. Each of four sizes and three languages is walked with both ways of input in turn, so
 * that every size, language and way occurs. Every page is checked where it opens: by keyboard each
 * tab stop is seen and everything is reached (WCAG 2.1.1, 2.1.2, 2.4.7, 2.4.11), by touch no target
 * is too small (2.5.8).
 */
import { type LocalStack, startStack } from '@farebox/local';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseAccountId } from './support/api-keys.ts';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { UNREACHABLE_CHAINS } from './support/deposit-chains.ts';
import { createKeyboard, createTouch, type InputMethod } from './support/input-methods.ts';
import { type Mailbox, openMailbox } from './support/mailbox.ts';
import { sql } from './support/sql.ts';

warnIfNoBrowser();

const PASSWORD = 'correct horse battery staple 9';
const WAIT = { timeout: 20_000 };
const DEPOSIT = 25_000_000_000n;
/** A valid address of TRON that is not ours. */
const REFUND_ADDRESS = 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8';
/** From this width on the menu stands beside the page (packages/design/stylesheet.ts). */
const MIN_SIDEBAR_WIDTH = 1024;
const SUBMIT = 'main form button[type=submit]';

type Journey = Readonly<{ input: 'keyboard' | 'touch'; width: number; language: string }>;

const JOURNEYS: readonly Journey[] = [
  { input: 'keyboard', width: 320, language: 'ru' },
  { input: 'keyboard', width: 375, language: 'en' },
  { input: 'keyboard', width: 768, language: 'zh' },
  { input: 'keyboard', width: 1280, language: 'en' },
  { input: 'touch', width: 320, language: 'en' },
  { input: 'touch', width: 375, language: 'zh' },
  { input: 'touch', width: 768, language: 'ru' },
  { input: 'touch', width: 1280, language: 'en' },
];

describe.skipIf(!HAS_BROWSER)('a new user of the console', () => {
  let stack: LocalStack;
  let mailbox: Mailbox;
  let browser: Browser;

  beforeAll(async () => {
    stack = await startStack({ quiet: true, cronEveryMs: null, chains: UNREACHABLE_CHAINS });
    mailbox = openMailbox(stack);
    browser = await openBrowser();
    // The network reads: a deposit's confirmations are counted against its head.
    await sql(
      stack,
      `insert into chain_cursors
        (chain, next_block, head, final, final_at, last_polled_at, advanced_at, "window")
      values ('tron', 1001, 1002, 1000, now(), now(), now(), 100)
      on conflict (chain) do nothing`,
      [],
    );
  }, 120_000);

  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
  });

  describe.each(JOURNEYS)('with $input alone at $width px in $language', (journey) => {
    const { input, width, language } = journey;
    const email = `${input}-${width}@example.com`;
    let context: BrowserContext;
    let page: Page;
    let user: InputMethod;
    let apiKey = '';
    let depositAddress = '';

    beforeAll(async () => {
      const isTouch = input === 'touch';
      context = await browser.newContext({
        viewport: { width, height: 800 },
        locale: language,
        hasTouch: isTouch,
        isMobile: isTouch && width < MIN_SIDEBAR_WIDTH,
        // Focus and taps do not wait for scrolling to end.
        reducedMotion: 'reduce',
      });
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      page = await context.newPage();
      page.setDefaultTimeout(WAIT.timeout);
      user = isTouch ? createTouch(page) : createKeyboard(page);
    });

    afterAll(() => context?.close());

    /** Waits for a page and checks it; a step of a form has a query beside its path. */
    async function arrive(path: string | RegExp): Promise<void> {
      await page.waitForURL(({ pathname, search }) =>
        typeof path === 'string' ? pathname === path : path.test(pathname + search),
      );
      await page.waitForLoadState('load');
      expect(await page.getAttribute('html', 'lang')).toBe(language);
      await user.checkPage(new URL(page.url()).pathname);
    }

    async function openScreen(path: string): Promise<void> {
      if (width < MIN_SIDEBAR_WIDTH) await user.openMenu();
      await user.activate(`.menu li a[href="${path}"]`);
      await arrive(path);
    }

    const readMain = () => page.textContent('main').then((text) => text ?? '');

    it('signs up, confirms the address by email and is shown a key', async () => {
      await page.goto(`${stack.consoleUrl}/`);
      await user.checkPage('the landing page');
      await user.activate('main a[href="/sign-up"]');
      await arrive('/sign-up');
      await user.fill('main [name=email]', email);
      await user.fill('main [name=password]', PASSWORD);
      await user.activate(SUBMIT);
      await arrive(/^\/sign-up\?done=sent$/);
      await page.goto(
        `${stack.consoleUrl}/confirm?token=${await mailbox.token(email, '/confirm')}`,
      );
      await arrive('/confirm');
      await user.fill('main [name=password]', PASSWORD);
      await user.activate(SUBMIT);
      await page.locator('output#key').waitFor();
      await user.checkPage('the start page');
      apiKey = (await page.textContent('output#key'))?.trim() ?? '';
      expect(apiKey).toMatch(/^fbx_[0-9A-Za-z]{67}$/);
    });

    it('copies the key and the code of another client, and makes a free call', async () => {
      await user.activate('button[data-copy=key]');
      await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(apiKey);
      await user.chooseSecondTab('.tabs');
      await page.locator('.panel-2').waitFor({ state: 'visible' });
      const headers = { authorization: `Bearer ${apiKey}` };
      const answer = await fetch(`${stack.gatewayUrl}/v1/key`, { headers });
      expect(answer.status).toBe(200);
    });

    it('copies the deposit address, which has a QR code', async () => {
      await user.activate('main a[href="/top-up/tron"]');
      await arrive('/top-up/tron');
      depositAddress = (await page.textContent('#deposit-address'))?.trim() ?? '';
      expect(depositAddress).toMatch(/^T\w{33}$/);
      expect(await page.locator('.qr, svg[role=img]').first().isVisible()).toBe(true);
      await user.activate('button[data-copy=deposit-address]');
      await expect.poll(() => page.evaluate('navigator.clipboard.readText()')).toBe(depositAddress);
    });

    it('follows a deposit from its first confirmation to the balance', async () => {
      const transaction = `0x${Buffer.from(email).toString('hex').padEnd(64, '0').slice(0, 64)}`;
      const accountId = parseAccountId(apiKey);
      await sql(
        stack,
        `insert into deposits (chain, tx_hash, log_index, block_number, block_hash, contract, sender,
          recipient, account_id, units, state, found_by, seen_at)
        values ('tron', $1, 0, 1001, $1, $2, $2, $2, $3, '25000000', 'pending', 'scan', now())`,
        [transaction, `0x${'c'.repeat(40)}`, accountId],
      );
      await openScreen('/top-up');
      expect(await page.locator('#deposits progress').isVisible()).toBe(true);
      const [address] = await sql(
        stack,
        `select fingerprint, index from deposit_addresses where family = 'tron' and account_id = $1`,
        [accountId],
      );
      const [fingerprint, index] = [String(address?.[0]), Number(address?.[1])];
      const credit = {
        ...{ id: `tron:${transaction}:0`, amount: DEPOSIT, source: 'deposit' as const },
        address: { family: 'tron' as const, fingerprint, index },
      };
      expect(await stack.ledger.credits.credit(accountId, credit)).toMatchObject({ ok: true });
      await sql(
        stack,
        `update deposits set state = 'credited', amount = $2, credited_at = now()
        where tx_hash = $1`,
        [transaction, `${DEPOSIT}`],
      );
      await openScreen('/');
      expect(await page.textContent('.balance')).toMatch(/25[.,]00/);
    });

    it('asks a model in the playground and sees the answer and its cost', async () => {
      await openScreen('/playground');
      await page.locator('#play-model option').first().waitFor({ state: 'attached' });
      await user.activate('#play-create-key');
      await expect.poll(() => page.inputValue('#play-key'), WAIT).toMatch(/^fbx_/);
      await user.fill('#play-message', 'Count to six.');
      await user.activate('#play-send');
      await page.locator('#play-cost a').waitFor();
      expect(await page.locator('#play-log .message-text').last().textContent()).toBeTruthy();
      await user.checkPage('the playground with an answer');
      await saveScreenshot(page, `journey-playground--${width}-light-${language}`);
    });

    it('finds the call with its bill', async () => {
      await openScreen('/calls');
      await expect
        .poll(async () => {
          await page.reload();
          return page.locator('main table a[href^="/calls/"]').count();
        }, WAIT)
        .toBeGreaterThan(0);
      await user.checkPage('the list of calls');
      await user.activate('main table a[href^="/calls/"]');
      await arrive(/^\/calls\/[0-9a-f-]+/);
      expect(await readMain()).toContain('openai/gpt-6-luna');
    });

    it('gives the key a budget', async () => {
      await openScreen('/keys');
      await user.activate('main table a.row-link');
      await arrive(/^\/keys\/\d+$/);
      await user.activate('a.button[href$="/edit"]');
      await arrive(/^\/keys\/\d+\/edit$/);
      await user.fill('main [name=month_budget]', '7.5');
      await user.activate('main form[action$="/edit"] button[type=submit]');
      await arrive(/\?done=changed$/);
      expect(await readMain()).toMatch(/7[.,]50/);
      await user.activate('.toast button');
      await page.locator('.toast').waitFor({ state: 'hidden' });
      await openScreen('/keys');
      await saveScreenshot(page, `journey-keys--${width}-light-${language}`);
    });

    it('reads and downloads the statement', async () => {
      await openScreen('/transactions');
      expect(await readMain()).toMatch(/25[.,]00/);
      const download = page.waitForEvent('download');
      await user.activate('form[action="/transactions.jsonl"] button');
      expect((await download).suggestedFilename()).toMatch(/\.jsonl$/);
    });

    it('asks for what is left of the deposit, and confirms by email', async () => {
      await user.activate('main a[href="/refunds"]');
      await arrive('/refunds');
      await user.fill('main [name=address]', REFUND_ADDRESS);
      await user.fill('main [name=amount]', '20');
      await user.activate('form[action="/refunds"] button');
      await arrive(/^\/refunds\?done=requested$/);
      const token = await mailbox.token(email, '/refunds/confirm');
      await page.goto(`${stack.consoleUrl}/refunds/confirm?token=${token}`);
      await user.checkPage('the page that confirms a refund');
      await user.activate(SUBMIT);
      await arrive(/^\/refunds\/confirm\?done=reserved$/);
      await user.activate('main a[href="/refunds"]');
      await arrive('/refunds');
      expect(await readMain()).toContain(REFUND_ADDRESS);
      // Reserved at once: a call can't spend it.
      const status = await stack.ledger.accounts.status(parseAccountId(apiKey));
      expect(status?.reserved).toBe(20_000_000_000n);
    });

    it('sets an alert for a low balance', async () => {
      await openScreen('/alerts');
      await user.fill('main [name=threshold]', '2.5');
      await user.activate('form[action="/alerts/low-balance"] button');
      await arrive(/^\/alerts\?done=saved$/);
      expect(await page.inputValue('main [name=threshold]')).toMatch(/^2\.50?$/);
    });

    it('names the session and signs out', async () => {
      await openScreen('/security');
      await user.activate('main ul.list summary');
      await user.fill('main details[open] [name=name]', 'My browser');
      await user.activate('main details[open] button[type=submit]');
      await arrive(/^\/security\?done=session_named$/);
      expect(await readMain()).toContain('My browser');
      if (width < MIN_SIDEBAR_WIDTH) await user.openMenu();
      await user.activate('.menu form[action="/sign-out"] button');
      await page.waitForURL((url) => url.pathname !== '/security');
      await user.checkPage('the page after signing out');
      await page.goto(`${stack.consoleUrl}/keys`);
      expect(page.url()).toContain('/sign-in');
    });
  });
});
