/**
 * The catalog against its source: prices equal those that genai-prices computes, and names resolve
 * as they do there or not at all.
 */
import { BUCKETS, computeCost, NO_USAGE, type Prices, type Usage } from '@farebox/money';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { calcPrice } from '@pydantic/genai-prices';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  findModel,
  listModels,
  type MaxPrices,
  type Model,
  maxPrices,
  type PricedSurchargeKind,
  priceDate,
  resolvePrices,
  standardTerms,
  suggestModels,
} from './index.ts';
import prices from './prices.generated.json' with { type: 'json' };

/** Some of the providers that configuration can add. */
const COMPATIBLE_PROVIDERS = [
  'openrouter',
  'groq',
  'mistral',
  'fireworks',
  'together',
  'cerebras',
  'moonshotai',
];
const ALL_PROVIDERS = [...COMPATIBLE_PROVIDERS, ...PROVIDER_IDS];
const NOW = new Date('2026-11-23T12:00:00Z');
const SOURCE_ID: Readonly<Record<string, string>> = { xai: 'x-ai' };
/** A fixed seed, so that a failure repeats; fast-check prints it with the counterexample. */
const SEED = 20261123;

function requireModel(name: string, providers: readonly string[] = ALL_PROVIDERS): Model {
  const model = findModel(name, providers);
  if (model === undefined) throw new Error(`${name} is unknown`);
  return model;
}

function referenceCost(model: Model, usage: Usage, now: Date): number | undefined {
  const writes = usage.cache_write_5m + usage.cache_write_1h;
  const input = usage.input_uncached + usage.cache_read + writes;
  const result = calcPrice(
    {
      input_tokens: input,
      cache_read_tokens: usage.cache_read,
      cache_write_tokens: writes,
      cache_write_1h_tokens: usage.cache_write_1h,
      output_tokens: usage.output,
    },
    model.upstreamName,
    { providerId: SOURCE_ID[model.provider] ?? model.provider, timestamp: now },
  );
  return result?.total_price;
}

function pricesFor(model: Model, now: number, usage: Usage): Prices {
  return resolvePrices(model, standardTerms(now), usage).prices;
}

function pricesAt(model: Model, now: number, input: number): Prices {
  return pricesFor(model, now, { ...NO_USAGE, input_uncached: input });
}

function maxAt(model: Model, at: number, maxInput = Number.POSITIVE_INFINITY): MaxPrices {
  const possible = { at, tiers: ['standard'], speeds: ['standard'], regions: ['global'] } as const;
  return maxPrices(model, possible, maxInput);
}

function surchargePrice(model: Model, kind: PricedSurchargeKind): bigint | undefined {
  return resolvePrices(model, standardTerms(NOW.getTime()), NO_USAGE).surchargePrices[kind];
}

function catalogCost(model: Model, usage: Usage, now: Date): bigint {
  return computeCost(usage, pricesFor(model, now.getTime(), usage));
}

/** The names of rows with a page of their own: a curated one, or OpenRouter's list. */
const CITED = prices.providers.flatMap(({ id, models }) =>
  models
    .filter(({ provenance }) => provenance.citation !== null || provenance.disputed)
    .flatMap((model) => [model.id, ...model.names].map((name) => `${id}/${name}`)),
);

/**
 * Where genai-prices is the list's source. The first Claudes cache nothing, and it does not say
 * what that would cost.
 */
function isFromPriceSource(model: Model): boolean {
  if (/^claude-(2|v1)/.test(model.upstreamName)) return false;
  return !CITED.some((name) => model.name.toLowerCase().startsWith(name.toLowerCase()));
}

const tokens = fc.oneof(fc.nat(2000), fc.nat(400_000));
const usages = fc.record({
  input_uncached: tokens,
  cache_read: tokens,
  cache_write_5m: tokens,
  cache_write_30m: fc.constant(0),
  cache_write_1h: tokens,
  cache_write_12h: fc.constant(0),
  output: tokens,
  output_reasoning: fc.constant(0),
});
const moments = fc.date({
  min: new Date('2025-01-01T00:00:00Z'),
  max: new Date('2027-06-01T00:00:00Z'),
  noInvalidDate: true,
});

describe('prices of the catalog', () => {
  test('equal the price source at any usage and moment, rounded up once', () => {
    const models = listModels(ALL_PROVIDERS).filter(isFromPriceSource);
    expect(models.length).toBeGreaterThan(500);
    fc.assert(
      fc.property(fc.constantFrom(...models), usages, moments, (model, usage, now) => {
        // Only Anthropic prices cache writes by lifetime; other providers have one price for all.
        const billedUsage =
          model.provider === 'anthropic' ? usage : { ...usage, cache_write_1h: 0 };
        const expected = referenceCost(model, billedUsage, now);
        const nano = Number(catalogCost(model, billedUsage, now));
        // One ceiling, and the source's own floating point.
        const slack = 1.5 + nano * 1e-12;
        expect(expected, model.name).toBeDefined();
        expect(Math.abs(nano - (expected ?? 0) * 1e9), model.name).toBeLessThanOrEqual(slack);
      }),
      { seed: SEED, numRuns: 6000 },
    );
  });

  test.each([
    ['claude-sonnet-4-5', '2026-11-23T12:00:00Z', 200_000, 3_000_000_000n, 15_000_000_000n],
    ['claude-sonnet-4-5', '2026-11-23T12:00:00Z', 200_001, 6_000_000_000n, 22_500_000_000n],
    ['claude-sonnet-4-6', '2026-03-12T23:59:59Z', 200_001, 6_000_000_000n, 22_500_000_000n],
    ['claude-sonnet-4-6', '2026-03-13T00:00:00Z', 200_001, 3_000_000_000n, 15_000_000_000n],
    ['gpt-5.6-sol', '2026-08-20T23:59:59Z', 0, 5_000_000_000n, 30_000_000_000n],
    ['gpt-5.6-sol', '2026-08-21T00:00:00Z', 272_000, 4_000_000_000n, 20_000_000_000n],
    ['gpt-5.6-sol', '2026-08-21T00:00:00Z', 272_001, 8_000_000_000n, 30_000_000_000n],
    ['grok-4.3', '2026-11-23T12:00:00Z', 200_000, 2_500_000_000n, 5_000_000_000n],
    ['deepseek-v4-pro', '2026-11-23T00:59:59Z', 10, 660_000_000n, 1_980_000_000n],
    ['deepseek-v4-pro', '2026-11-23T01:00:00Z', 10, 1_320_000_000n, 3_960_000_000n],
    ['deepseek-chat', '2026-11-23T16:30:00Z', 10, 135_000_000n, 550_000_000n],
  ])('prices %s at %s with %i input tokens', (name, now, input, inputPrice, outputPrice) => {
    const prices = pricesAt(requireModel(name), Date.parse(now), input);
    expect([prices.input_uncached, prices.output]).toEqual([inputPrice, outputPrice]);
  });

  test('fills a bucket without a price with the documented price or the input price', () => {
    const haiku = pricesAt(requireModel('claude-3-haiku-20240307'), NOW.getTime(), 1);
    expect([haiku.cache_write_5m, haiku.cache_write_1h]).toEqual([300_000_000n, 500_000_000n]);
    const old = pricesAt(requireModel('gpt-4'), NOW.getTime(), 1);
    expect([old.cache_read, old.cache_write_5m]).toEqual([30_000_000_000n, 30_000_000_000n]);
  });

  test('bounds the prices of any call by maxPrices', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...listModels(ALL_PROVIDERS)),
        moments,
        fc.nat(3_000_000),
        fc.nat(100_000),
        (model, now, input, more) => {
          const prices = pricesAt(model, now.getTime(), input);
          const max = maxAt(model, now.getTime()).prices;
          const bounded = maxAt(model, now.getTime(), input + more).prices;
          for (const bucket of BUCKETS) {
            expect(max[bucket] >= bounded[bucket]).toBe(true);
            expect(bounded[bucket] >= prices[bucket]).toBe(true);
          }
        },
      ),
      { seed: SEED, numRuns: 3000 },
    );
  });

  test('prices a thousand searches by provider', () => {
    const usd = (name: string): bigint =>
      (surchargePrice(requireModel(name), 'web_search') ?? 0n) / 1_000_000_000_000n;
    expect(usd('claude-sonnet-4-5')).toBe(10n);
    expect(usd('grok-4.3')).toBe(5n);
    expect(usd('gpt-4o-mini')).toBe(10n);
    expect(usd('gpt-4o-mini-search-preview')).toBe(25n);
    expect(usd('gpt-4o-search-preview')).toBe(25n);
    expect(surchargePrice(requireModel('gpt-audio'), 'audio_output')).toBe(64_000_000_000n);
  });
});

describe('findModel and suggestModels', () => {
  test.each([
    ['gpt-4o-mini', 'openai', 'gpt-4o-mini'],
    ['openai/gpt-4o-mini', 'openai', 'gpt-4o-mini'],
    ['claude-sonnet-4-5-20250929', 'anthropic', 'claude-sonnet-4-5-20250929'],
    ['claude-sonnet-4-5-20991231', 'anthropic', 'claude-sonnet-4-5-20991231'],
    ['claude-sonnet-4-0', 'anthropic', 'claude-sonnet-4-0'],
    ['claude-sonnet-4-20250514', 'anthropic', 'claude-sonnet-4-20250514'],
    ['google/gemini-2.5-flash', 'google', 'gemini-2.5-flash'],
    ['gemini-2.5-pro-preview-05-06', 'google', 'gemini-2.5-pro-preview-05-06'],
    ['gemini-2.0-flash-001', 'google', 'gemini-2.0-flash-001'],
    ['openrouter/openai/gpt-5.6-sol', 'openrouter', 'openai/gpt-5.6-sol'],
    ['openrouter/anthropic/claude-sonnet-4-5', 'openrouter', 'anthropic/claude-sonnet-4-5'],
    ['google/gemini-2.0-flash-exp:free', 'openrouter', 'google/gemini-2.0-flash-exp:free'],
    ['minimax/minimax-m2:free', 'openrouter', 'minimax/minimax-m2:free'],
    ['deepseek-chat', 'deepseek', 'deepseek-chat'],
    ['grok-2-1212', 'xai', 'grok-2-1212'],
  ])('finds %s at %s', (name, provider, upstreamName) => {
    const model = requireModel(name);
    expect([model.provider, model.upstreamName]).toEqual([provider, upstreamName]);
    expect(model.name).toBe(`${provider}/${upstreamName}`);
  });

  test.each([
    'claude-sonet-4-5',
    'gpt-5.2-proo',
    'claude-sonnet-4-5x',
    'claude-sonnet-4-5-',
    'claude-sonnet-5-6',
    'claude-haiku-9',
    'my-gemini-2.0-flash',
    'gemini-2.5-pro-tts',
    'ft:gpt-4o-2024-08-06:org::id',
    'text-embedding-4-small',
    'gpt-realtime',
    'gemma-3-27b-it',
    'openai/',
    '/gpt-4o',
    '',
    '__proto__',
  ])('finds no model for %s', (name) => {
    expect(findModel(name, PROVIDER_IDS)).toBeUndefined();
  });

  test('rejects a very long name quickly', () => {
    expect(findModel('-1'.repeat(100_000), ALL_PROVIDERS)).toBeUndefined();
    expect(suggestModels('gpt'.repeat(100_000), ALL_PROVIDERS, NOW.getTime())).toEqual([]);
  });

  test.each([
    ['GPT-4.1-Mini', 'openai/gpt-4.1-mini'],
    ['OpenAI/gpt-5.4', 'openai/gpt-5.4'],
    ['openai/GPT-4.1-mini-2025-04-14', 'openai/gpt-4.1-mini-2025-04-14'],
    ['Claude-Sonnet-4-6', 'anthropic/claude-sonnet-4-6'],
  ])('finds %s as its provider spells it: %s', (name, found) => {
    expect(findModel(name, PROVIDER_IDS)?.name).toBe(found);
    const upstreamName = found.slice(found.indexOf('/') + 1);
    expect(findModel(name, PROVIDER_IDS)?.upstreamName).toBe(upstreamName);
  });

  test('lists no model of a provider that is not configured', () => {
    expect(findModel('claude-sonnet-4-5', ['openai', 'google'])).toBeUndefined();
    expect(findModel('anthropic/claude-sonnet-4-5', ['openai'])).toBeUndefined();
    expect(listModels([])).toEqual([]);
  });

  test('finds the model that the price source finds, for names at any edit distance', () => {
    const models = listModels(PROVIDER_IDS).filter(isFromPriceSource);
    const edits = fc.constantFrom(
      '',
      '-latest',
      '-20250101',
      '-2025-01-01',
      '-preview',
      '-5',
      '-mini',
      '0',
      'x',
      '@20250101',
      '-tts',
      '-thinking',
      '-lite',
    );
    fc.assert(
      fc.property(fc.constantFrom(...models), edits, edits, ({ upstreamName, provider }, a, b) => {
        const model = findModel(`${upstreamName}${a}${b}`, [provider]);
        if (model === undefined || !isFromPriceSource(model)) return;
        const expected = referenceCost(
          model,
          { ...NO_USAGE, input_uncached: 1000, output: 1000 },
          NOW,
        );
        const actual = Number(
          catalogCost(model, { ...NO_USAGE, input_uncached: 1000, output: 1000 }, NOW),
        );
        expect(Math.round((expected ?? -1) * 1e9), model.name).toBe(actual);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  test('finds every listed model by its name, with plausible limits', () => {
    for (const model of listModels(ALL_PROVIDERS)) {
      expect(findModel(model.name, ALL_PROVIDERS)?.provider, model.name).toBe(model.provider);
      expect(model.maxOutput, model.name).toBeGreaterThan(0);
      // A recording has more tokens than the text that it speaks.
      if (model.operations.length > 0) continue;
      expect(model.contextWindow, model.name).toBeGreaterThanOrEqual(model.maxOutput);
    }
  });

  test.each([
    ['models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['google/models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['models/models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['publishers/google/models/gemini-2.5-pro', 'google/gemini-2.5-pro'],
    ['OpenAI/gpt-5.4', 'openai/gpt-5.4'],
    [' gpt-5.4\n', 'openai/gpt-5.4'],
    ['claude-opus-5-5[1m]', 'anthropic/claude-opus-5-5'],
    ['claude-opus-5-5 [1M]', 'anthropic/claude-opus-5-5'],
    ['anthropic/claude-opus-5-5[1m][1m]', 'anthropic/claude-opus-5-5'],
  ])('reads the name %j as clients write it', (requested, name) => {
    expect(findModel(requested, PROVIDER_IDS)?.name).toBe(name);
  });

  test.each(['azure/gpt-5.4', 'openai:gpt-5.4', 'gpt-5.4:free', 'openrouter/openai/gpt-5.4'])(
    'suggests the model that another service names %s, and does not call it',
    (requested) => {
      expect(findModel(requested, PROVIDER_IDS)).toBeUndefined();
      expect(suggestModels(requested, PROVIDER_IDS, NOW.getTime())).toEqual(['openai/gpt-5.4']);
    },
  );

  test('suggests similar names, the nearest first', () => {
    expect(suggestModels('claude-sonet-4-5', PROVIDER_IDS, NOW.getTime())[0]).toBe(
      'claude-sonnet-4-5',
    );
    expect(suggestModels('gpt-5.2-proo', PROVIDER_IDS, NOW.getTime())[0]).toBe('gpt-5.2-pro');
    expect(suggestModels('gpt-5.2-proo', PROVIDER_IDS, NOW.getTime()).length).toBeLessThanOrEqual(
      3,
    );
    expect(suggestModels('nothing like any of them', PROVIDER_IDS, NOW.getTime())).toEqual([]);
  });
});

describe('limits of models', () => {
  test.each([
    ['gpt-4o', 128_000, 16_384, false],
    ['gpt-5', 400_000, 128_000, true],
    ['gpt-5-chat-latest', 400_000, 16_384, false],
    ['o3-mini', 200_000, 100_000, true],
    ['claude-3-5-sonnet-20240620', 200_000, 8192, false],
    ['claude-sonnet-4-5', 200_000, 64_000, false],
    ['claude-fable-5', 1_000_000, 128_000, true],
    ['gemini-2.5-flash', 1_048_576, 65_536, true],
    ['gemini-2.0-flash', 1_048_576, 8192, false],
    ['grok-4-fast-non-reasoning', 2_000_000, 30_000, false],
    ['grok-4.3', 1_000_000, 30_000, true],
    ['gpt-4-vision-preview', 128_000, 4096, false],
    ['deepseek-reasoner', 128_000, 128_000, false],
  ])(
    'gives %s a window of %i, an output of %i and hidden reasoning %s',
    (name, context, output, hides) => {
      const model = requireModel(name);
      expect([model.contextWindow, model.maxOutput, model.hidesReasoning]).toEqual([
        context,
        output,
        hides,
      ]);
    },
  );

  test('dates a model without a known release by the source of its price, never 1970', () => {
    const models = listModels(['groq', 'together', 'openrouter', 'mistral']);
    expect(models.length).toBeGreaterThan(100);
    for (const { name, created, lifecycle, provenance } of models)
      expect(created, name).toEqual(new Date(lifecycle.released ?? provenance.sourceDate));
  });

  test('states the dialects and the release date of a model', () => {
    expect(requireModel('claude-sonnet-4-5').dialects).toEqual(['messages']);
    expect(requireModel('deepseek-chat').dialects).toEqual(['chat', 'messages', 'responses']);
    expect(requireModel('gpt-4o').dialects).toEqual(['chat', 'responses']);
    expect(requireModel('claude-sonnet-4-5').created.toISOString()).toBe(
      '2025-09-29T00:00:00.000Z',
    );
    expect(requireModel('grok-2-1212').deprecated).toBe(true);
    expect(priceDate()).toMatch(/^20\d\d-\d\d-\d\d$/);
  });
});
