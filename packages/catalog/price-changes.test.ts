/** The changes that a price update reports for review, and those that it marks as large. */
import { describe, expect, it } from 'vitest';
import { diffPriceLists } from './price-changes.ts';
import type { ListedModel, PriceList, PriceRule } from './price-list.ts';

const BASE: PriceRule = {
  id: 'standard',
  when: {},
  prices: { input_uncached: 100, cache_read: 10, output: 500 },
};

function buildPriceList(prices: readonly PriceRule[], context = 1000): PriceList {
  const model = {
    id: 'm',
    names: ['m'],
    patterns: [],
    displayName: 'M',
    limits: { context, output: 100 },
    hidesReasoning: false,
    capabilities: {},
    lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
    isFree: false,
    prices,
    factors: [],
    provenance: {
      source: 's',
      sourceDate: '2026-01-01',
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: [],
  };
  return { ...EMPTY, providers: [{ id: 'p', models: [model] }] };
}

const EMPTY: PriceList = {
  version: '1',
  date: '2026-01-01',
  sources: [],
  calendars: {},
  margins: [],
  providers: [],
};

function ruleWithOutputPrice(output: number): PriceRule {
  return { ...BASE, prices: { ...BASE.prices, output } };
}

function mapModels(list: PriceList, map: (model: ListedModel) => ListedModel): PriceList {
  const providers = list.providers.map(({ id, models }) => ({ id, models: models.map(map) }));
  return { ...list, providers };
}

const OUTPUT = { model: 'p/m', rule: 'standard', field: 'output', before: '500' };

describe('diffPriceLists', () => {
  it('reports nothing between equal price lists', () => {
    expect(diffPriceLists(buildPriceList([BASE]), buildPriceList([BASE]))).toEqual([]);
  });

  it.each([
    [1000, false, 'x2.000'],
    [1001, true, 'x2.002'],
    [250, false, 'x0.500'],
    [249, true, 'x0.498'],
    [0, true, 'x0.000'],
  ])(
    'reports an output price that changes from 500 to %i as large: %s',
    (output, large, factor) => {
      const after = buildPriceList([ruleWithOutputPrice(output)]);
      expect(diffPriceLists(buildPriceList([BASE]), after)).toEqual([
        { ...OUTPUT, after: String(output), factor, large },
      ]);
    },
  );

  it('compares a price under a new date with the price that holds without one', () => {
    const later = { ...ruleWithOutputPrice(5000), id: 'from-2027', when: { from: '2027-01-01' } };
    const changes = diffPriceLists(buildPriceList([BASE]), buildPriceList([BASE, later]));
    expect(changes.filter(({ large }) => large)).toEqual([
      { ...OUTPUT, rule: 'from-2027', before: '-', after: '5000', factor: 'x10.000', large: true },
    ]);
  });

  it('reports a new factor, a retirement and a name', () => {
    const before = buildPriceList([BASE]);
    const after = mapModels(before, (model) => ({
      ...model,
      names: ['m', 'm-latest'],
      factors: [{ id: 'flex', when: { tier: 'flex' as const }, numerator: 1, denominator: 2 }],
      lifecycle: { ...model.lifecycle, retiresOn: '2027-01-14' },
    }));
    const changes = diffPriceLists(before, after);
    expect(changes.map(({ rule, field, after: is }) => [rule, field, is])).toEqual([
      ['flex', 'factor', '0.5'],
      ['flex', 'when', '{"tier":"flex"}'],
      ['', 'retires on', '2027-01-14'],
      ['', 'name m-latest', 'listed'],
    ]);
  });

  it('reports a changed limit as small and a missing model as large', () => {
    const limits = diffPriceLists(buildPriceList([BASE]), buildPriceList([BASE], 9000));
    expect(limits.map(({ field, large }) => [field, large])).toEqual([['context', false]]);
    const whole = { model: 'p/m', rule: '', field: 'model', factor: '' };
    expect(diffPriceLists(buildPriceList([BASE]), EMPTY)).toEqual([
      { ...whole, before: 'listed', after: '-', large: true },
    ]);
    expect(diffPriceLists(EMPTY, buildPriceList([BASE]))).toEqual([
      { ...whole, before: '-', after: 'new', large: false },
    ]);
  });

  it('reports other hours, sizes or dates of a rule', () => {
    const longFrom = (tokens: number): PriceRule => {
      return { ...BASE, id: 'long', when: { input: { tokens, inclusive: false } } };
    };
    const [before, after] = [longFrom(1000), longFrom(2000)].map((rule) =>
      buildPriceList([rule, BASE]),
    );
    expect(diffPriceLists(before ?? EMPTY, after ?? EMPTY)).toMatchObject([
      { model: 'p/m', rule: 'long', field: 'when', after: expect.stringContaining('2000') },
    ]);
  });

  it('reports a calendar that changed', () => {
    const calendar = { source: 's', from: '2026-01-01', until: '2026-12-31', days: ['2026-10-01'] };
    expect(diffPriceLists(EMPTY, { ...EMPTY, calendars: { cn: calendar } })).toMatchObject([
      { model: 'calendar cn', before: '-', after: '1 days, 2026-01-01 to 2026-12-31' },
    ]);
  });
});
