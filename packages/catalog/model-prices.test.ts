/**
 * The prices of one model under every condition: which rule holds, what factors and the margin make
 * of it, and that a hold covers whatever may be served. Seeds are fixed.
 */
import {
  BUCKETS,
  computeCost,
  NO_USAGE,
  REGIONS,
  SERVICE_TIERS,
  SPEEDS,
  STANDARD_TERMS,
  type Usage,
} from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeModelPrices, type ModelPrices, maxPrices, resolvePrices } from './model-prices.ts';
import { decodeCalendars } from './price-conditions.ts';
import type {
  Conditions,
  HolidayCalendar,
  ListedModel,
  PriceFactor,
  PriceRule,
} from './price-list.ts';
import { parseListedModel } from './price-list-parser.ts';

const SEED = 20261126;

/** National Day 2026 and a working Saturday before it are enough to tell days apart. */
const HOLIDAYS: HolidayCalendar = {
  source: 'https://example.com/holidays',
  from: '2026-01-01',
  until: '2026-12-31',
  days: ['2026-10-01', '2026-10-02'],
};
const CALENDARS = { cn: HOLIDAYS };

function buildModel(
  prices: readonly PriceRule[],
  factors: readonly PriceFactor[] = [],
): ListedModel {
  return {
    id: 'm',
    names: ['m'],
    patterns: [],
    displayName: 'M',
    limits: { context: 1_000_000, output: 1000 },
    hidesReasoning: false,
    capabilities: {},
    lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
    isFree: false,
    prices,
    factors,
    provenance: {
      source: 's',
      sourceDate: '2026-11-01',
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: [],
  };
}

function decode(model: ListedModel, marginBasisPoints = 0): ModelPrices {
  const parsed = parseListedModel(model, CALENDARS);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const calendars = decodeCalendars(CALENDARS);
  return decodeModelPrices(parsed.model, { version: 'v', calendars, marginBasisPoints });
}

function rule(id: string, when: Conditions, input: number, output = 5 * input): PriceRule {
  return { id, when, prices: { input_uncached: input, output } };
}

const inputTokens = (tokens: number): Usage => ({ ...NO_USAGE, input_uncached: tokens });
const at = (time: string) => ({ ...STANDARD_TERMS, at: Date.parse(time) });

describe('a price that depends on the hour, weekdays and holidays (DeepSeek)', () => {
  const peak = {
    windows: [
      [3600, 14_400],
      [21_600, 36_000],
    ],
    weekdays: [1, 2, 3, 4, 5],
    except: 'cn',
    utcOffsetMinutes: 480,
  } as const;
  const model = decode(
    buildModel([rule('standard', {}, 150), rule('peak', { schedule: peak }, 300)]),
  );

  it.each([
    ['2026-11-27T00:59:59.999Z', 'standard', 'a Friday before the window'],
    ['2026-11-27T01:00:00.000Z', 'peak', 'a Friday at its start'],
    ['2026-11-27T03:59:59.999Z', 'peak', 'a Friday at its last millisecond'],
    ['2026-11-27T04:00:00.000Z', 'standard', 'a Friday between the windows'],
    ['2026-11-27T06:00:00.000Z', 'peak', 'a Friday in the second window'],
    ['2026-11-27T10:00:00.000Z', 'standard', 'a Friday after both'],
    ['2026-11-28T02:00:00.000Z', 'standard', 'a Saturday'],
    ['2026-11-29T07:00:00.000Z', 'standard', 'a Sunday'],
    ['2026-10-01T02:00:00.000Z', 'standard', 'a holiday'],
    ['2026-09-30T02:00:00.000Z', 'peak', 'the day before a holiday'],
    ['2027-01-04T02:00:00.000Z', 'peak', 'a Monday of which nobody knows yet'],
  ])('at %s is that of %s: %s', (time, expected) => {
    expect(resolvePrices(model, at(time), NO_USAGE).rule).toBe(`v/${expected}`);
  });

  it('holds the dearer one on a day of which nobody knows yet, and only then', () => {
    const holdAt = (time: string) =>
      maxPrices(
        model,
        { at: Date.parse(time), tiers: ['standard'], speeds: ['standard'], regions: ['global'] },
        10,
      ).prices.input_uncached;
    expect(holdAt('2027-01-04T02:00:00Z')).toBe(300n);
    expect(holdAt('2027-01-04T05:00:00Z')).toBe(150n);
    expect(holdAt('2026-10-01T02:00:00Z')).toBe(150n);
  });
});

describe('a window that wraps midnight', () => {
  const night = { windows: [[59_400, 1800]], weekdays: [1] } as const;
  const model = decode(
    buildModel([rule('standard', {}, 300), rule('off-peak', { schedule: night }, 100)]),
  );

  it.each([
    ['2026-11-23T16:29:59Z', 'standard'],
    ['2026-11-23T16:30:00Z', 'off-peak'],
    ['2026-11-23T00:10:00Z', 'off-peak'],
    // Tuesday's first half hour belongs to Tuesday.
    ['2026-11-24T00:10:00Z', 'standard'],
  ])('holds at %s on the weekday of that moment: %s', (time, expected) => {
    expect(resolvePrices(model, at(time), NO_USAGE).rule).toBe(`v/${expected}`);
  });
});

describe('a price that depends on the size of the input', () => {
  const above = { input: { tokens: 272_000, inclusive: false } };
  const from = { input: { tokens: 200_000, inclusive: true } };
  const model = (when: Conditions) =>
    decode(buildModel([rule('standard', {}, 100), rule('long-context', when, 200)]));

  it.each([
    [above, 271_999, 'standard'],
    [above, 272_000, 'standard'],
    [above, 272_001, 'long-context'],
    [from, 199_999, 'standard'],
    [from, 200_000, 'long-context'],
    [from, 200_001, 'long-context'],
  ])('%j with %i tokens is that of %s', (when, tokens, expected) => {
    const prices = resolvePrices(model(when), at('2026-11-26T12:00:00Z'), inputTokens(tokens));
    expect(prices.rule).toBe(`v/${expected}`);
  });

  it('counts every input bucket, or those that the condition names', () => {
    const usage = { ...NO_USAGE, input_uncached: 1, cache_read: 99_999, cache_write_12h: 1 };
    const all = model({ input: { tokens: 100_000, inclusive: false } });
    const named = model({
      input: { tokens: 100_000, inclusive: false, buckets: ['input_uncached', 'cache_read'] },
    });
    const now = at('2026-11-26T12:00:00Z');
    expect(resolvePrices(all, now, usage).rule).toBe('v/long-context');
    expect(resolvePrices(named, now, usage).rule).toBe('v/standard');
  });

  it('is held at the long price only where the input can reach it', () => {
    const possible = {
      at: 0,
      tiers: ['standard'],
      speeds: ['standard'],
      regions: ['global'],
    } as const;
    expect(maxPrices(model(above), possible, 272_000).prices.input_uncached).toBe(100n);
    expect(maxPrices(model(above), possible, 272_001).prices.input_uncached).toBe(200n);
  });
});

describe('tiers, speeds and regions', () => {
  const flex = { id: 'flex', when: { tier: 'flex' }, numerator: 1, denominator: 2 } as const;
  const fast = { id: 'fast', when: { speed: 'fast' }, numerator: 2, denominator: 1 } as const;
  const us = { id: 'us', when: { region: 'us' }, numerator: 11, denominator: 10 } as const;
  const untilMarch = {
    id: 'ultrafast-until-2027-03',
    when: { tier: 'ultrafast', until: '2027-02-28' },
    numerator: 3,
    denominator: 1,
  } as const;
  const ultrafast = {
    id: 'ultrafast',
    when: { tier: 'ultrafast' },
    numerator: 6,
    denominator: 1,
  } as const;
  const priority = rule('priority', { tier: 'priority' }, 777);
  const base: PriceRule = {
    ...rule('standard', {}, 333),
    prices: { input_uncached: 333, cache_read: 33, output: 999, web_search: 10_000 },
  };
  const model = decode(buildModel([base, priority], [flex, fast, us, ultrafast, untilMarch]));
  const resolve = (terms: Partial<typeof STANDARD_TERMS>, time = '2026-11-26T12:00:00Z') =>
    resolvePrices(model, { ...at(time), ...terms }, NO_USAGE);

  it('multiply exactly and round up once', () => {
    expect(resolve({ tier: 'flex' })).toMatchObject({
      rule: 'v/standard+flex',
      prices: { input_uncached: 167n, cache_read: 17n, output: 500n },
    });
    const both = resolve({ tier: 'flex', region: 'us', speed: 'fast' });
    expect(both).toMatchObject({
      rule: 'v/standard+flex+fast+us',
      // 333 x 1/2 x 2 x 11/10 = 366.3
      prices: { input_uncached: 367n },
    });
  });

  it('leave prices of searches alone', () => {
    expect(resolve({ tier: 'flex' }).surchargePrices.web_search).toBe(10_000n);
  });

  it('do not multiply a rule that states their dimension, but what it leaves out', () => {
    const prices = resolve({ tier: 'priority', region: 'us' });
    expect(prices).toMatchObject({
      rule: 'v/priority+us',
      prices: { input_uncached: 855n, cache_read: 37n },
    });
  });

  it('have the price of their date', () => {
    expect(resolve({ tier: 'ultrafast' })).toMatchObject({
      rule: 'v/standard+ultrafast-until-2027-03',
      prices: { input_uncached: 999n },
    });
    expect(resolve({ tier: 'ultrafast' }, '2027-02-28T00:00:00Z')).toMatchObject({
      rule: 'v/standard+ultrafast',
      prices: { input_uncached: 1998n },
    });
  });
});

describe('the margin', () => {
  it('is added to every price after all else, and the provider’s own price stays visible', () => {
    const model = decode(
      buildModel([
        {
          ...rule('standard', {}, 100),
          prices: { input_uncached: 101, output: 1, web_search: 1000 },
        },
      ]),
      250,
    );
    const { prices, providerPrices, surchargePrices, providerSurchargePrices } = resolvePrices(
      model,
      at('2026-11-26T12:00:00Z'),
      NO_USAGE,
    );
    expect([prices.input_uncached, providerPrices.input_uncached]).toEqual([104n, 101n]);
    expect([surchargePrices.web_search, providerSurchargePrices.web_search]).toEqual([
      1025n,
      1000n,
    ]);
  });
});

describe('a price that no rule states', () => {
  it('is that of the less specific rule, and else that of a related bucket', () => {
    const model = decode(
      buildModel([
        { id: 'standard', when: {}, prices: { input_uncached: 8, cache_write_5m: 10, output: 9 } },
        {
          id: 'long-context',
          when: { input: { tokens: 10, inclusive: true } },
          prices: { input_uncached: 16 },
        },
      ]),
    );
    const { prices } = resolvePrices(model, at('2026-11-26T12:00:00Z'), inputTokens(10));
    expect(prices).toEqual({
      input_uncached: 16n,
      cache_read: 16n,
      cache_write_5m: 10n,
      cache_write_30m: 10n,
      cache_write_1h: 10n,
      cache_write_12h: 10n,
      output: 9n,
    });
  });
});

/** Independent statements, each of which a rule may make or not. */
const PARTS: readonly Readonly<Record<'id', string> & { when: Conditions }>[] = [
  { id: 'dated', when: { from: '2026-06-01T12:00:00Z' } },
  {
    id: 'peak',
    when: {
      schedule: {
        windows: [[79_200, 7200]],
        weekdays: [1, 2, 7],
        except: 'cn',
        utcOffsetMinutes: 480,
      },
    },
  },
  { id: 'long', when: { input: { tokens: 1000, inclusive: false } } },
  { id: 'quick', when: { tier: 'priority' } },
  { id: 'us', when: { region: 'us' } },
];

/** Every combination of some parts, so that the list has a rule for each intersection. */
function combine(parts: typeof PARTS): PriceRule[] {
  return Array.from({ length: 2 ** parts.length }, (_, mask) => {
    const chosen = parts.filter((_part, index) => Math.floor(mask / 2 ** index) % 2 === 1);
    const when = Object.assign({}, ...chosen.map((part) => part.when));
    const id = chosen.length === 0 ? 'standard' : chosen.map((part) => part.id).join('+');
    return rule(id, when, mask + 1, 1000 - mask);
  });
}

/** Decides with `Date` alone whether a part holds. */
function partHolds(id: string, time: Date, terms: typeof STANDARD_TERMS, input: number): boolean {
  if (id === 'dated') return time >= new Date('2026-06-01T12:00:00Z');
  if (id === 'long') return input > 1000;
  if (id === 'quick') return terms.tier === 'priority';
  if (id === 'us') return terms.region === 'us';
  const local = new Date(time.getTime() + 480 * 60_000);
  const hour = time.getUTCHours();
  const isHoliday = HOLIDAYS.days.includes(local.toISOString().slice(0, 10));
  return (hour >= 22 || hour < 2) && [0, 1, 2].includes(local.getUTCDay()) && !isHoliday;
}

const arbitraryTerms = fc.record({
  tier: fc.constantFrom(...SERVICE_TIERS),
  speed: fc.constantFrom(...SPEEDS),
  region: fc.constantFrom(...REGIONS),
});
const arbitraryTime = fc.date({
  min: new Date('2026-01-01T00:00:00Z'),
  max: new Date('2026-12-31T00:00:00Z'),
  noInvalidDate: true,
});
const arbitraryParts = fc.subarray([...PARTS], { maxLength: 4 });

describe('any composition of dates, windows, sizes, tiers and regions', () => {
  it('has exactly one most specific rule at every moment, the one that states all that holds', () => {
    const check = (
      parts: typeof PARTS,
      samples: readonly Readonly<{ time: Date; terms: typeof STANDARD_TERMS; input: number }>[],
    ) => {
      const model = decode(buildModel(combine(parts)));
      for (const { time, terms, input } of samples) {
        const held = parts.filter(({ id }) => partHolds(id, time, terms, input));
        const expected = held.length === 0 ? 'standard' : held.map(({ id }) => id).join('+');
        const resolved = resolvePrices(model, { at: time.getTime(), ...terms }, inputTokens(input));
        expect(resolved.rule).toBe(`v/${expected}`);
      }
    };
    const sample = fc.record({
      time: arbitraryTime,
      terms: arbitraryTerms,
      input: fc.nat({ max: 2000 }),
    });
    fc.assert(
      fc.property(arbitraryParts, fc.array(sample, { minLength: 40, maxLength: 40 }), check),
      { seed: SEED, numRuns: 25 },
    );
  });

  it('is refused without the rule for an intersection of two rules that hold together', () => {
    fc.assert(
      fc.property(arbitraryParts, fc.nat(), (parts, n) => {
        const rules = combine(parts);
        const intersections = rules.filter(({ id }) => id.includes('+'));
        const missing = intersections[n % Math.max(1, intersections.length)];
        if (missing === undefined) return;
        const parsed = parseListedModel(
          buildModel(rules.filter((candidate) => candidate !== missing)),
          CALENDARS,
        );
        expect(parsed.ok, missing.id).toBe(false);
      }),
      { seed: SEED, numRuns: 30 },
    );
  });

  it('is held at no less than any price that may be settled', () => {
    const factors: PriceFactor[] = [
      { id: 'flex', when: { tier: 'flex' }, numerator: 1, denominator: 3 },
      { id: 'ultrafast', when: { tier: 'ultrafast' }, numerator: 6, denominator: 1 },
      { id: 'fast', when: { speed: 'fast' }, numerator: 2, denominator: 1 },
      { id: 'eu', when: { region: 'eu' }, numerator: 11, denominator: 10 },
    ];
    const check = (
      parts: typeof PARTS,
      time: Date,
      possible: Readonly<{
        tiers: (typeof SERVICE_TIERS)[number][];
        speeds: (typeof SPEEDS)[number][];
        regions: (typeof REGIONS)[number][];
      }>,
      bound: number,
      share: number,
      margin: number,
    ) => {
      const model = decode(buildModel(combine(parts), factors), margin);
      const moment = time.getTime();
      const max = maxPrices(model, { at: moment, ...possible }, bound);
      const usage = inputTokens(Math.floor(bound * share));
      for (const tier of possible.tiers)
        for (const speed of possible.speeds)
          for (const region of possible.regions) {
            const terms = { at: moment, tier, speed, region };
            const { prices } = resolvePrices(model, terms, usage);
            for (const bucket of BUCKETS) {
              expect(max.prices[bucket]).toBeGreaterThanOrEqual(prices[bucket]);
            }
            expect(computeCost(usage, prices)).toBeLessThanOrEqual(computeCost(usage, max.prices));
          }
    };
    const arbitrarySubset = <T>(values: readonly T[]) => fc.subarray([...values], { minLength: 1 });
    fc.assert(
      fc.property(
        arbitraryParts,
        fc.date({
          min: new Date('2026-01-01T00:00:00Z'),
          max: new Date('2027-12-31T00:00:00Z'),
          noInvalidDate: true,
        }),
        fc.record({
          tiers: arbitrarySubset(SERVICE_TIERS),
          speeds: arbitrarySubset(SPEEDS),
          regions: arbitrarySubset(REGIONS),
        }),
        fc.nat({ max: 3000 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat({ max: 2000 }),
        check,
      ),
      { seed: SEED, numRuns: 50 },
    );
  });
});
