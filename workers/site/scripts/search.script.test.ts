/** The search script over the index of the site as it is built: what a reader types, and what comes. */
import { join } from 'node:path';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { parseSiteSettings } from '../generator/settings.ts';
import { buildSite } from '../generator/site.ts';
import { readSiteSource } from '../generator/source.ts';
import { SEARCH_SCRIPT } from './search.script.ts';

const SITE = {
  SITE_URL: 'https://site.example',
  API_URL: 'https://api.example',
  OPERATOR_NAME: 'Example Ltd.',
  CONTACT_EMAIL: 'help@site.example',
};
const source = readSiteSource(join(import.meta.dirname, '../../..'));
const files = new Map(
  buildSite(source, parseSiteSettings(SITE, Date.UTC(2026, 10, 26), null)).map(({ path, text }) => [
    path,
    text,
  ]),
);

type Item = { href?: string; textContent?: string; children: Item[] };

function createItem(): Item & { append: (...items: Item[]) => void } {
  const children: Item[] = [];
  return { children, append: (...items) => void children.push(...items) };
}

/** Types the words into the field of a page in the language, and returns where the results lead. */
async function search(language: string, words: string): Promise<string[]> {
  const listeners = new Map<string, () => unknown>();
  let shown: Item | undefined;
  const results = {
    textContent: '',
    replaceChildren: (list?: Item) => {
      shown = list;
    },
  };
  const input = {
    value: words,
    addEventListener: (type: string, listener: () => unknown) => listeners.set(type, listener),
  };
  const form = {
    dataset: { index: `/search/${language}.json`, none: 'none', failed: 'failed' },
    querySelector: (selector: string) => (selector === 'input' ? input : results),
    addEventListener: () => {},
  };
  runInNewContext(SEARCH_SCRIPT, {
    document: { querySelector: () => form, createElement: createItem },
    location: { search: '' },
    URLSearchParams,
    fetch: async (path: string) => ({
      ok: true,
      json: async () => JSON.parse(files.get(path) ?? ''),
    }),
  });
  await listeners.get('input')?.();
  if (results.textContent === 'failed') throw new Error('the search failed');
  return (shown?.children ?? []).map(({ children: [link] }) => link?.href ?? '');
}

/** What a reader types, and a page that has to be among the first five results. */
const QUERIES: readonly (readonly [language: string, words: string, path: string])[] = [
  ['en', 'insufficient balance', '/docs/errors/insufficient_balance'],
  ['en', 'how do I top up with USDT?', '/deposits'],
  ['en', 'refunds', '/refunds'],
  ['en', 'base URL', '/docs/errors/wrong_base_url'],
  ['en', 'claude code', '/docs/clients/claude-code'],
  ['en', 'are my prompts stored', '/trust'],
  ['en', 'rotating a key', '/docs/api-keys'],
  ['en', 'signed statements', '/docs/statements'],
  ['en', 'settlement reasons', '/billing'],
  ['en', 'retry-after', '/docs/errors'],
  ['ru', 'резерв', '/ru/billing'],
  ['ru', 'как пополнить баланс', '/ru/deposits'],
  ['ru', 'возврат денег', '/ru/refunds'],
  ['ru', 'отозванный ключ', '/ru/docs/errors/key_revoked'],
  ['ru', 'стоимость вызова', '/ru/'],
  ['ru', 'хранятся ли запросы?', '/ru/trust'],
  ['ru', 'цены моделей', '/ru/prices'],
  ['ru', 'не хватает баланса', '/ru/docs/errors/insufficient_balance'],
  ['ru', 'политика конфиденциальности', '/ru/privacy'],
  ['ru', 'сети для пополнений', '/ru/deposits'],
  ['zh', '预留', '/zh/billing'],
  ['zh', '如何充值', '/zh/deposits'],
  ['zh', '退款', '/zh/refunds'],
  ['zh', '余额不足', '/zh/docs/errors/insufficient_balance'],
  ['zh', '提示词会被存储吗', '/zh/'],
  ['zh', 'API密钥在哪里', '/zh/docs'],
  ['zh', '隐私政策', '/zh/privacy'],
  ['zh', '价格怎么算', '/zh/billing'],
  ['zh', '充值网络最低金额', '/zh/deposits'],
  ['zh', '基础 URL', '/zh/docs/errors/wrong_base_url'],
];

describe('the search of the documentation', () => {
  it.each(QUERIES)('in %s finds for "%s" a page below %s', async (language, words, path) => {
    const found = (await search(language, words)).slice(0, 5);
    expect(
      found.filter((url) => url.startsWith(path)),
      found.join(' '),
    ).not.toEqual([]);
  });

  it.each([
    ['en', 'zebra crossing quokka'],
    ['ru', 'жираф бегемот'],
    ['zh', '长颈鹿河马'],
  ])('in %s finds nothing for "%s"', async (language, words) => {
    expect(await search(language, words)).toEqual([]);
  });

  it.each([
    ['ключ', 'ключом', 'ключами'],
    ['возврат', 'возврата', 'возвратов'],
    ['пополнение', 'пополнения', 'пополнениями'],
  ])('finds the same for each form of "%s"', async (...forms) => {
    const [first, ...others] = await Promise.all(forms.map((form) => search('ru', form)));
    expect(first?.length).toBeGreaterThan(0);
    for (const other of others) expect(other).toEqual(first);
  });
});
