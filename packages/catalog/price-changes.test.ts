/** The changes that a price update reports for review, and those that it marks as large. */
import { expect, test } from 'vitest';
import { diffPriceFiles } from './price-changes.ts';
import type { PriceFile, PricePeriod } from './price-file.ts';

const BASE: PricePeriod = { from: '', window: [], rows: [[-1, 100, 10, 125, 200, 500]] };

function buildPriceFile(periods: readonly PricePeriod[], context = 1000): PriceFile {
  const model = {
    id: 'm',
    names: ['m'],
    rules: [],
    context,
    output: 100,
    hidesReasoning: false,
    deprecated: false,
    created: '',
    periods,
    surcharges: [1, 2, 3, 4],
    variants: [],
  };
  return { date: '2026-01-01', sources: [], providers: [{ id: 'p', models: [model] }] };
}

function periodWithOutputPrice(output: number): PricePeriod {
  return { ...BASE, rows: [[-1, 100, 10, 125, 200, output]] };
}

test('reports no change between equal price lists', () => {
  expect(diffPriceFiles(buildPriceFile([BASE]), buildPriceFile([BASE]))).toEqual([]);
});

test.each([
  [1000, false, 'p/m: output 500 -> 1000 (x2.000)'],
  [1001, true, 'p/m: output 500 -> 1001 (x2.002)'],
  [250, false, 'p/m: output 500 -> 250 (x0.500)'],
  [249, true, 'p/m: output 500 -> 249 (x0.498)'],
  [0, true, 'p/m: output 500 -> 0 (x0.000)'],
])('reports a price that changes from 500 to %i as large: %s', (output, large, text) => {
  expect(
    diffPriceFiles(buildPriceFile([BASE]), buildPriceFile([periodWithOutputPrice(output)])),
  ).toEqual([{ text, large }]);
});

test('compares a price under a new date with the price before it', () => {
  const later = { ...periodWithOutputPrice(5000), from: '2027-01-01' };
  const changes = diffPriceFiles(buildPriceFile([BASE]), buildPriceFile([BASE, later]));
  expect(changes.filter(({ large }) => large).map(({ text }) => text)).toEqual([
    'p/m: output (2027-01-01) new -> 5000 (x10.000)',
  ]);
});

test('reports a changed limit as small and a missing model as large', () => {
  expect(
    diffPriceFiles(buildPriceFile([BASE]), buildPriceFile([BASE], 9000)).some(({ large }) => large),
  ).toBe(false);
  const none: PriceFile = { date: '', sources: [], providers: [] };
  expect(diffPriceFiles(buildPriceFile([BASE]), none)).toEqual([
    { text: 'p/m: no longer sold', large: true },
  ]);
  expect(diffPriceFiles(none, buildPriceFile([BASE]))).toEqual([
    { text: 'p/m: new', large: false },
  ]);
});
