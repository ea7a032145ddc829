/**
 * A picture of every screen of the console and of the operators' application, of an account with data
 * and of an empty one: on a phone and on a desktop; of its other states one each. With
 * SCREENSHOTS=all, on a desktop in dark and on a phone in each language too. They are kept in
 * .farebox/screenshots with an index.html, to be looked at. No screen scrolls sideways or cuts a table
 * in any size and language, whether there is a picture of it or not.
 */
import {
  type AccessProxy,
  type LocalAccount,
  type LocalStack,
  startAccessProxy,
  startStack,
} from '@farebox/local';
import type { RenderedEmail } from '@farebox/mail';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderSampleEmails } from '../packages/mail/sample-emails.testing.ts';
import { createConsoleClient, signInAs } from './support/browser.ts';
import {
  HAS_BROWSER,
  openBrowser,
  saveScreenshot,
  warnIfNoBrowser,
  writeScreenshotIndex,
} from './support/chromium.ts';
import { UNREACHABLE_CHAINS } from './support/deposit-chains.ts';
import { createFilledAccount, type FilledAccount } from './support/screen-data.ts';
import {
  EMPTY_SCREENS,
  GUEST_SCREENS,
  listAccountScreens,
  listOperatorScreens,
  listSecondFactorScreens,
  type Screen,
} from './support/screens.ts';
import { totpCode } from './support/totp.ts';

warnIfNoBrowser();

const SIZES = [
  { width: 375, height: 812 },
  { width: 1280, height: 900 },
] as const;
const [PHONE] = SIZES;
const SCHEMES = ['light', 'dark'] as const;
const TRANSLATIONS = ['ru', 'zh'] as const;
const HAS_ALL_PICTURES = process.env.SCREENSHOTS === 'all';

const EMAILS_PER_PICTURE = 5;

/** A page that shows emails as a client does, each in a frame of its own. */
function toMailbox(emails: readonly RenderedEmail[]): string {
  const frames = emails.map(({ html }) => {
    const escaped = html.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
    return `<iframe srcdoc="${escaped}"></iframe>`;
  });
  const style = 'body{margin:0}iframe{width:100%;height:520px;border:0}';
  const scheme = '<meta name="color-scheme" content="light dark">';
  return `${scheme}<style>${style}</style>${frames.join('')}`;
}

describe.skipIf(!HAS_BROWSER)('the pictures of all screens', () => {
  let access: AccessProxy;
  let stack: LocalStack;
  let browser: Browser;
  let filled: FilledAccount;
  let empty: LocalAccount;

  beforeAll(async () => {
    access = await startAccessProxy(0);
    stack = await startStack({
      quiet: true,
      cronEveryMs: null,
      chains: UNREACHABLE_CHAINS,
      operatorBindings: access.bindings,
    });
    access.forwardTo(stack.operatorsUrl);
    browser = await openBrowser();
    empty = await stack.createAccount({ creditUsd: '0', email: 'empty@example.com' });
    filled = await createFilledAccount(stack);
  });

  afterAll(async () => {
    await browser?.close();
    await stack?.stop();
    await access?.stop();
    writeScreenshotIndex();
  });

  async function signIn(context: BrowserContext, account: LocalAccount): Promise<void> {
    const page = await context.newPage();
    await page.goto(`${stack.consoleUrl}/sign-in`);
    await page.fill('main [name=email]', account.email);
    await page.fill('main [name=password]', account.password);
    await page.click('main form button[type=submit]');
    await page.waitForURL(`${stack.consoleUrl}/`);
    await page.close();
  }

  async function setLanguage(context: BrowserContext, language: string): Promise<void> {
    const form = { language, back: '/' };
    const headers = { origin: stack.consoleUrl };
    await context.request.post(`${stack.consoleUrl}/language`, { form, headers, maxRedirects: 0 });
  }

  /** What a reader on a phone would not see: a part of the page or of a table beside the screen. */
  async function checkFits(page: Page, title: string): Promise<void> {
    const hidden = await page.evaluate(
      `[document.documentElement.scrollWidth - document.documentElement.clientWidth,
        [...document.querySelectorAll('main table')]
          .filter((table) => table.checkVisibility() && table.closest('.scroll') === null)
          .filter((table) => table.getBoundingClientRect().right > innerWidth).length]`,
    );
    expect(hidden, title).toEqual([0, 0]);
  }

  async function open(page: Page, origin: string, { open: way }: Screen): Promise<void> {
    const go = async (path: string) => {
      await page.goto(origin + path);
    };
    await (typeof way === 'string' ? go(way) : way(page, go));
  }

  async function takePicture(
    page: Page,
    name: string,
    language: string,
    isVariant = false,
  ): Promise<void> {
    const isBrief = isVariant || language !== 'en';
    for (const size of isBrief && !HAS_ALL_PICTURES ? [PHONE] : SIZES) {
      await page.setViewportSize(size);
      await checkFits(page, `${name} at ${size.width} in ${language}`);
      if (language !== 'en' && !HAS_ALL_PICTURES) continue;
      // The dark scheme changes colours only, and a desktop shows every column.
      const hasDark = HAS_ALL_PICTURES;
      for (const colorScheme of hasDark ? SCHEMES : (['light'] as const)) {
        await page.emulateMedia({ colorScheme });
        await saveScreenshot(page, `${name}--${size.width}-${colorScheme}-${language}`);
      }
    }
  }

  type Tour = Readonly<{
    origin: string;
    screens: readonly Screen[];
    account?: LocalAccount;
    languages?: readonly string[];
  }>;

  /** Every screen in every language; one that fails does not hide the others. */
  async function takePictures({ origin, screens, account, languages }: Tour): Promise<void> {
    const context = await browser.newContext({ viewport: PHONE, locale: 'en' });
    if (account !== undefined) await signIn(context, account);
    const failures: string[] = [];
    for (const language of languages ?? ['en', ...TRANSLATIONS]) {
      if (origin === stack.consoleUrl) await setLanguage(context, language);
      for (const screen of screens) {
        if (screen.isVariant === true && language !== 'en') continue;
        const page = await context.newPage();
        try {
          await open(page, origin, screen);
          await takePicture(page, screen.name, language, screen.isVariant);
        } catch (error) {
          failures.push(`${screen.name} in ${language}: ${String(error)}`);
        }
        await page.close();
      }
    }
    await context.close();
    expect(failures).toEqual([]);
  }

  it('are kept for visitors, whose screens fit in every language', async () => {
    await takePictures({ origin: stack.consoleUrl, screens: GUEST_SCREENS });
  }, 180_000);

  it('are kept of the sign-in with a second factor, and of too many attempts', async () => {
    const account = await stack.createAccount({ creditUsd: '0' });
    const client = createConsoleClient(stack);
    await signInAs(client, account);
    const setUp = (await client.post('/security/totp', {})).body;
    const secret = /<code id="secret">([^<]+)<\/code>/.exec(setUp)?.[1] ?? '';
    await client.post('/security/totp/confirm', { code: totpCode(secret) });
    const screens = listSecondFactorScreens(account);
    await takePictures({ origin: stack.consoleUrl, screens, languages: ['en'] });
  }, 180_000);

  it('are kept for an account without data, whose screens fit in every language', async () => {
    await takePictures({ origin: stack.consoleUrl, screens: EMPTY_SCREENS, account: empty });
  }, 180_000);

  it('are kept for an account with data, whose screens fit in every language', async () => {
    const screens = listAccountScreens(filled);
    await takePictures({ origin: stack.consoleUrl, screens, account: filled });
  }, 600_000);

  it('are kept for operators', async () => {
    const screens = listOperatorScreens(filled);
    await takePictures({ origin: access.url, screens, languages: ['en'] });
  }, 180_000);

  it('are kept of the printed statement', async () => {
    const context = await browser.newContext({ viewport: SIZES[1], locale: 'en' });
    await signIn(context, filled);
    await setLanguage(context, 'en');
    const page = await context.newPage();
    await page.goto(`${stack.consoleUrl}/transactions`);
    await page.emulateMedia({ media: 'print' });
    await saveScreenshot(page, 'statement-printed--1280-light-en');
    await context.close();
  });

  it('are kept of every email, which fits in every language', async () => {
    const page = await browser.newPage({ viewport: PHONE });
    for (const language of ['en', ...TRANSLATIONS]) {
      const emails = renderSampleEmails(language);
      for (let start = 0; start < emails.length; start += EMAILS_PER_PICTURE) {
        await page.setViewportSize(PHONE);
        await page.setContent(toMailbox(emails.slice(start, start + EMAILS_PER_PICTURE)));
        for (const frame of page.frames().slice(1)) {
          const width = await frame.evaluate('document.documentElement.scrollWidth');
          expect(width, `email ${start + 1} and on in ${language}`).toBe(PHONE.width);
        }
        await takePicture(page, `emails-from-${start + 1}`, language);
      }
    }
    await page.close();
  }, 180_000);

  it('are kept of the page that says that something went wrong', async () => {
    const context = await browser.newContext({ viewport: PHONE, locale: 'en' });
    await signIn(context, filled);
    const page = await context.newPage();
    await stack.stopDatabase();
    await page.goto(`${stack.consoleUrl}/keys`);
    await takePicture(page, 'error-500', 'en');
    await stack.startDatabase();
    await context.close();
  });
});
