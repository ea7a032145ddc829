/** The site's files as the generator writes them: links, languages, and lists that others own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LANGUAGES } from '@farebox/i18n';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { describe, expect, it } from 'vitest';
import { listErrorPages } from './generator/api-pages.ts';
import { findApiTextGaps } from './generator/api-texts.ts';
import { parseBenchmarkRun } from './generator/benchmark-results.ts';
import { computeExampleBill } from './generator/bill-example.tsx';
import { errorExplanationsFor } from './generator/error-explanations.ts';
import { listNewestRows, listPriceRows } from './generator/model-prices.ts';
import { parsePolicyPromises } from './generator/policy-tests.tsx';
import { describeCondition } from './generator/price-list.tsx';
import { describeGoal, findUnknownParts } from './generator/row-names.ts';
import { parseSiteSettings } from './generator/settings.ts';
import { buildSite } from './generator/site.ts';
import { readCommit, readSiteSource } from './generator/source.ts';
import { findPolicyGaps, parseStoredTables } from './generator/stored-data.ts';
import { prefersMarkdown, toMarkdownPath } from './negotiation.ts';
import { siteMessagesFor } from './texts/index.ts';

const ROOT = join(import.meta.dirname, '../..');
const AT = Date.UTC(2026, 10, 26);
const ENVIRONMENT = {
  SITE_URL: 'https://site.example',
  API_URL: 'https://api.example',
  OPERATOR_NAME: 'Example Ltd.',
  CONTACT_EMAIL: 'help@site.example',
};
const SETTINGS = parseSiteSettings(ENVIRONMENT, AT, null);
const source = readSiteSource(ROOT);
const files = new Map(buildSite(source, SETTINGS).map(({ path, text }) => [path, text]));
const pages = [...files].filter(([path]) => path.endsWith('.html'));

/** The address of a page's file, as static hosting serves it. */
function toServedPath(path: string): string {
  return path.replace(/\/index\.html$/, '/').replace(/\.html$/, '');
}

/** The Worker answers these (workers/site/status). */
const ANSWERED = ['/status.json', '/status.atom'];
const served = new Set([...[...files.keys()].map(toServedPath), ...ANSWERED]);

function listIds(html: string): Set<string> {
  return new Set([...html.matchAll(/ id="([^"]+)"/g)].map(([, id = '']) => id));
}

function decodeEntities(text: string): string {
  return text.replaceAll('&amp;', '&').replaceAll('&#39;', "'").replaceAll('&quot;', '"');
}

function findBrokenLinks([path, html]: readonly [string, string]): string[] {
  const links = [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, link = '']) =>
    decodeEntities(link),
  );
  return links
    .filter((link) => link.startsWith('/') || link.startsWith('#'))
    .filter((link) => {
      const [target = '', fragment] = link.split('#');
      const page = target === '' ? toServedPath(path) : target;
      if (!served.has(page)) return true;
      if (fragment === undefined) return false;
      const file = page.endsWith('/') ? `${page}index.html` : `${page}.html`;
      return !listIds(files.get(file) ?? '').has(decodeURIComponent(fragment));
    })
    .map((link) => `${path}: ${link}`);
}

describe('the site', () => {
  it('has no link that leads to no page, or to no heading', () => {
    expect(pages.flatMap(findBrokenLinks)).toEqual([]);
    expect(pages.length).toBeGreaterThan(100);
  });

  it('has no Markdown link that leads to no page', () => {
    const broken = [...files]
      .filter(([path]) => path.endsWith('.md'))
      .flatMap(([path, text]) => {
        const prose = text.replace(/^```[\s\S]*?^```$/gm, '').replace(/`[^`\n]*`/g, '');
        const links = [...prose.matchAll(/\]\(([^()\s]+)\)/g)].map(([, link = '']) => link);
        return links
          .filter((link) => !/^(https?:|mailto:|#)/.test(link))
          .filter((link) => !served.has(link.split('#')[0] ?? ''))
          .map((link) => `${path}: ${link}`);
      });
    expect(broken).toEqual([]);
  });

  it('leads from Markdown to pages in the same language, as the page beside it does', () => {
    expect(files.get('/ru/billing.md')).toContain('](/ru/prices)');
    expect(files.get('/zh/index.md')).toContain('](/zh/trust)');
  });

  it('names the gateway of the site in guides and in the OpenAPI document', () => {
    const guides = [...files].filter(([path]) => /^\/docs\/clients.*\.(html|md)$/.test(path));
    expect(guides.length).toBeGreaterThan(15);
    for (const [path, text] of guides) expect(text, path).not.toContain('127.0.0.1');
    expect(files.get('/docs/clients/codex.md')).toContain('https://api.example/v1');
    expect(JSON.parse(files.get('/openapi.json') ?? '').servers).toEqual([
      { url: 'https://api.example' },
    ]);
  });

  it('says in the text of a link that the page is in English', () => {
    expect(files.get('/ru/index.html')).toContain('Изменения (на английском)');
    expect(files.get('/index.html')).not.toContain('(in English)');
  });

  it('has no placeholder without its value, and no description that ends within a word', () => {
    for (const [path, text] of files) expect(text, path).not.toMatch(/\{\{[a-z-]+\}\}/);
    const described = pages.map(([, html]) => /name="description" content="([^"]*)"/.exec(html));
    expect(described.filter((match) => /\.test\.$/.test(match?.[1] ?? ''))).toEqual([]);
  });

  it('has unique ids and one first-level heading on every page', () => {
    for (const [path, html] of pages) {
      const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
      expect(
        ids.filter((id, index) => ids.indexOf(id) !== index),
        path,
      ).toEqual([]);
      expect(html.match(/<h1[ >]/g)?.length, path).toBe(1);
    }
  });

  it('has no inline script, style or handler, which the content security policy would block', () => {
    for (const [path, html] of pages) {
      expect(html, path).not.toMatch(/<script(?![^>]* src=)|<style|<[^>]* (?:style|on\w+)=/);
    }
  });

  it('loads nothing from another origin', () => {
    for (const [path, html] of pages) expect(html, path).not.toMatch(/ src="(?!\/)/);
  });

  it('has Markdown beside every page, with the same title', () => {
    for (const [path, html] of pages) {
      const title = /<h1>([^<]*)<\/h1>/.exec(html)?.[1] ?? '';
      const markdown = files.get(path.replace(/\.html$/, '.md')) ?? '';
      expect(markdown.split('\n')[0], path).toBe(`# ${decodeEntities(title)}`);
    }
  });

  it('names the default language of each page in several, and the feed of the status', () => {
    const prices = files.get('/ru/prices.html') ?? '';
    expect(prices).toContain('hreflang="x-default" href="https://site.example/prices"');
    const isLinked = (path: string) => files.get(path)?.includes('href="/status.atom"/>') ?? false;
    expect([isLinked('/zh/status.html'), isLinked('/zh/prices.html')]).toEqual([true, false]);
  });

  it('lists every page but the missing one in the sitemap, with its languages', () => {
    const sitemap = files.get('/sitemap.xml') ?? '';
    const locations = [...sitemap.matchAll(/<loc>https:\/\/site\.example([^<]*)<\/loc>/g)];
    expect(locations.map(([, path]) => path).sort()).toEqual(
      pages
        .map(([path]) => toServedPath(path))
        .filter((path) => path !== '/404')
        .sort(),
    );
    expect(sitemap).toContain('hreflang="zh" href="https://site.example/zh/prices"');
    expect(sitemap).toContain('hreflang="x-default" href="https://site.example/prices"');
  });

  it('says on every page when it was last updated, and the sitemap says the same day', () => {
    const sitemap = files.get('/sitemap.xml') ?? '';
    const modified = new Map(
      [...sitemap.matchAll(/<loc>https:\/\/site\.example([^<]*)<\/loc><lastmod>([\d-]+)</g)].map(
        ([, path = '', day = '']) => [path, day],
      ),
    );
    for (const [path, html] of pages.filter(([name]) => name !== '/404.html')) {
      const [, day = ''] = /<p class="meta">[^<]*<time datetime="([\d-]+)">/.exec(html) ?? [];
      expect(day, path).toMatch(/^20\d\d-\d\d-\d\d$/);
      expect(modified.get(toServedPath(path)), path).toBe(day);
    }
  });

  it('has the same headings, blocks and links in every language of a page', () => {
    const shape = (text: string) => ({
      headings: text.match(/^#+ /gm)?.length,
      blocks: [...text.matchAll(/\{\{[\w-]+\}\}/g)].map(([name]) => name).sort(),
      links: [...text.matchAll(/\]\((\/[^)]*)\)/g)].map(([, link]) => link).sort(),
    });
    const translated = [...source.content].filter(([name]) => !name.startsWith('en/'));
    expect(translated.length).toBeGreaterThan(10);
    for (const [name, text] of translated) {
      const english = source.content.get(name.replace(/^\w+/, 'en')) ?? '';
      expect(shape(text), name).toEqual(shape(english));
    }
  });

  it('tells programs in llms.txt how to treat the key and where every page is', () => {
    const text = files.get('/llms.txt') ?? '';
    expect(text).toContain('FAREBOX_KEY');
    const links = [...text.matchAll(/\(https:\/\/site\.example(\/[^)]*)\)/g)].map(
      ([, path]) => path,
    );
    expect(links.filter((path) => !files.has(path ?? ''))).toEqual([]);
  });

  it('loads a counter on every page but the one for a wrong address, which anything may be', () => {
    const settings = parseSiteSettings({ ...ENVIRONMENT, METRIKA_COUNTER: '7' }, AT, null);
    const without = buildSite(source, settings)
      .filter(({ path, text }) => path.endsWith('.html') && !/data-counter="7"/.test(text))
      .map(({ path }) => path);
    expect(without).toEqual(['/404.html']);
  });

  it('names neither a counter nor its domain where none is configured', () => {
    expect([...files.keys()].filter((path) => path.includes('analytics.js'))).toEqual([]);
    for (const [path, text] of files) {
      if (/\.js$|_headers/.test(path)) expect(text, path).not.toContain('yandex');
      if (path.endsWith('.html')) expect(text, path).not.toMatch(/analytics\.js|data-counter/);
    }
  });
});

describe('the privacy policy', () => {
  it('has a purpose and a retention in every language for all data that docs/storage.md lists', () => {
    const tables = parseStoredTables(readFileSync(join(ROOT, 'docs/storage.md'), 'utf8'));
    expect(tables.length).toBeGreaterThan(30);
    expect(findPolicyGaps(tables)).toEqual([]);
  });

  it.each(['en', 'ru', 'zh'])('names every promise from P1 to P29 in %s', (language) => {
    const text = source.content.get(`${language}/privacy`) ?? '';
    const named = new Set([...text.matchAll(/P(\d+)/g)].map(([, number]) => Number(number)));
    expect([...named].sort((a, b) => a - b)).toEqual(Array.from({ length: 29 }, (_, i) => i + 1));
  });

  it.each(['en', 'ru', 'zh'])('names exactly the cookies of docs/storage.md in %s', (language) => {
    const names = (text: string) => new Set(text.match(/__Host-\w+/g));
    const storage = readFileSync(join(ROOT, 'docs/storage.md'), 'utf8');
    expect(names(source.content.get(`${language}/privacy`) ?? '')).toEqual(names(storage));
  });
});

describe('the errors catalogue', () => {
  it('explains exactly the codes of docs/openapi.json, and rejections by a provider', () => {
    const document = JSON.parse(source.copied.get('docs/openapi.json') ?? '{}');
    const codes: string[] = document.components.schemas.ErrorCode.enum;
    expect(listErrorPages(document)).toEqual([...codes, 'upstream_refused'].sort());
    for (const language of LANGUAGES)
      expect(Object.keys(errorExplanationsFor(language)).sort()).toEqual(listErrorPages(document));
  });

  it.each(LANGUAGES)('has a page of every code with its cause and remedy in %s', (language) => {
    const document = JSON.parse(source.copied.get('docs/openapi.json') ?? '{}');
    const prefix = language === 'en' ? '' : `/${language}`;
    const index = files.get(`${prefix}/docs/errors.html`) ?? '';
    for (const code of listErrorPages(document)) {
      const page = files.get(`${prefix}/docs/errors/${code}.md`) ?? '';
      expect(page.split('\n')[0], code).toBe(`# ${code}`);
      const { cause = '', remedy = '' } = errorExplanationsFor(language)[code] ?? {};
      expect(page, code).toContain(cause);
      expect(page, code).toContain(remedy.split('[')[0]);
      expect(index.includes(`href="${prefix}/docs/errors/${code}"`), code).toBe(true);
    }
  });

  it.each(LANGUAGES)('has an index without marks of Markdown in %s', (language) => {
    const folder = language === 'en' ? '' : `/${language}`;
    const html = files.get(`${folder}/docs/errors.html`) ?? '';
    expect(html.slice(html.indexOf('<table')).split('</table>')[0]).not.toContain('`');
  });

  it('explains no code of another language in the words of English', () => {
    for (const language of ['ru', 'zh'] as const) {
      const letters = language === 'ru' ? /[а-я]{3}/i : /[\u3400-\u9fff]{3}/;
      for (const [code, { cause, remedy }] of Object.entries(errorExplanationsFor(language)))
        expect(
          [cause, remedy].every((text) => letters.test(text)),
          code,
        ).toBe(true);
    }
  });

  it('has a page for a rejection by a provider, which its link leads to', () => {
    expect(files.get('/docs/errors/upstream_refused.md')).toContain('the provider’s own status');
  });
});

describe('a table of three columns or more', () => {
  it('names the column of each cell for a phone, which shows rows as labelled lines', () => {
    const html = files.get('/comparison.html') ?? '';
    expect(html).toContain('<table class="stacked">');
    expect(html).toContain('<td data-label="direct">the provider’s</td>');
    expect(files.get('/docs/clients.html')).toMatch(/<table>\n<thead>\n<tr><th>client<\/th>/);
  });
});

describe('the price list', () => {
  const rows = listPriceRows(AT);

  it('has every model once, and no price as an empty amount', () => {
    expect(new Set(rows.map(({ model }) => model)).size).toBe(rows.length);
    expect(rows.length).toBeGreaterThan(80);
    const amounts = rows.flatMap(({ amounts: { input, output } }) => [input ?? '0', output ?? '0']);
    for (const amount of amounts) expect(amount).toMatch(/^\d+(\.\d+)?$/);
  });

  it('begins with the newest model, and ends with those whose release no source dates', () => {
    const days = rows.map(({ releasedOn }) => releasedOn ?? '');
    expect(days).toEqual(days.toSorted().toReversed());
  });

  it.each([
    ['en', '', '>$8.00<'],
    ['ru', '/ru', '>8,00\u00a0$<'],
    ['zh', '/zh', '>$8.00<'],
  ])('writes amounts in %s as bills do, with whole cents, and so does the start page', (...row) => {
    const [, folder, amount] = row;
    for (const page of ['/index.html', '/prices.html'])
      expect(files.get(folder + page), page).toContain(amount);
  });

  it('shows the newest model of each provider that converses and stays on the start page', () => {
    const newest = listNewestRows(rows);
    expect(newest.map(({ provider }) => provider)).toEqual(PROVIDER_IDS);
    for (const { model, isConversational, retiresOn } of newest) {
      expect([isConversational, retiresOn]).toEqual([true, null]);
      for (const page of ['/index.md', '/ru/index.md', '/zh/index.md'])
        expect(files.get(page), page).toContain(`| \`${model}\` |`);
    }
  });

  it('shows the price per million tokens that the catalog has', () => {
    const row = rows.find(({ model }) => model === 'anthropic/claude-fable-5-2');
    expect(row?.amounts).toEqual({ input: '8', output: '40', cacheRead: '0.2' });
    expect(row?.more).toContainEqual({
      condition: { speed: 'fast' },
      input: '16',
      output: '80',
      cacheRead: '0.4',
    });
  });
});

/** The pages of the API reference in a language, without its index. */
const REFERENCE_PAGES = ['conversations', 'operations', 'models', 'account', 'schemas'];
const readReference = (language: string) =>
  REFERENCE_PAGES.map((page) => files.get(`${language}/docs/api/${page}.html`) ?? '').join('');

describe('the API reference', () => {
  const index = files.get('/docs/api.html') ?? '';
  const html = readReference('');
  const document = JSON.parse(source.copied.get('docs/openapi.json') ?? '{}');

  it('lists every endpoint with a link to its section on the page of its tag', () => {
    for (const [path, methods] of Object.entries<Record<string, { tags: string[] }>>(
      document.paths,
    )) {
      for (const [method, { tags }] of Object.entries(methods)) {
        const name = `${method.toUpperCase()} ${path}`;
        const [, url, id] = new RegExp(
          `<a href="(/docs/api/\\w+)#([^"]+)"><code>${RegExp.escape(name)}</code></a>`,
        ).exec(index) ?? [''];
        expect(url, name).toBe(`/docs/api/${tags[0]?.toLowerCase()}`);
        expect(files.get(`${url}.html`)).toContain(`<h2 id="${id}">`);
        // The anchor of the days when the reference was one page.
        expect(index).toContain(`<li id="${id}">`);
      }
    }
  });

  it('lists every schema with its anchor', () => {
    for (const name of Object.keys(document.components.schemas)) {
      const id = `schema-${name.toLowerCase()}`;
      expect(index).toContain(`<li id="${id}"><a href="/docs/api/schemas#${id}">${name}</a></li>`);
    }
  });

  it('is found by the path of an endpoint, at its section', () => {
    const entries: string[][] = JSON.parse(files.get('/search/en.json') ?? '[]');
    const found = entries.find(([, , heading]) => heading === 'GET /v1/credits');
    expect(found?.[0]).toBe('/docs/api/account#get-v1credits');
  });

  it('links the codes of each status to their pages, and has no backtick in its text', () => {
    const link =
      '<a href="/docs/errors/insufficient_balance"><code>insufficient_balance</code></a>';
    expect(html.includes(link)).toBe(true);
    const text = (index + html).replace(/<pre[\s\S]*?<\/pre>/g, '').replace(/<[^>]+>/g, '');
    expect(text.indexOf('`')).toBe(-1);
  });

  it('shows the members of the objects in an object', () => {
    for (const name of ['error.code', 'usage.cache_read', 'fees[].cost_nano_usd'])
      expect(html.includes(`<code>${name}</code>`), name).toBe(true);
  });
});

describe('the API reference in other languages', () => {
  it('has a translation of every summary and description of the document, and no other', () => {
    const document = JSON.parse(source.copied.get('docs/openapi.json') ?? '{}');
    expect(findApiTextGaps(document)).toEqual({ missing: [], unused: [] });
  });

  it.each([
    ['ru', 'Получить счёт вызова', 'Поле'],
    ['zh', '获取一次调用的账单', '字段'],
  ])('is in %s, with links to the pages of errors in that language', (language, summary, head) => {
    const html = readReference(`/${language}`);
    expect(html.includes(summary)).toBe(true);
    expect(html.includes(`<th scope="col">${head}</th>`)).toBe(true);
    expect(html.includes(`href="/${language}/docs/errors/insufficient_balance"`)).toBe(true);
  });
});

describe('the benchmark page', () => {
  const text = source.copied.get('bench/results/all-rows.generated.json') ?? '';
  const run = parseBenchmarkRun(text);
  const toPath = (language: string) => (language === 'en' ? '' : `/${language}`);

  it.each(LANGUAGES)(
    'has words for every row and goal of the run of every row in %s',
    (language) => {
      for (const { row, goal } of run.verdicts) {
        expect(findUnknownParts(row, language), row).toEqual([]);
        if (!/^CPU to (portkey|llms)$/.test(goal))
          expect(describeGoal(goal, language) === goal, goal).toBe(false);
      }
    },
  );

  it.each(LANGUAGES)(
    'begins with what is added to a call, before peers and goals, in %s',
    (language) => {
      const html = files.get(`${toPath(language)}/benchmark.html`) ?? '';
      const { benchmark: t } = siteMessagesFor(language);
      const places = ['class="figure"', 'class="bars"', '<details>', `data-label="${t.wanted}"`];
      const found = places.map((place) => html.indexOf(place));
      expect(found.every((place) => place > 0)).toBe(true);
      expect(found).toEqual(found.toSorted((a, b) => a - b));
    },
  );

  it.each([
    ['en', '≤ 2.7', /\d,\d/],
    ['ru', '≤ 2,7', /\d\.\d/],
    ['zh', '≤ 2.7', /\d,\d/],
  ] as const)('has one decimal mark in %s, also in what is wanted', (language, wanted, other) => {
    const verdict = { goal: 'CPU a call, ms', row: 'json', measured: 2.5, wanted: '≤ 2.7' };
    const changed = JSON.stringify({ ...run, verdicts: [{ ...verdict, reached: true }] });
    const copied = new Map(source.copied).set('bench/results/all-rows.generated.json', changed);
    const built = buildSite({ ...source, copied }, SETTINGS);
    const page = built.find(({ path }) => path === `${toPath(language)}/benchmark.md`)?.text ?? '';
    expect(page).toContain(wanted);
    expect(page).not.toMatch(other);
  });

  it('shows the figures of the run that it is given, and missed goals as missed', () => {
    const wanted = { goal: 'CPU to the floor', row: 'json, 64 concurrent, one account' };
    const verdict = { ...wanted, measured: 17.43, wanted: '≤ 1', reached: false };
    const changed = JSON.stringify({ ...run, verdicts: [verdict] });
    const copied = new Map(source.copied).set('bench/results/all-rows.generated.json', changed);
    const built = buildSite({ ...source, copied }, SETTINGS);
    const page = built.find(({ path }) => path === '/benchmark.md')?.text ?? '';
    const [row = ''] = page.match(/^.*17\.43.*$/m) ?? [];
    expect(row).toContain('answer in one document, 64 calls at once, one account');
    expect(row).toContain('missed');
    expect(page).toContain('0 of 1 goals');
  });

  it.each([
    [1, 'one round'],
    [3, 'medians of 3 rounds'],
  ])('says what the figures of %i rounds are', (rounds, words) => {
    const changed = JSON.stringify({ ...run, setting: { ...run.setting, rounds } });
    const copied = new Map(source.copied).set('bench/results/all-rows.generated.json', changed);
    const built = buildSite({ ...source, copied }, SETTINGS);
    expect(built.find(({ path }) => path === '/benchmark.md')?.text).toContain(words);
  });
});

describe('whether the platform adds to prices', () => {
  it.each(LANGUAGES)('is said on the start page and above the price list in %s', (language) => {
    const prefix = language === 'en' ? '' : `/${language}`;
    const { margin } = siteMessagesFor(language).priceList;
    const expected = listPriceRows(AT).some((row) => row.providersOwn !== null)
      ? margin.included
      : margin.none;
    for (const page of ['index', 'prices'])
      expect(files.get(`${prefix}/${page}.md`)).toContain(expected);
  });
});

describe('the conditions of prices', () => {
  const more = listPriceRows(AT).flatMap((row) => row.more);

  it.each(LANGUAGES)('are described in %s, each with a text of its own', (language) => {
    for (const { condition } of more) {
      const text = describeCondition(condition, language);
      expect(text, JSON.stringify(condition)).toMatch(/\S/);
      expect(text).not.toMatch(/undefined|Invalid/);
    }
    const kinds = new Set(more.flatMap(({ condition }) => Object.keys(condition)));
    expect([...kinds]).toEqual(expect.arrayContaining(['inputTokensAbove', 'tier', 'weekdays']));
  });

  it.each([
    ['en', 'above 200,000 input tokens, 08:00–20:00 UTC, Mon Sun, not on 2026-12-25'],
    ['ru', 'больше 200 000 токенов на входе, 08:00–20:00 UTC, пн вс, кроме 2026-12-25'],
    ['zh', '输入超过 200,000 token, 08:00–20:00 UTC, 周一 周日, 2026-12-25 除外'],
  ] as const)('have the words and the numbers of %s', (language, text) => {
    const condition = {
      inputTokensAbove: 200_000,
      hours: { from: '08:00', to: '20:00' },
      weekdays: [0, 6],
      exceptDates: ['2026-12-25'],
    };
    expect(describeCondition(condition, language).replace(/\s/g, ' ')).toBe(text);
  });
});

describe('the networks of deposits', () => {
  const readNetworks = (env: Record<string, string>) => {
    const settings = parseSiteSettings({ ...ENVIRONMENT, ...env }, AT, null);
    const page = buildSite(source, settings).find(({ path }) => path === '/deposits.md');
    return page?.text.match(/^\| (?!Network|---).*$/gm) ?? [];
  };

  it('are those that the deposits Worker is set up for', () => {
    expect(readNetworks({}).length).toBe(3);
    const rows = readNetworks({
      DEPOSIT_NETWORKS: 'tron, polygon',
      POLYGON_DEPTH: '100',
      POLYGON_LARGE_DEPTH: '300',
    });
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/TRON/);
    expect(rows[1]).toMatch(/Polygon.*\| 100 \| 300 \|/);
  });

  it.each([
    ['DEPOSIT_NETWORKS', 'tron,ethereum'],
    ['BSC_DEPTH', 'deep'],
  ])('are not built with %s=%s', (name, value) => {
    expect(() => parseSiteSettings({ ...ENVIRONMENT, [name]: value }, AT, null)).toThrow(name);
  });
});

describe('the link to the source code', () => {
  const build = (env: Record<string, string>, commit: string | null) => {
    const settings = parseSiteSettings({ ...ENVIRONMENT, ...env }, AT, commit);
    return new Map(buildSite(source, settings).map(({ path, text }) => [path, text]));
  };
  const SOURCE_URL = 'https://code.example/farebox';

  it.each(['/index.html', '/ru/prices.html', '/zh/docs/quickstart.html', '/docs/api.html'])(
    'is in the footer of %s beside the commit, and on the trust page',
    (path) => {
      const built = build({ SOURCE_URL }, 'c'.repeat(40));
      const footer = built.get(path)?.split('<footer')[1] ?? '';
      expect(footer).toContain(`<a href="${SOURCE_URL}">`);
      expect(footer).toContain('c'.repeat(12));
      expect(footer).not.toContain('c'.repeat(13));
      expect(built.get('/ru/trust.html')).toContain(`<a href="${SOURCE_URL}">${SOURCE_URL}</a>`);
    },
  );

  it('is absent where the operator names no place', () => {
    const built = build({}, 'c'.repeat(40));
    expect(built.get('/index.html')).not.toContain('class="source"');
    expect(built.get('/trust.md')).not.toContain('Source code');
  });

  it.each(['javascript:alert(1)', 'code'])('is not built to %s', (value) => {
    expect(() => build({ SOURCE_URL: value }, null)).toThrow('SOURCE_URL');
  });
});

describe('the description of a page', () => {
  it.each(['privacy', 'terms', 'refunds'])('says what %s is about, not its version', (name) => {
    for (const prefix of ['', '/ru', '/zh']) {
      const html = files.get(`${prefix}/${name}.html`) ?? '';
      const description = /name="description" content="([^"]*)"/.exec(html)?.[1] ?? '';
      expect(description.length).toBeGreaterThan(20);
      expect(description).not.toMatch(/Version|Версия|版/);
    }
  });
});

describe('the example bill', () => {
  it('adds up to what the product charges for the same usage', () => {
    const bill = computeExampleBill(AT);
    const millionth = 1_000_000n;
    expect(bill.charged).toBe((bill.sum + millionth - 1n) / millionth);
    expect(bill.charged).toBeGreaterThan(0n);
  });
});

describe('a request for a page', () => {
  it.each([
    ['text/html,application/xhtml+xml,*/*;q=0.8', false],
    ['text/markdown', true],
    ['text/markdown, text/html;q=0.9', true],
    ['text/markdown;q=0.5, text/html', false],
    ['text/markdown;q=0', false],
    ['*/*', false],
    [null, false],
  ])('with Accept %s gets Markdown: %s', (accept, expected) => {
    expect(prefersMarkdown(accept)).toBe(expected);
  });

  it.each([
    ['/', '/index.md'],
    ['/ru/', '/ru/index.md'],
    ['/docs/errors', '/docs/errors.md'],
    ['/style.css', undefined],
  ])('%s has its Markdown at %s', (path, expected) => {
    expect(toMarkdownPath(path)).toBe(expected);
  });
});

describe('the deployed commit', () => {
  it('is named only while no file differs from it', () => {
    const folder = mkdtempSync(join(tmpdir(), 'farebox-site-'));
    const git = (...args: string[]) =>
      execFileSync('git', args, { cwd: folder, encoding: 'utf8', stdio: 'pipe' }).trim();
    expect(readCommit(folder)).toBeNull();
    git('init', '--quiet');
    writeFileSync(join(folder, 'a'), '1');
    git('add', 'a');
    const author = ['-c', 'user.name=a', '-c', 'user.email=a@example.com'];
    git(...author, 'commit', '--quiet', '-m', 'a');
    expect(readCommit(folder)).toBe(git('rev-parse', 'HEAD'));
    writeFileSync(join(folder, 'a'), '2');
    expect(readCommit(folder)).toBeNull();
    rmSync(folder, { recursive: true });
  });
});

describe('the trust page', () => {
  it.each(['/trust.html', '/ru/trust.html', '/zh/trust.html'])(
    'says on %s what is not proven before the table of tests, whose titles have no placeholder',
    (path) => {
      const html = files.get(path) ?? '';
      expect(html).not.toMatch(/\$\{|%[sdij]\b/);
      const headings = [...html.matchAll(/<h2/g)].map(({ index }) => index);
      expect(headings).toHaveLength(4);
      expect(html.indexOf('tests/no-content-stored.test.ts')).toBeGreaterThan(headings[3] ?? 0);
    },
  );

  it.each(LANGUAGES)(
    'has each promise of the document once, with all of its tests, in %s',
    (language) => {
      const document = source.documents.get('docs/privacy-as-tests.md') ?? '';
      const promises = parsePolicyPromises(document);
      const rows = document.match(/^\| P\d+.*$/gm) ?? [];
      expect(promises.flatMap(({ tests }) => tests)).toHaveLength(rows.length);
      const numbers = promises.map((promise) => promise.numbers);
      expect(new Set(numbers).size).toBe(numbers.length);
      const { promises: titles, tests } = siteMessagesFor(language).trust;
      expect(Object.keys(titles).toSorted()).toEqual(numbers.toSorted());
      const html = files.get(`${language === 'en' ? '' : `/${language}`}/trust.html`) ?? '';
      expect(html.match(/<details>/g)).toHaveLength(promises.length);
      for (const promise of promises)
        expect(html.includes(`<span class="count">${tests(promise.tests.length)}</span>`)).toBe(
          true,
        );
    },
  );

  const VERSION = '0f2c9a34-5b1e-4c7d-8a90-1234567890ab';
  const buildTrustPages = (env: Record<string, string>) => {
    const settings = parseSiteSettings({ ...ENVIRONMENT, ...env }, AT, 'c'.repeat(40));
    const built = new Map(buildSite(source, settings).map(({ path, text }) => [path, text]));
    return LANGUAGES.map((language) =>
      built.get(language === 'en' ? '/trust.md' : `/${language}/trust.md`),
    );
  };

  it('names the commit and the versions that the build was told, and where the canary’s result is', () => {
    const env = { WORKER_VERSIONS: `gateway=${VERSION}` };
    for (const [index, page] of buildTrustPages(env).entries()) {
      const { unknown } = siteMessagesFor(LANGUAGES[index] ?? 'en').trust;
      expect(page).toMatch(new RegExp(`gateway[^|]*\\| ${VERSION} \\|`));
      expect(page).toMatch(new RegExp(`ledger[^|]*\\| ${unknown} \\|`));
      expect(page).toContain('c'.repeat(40));
      expect(page).toMatch(/\]\((\/ru|\/zh)?\/status\) \|/);
    }
  });

  it.each([
    ['WORKER_VERSIONS', 'gateway'],
    ['WORKER_VERSIONS', `other=${VERSION}`],
    ['WORKER_VERSIONS', 'gateway=<b>'],
  ])('is not built with %s=%s', (name, value) => {
    expect(() => parseSiteSettings({ ...ENVIRONMENT, [name]: value }, AT, null)).toThrow(name);
  });
});

describe('the settings', () => {
  it.each(['OPERATOR_NAME', 'CONTACT_EMAIL'])('need %s for a public site only', (name) => {
    const { [name]: _, ...env } = { ...ENVIRONMENT } as Record<string, string>;
    expect(() => parseSiteSettings(env, AT, null)).toThrow(name);
    const local = { ...env, SITE_URL: 'http://127.0.0.1:8793' };
    expect(parseSiteSettings(local, AT, null).siteUrl).toBe('http://127.0.0.1:8793');
  });

  it.each(['12a', '1;alert(1)', '-1', '1'.repeat(13)])('reject %s as a counter', (counter) => {
    expect(() => parseSiteSettings({ METRIKA_COUNTER: counter }, AT, null)).toThrow(
      'METRIKA_COUNTER',
    );
  });
});
