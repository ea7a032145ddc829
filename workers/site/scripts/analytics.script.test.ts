/** The consent script alone, in pages whose tag never loads; tests/analytics.test.ts has a browser. */
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { ANALYTICS_SCRIPT } from './analytics.script.ts';

type Listener = (event: object) => void;

/** A page with the banner, as far as the script touches it. `storage` is shared by tabs. */
function openPage(storage: Map<string, string>) {
  const clicks = new Map<string, Listener>();
  const events = new Map<string, Listener>();
  const loaded: string[] = [];
  let reloads = 0;
  const toButton = (consent: string) => ({
    dataset: { consent },
    addEventListener: (_: string, listener: Listener) => clicks.set(consent, listener),
    focus: () => {},
  });
  const [yes, no, ask] = [toButton('yes'), toButton('no'), toButton('ask')];
  const banner = {
    dataset: { counter: '7' },
    hidden: true,
    querySelectorAll: () => [yes, no],
    querySelector: () => yes,
  };
  const window: Record<string, unknown> = {
    addEventListener: (type: string, listener: Listener) => events.set(type, listener),
  };
  const localStorage = {
    getItem: (key: string) => storage.get(key) ?? null,
    setItem: (key: string, value: string) => void storage.set(key, value),
  };
  runInNewContext(ANALYTICS_SCRIPT, {
    window,
    localStorage,
    sessionStorage: {},
    navigator: {},
    history: { replaceState: () => {}, state: null },
    location: {
      origin: 'https://site.example',
      hostname: 'site.example',
      pathname: '/prices',
      search: '',
      hash: '',
      reload: () => {
        reloads += 1;
      },
    },
    URL,
    document: {
      referrer: '',
      cookie: '',
      querySelector: (selector: string) => (selector === '.consent' ? banner : ask),
      createElement: () => ({}),
      head: { append: ({ src }: { src: string }) => loaded.push(src) },
    },
  });
  return {
    banner,
    window,
    loaded,
    click: (consent: string) => clicks.get(consent)?.({}),
    send: (type: string, event: object) => events.get(type)?.(event),
    countReloads: () => reloads,
  };
}

const TAG = 'https://mc.yandex.ru/metrika/tag.js';
const DISABLED = 'disableYaCounter7';

describe('the answer about analytics', () => {
  it('of "yes" on a page that began with "no" turns the counter on', () => {
    const page = openPage(new Map([['analytics-consent', 'no']]));
    expect([page.loaded, page.window[DISABLED]]).toEqual([[], true]);
    page.click('yes');
    expect([page.loaded, page.window[DISABLED]]).toEqual([[TAG], undefined]);
  });

  it('of "no" in one tab withdraws in every other tab that loaded the tag', () => {
    const storage = new Map([['analytics-consent', 'yes']]);
    const [one, other] = [openPage(storage), openPage(storage)];
    one.click('no');
    other.send('storage', { key: 'analytics-consent', newValue: storage.get('analytics-consent') });
    for (const page of [one, other]) {
      expect([page.window[DISABLED], page.countReloads()]).toEqual([true, 1]);
    }
  });

  it('of "no" in one tab loads nothing again in a tab that never loaded the tag', () => {
    const page = openPage(new Map());
    page.send('storage', { key: 'analytics-consent', newValue: 'no' });
    expect([page.loaded, page.countReloads()]).toEqual([[], 0]);
  });
});
