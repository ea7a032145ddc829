/**
 * The hold of a call to Gemini's own API covers the worst bill that its answer can cause, whatever
 * its request asks for: modalities, candidates, tools, tiers and media.
 */
import { listModels, RELEASED_CATALOG } from '@farebox/catalog';
import { parseRequest } from '@farebox/dialects';
import { tokenCost } from '@farebox/money';
import { configureProviders, createMeter } from '@farebox/providers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeBill } from './bill.ts';
import { type Plan, planCall } from './plan.ts';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const SEED = 20261126;
const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({ apiKeys: { google: 'k' }, baseUrls: {}, extra: [] }),
  defaultMaxOutput: 32_768,
};
const MODELS = listModels(['google'])
  .filter(({ operations }) => operations.length === 0)
  .map(({ name }) => name);

/** Null where the request is refused, because a part of it has no price. */
function plan(model: string, body: object): Plan | null {
  const target = { version: 'v1beta', model, method: 'generateContent', streamFormat: null };
  const parsed = parseRequest('gemini', new TextEncoder().encode(JSON.stringify(body)), target);
  if (!parsed.ok) return null;
  const planned = planCall(parsed.facts, new Headers(), deps, NOW);
  return planned.ok ? planned.plan : null;
}

type Request = Readonly<{
  model: string;
  text: string;
  part: object | null;
  tool: object | null;
  serviceTier: string | undefined;
  candidateCount: number;
  maxOutputTokens: number | undefined;
  responseModalities: readonly string[] | undefined;
  thinkingBudget: number | undefined;
}>;

const PLAIN = {
  text: 'x',
  part: null,
  tool: null,
  serviceTier: undefined,
  candidateCount: 1,
  maxOutputTokens: undefined,
  responseModalities: undefined,
  thinkingBudget: undefined,
};
const PARTS = [
  null,
  { inlineData: { mimeType: 'image/png', data: 'AAAA' } },
  { inlineData: { mimeType: 'audio/mp3', data: 'AAAA' } },
  { inlineData: { mimeType: 'video/mp4', data: 'AAAA' } },
  { inlineData: { mimeType: 'application/pdf', data: 'AAAA' } },
  { fileData: { fileUri: 'https://youtu.be/x' } },
];
const TOOLS = [
  null,
  { googleSearch: {} },
  { google_search: {} },
  { googleMaps: {} },
  { urlContext: {} },
  { codeExecution: {} },
];

/** Draws one of the values that the model has a price for where it is all that is asked for. */
function priced<K extends keyof Request>(
  model: string,
  name: K,
  values: readonly Request[K][],
): fc.Arbitrary<Request[K]> {
  const hasPrice = (value: Request[K]) =>
    plan(model, toBody({ ...PLAIN, model, [name]: value })) !== null;
  return fc.constantFrom(...values.filter(hasPrice));
}

const requests: fc.Arbitrary<Request> = fc.constantFrom(...MODELS).chain((model) =>
  fc.record({
    model: fc.constant(model),
    text: fc.string({ maxLength: 300 }),
    part: priced(model, 'part', PARTS),
    tool: priced(model, 'tool', TOOLS),
    serviceTier: priced(model, 'serviceTier', [undefined, 'flex', 'priority']),
    candidateCount: fc.integer({ min: 1, max: 3 }),
    maxOutputTokens: fc.option(fc.integer({ min: 1, max: 70_000 }), { nil: undefined }),
    responseModalities: priced(model, 'responseModalities', [
      undefined,
      ['TEXT', 'IMAGE'],
      ['AUDIO'],
    ]),
    thinkingBudget: fc.option(fc.integer({ min: -1, max: 20_000 }), { nil: undefined }),
  }),
);

function toBody({ text, part, tool, serviceTier, ...rest }: Request): object {
  const { candidateCount, maxOutputTokens, responseModalities, thinkingBudget } = rest;
  return {
    contents: [{ role: 'user', parts: part === null ? [{ text }] : [{ text }, part] }],
    ...(tool === null ? {} : { tools: [tool] }),
    ...(serviceTier === undefined ? {} : { serviceTier }),
    generationConfig: {
      candidateCount,
      maxOutputTokens,
      responseModalities,
      ...(thinkingBudget === undefined ? {} : { thinkingConfig: { thinkingBudget } }),
    },
  };
}

/** The answer of the highest bill that the request allows. */
function worstAnswer({ facts, maxInputTokens, output }: Plan, request: Request): object {
  const limit = output.kind === 'explicit' ? output.tokens : output.max;
  const written = limit * facts.choices;
  const modality = request.responseModalities?.at(-1) ?? 'TEXT';
  const usageMetadata = {
    promptTokenCount: maxInputTokens,
    candidatesTokenCount: written,
    totalTokenCount: maxInputTokens + written,
    promptTokensDetails: facts.mayHaveAudioInput
      ? [{ modality: 'AUDIO', tokenCount: maxInputTokens }]
      : [],
    candidatesTokensDetails: [{ modality, tokenCount: written }],
    ...(request.serviceTier === undefined ? {} : { serviceTier: request.serviceTier }),
  };
  const searches = facts.surchargeBounds.find(({ kind }) => kind === 'web_search');
  const perCandidate = (searches?.maxCount ?? 0) / facts.choices;
  const webSearchQueries = Array.from({ length: perCandidate }, (_, index) => `query ${index}`);
  const hasMaps = facts.surchargeBounds.some(({ kind }) => kind === 'maps_grounded_prompt');
  const groundingChunks = hasMaps ? [{ maps: {} }] : [];
  const candidates = Array.from({ length: facts.choices }, (_, index) => ({
    index,
    finishReason: 'STOP',
    content: { parts: [{ text: 'x' }] },
    groundingMetadata: { webSearchQueries, groundingChunks },
  }));
  return { candidates, usageMetadata };
}

function bill(planned: Plan, answer: object): bigint {
  const { provider, model, facts } = planned;
  const meter = createMeter({
    provider,
    dialect: 'gemini',
    stream: false,
    contentType: 'application/json',
    model: model.upstreamName,
    choices: facts.choices,
    hideUsage: false,
    replaceError: null,
  });
  meter.feed(new TextEncoder().encode(JSON.stringify(answer)));
  meter.end();
  const maxOutput = 1_000_000;
  const rest = { hiddenGenerationMs: 0, maxOutput, held: 10n ** 18n, floor: 0n };
  const reading = meter.reading();
  expect(reading).toMatchObject({ usageFinal: true, unpriceable: 0 });
  return computeBill(planned, { reading, endReason: 'complete', ...rest }).cost;
}

function computeHold({ maxInputCost, maxOutputPrice, output, facts }: Plan): bigint {
  const limit = output.kind === 'explicit' ? output.tokens : output.max;
  return maxInputCost + tokenCost(limit * facts.choices, maxOutputPrice);
}

describe('the hold of a call to Gemini', () => {
  it('covers the worst answer to any request', () => {
    let planned = 0;
    fc.assert(
      fc.property(requests, (request) => {
        const call = plan(request.model, toBody(request));
        if (call === null) return;
        planned += 1;
        const hold = computeHold(call);
        expect(bill(call, worstAnswer(call, request))).toBeLessThanOrEqual(hold);
      }),
      { seed: SEED, numRuns: 600 },
    );
    expect(planned).toBeGreaterThan(500);
  });

  it('takes the price of audio where a part may have sound in it', () => {
    const contents = (mimeType: string) => ({
      contents: [{ parts: [{ inlineData: { mimeType, data: 'AAAA' } }] }],
    });
    const audio = plan('google/gemini-2.5-flash-lite', contents('audio/mp3'));
    const document = plan('google/gemini-2.5-flash-lite', contents('application/pdf'));
    // 0.30 and 0.10 USD per million tokens, for a window of 1,048,576 tokens.
    expect(audio?.maxInputCost).toBe(314_572_800n);
    expect(document?.maxInputCost).toBe(104_857_600n);
  });

  it.each([
    ['google/gemini-3.5-flash', false],
    ['google/gemini-2.5-flash-lite', true],
  ])('of %s may have places of Google Maps: %s', (model, isServed) => {
    const body = { contents: [{ parts: [{ text: 'x' }] }], tools: [{ googleMaps: {} }] };
    expect(plan(model, body) !== null).toBe(isServed);
  });
});
