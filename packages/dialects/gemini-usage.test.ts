/** The counts of Gemini's `usageMetadata`, as ai.google.dev documents them and recordings show. */
import { describe, expect, it } from 'vitest';
import { normalizeGeminiUsage } from './gemini-usage.ts';
import type { JsonObject } from './json-fields.ts';

const CONTEXT = {
  quirks: { reasoning: 'included' },
  model: 'gemini-3-flash-preview',
  serviceTier: undefined,
  searchQueries: 0,
  mapsPrompts: 0,
} as const;

function normalize(usage: JsonObject, context: Partial<typeof CONTEXT> | object = {}) {
  return normalizeGeminiUsage(usage, { ...CONTEXT, ...context });
}

function tokens(modality: string, tokenCount: number) {
  return { modality, tokenCount };
}

describe('normalizeGeminiUsage', () => {
  it.each([
    [
      'counts thoughts as output beside the candidates',
      { promptTokenCount: 34, candidatesTokenCount: 469, thoughtsTokenCount: 787 },
      { input_uncached: 34, cache_read: 0, output: 1256, output_reasoning: 787 },
    ],
    [
      'counts the results of tools as input',
      {
        promptTokenCount: 85,
        toolUsePromptTokenCount: 149,
        candidatesTokenCount: 122,
        thoughtsTokenCount: 87,
        totalTokenCount: 443,
      },
      { input_uncached: 234, cache_read: 0, output: 209, output_reasoning: 87 },
    ],
    [
      'takes cached tokens out of the prompt, which includes them',
      { promptTokenCount: 568, cachedContentTokenCount: 217, candidatesTokenCount: 305 },
      { input_uncached: 351, cache_read: 217, output: 305, output_reasoning: 0 },
    ],
    [
      'reads candidates that are left out from the total',
      { promptTokenCount: 10, thoughtsTokenCount: 5, totalTokenCount: 40 },
      { input_uncached: 10, cache_read: 0, output: 30, output_reasoning: 5 },
    ],
    [
      'counts no candidates where thoughts are all of the output',
      { promptTokenCount: 15, thoughtsTokenCount: 2, totalTokenCount: 17 },
      { input_uncached: 15, cache_read: 0, output: 2, output_reasoning: 2 },
    ],
    [
      'reads a prompt that is left out from the total',
      { candidatesTokenCount: 4, totalTokenCount: 9 },
      { input_uncached: 5, cache_read: 0, output: 4, output_reasoning: 0 },
    ],
    [
      'counts no more cached tokens than the prompt has',
      { promptTokenCount: 5, cachedContentTokenCount: 9, candidatesTokenCount: 1 },
      { input_uncached: 0, cache_read: 5, output: 1, output_reasoning: 0 },
    ],
  ])('%s', (_, usage, expected) => {
    expect(normalize(usage).usage).toMatchObject(expected);
  });

  it('reports nothing where there is no count', () => {
    expect(normalize({ trafficType: 'ON_DEMAND' }).usage).toBeNull();
  });

  it('takes audio out of the uncached input and of what was read from the cache', () => {
    const { usage, surcharges } = normalize({
      promptTokenCount: 200,
      cachedContentTokenCount: 60,
      candidatesTokenCount: 1,
      promptTokensDetails: [tokens('TEXT', 50), tokens('AUDIO', 150)],
      cacheTokensDetails: [tokens('TEXT', 10), tokens('AUDIO', 50)],
    });
    expect(usage).toMatchObject({ input_uncached: 40, cache_read: 10 });
    expect(surcharges).toEqual([
      { kind: 'audio_input', count: 100 },
      { kind: 'audio_cache_read', count: 50 },
    ]);
  });

  it('takes images and audio out of the output', () => {
    const { usage, surcharges } = normalize({
      promptTokenCount: 9,
      candidatesTokenCount: 1310,
      thoughtsTokenCount: 100,
      candidatesTokensDetails: [tokens('IMAGE', 1290), tokens('AUDIO', 5), tokens('TEXT', 15)],
    });
    expect(usage).toMatchObject({ output: 115, output_reasoning: 100 });
    expect(surcharges).toEqual([
      { kind: 'audio_output', count: 5 },
      { kind: 'image_output', count: 1290 },
    ]);
  });

  it('counts the searches and the grounded prompts that the answer lists', () => {
    const context = { searchQueries: 3, mapsPrompts: 1 };
    const { surcharges } = normalize({ promptTokenCount: 1, candidatesTokenCount: 1 }, context);
    expect(surcharges).toEqual([
      { kind: 'web_search', count: 3 },
      { kind: 'maps_grounded_prompt', count: 1 },
    ]);
  });

  it.each([
    ['priority', { tier: 'priority' }, 0],
    ['SERVICE_TIER_FLEX', { tier: 'flex' }, 0],
    ['standard', { tier: 'standard' }, 0],
    ['turbo', {}, 1],
  ])('takes the tier %s as %j', (serviceTier, served, unpriceable) => {
    const usage = { promptTokenCount: 1, candidatesTokenCount: 1, serviceTier };
    expect(normalize(usage)).toMatchObject({ served, unpriceable });
  });

  it('adds up to the total of any usage whose total is the sum of its counts', () => {
    for (let seed = 1; seed < 500; seed += 1) {
      const count = (factor: number) => (seed * factor) % 997;
      const usage = {
        promptTokenCount: count(7),
        cachedContentTokenCount: Math.floor(count(7) / (1 + (seed % 3))),
        toolUsePromptTokenCount: count(11),
        candidatesTokenCount: count(13),
        thoughtsTokenCount: count(17),
        totalTokenCount: count(7) + count(11) + count(13) + count(17),
        promptTokensDetails: [tokens('AUDIO', count(19))],
        candidatesTokensDetails: [tokens('IMAGE', count(23)), tokens('AUDIO', count(29))],
      };
      const normalized = normalize(usage);
      const { input_uncached = 0, cache_read = 0, output = 0 } = normalized.usage ?? {};
      const apart = normalized.surcharges.reduce((sum, surcharge) => sum + surcharge.count, 0);
      expect(input_uncached + cache_read + output + apart).toBe(usage.totalTokenCount);
    }
  });
});
