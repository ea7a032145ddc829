/** What the daily report says of a price list against the list that was built from its sources. */
import { describe, expect, it } from 'vitest';
import type { ListedModel, PriceList } from './price-list.ts';
import { comparePriceLists, MAX_ROW_AGE_DAYS } from './source-comparison.ts';

const DAY_MS = 86_400_000;
const AT = Date.parse('2026-11-26T00:00:00Z');

const MODEL: ListedModel = {
  id: 'm',
  names: ['m'],
  patterns: [],
  displayName: 'M',
  limits: { context: 1000, output: 100 },
  hidesReasoning: false,
  capabilities: {},
  lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
  isFree: false,
  prices: [
    {
      id: 'long',
      when: { input: { tokens: 500, inclusive: true } },
      prices: { input_uncached: 200, output: 900 },
    },
    { id: 'standard', when: {}, prices: { input_uncached: 100, output: 500 } },
  ],
  factors: [{ id: 'flex', when: { tier: 'flex' }, numerator: 1, denominator: 2 }],
  provenance: {
    source: 's',
    sourceDate: '2026-11-20',
    confirmedOn: null,
    citation: null,
    disputed: false,
  },
  variants: [
    {
      name: 'm-search',
      limits: { context: 1000, output: 100 },
      hidesReasoning: false,
      surcharges: { web_search: 7 },
    },
  ],
};

function buildList(...models: readonly ListedModel[]): PriceList {
  return {
    version: '1',
    date: '2026-11-20',
    sources: [],
    calendars: {},
    margins: [],
    providers: [{ id: 'p', models }],
  };
}

const SOURCES = buildList(MODEL);
const [LONG, STANDARD] = MODEL.prices;
const [FLEX] = MODEL.factors;
const [SEARCH] = MODEL.variants;
const withPrices = (prices: readonly (typeof STANDARD)[]) => ({
  ...MODEL,
  prices: prices.flatMap((rule) => rule ?? []),
});

function compare(model: Partial<ListedModel>, at = AT) {
  return comparePriceLists(buildList({ ...MODEL, ...model }), SOURCES, at);
}

function withProvenance(changes: Partial<ListedModel['provenance']>): Partial<ListedModel> {
  return { provenance: { ...MODEL.provenance, ...changes } };
}

describe('comparePriceLists', () => {
  it('finds nothing where the list is that of its sources', () => {
    expect(compare({})).toEqual({ differences: [], disputed: [], stale: [] });
  });

  it.each([
    [
      'a price one nano-USD apart',
      withPrices([LONG, STANDARD && { ...STANDARD, prices: { ...STANDARD.prices, output: 501 } }]),
      { rule: 'standard', field: 'output', listed: '501', stated: '500' },
    ],
    [
      'a price that no source states',
      withPrices([
        LONG,
        STANDARD && { ...STANDARD, prices: { ...STANDARD.prices, cache_read: 10 } },
      ]),
      { rule: 'standard', field: 'cache_read', listed: '10', stated: '-' },
    ],
    [
      'a price that the list lacks',
      withPrices([LONG && { ...LONG, prices: { input_uncached: 200 } }, STANDARD]),
      { rule: 'long', field: 'output', listed: '-', stated: '900' },
    ],
    [
      'another edge of long context',
      withPrices([
        LONG && { ...LONG, when: { input: { tokens: 500, inclusive: false } } },
        STANDARD,
      ]),
      {
        rule: 'long',
        field: 'when',
        listed: '{"input":{"tokens":500,"inclusive":false}}',
        stated: '{"input":{"tokens":500,"inclusive":true}}',
      },
    ],
    [
      'another factor of a tier',
      { ...MODEL, factors: FLEX === undefined ? [] : [{ ...FLEX, denominator: 4 }] },
      { rule: 'flex', field: 'factor', listed: '0.25', stated: '0.5' },
    ],
    [
      'another surcharge of a name',
      {
        ...MODEL,
        variants: SEARCH === undefined ? [] : [{ ...SEARCH, surcharges: { web_search: 8 } }],
      },
      { rule: 'name m-search', field: 'web_search', listed: '8', stated: '7' },
    ],
  ])('finds %s', (_, model, difference) => {
    expect(compare(model).differences).toEqual([{ model: 'p/m', ...difference }]);
  });

  it('finds a model that no source lists and one that was withdrawn', () => {
    const other = { ...MODEL, id: 'other', names: ['other'] };
    expect(comparePriceLists(buildList(other), SOURCES, AT).differences).toEqual([
      { model: 'p/other', rule: '', field: 'model', listed: 'new', stated: '-' },
      { model: 'p/m', rule: '', field: 'model', listed: '-', stated: 'listed' },
    ]);
  });

  it('finds no difference in limits, names and dates', () => {
    const lifecycle = { ...MODEL.lifecycle, deprecatedOn: '2026-12-01' };
    const limits = { context: 2000, output: 200 };
    expect(compare({ lifecycle, limits, names: ['m', 'alias'] }).differences).toEqual([]);
  });

  it('names the models whose sources disagree', () => {
    expect(compare(withProvenance({ disputed: true })).disputed).toEqual(['p/m']);
  });

  it.each([
    ['is as old as may be', { sourceDate: '2026-09-27' }, []],
    ['is a day older', { sourceDate: '2026-09-26' }, ['p/m']],
    [
      'is old, and was confirmed since',
      { sourceDate: '2026-09-26', confirmedOn: '2026-10-30' },
      [],
    ],
    [
      'and its confirmation are old',
      { sourceDate: '2026-01-01', confirmedOn: '2026-02-01' },
      ['p/m'],
    ],
  ])('names a model whose source %s only where that is too old', (_, provenance, stale) => {
    expect(MAX_ROW_AGE_DAYS).toBe(60);
    expect(compare(withProvenance(provenance)).stale).toEqual(stale);
  });

  it('names no retired model as one of old sources', () => {
    const lifecycle = { ...MODEL.lifecycle, retiresOn: '2026-12-01' };
    const retiredAt = Date.parse('2026-12-01T00:00:00Z');
    const later = retiredAt + 365 * DAY_MS;
    expect(compare({ lifecycle }, later).stale).toEqual([]);
  });
});
