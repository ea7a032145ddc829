/** What was taken by hand from the providers' pages: each row is cited, and prices calls as its page says. */
import { NO_USAGE, STANDARD_TERMS, type Usage } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { findModel, type Model, type PriceTerms, RELEASED, resolvePrices } from '../index.ts';
import type { PriceKey } from '../price-list.ts';
import type { CuratedProvider } from './curated-model.ts';
import { CURATED, listCitations } from './index.ts';

const NATIVE = ['anthropic', 'deepseek', 'google', 'openai', 'xai'];
const ON = '2026-11-26T00:00:00Z';

function requireModel(name: string): Model {
  const model = findModel(name, NATIVE);
  if (model === undefined) throw new Error(`${name} is unknown`);
  return model;
}

type Terms = Partial<Omit<PriceTerms, 'at'>> & Readonly<{ at?: string; usage?: Partial<Usage> }>;

/** USD per million units, and what a call was priced as. */
function usd(name: string, key: PriceKey, terms: Terms = {}): number {
  const { at = ON, usage, ...rest } = terms;
  const { prices, surchargePrices } = resolvePrices(
    requireModel(name),
    { ...STANDARD_TERMS, ...rest, at: Date.parse(at) },
    { ...NO_USAGE, ...usage },
  );
  return Number(new Map(Object.entries({ ...prices, ...surchargePrices })).get(key)) / 1e9;
}

const input = (input_uncached: number): Terms => ({ usage: { input_uncached } });

/** The hosts of a provider's own pages, and of the SDKs and lists that it publishes itself. */
const OWN_PAGES: Readonly<Record<string, RegExp>> = {
  anthropic: /\.(claude|anthropic)\.com$|^(github|www\.npmjs)\.com$/,
  cohere: /^(docs\.)?cohere\.com$/,
  deepseek: /\.deepseek\.com$/,
  google: /^ai\.google\.dev$|\.google(apis)?\.com$/,
  openai: /\.openai\.com$|^openai\.com$/,
  xai: /^docs\.x\.ai$|^x\.ai$/,
};

/** The ids of other rows and of the list that a provider's rows name. */
function listNamed({ models, lifecycles, factors, retiredNames }: CuratedProvider): string[] {
  const successors = [...models, ...lifecycles].flatMap(
    ({ lifecycle }) => lifecycle.successor ?? [],
  );
  return [
    ...lifecycles.flatMap(({ ids }) => ids),
    ...factors.flatMap(({ ids }) => ids),
    ...retiredNames.map(({ successor }) => successor),
    ...successors,
  ];
}

describe('the rows that were taken by hand', () => {
  const providers = CURATED.providers.map((provider) => [provider.id, provider] as const);

  it.each(providers)('of %s name a page of the provider and a day that is past', (id, provider) => {
    for (const { page, seenOn } of listCitations(provider)) {
      expect(new URL(page).protocol).toBe('https:');
      expect(new URL(page).hostname).toMatch(OWN_PAGES[id] ?? /^$/);
      expect(seenOn).toMatch(/^202\d-\d\d-\d\d$/);
      expect(seenOn <= RELEASED.date).toBe(true);
    }
  });

  it.each(providers)('of %s are about models of the list', (id, provider) => {
    const listed = RELEASED.providers.find((other) => other.id === id)?.models ?? [];
    const ids = new Set(listed.map((model) => model.id));
    expect(listNamed(provider).filter((name) => !ids.has(name))).toEqual([]);
  });

  it.each(providers)('of %s give no name to two models', (id) => {
    const listed = RELEASED.providers.find((other) => other.id === id)?.models ?? [];
    const names = listed.flatMap((model) => [...new Set([model.id, ...model.names])]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  it('are cited in the list, and confirmed there only if the page was seen itself', () => {
    for (const { id, models } of CURATED.providers) {
      const listed = RELEASED.providers.find((provider) => provider.id === id)?.models ?? [];
      for (const row of models) {
        expect(listed.find((model) => model.id === row.id)?.provenance).toMatchObject({
          citation: row.page,
          confirmedOn: row.firstHand ? row.seenOn : null,
        });
      }
    }
  });
});

describe('the hours of DeepSeek', () => {
  it.each([
    ['a working Monday at 10:00 in Beijing is peak', '2026-11-30T02:00:00Z', 0.3],
    ['a working Monday at 12:30 is not', '2026-11-30T04:30:00Z', 0.15],
    ['a working Monday at 14:00 is peak', '2026-11-30T06:00:00Z', 0.3],
    ['a working Monday at 18:00 is not', '2026-11-30T10:00:00Z', 0.15],
    ['a Saturday is not', '2026-11-28T02:00:00Z', 0.15],
    ['the National Day, a Thursday, is not', '2026-10-01T02:00:00Z', 0.15],
    ['the first day of 2027, a Friday, is not', '2027-01-01T02:00:00Z', 0.15],
  ])('%s', (_, at, price) => {
    expect(usd('deepseek-flash', 'input_uncached', { at })).toBe(price);
    expect(usd('deepseek-flash', 'output', { at })).toBe(price * 4);
  });

  it('hold for the retired names too, which are billed as Flash', () => {
    const at = '2026-11-30T02:00:00Z';
    expect(usd('deepseek-v4-flash', 'input_uncached', { at })).toBe(0.3);
  });
});

describe('the edges of long input', () => {
  it.each([
    ['gpt-5.5', 272_000, 5, 10],
    ['grok-4.5', 199_999, 2, 4],
  ])('%s costs more after %i tokens', (name, last, short, long) => {
    expect(usd(name, 'input_uncached', input(last))).toBe(short);
    expect(usd(name, 'input_uncached', input(last + 1))).toBe(long);
  });

  it('grok-4.5 states its cached input as its page does', () => {
    expect(usd('grok-4.5', 'cache_read', input(1))).toBe(0.3);
    expect(usd('grok-4.5', 'cache_read', input(200_000))).toBe(0.6);
  });

  it('claude-haiku-5-5 counts what is read from and written to the cache', () => {
    const short = usd('claude-haiku-5-5', 'input_uncached', input(1000));
    const usage = { input_uncached: 1000, cache_read: 60_000, cache_write_5m: 60_000 };
    expect(usd('claude-haiku-5-5', 'input_uncached', { usage })).toBeGreaterThan(short);
  });
});

describe('the tiers, speeds and regions', () => {
  const rows: readonly (readonly [string, Terms, number])[] = [
    ['gpt-6.1-terra', { tier: 'flex' }, 1 / 2],
    ['gpt-6.2-sol', { tier: 'ultrafast', at: '2027-02-28T23:00:00Z' }, 3],
    ['gpt-6.2-sol', { tier: 'ultrafast', at: '2027-03-02T00:00:00Z' }, 6],
    ['claude-opus-5-5', { speed: 'fast' }, 2],
    ['claude-opus-5-5', { region: 'us' }, 1.1],
    ['gemini-4-argon', { tier: 'flex' }, 0.5],
    ['gemini-4-argon', { tier: 'priority' }, 1.8],
  ];
  it.each(rows)('%s on %j costs %d times as much', (name, terms, times) => {
    const standard = usd(name, 'output', { at: terms.at ?? ON });
    expect(usd(name, 'output', terms)).toBeCloseTo(standard * times, 9);
  });

  it('gpt-6.2-sol has prices of writes for half an hour and for half a day', () => {
    expect(usd('gpt-6.2-sol', 'cache_write_12h')).toBe(5);
    expect(usd('gpt-6.2-sol', 'cache_write_30m')).toBeLessThan(5);
  });
});

describe('the dates of Google', () => {
  it('the Gemini 4 launch prices end with November', () => {
    expect(usd('gemini-4-argon', 'input_uncached', { at: '2026-11-30T12:00:00Z' })).toBe(2);
    expect(usd('gemini-4-argon', 'input_uncached', { at: '2026-12-02T00:00:00Z' })).toBe(4);
  });
});

describe('names of current models', () => {
  // The names of 1.14 of Anthropic's SDK, without claude-mythos-preview, retired with no public price.
  it.each([
    ...[
      'fable-5-2',
      'mythos-5-2',
      'haiku-5-5',
      'sonnet-5-5',
      'fable-5-1',
      'opus-5-5',
      'mythos-5-1',
    ],
    ...['sonnet-5', 'fable-5', 'mythos-5', 'opus-5', 'opus-4-8', 'opus-4-7', 'opus-4-6'],
    ...['sonnet-4-6', 'haiku-4-5', 'haiku-4-5-20251001', 'opus-4-5', 'opus-4-5-20251101'],
    ...['sonnet-4-5', 'sonnet-4-5-20250929'],
  ])('claude-%s resolves to Anthropic', (name) => {
    expect(requireModel(`claude-${name}`).provider).toBe('anthropic');
  });

  it.each([
    'gpt-6.2-sol',
    'gpt-6.2-astra',
    'gpt-6.1-sol',
    'gpt-6.1-terra',
    'grok-4.7',
    'deepseek-flash',
    'deepseek-v4-pro',
    'gemini-4-argon',
    'gemini-4-carbon',
    'gemini-4-hydrogen',
    'gemini-4-neon',
  ])('%s resolves', (name) => {
    expect(requireModel(name).maxOutput).toBeGreaterThan(0);
  });
});
