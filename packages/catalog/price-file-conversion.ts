/**
 * Converts what the price source says (price-file.ts) to the rules of a price list. Runs only in a
 * price update.
 */

import type { PriceFile, PriceFileModel, PricePeriod, PriceRow } from './price-file.ts';
import { SURCHARGES_IN_FILE } from './price-file.ts';
import type { Conditions, ListedModel, PriceList, PriceRule, Schedule } from './price-list.ts';
import { PRICED_PROVIDERS } from './priced-providers.ts';

type Part = Readonly<{ id: string; when: Conditions }>;

const ALWAYS: Part = { id: '', when: {} };

function isWindow(period: PricePeriod): boolean {
  return period.window.length > 0;
}

function toSchedule(periods: readonly PricePeriod[]): Schedule {
  return { windows: periods.map(({ window: [start = 0, end = 0] }) => [start, end] as const) };
}

function rowAt(period: PricePeriod, above: number): PriceRow {
  return period.rows.findLast(([start = -1]) => start <= above) ?? [];
}

function surchargePrices(surcharges: readonly number[]) {
  return Object.fromEntries(
    SURCHARGES_IN_FILE.map((kind, index) => [kind, surcharges[index] ?? 0]),
  );
}

function tokenPrices([, input = 0, read = 0, write5m = 0, write1h = 0, output = 0]: PriceRow) {
  return {
    input_uncached: input,
    cache_read: read,
    cache_write_5m: write5m,
    cache_write_1h: write1h,
    output,
  };
}

function nameWindow(window: PricePeriod, base: PricePeriod): string {
  return (window.rows[0]?.[1] ?? 0) < (base.rows[0]?.[1] ?? 0) ? 'off-peak' : 'peak';
}

function toRules({ periods, surcharges }: PriceFileModel): PriceRule[] {
  const dated = periods.filter((period) => !isWindow(period)).toReversed();
  const windows = periods.filter(isWindow);
  const starts = [...new Set(periods.flatMap(({ rows }) => rows.map(([above = -1]) => above)))];
  const sizes = starts.sort((a, b) => b - a);
  const [window] = windows;
  const rules: PriceRule[] = [];
  for (const period of dated) {
    const date: Part =
      period.from === '' ? ALWAYS : { id: `from-${period.from}`, when: { from: period.from } };
    const times: readonly (readonly [Part, PricePeriod])[] =
      window === undefined
        ? [[ALWAYS, period]]
        : [
            [{ id: nameWindow(window, period), when: { schedule: toSchedule(windows) } }, window],
            [ALWAYS, period],
          ];
    for (const [time, prices] of times) {
      for (const above of sizes) {
        const size: Part =
          above < 0
            ? ALWAYS
            : {
                id: sizes.length > 2 ? `over-${above}` : 'long-context',
                when: { input: { tokens: above, inclusive: false } },
              };
        const ids = [date, time, size].map(({ id }) => id).filter((id) => id !== '');
        rules.push({
          id: ids.length === 0 ? 'standard' : ids.join('+'),
          when: { ...date.when, ...time.when, ...size.when },
          prices: {
            ...tokenPrices(rowAt(prices, above)),
            ...(ids.length === 0 ? surchargePrices(surcharges) : {}),
          },
        });
      }
    }
  }
  return rules.sort((a, b) => Object.keys(b.when).length - Object.keys(a.when).length);
}

function toListedModel(model: PriceFileModel, source: string, sourceDate: string): ListedModel {
  const prices = toRules(model);
  return {
    id: model.id,
    names: model.names,
    patterns: model.rules,
    displayName: model.id,
    limits: { context: model.context, output: model.output },
    hidesReasoning: model.hidesReasoning,
    capabilities: {},
    lifecycle: {
      released: model.created === '' ? null : model.created,
      deprecatedOn: model.deprecated ? sourceDate : null,
      retiresOn: null,
      successor: null,
    },
    isFree: prices.every(({ prices: row }) => row.input_uncached === 0 && row.output === 0),
    prices,
    factors: [],
    provenance: { source, sourceDate, confirmedOn: null, citation: null, disputed: false },
    variants: model.variants.map((variant) => ({
      name: variant.name,
      limits: { context: variant.context, output: variant.output },
      hidesReasoning: variant.hidesReasoning,
      surcharges: surchargePrices(variant.surcharges),
    })),
  };
}

/** Returns the list of one source, published on `sourceDate` (YYYY-MM-DD). */
export function convertPriceFile(file: PriceFile, sourceDate: string): PriceList {
  const [source = ''] = file.sources;
  const order = new Map(PRICED_PROVIDERS.map(([id], index) => [id, index]));
  const providers = file.providers.toSorted(
    (a, b) => (order.get(a.id) ?? 0) - (order.get(b.id) ?? 0),
  );
  return {
    version: sourceDate,
    date: sourceDate,
    sources: [{ name: source, publishedOn: sourceDate, upstream: source.replace(/@[^@]*$/, '') }],
    calendars: {},
    margins: [],
    providers: providers.map(({ id, models }) => ({
      id,
      models: models.map((model) => toListedModel(model, source, sourceDate)),
    })),
  };
}
