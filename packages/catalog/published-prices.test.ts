/**
 * Published prices against the catalog's own: a meter that reads them by OpenRouter's rules gets the
 * price that a call would have.
 */
import { formatUnitPrice, NO_USAGE, STANDARD_TERMS } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Model, openCatalog } from './catalog.ts';
import { resolvePrices } from './model-prices.ts';
import type { ListedModel, PriceList, PriceRule } from './price-list.ts';
import { type PublishedPrices, publishPrices } from './published-prices.ts';

const SEED = 20261126;
const PEAK = {
  windows: [
    [3600, 14_400],
    [21_600, 36_000],
  ],
  weekdays: [1, 2, 3, 4, 5],
  except: 'cn',
} as const;
const RULES: readonly PriceRule[] = [
  {
    id: 'peak+long-context',
    when: { schedule: PEAK, input: { tokens: 200_000, inclusive: true } },
    prices: { input_uncached: 1_200_000_000, cache_read: 24_000_000, output: 4_800_000_000 },
  },
  {
    id: 'long-context',
    when: { input: { tokens: 200_000, inclusive: true } },
    prices: { input_uncached: 600_000_000, cache_read: 12_000_000, output: 2_400_000_000 },
  },
  {
    id: 'peak',
    when: { schedule: PEAK },
    prices: { input_uncached: 300_000_000, cache_read: 6_000_000, output: 1_200_000_000 },
  },
  {
    id: 'from-2027',
    when: { from: '2027-01-01' },
    prices: { input_uncached: 900_000_000, output: 900_000_000 },
  },
  {
    id: 'standard',
    when: {},
    prices: { input_uncached: 150_000_000, cache_read: 3_000_000, output: 600_000_000 },
  },
];

const MODEL: ListedModel = {
  id: 'flash',
  names: ['flash'],
  patterns: [],
  displayName: 'Flash',
  limits: { context: 1_000_000, output: 8192 },
  hidesReasoning: false,
  capabilities: {},
  lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
  isFree: false,
  prices: RULES,
  factors: [{ id: 'flex', when: { tier: 'flex' }, numerator: 1, denominator: 2 }],
  provenance: {
    source: 's',
    sourceDate: '2026-11-01',
    confirmedOn: null,
    citation: null,
    disputed: false,
  },
  variants: [],
};

function openModel(basisPoints: number, listed: ListedModel = MODEL): Model {
  const list: PriceList = {
    version: 'v',
    date: '2026-11-01',
    sources: [{ name: 's', publishedOn: '2026-11-01', upstream: 's' }],
    calendars: {
      cn: {
        source: 's',
        from: '2026-01-01',
        until: '2026-12-31',
        days: ['2026-10-01', '2026-12-25'],
      },
    },
    margins: [{ provider: null, model: null, basisPoints }],
    providers: [{ id: 'deepseek', models: [listed] }],
  };
  const model = openCatalog(list).findModel('flash', ['deepseek']);
  if (model === undefined) throw new Error('the model is unknown');
  return model;
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];

type Override = PublishedPrices['pricing']['overrides'][number];

/** Whether an override applies, by the comments of `PricingOverride` in @openrouter/sdk. */
function applies(override: Override, at: Date, promptTokens: number): boolean {
  const { min_prompt_tokens: min = -1, utc_days: days, except_dates: except = [] } = override;
  const { only_dates: only } = override;
  const date = at.toISOString().slice(0, 10);
  if (only !== undefined && !only.includes(date)) return false;
  const clock = at.getUTCHours() * 100 + at.getUTCMinutes();
  const { utc_start: start = 0, utc_end: end = 2400 } = override;
  const inWindow = start <= end ? clock >= start && clock < end : clock >= start || clock < end;
  const onDay = days === undefined || days.includes(DAYS[at.getUTCDay()] ?? '');
  return promptTokens > min && inWindow && onDay && !except.includes(date);
}

function readPrices({ pricing }: PublishedPrices, at: Date, promptTokens: number) {
  let { prompt, completion, input_cache_read } = pricing;
  for (const override of pricing.overrides) {
    if (!applies(override, at, promptTokens)) continue;
    prompt = override.prompt ?? prompt;
    completion = override.completion ?? completion;
    input_cache_read = override.input_cache_read ?? input_cache_read;
  }
  return { prompt, completion, input_cache_read };
}

describe('the published prices of a model', () => {
  it('tell a meter the price of any size of input at any moment', () => {
    const from = new Date('2026-09-01T00:00:00Z');
    const until = new Date('2026-12-30T23:59:00Z');
    const sizes = fc.constantFrom(0, 1, 199_999, 200_000, 200_001, 900_000);
    const moments = fc.date({ min: from, max: until, noInvalidDate: true });
    fc.assert(
      fc.property(moments, sizes, fc.constantFrom(0, 250), (at, size, margin) => {
        const model = openModel(margin);
        const read = readPrices(publishPrices(model.prices, from.getTime()), at, size);
        const terms = {
          at: at.getTime(),
          tier: 'standard',
          speed: 'standard',
          region: 'global',
        } as const;
        const { prices } = resolvePrices(model.prices, terms, {
          ...NO_USAGE,
          input_uncached: size,
        });
        expect(read).toEqual({
          prompt: formatUnitPrice(prices.input_uncached),
          completion: formatUnitPrice(prices.output),
          input_cache_read: formatUnitPrice(prices.cache_read),
        });
      }),
      { seed: SEED, numRuns: 2000 },
    );
  });

  it('tell it of every window, weekday and holiday of any zone', () => {
    const second = fc.integer({ min: 0, max: 1439 }).map((minute) => minute * 60);
    const window = fc.tuple(second, second).filter(([start, end]) => start !== end);
    const schedule = fc.record(
      {
        windows: fc.array(window, { minLength: 1, maxLength: 3 }),
        weekdays: fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 }),
        except: fc.constant('cn'),
        only: fc.constant('cn'),
        utcOffsetMinutes: fc.integer({ min: -840, max: 840 }),
      },
      { requiredKeys: ['windows'] },
    );
    const from = new Date('2026-09-01T00:00:00Z');
    const until = new Date('2026-12-30T00:00:00Z');
    const moments = fc.array(fc.date({ min: from, max: until, noInvalidDate: true }), {
      minLength: 20,
    });
    fc.assert(
      fc.property(schedule, moments, (times, instants) => {
        const prices = { input_uncached: 300_000_000, output: 1_200_000_000 };
        const peak = { id: 'peak', when: { schedule: times }, prices };
        const model = openModel(0, { ...MODEL, prices: [peak, ...RULES.slice(-1)] });
        const published = publishPrices(model.prices, from.getTime());
        for (const at of [...instants, new Date('2026-10-01T12:00:00Z')]) {
          const terms = { at: at.getTime(), ...STANDARD_TERMS };
          const { prices: billed } = resolvePrices(model.prices, terms, NO_USAGE);
          const { prompt } = readPrices(published, at, 0);
          expect(prompt).toBe(formatUnitPrice(billed.input_uncached));
        }
      }),
      { seed: SEED, numRuns: 300 },
    );
  });

  it('are the same inside a window as outside it', () => {
    const { prices } = openModel(0);
    const peak = publishPrices(prices, Date.parse('2026-11-25T02:00:00Z'));
    expect(peak).toEqual(publishPrices(prices, Date.parse('2026-11-25T12:00:00Z')));
    expect(peak.pricing.prompt).toBe('0.00000015');
  });

  it('name the other tiers, and the prices that hold from a later day', () => {
    const { pricing } = publishPrices(openModel(0).prices, Date.parse('2026-11-26T12:00:00Z'));
    expect(pricing.service_tiers).toMatchObject({
      flex: { prompt: '0.000000075', completion: '0.0000003' },
    });
    expect(pricing.upcoming).toEqual([
      {
        from: '2027-01-01T00:00:00.000Z',
        price_rule: 'from-2027',
        prompt: '0.0000009',
        completion: '0.0000009',
      },
    ]);
  });

  it('show the provider’s own beside a price with a margin', () => {
    const published = publishPrices(openModel(250).prices, Date.parse('2026-11-26T12:00:00Z'));
    expect(published).toMatchObject({
      pricing: { prompt: '0.00000015375' },
      provider_pricing: { prompt: '0.00000015' },
      margin_percent: '2.5',
    });
    const { pricing } = publishPrices(openModel(0).prices, Date.parse('2026-11-26T12:00:00Z'));
    expect(published.provider_pricing).toEqual(pricing);
  });
});
