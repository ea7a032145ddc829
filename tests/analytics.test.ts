/**
 * P16 to P20 of the privacy policy in a real browser: Yandex Metrika is loaded after "yes" and never
 * before or after "no", it learns the page and nothing else, and withdrawing removes its traces. The
 * tag is a stand-in that sends what Yandex's documentation says the tag sends, and tries what it must
 * not do; every request to another host is recorded and answered here.
 */
import type { LocalStack } from '@farebox/local';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { HAS_BROWSER, openBrowser, saveScreenshot, warnIfNoBrowser } from './support/chromium.ts';
import { sharedStack } from './support/shared-stack.ts';

warnIfNoBrowser();

/** Sends the options it was given as a hit, sets cookies, and tries the cookie sync to another host. */
const TAG = `
document.cookie = '_ym_uid=1; path=/; max-age=1000';
localStorage.setItem('_ym_retryReqs', '1');
function send(id, verb, ...rest) {
  const seen = { id, verb, rest, href: location.href };
  new Image().src = 'https://mc.yandex.ru/watch/' + id + '?' + encodeURIComponent(JSON.stringify(seen));
}
for (const call of window.ym.a || []) send(...call);
window.ym = send;
new Image().src = 'https://mc.yandex.com/sync_cookie_image_check';
`;
const SECRETS = ['a@example.com', 'fbx_secret', 'acct_1', '25.00'];
const QUERY = `?email=${SECRETS[0]}&key=${SECRETS[1]}&account=${SECRETS[2]}&balance=${SECRETS[3]}`;

type Opened = Readonly<{ page: Page; context: BrowserContext; requests: string[] }>;

describe.skipIf(!HAS_BROWSER)('analytics on the site', () => {
  let stack: LocalStack;
  let browser: Browser;

  beforeAll(async () => {
    ({ stack } = await sharedStack('site'));
    browser = await openBrowser();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
  });

  /** Opens a page; `requests` collects what goes to any host but the site's own. */
  async function open(path: string, script?: string): Promise<Opened> {
    const context = await browser.newContext({ viewport: { width: 375, height: 780 } });
    if (script !== undefined) await context.addInitScript(script);
    const requests: string[] = [];
    await context.route(
      (url) => url.hostname !== '127.0.0.1',
      async (route) => {
        requests.push(route.request().url());
        const isTag = route.request().url().startsWith('https://mc.yandex.ru/metrika/tag.js');
        await route.fulfill({ contentType: 'text/javascript', body: isTag ? TAG : '' });
      },
    );
    const page = await context.newPage();
    await page.goto(`${stack.siteUrl}${path}`, { waitUntil: 'networkidle' });
    return { page, context, requests };
  }

  function listAnalyticsCookies(context: BrowserContext): Promise<string[]> {
    return context.cookies().then((all) => all.map(({ name }) => name));
  }

  async function agree({ page }: Opened): Promise<void> {
    await page.click('.consent [data-consent=yes]');
    await page.waitForLoadState('networkidle');
    await page.waitForFunction("document.cookie.includes('_ym_uid')");
  }

  it('asks on the first page, with both answers alike, and loads nothing before one', async () => {
    const { page, context, requests } = await open('/');
    const [yes, no] = await page.$$eval('.consent button', (buttons) =>
      buttons.map((button) => {
        const { width: _, ...box } = JSON.parse(JSON.stringify(button.getBoundingClientRect()));
        const style = Reflect.get(globalThis, 'getComputedStyle')(button);
        return [style.color, style.backgroundColor, style.fontWeight, box.height];
      }),
    );
    expect(yes).toEqual(no);
    await saveScreenshot(page, 'site-consent');
    for (const path of ['/prices', '/docs/quickstart', '/privacy']) {
      await page.goto(`${stack.siteUrl}${path}`, { waitUntil: 'networkidle' });
    }
    expect(requests).toEqual([]);
    expect(await listAnalyticsCookies(context)).toEqual([]);
    await context.close();
  });

  it('loads nothing after "no", on no later page, and does not ask again', async () => {
    const { page, context, requests } = await open('/');
    await page.click('.consent [data-consent=no]');
    for (const path of ['/prices', '/ru/', '/']) {
      await page.goto(`${stack.siteUrl}${path}`, { waitUntil: 'networkidle' });
      expect(await page.isVisible('.consent')).toBe(false);
    }
    expect(requests).toEqual([]);
    expect(await listAnalyticsCookies(context)).toEqual([]);
    await context.close();
  });

  it('after "yes" tells mc.yandex.ru the page and nothing of the address behind it', async () => {
    const opened = await open(`/docs/quickstart${QUERY}`);
    await agree(opened);
    const hosts = new Set(opened.requests.map((url) => new URL(url).hostname));
    expect([...hosts]).toEqual(['mc.yandex.ru']);
    const sent = decodeURIComponent(opened.requests.join('\n'));
    expect(sent).toContain(`${stack.siteUrl}/docs/quickstart`);
    for (const secret of SECRETS) expect(sent).not.toContain(secret);
    expect(sent).not.toContain('?email');
    await opened.context.close();
  });

  it('turns off the title, the tag manager and e-commerce, and makes one hit', async () => {
    const opened = await open('/');
    await agree(opened);
    const calls = opened.requests
      .filter((url) => url.includes('/watch/'))
      .map((url) => JSON.parse(decodeURIComponent(new URL(url).search.slice(1))));
    const init = calls.find(({ verb }) => verb === 'init');
    expect(init).toMatchObject({
      id: 109_153_189,
      rest: [{ defer: true, webvisor: true, sendTitle: false, ecommerce: false, disableYtm: true }],
    });
    expect(calls.filter(({ verb }) => verb === 'hit')).toHaveLength(1);
    await opened.context.close();
  });

  it('after a withdrawal removes the cookies and storage and loads nothing again', async () => {
    const opened = await open('/');
    await agree(opened);
    const { page, context, requests } = opened;
    await page.click('footer [data-consent=ask]');
    await page.click('.consent [data-consent=no]');
    await page.waitForFunction("!document.cookie.includes('_ym')");
    await page.waitForLoadState('networkidle');
    requests.length = 0;
    await page.goto(`${stack.siteUrl}/prices`, { waitUntil: 'networkidle' });
    expect(requests).toEqual([]);
    expect(await listAnalyticsCookies(context)).toEqual([]);
    const kept = await page.evaluate('Object.keys(localStorage)');
    expect(kept).toEqual(['analytics-consent']);
    await context.close();
  });

  it('takes Global Privacy Control for "no": asks nothing and loads nothing', async () => {
    const { page, context, requests } = await open(
      '/',
      "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', { get: () => true });",
    );
    expect(await page.isVisible('.consent')).toBe(false);
    expect(await page.isVisible('footer [data-consent=ask]')).toBe(false);
    expect(requests).toEqual([]);
    await context.close();
  });

  it('is neither loaded nor allowed in the console and the API', async () => {
    for (const url of [`${stack.consoleUrl}/sign-in`, `${stack.gatewayUrl}/v1/models`]) {
      const response = await fetch(url, { headers: { cookie: '_ym_uid=1; _ym_d=2' } });
      expect(await response.text()).not.toContain('yandex');
      expect(response.headers.get('content-security-policy') ?? '').not.toContain('yandex');
      expect(response.headers.get('set-cookie')).toBeNull();
    }
  });
});
