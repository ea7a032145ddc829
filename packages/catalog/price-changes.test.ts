/** The changes that a price update reports for review, and those that it marks as large. */
import { expect, test } from 'vitest';
import { diffPriceLists } from './price-changes.ts';
import type { PriceList, PriceRule } from './price-list.ts';

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

test('reports no change between equal price lists', () => {
  expect(diffPriceLists(buildPriceList([BASE]), buildPriceList([BASE]))).toEqual([]);
});

test.each([
  [1000, false, 'p/m: output 500 -> 1000 (x2.000)'],
  [1001, true, 'p/m: output 500 -> 1001 (x2.002)'],
  [250, false, 'p/m: output 500 -> 250 (x0.500)'],
  [249, true, 'p/m: output 500 -> 249 (x0.498)'],
  [0, true, 'p/m: output 500 -> 0 (x0.000)'],
])('reports a price that changes from 500 to %i as large: %s', (output, large, text) => {
  expect(
    diffPriceLists(buildPriceList([BASE]), buildPriceList([ruleWithOutputPrice(output)])),
  ).toEqual([{ text, large }]);
});

test('compares a price under a new date with the price before it', () => {
  const later = { ...ruleWithOutputPrice(5000), id: 'from-2027', when: { from: '2027-01-01' } };
  const changes = diffPriceLists(buildPriceList([BASE]), buildPriceList([BASE, later]));
  expect(changes.filter(({ large }) => large).map(({ text }) => text)).toEqual([
    'p/m: output (from-2027) new -> 5000 (x10.000)',
  ]);
});

test('reports a changed limit as small and a missing model as large', () => {
  expect(
    diffPriceLists(buildPriceList([BASE]), buildPriceList([BASE], 9000)).some(({ large }) => large),
  ).toBe(false);
  expect(diffPriceLists(buildPriceList([BASE]), EMPTY)).toEqual([
    { text: 'p/m: no longer sold', large: true },
  ]);
  expect(diffPriceLists(EMPTY, buildPriceList([BASE]))).toEqual([
    { text: 'p/m: new', large: false },
  ]);
});
