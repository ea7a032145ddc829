/**
 * The worst case of a call: the hold covers any usage that a provider can report for the request.
 * Tested through the parsers of both dialects, so that a bound that no parser reads is found too.
 * Seeds are fixed.
 */
import {
  listModels,
  listPricedTerms,
  type MaxPrices,
  type Model,
  maxPrices,
  RELEASED_CATALOG,
  resolvePrices,
  standardTerms,
} from '@farebox/catalog';
import { type Dialect, parseRequest, type SurchargeCount } from '@farebox/dialects';
import { type NanoUsd, NO_USAGE, type ServiceTerms, tokenCost, type Usage } from '@farebox/money';
import { configureProviders } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { computeBill } from './bill.ts';
import { type Plan, planCall } from './plan.ts';

const SEED = 20261123;
const NOW = Date.parse('2026-11-23T12:00:00Z');
const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [],
  }),
  defaultMaxOutput: 32_768,
};

type JsonBody = Readonly<Record<string, unknown>>;

/** Null for a tool that the model has no price for. */
function tryPlanRequest(dialect: Dialect, body: JsonBody, headers: HeadersInit = {}): Plan | null {
  const read = parseRequest(dialect, new TextEncoder().encode(JSON.stringify(body)));
  if (!read.ok) throw new Error(read.reason);
  const planResult = planCall(read.facts, new Headers(headers), deps, NOW);
  if (planResult.ok) return planResult.plan;
  if (planResult.reason === 'unsupported_feature') return null;
  throw new Error(planResult.reason);
}

function planRequest(dialect: Dialect, body: JsonBody, headers: HeadersInit = {}): Plan {
  const plan = tryPlanRequest(dialect, body, headers);
  if (plan === null) throw new Error('unsupported_feature');
  return plan;
}

const messages = [{ role: 'user', content: 'Tell me everything.' }];
const chat = (extra: JsonBody = {}): Plan =>
  planRequest('chat', { model: 'gpt-4o-mini', messages, ...extra });
const claude = (extra: JsonBody = {}, headers: HeadersInit = {}): Plan =>
  planRequest(
    'messages',
    { model: 'claude-sonnet-4-5', max_tokens: 1000, messages, ...extra },
    headers,
  );

function maxAt(model: Model, maxInput = Number.POSITIVE_INFINITY): MaxPrices {
  const possible = {
    at: NOW,
    tiers: ['standard'],
    speeds: ['standard'],
    regions: ['global'],
  } as const;
  return maxPrices(model, possible, maxInput);
}

function getMaxOutput({ output }: Plan): number {
  return output.kind === 'explicit' ? output.tokens : output.max;
}

/**
 * Computes the hold as packages/ledger does: input and surcharges, and the output limit per choice.
 */
function computeHold(plan: Plan): NanoUsd {
  return plan.maxInputCost + tokenCost(getMaxOutput(plan) * plan.maxOutputs, plan.maxOutputPrice);
}

function computeOutputHold(plan: Plan): NanoUsd {
  return computeHold(plan) - plan.maxInputCost;
}

/**
 * The most that an answer can write: the limit for each choice, and in each turn of Anthropic's own
 * loop, as long as it fits into the context window, which only edits of the context empty.
 */
function maxWritten(plan: Plan, clearsContext: boolean): number {
  const limit = getMaxOutput(plan) * plan.facts.choices;
  const { dialect, serverPasses } = plan.facts;
  if (dialect !== 'messages' || serverPasses === 1) return limit;
  const window = Math.max(plan.maxInputTokens, limit);
  return clearsContext ? limit * serverPasses : Math.min(limit * serverPasses, window);
}

describe('the planned output limit', () => {
  it('is that of the request, and the larger of two in a chat body', () => {
    expect(chat({ max_tokens: 77 }).output).toEqual({ kind: 'explicit', tokens: 77 });
    expect(chat({ max_tokens: 10, max_completion_tokens: 900 }).output).toEqual({
      kind: 'explicit',
      tokens: 900,
    });
  });

  it('is ours, capped by the model’s maximum, when the request’s limit is null or absent', () => {
    for (const body of [
      {},
      { max_tokens: null },
      { max_completion_tokens: null },
      { max_tokens: null, max_completion_tokens: null },
    ]) {
      // gpt-4o-mini's maximum is 16,384 tokens, less than our default.
      expect(chat(body).output).toEqual({ kind: 'capped', max: 16_384, min: 1 });
    }
    expect(chat({ max_tokens: null, max_completion_tokens: 55 }).output).toEqual({
      kind: 'explicit',
      tokens: 55,
    });
  });

  it('is our default when the model’s maximum is higher', () => {
    expect(planRequest('chat', { model: 'gpt-5', messages }).output).toMatchObject({ max: 32_768 });
  });

  it('is that of the request even above the catalog’s maximum, up to the context window', () => {
    expect(chat({ max_tokens: 50_000 }).output).toEqual({ kind: 'explicit', tokens: 50_000 });
    expect(chat({ max_tokens: 9_000_000 }).output).toEqual({ kind: 'explicit', tokens: 128_000 });
  });

  it('is held once per choice', () => {
    const five = chat({ max_tokens: 1000, n: 5 });
    expect(computeHold(five) - five.maxInputCost).toBe(5n * 1000n * 600n);
  });

  const web = { tools: [{ type: 'web_search_20250305', name: 'web_search' }] };

  it('is held once for each turn of Anthropic’s own loop, which pauses after ten', () => {
    expect(computeOutputHold(claude(web))).toBe(10n * computeOutputHold(claude()));
  });

  it('is held up to the context window for those turns, unless the context is edited', () => {
    const large = { ...web, max_tokens: 64_000 };
    const perToken = claude(large).maxOutputPrice;
    // Four turns of 64,000 tokens fill a window of 200,000.
    expect(computeOutputHold(claude(large))).toBe(tokenCost(4 * 64_000, perToken));
    for (const type of ['clear_tool_uses_20250919', 'clear_thinking_20251015', 'of_the_future']) {
      const edited = claude({ ...large, context_management: { edits: [{ type }] } });
      expect(computeOutputHold(edited)).toBe(tokenCost(10 * 64_000, perToken));
    }
  });

  it('is held once where the provider documents that its limit bounds the whole loop', () => {
    const response = (tools: readonly object[]) =>
      planRequest('responses', { model: 'gpt-5', input: 'Hi.', max_output_tokens: 500, tools });
    const searching = response([{ type: 'web_search' }]);
    expect(computeOutputHold(searching)).toBe(computeOutputHold(response([])));
  });

  it('is held at the image price for a model that outputs images', () => {
    const plan = planRequest('chat', {
      model: 'gemini-2.5-flash-image',
      messages,
      max_tokens: 1000,
    });
    expect(plan.maxOutputPrice).toBe(30_000_000_000n);
    expect(plan.maxOutputPrice).toBeGreaterThan(maxAt(plan.model).prices.output);
  });
});

describe('the planned input', () => {
  const web = { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }] };

  it('is the whole context window plus the searches when a server tool may add to it', () => {
    const plan = claude(web);
    expect(plan.maxInputTokens).toBe(200_000);
    const prices = maxAt(plan.model, 200_000).prices;
    // Ten turns: the content is written to the cache once, and read in each turn.
    expect(plan.maxInputCost).toBe(
      tokenCost(200_000, prices.cache_write_5m) +
        tokenCost(10 * 200_000, prices.cache_read) +
        tokenCost(3, maxAt(plan.model).surchargePrices.web_search ?? 0n),
    );
  });

  it('is a million tokens at the long-context price with the long-context beta', () => {
    for (const beta of [
      'context-1m-2025-08-07',
      'interleaved-thinking-2025-05-14,context-1m-2025-08-07',
    ]) {
      const plan = claude(web, { 'anthropic-beta': beta });
      expect(plan.maxInputTokens).toBe(1_000_000);
      // 6 and 22.50 USD a million above 200,000 tokens (Anthropic price list).
      expect(plan.maxInputCost).toBeGreaterThanOrEqual(tokenCost(1_000_000, 6_000_000_000n));
      expect(plan.maxOutputPrice).toBe(22_500_000_000n);
    }
    const other = claude(web, { 'anthropic-beta': 'interleaved-thinking-2025-05-14' });
    expect(other.maxInputTokens).toBe(200_000);
    expect(other.maxInputCost).toBeLessThan(tokenCost(1_000_000, 3_000_000_000n));
  });

  it('is held at the price of the most expensive cache write in the request', () => {
    const withCacheControl = (ttl?: string) => ({
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'text',
              text: 'Tell me everything.',
              cache_control: { type: 'ephemeral', ...(ttl === undefined ? {} : { ttl }) },
            },
          ],
        },
      ],
    });
    const pricePerMillion = (plan: Plan) =>
      (plan.maxInputCost * 1_000_000n) / BigInt(plan.maxInputTokens);
    expect(pricePerMillion(claude())).toBe(3_000_000_000n);
    expect(pricePerMillion(claude(withCacheControl()))).toBe(3_750_000_000n);
    expect(pricePerMillion(claude(withCacheControl('5m')))).toBe(3_750_000_000n);
    expect(pricePerMillion(claude(withCacheControl('1h')))).toBe(6_000_000_000n);
  });

  it('is held at the cache-write price for a chat model that writes its cache by itself', () => {
    const plan = planRequest('chat', { model: 'gpt-5.6-luna', messages });
    const prices = maxAt(plan.model, plan.maxInputTokens).prices;
    expect(prices.cache_write_5m).toBeGreaterThan(prices.input_uncached);
    expect(plan.maxInputCost).toBe(tokenCost(plan.maxInputTokens, prices.cache_write_5m));
  });

  it('is held once more, as is the output, for each compaction that may run', () => {
    const edits = { context_management: { edits: [{ type: 'compact_20260112' }] } };
    const plain = claude();
    const compacted = claude(edits);
    expect(computeOutputHold(compacted)).toBe(2n * computeOutputHold(plain));
    expect(compacted.maxOutputPrice).toBe(plain.maxOutputPrice);
    const unit = plain.maxInputCost / BigInt(plain.maxInputTokens);
    expect(compacted.maxInputCost).toBe(2n * unit * BigInt(compacted.maxInputTokens));
  });
});

describe('planCall', () => {
  const tryPlan = (dialect: Dialect, model: string) => {
    const body = JSON.stringify({ model, messages, max_tokens: 5 });
    const read = parseRequest(dialect, new TextEncoder().encode(body));
    if (!read.ok) throw new Error(read.reason);
    return planCall(read.facts, new Headers(), deps, NOW);
  };

  it('rejects an unknown model with similar names, and a model of another endpoint', () => {
    expect(tryPlan('chat', 'gpt-4o-minni')).toMatchObject({
      ok: false,
      reason: 'model_not_found',
      suggestions: expect.arrayContaining([expect.stringContaining('gpt-4o-mini')]),
    });
    expect(tryPlan('messages', 'gpt-4o-mini')).toMatchObject({
      ok: false,
      reason: 'model_not_supported_on_endpoint',
      endpoints: ['/v1/chat/completions', '/v1/responses'],
    });
  });

  it('passes a model on that its provider has retired, under its own name', () => {
    expect(tryPlan('chat', 'deepseek-chat')).toMatchObject({
      ok: true,
      plan: { model: { lifecycle: { successor: 'deepseek-flash' } } },
    });
  });
});

describe('an answer that is not streamed', () => {
  const tryChat = (extra: JsonBody) => {
    const body = JSON.stringify({ model: 'gpt-4.1', messages, ...extra });
    const read = parseRequest('chat', new TextEncoder().encode(body));
    if (!read.ok) throw new Error(read.reason);
    return planCall(read.facts, new Headers(), deps, NOW);
  };
  const logprobs = { logprobs: true, top_logprobs: 20 };

  it.each([
    ['128 answers of 16,000 tokens', { n: 128, max_tokens: 16_000 }, true],
    ['one answer with 20 log probabilities', { max_tokens: 32_000, ...logprobs }, true],
    ['eight answers with 20 log probabilities', { n: 8, max_tokens: 16_000, ...logprobs }, false],
    ['the same, streamed', { n: 8, max_tokens: 16_000, ...logprobs, stream: true }, true],
    [
      '64 answers with their own log probability',
      { n: 64, max_tokens: 32_000, logprobs: true },
      false,
    ],
    ['a limit of ours', { n: 8, ...logprobs }, false],
  ])('may have 100 MB: %s', (_, extra, ok) => {
    const result = tryChat(extra);
    expect(result).toMatchObject(ok ? { ok } : { ok, reason: 'invalid_field', field: 'stream' });
  });
});

/** Splits `total` by shares, so that the parts never exceed it. */
function split(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => (sum === 0 ? 0 : Math.floor((total * share) / sum)));
}

describe('the plan of any request to any model', () => {
  const models = listModels(PROVIDER_IDS).filter(({ operations }) => operations.length === 0);
  const share = fc.nat({ max: 100 });
  const generatedRequests = fc.record({
    model: fc.constantFrom(...models),
    dialect: fc.constantFrom('chat', 'messages', 'responses'),
    n: fc.integer({ min: 1, max: 8 }),
    limit: fc.option(fc.integer({ min: 1, max: 400_000 }), { nil: null }),
    ttl: fc.constantFrom(null, '5m', '1h'),
    compacts: fc.boolean(),
    clears: fc.boolean(),
    searches: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
    long: fc.boolean(),
    words: fc.integer({ min: 1, max: 4000 }),
    shares: fc.tuple(share, share, share, share),
    passShares: fc.tuple(share, share, share, share),
    terms: fc.tuple(fc.nat(), fc.nat(), fc.nat()),
    servedAsAsked: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
    lifetime: fc.constantFrom(undefined, '30m', '12h'),
    pictures: fc.integer({ min: 0, max: 100 }),
    fill: fc.constantFrom(0, 0.5, 0.9, 1),
  });
  type GeneratedRequest = typeof generatedRequests extends fc.Arbitrary<infer T> ? T : never;

  /** Picks some of the terms that the model has a price for. */
  function pickTerms({ model, terms }: GeneratedRequest): ServiceTerms {
    const { tier, speed, region } = listPricedTerms(model, NOW);
    const [a, b, c] = terms;
    return {
      tier: tier[a % tier.length] ?? 'standard',
      speed: speed[b % speed.length] ?? 'standard',
      region: region[c % region.length] ?? 'global',
    };
  }

  /** What the answer says of the terms: each as asked, or the standard one. */
  function serveTerms(plan: Plan, { servedAsAsked }: GeneratedRequest): Partial<ServiceTerms> {
    const { terms } = plan.facts;
    const [tier, speed, region] = servedAsAsked;
    return {
      tier: tier ? terms.tier : 'standard',
      speed: speed ? terms.speed : 'standard',
      region: region ? terms.region : 'global',
    };
  }

  function listContextEdits({ compacts, clears }: GeneratedRequest): { type: string }[] {
    return [
      ...(compacts ? [{ type: 'compact_20260112' }] : []),
      ...(clears ? [{ type: 'clear_tool_uses_20250919' }] : []),
    ];
  }

  function planGenerated(request: GeneratedRequest): Plan | null {
    const { dialect } = request;
    if (!deps.providers.get(request.model.provider)?.endpoints[dialect]) return null;
    const content = 'word '.repeat(request.words);
    const limit = { max_tokens: request.limit };
    const body = { model: request.model.name, messages: [{ role: 'user', content }] };
    const { tier, speed, region } = pickTerms(request);
    if (dialect === 'chat') {
      const cache = { prompt_cache_options: { ttl: request.lifetime } };
      const service_tier = tier === 'standard' ? 'default' : tier;
      const tools = request.searches === null ? {} : { tools: [{ type: 'web_search' }] };
      return tryPlanRequest('chat', {
        ...body,
        ...limit,
        ...cache,
        ...tools,
        n: request.n,
        service_tier,
      });
    }
    if (dialect === 'responses') {
      return tryPlanRequest('responses', {
        model: request.model.name,
        input: [{ role: 'user', content }],
        max_output_tokens: request.limit,
        max_tool_calls: request.searches,
        ...(request.searches === null ? {} : { tools: [{ type: 'web_search' }] }),
        ...(request.compacts ? { context_management: [{ type: 'compaction' }] } : {}),
        prompt_cache_options: { ttl: request.lifetime },
        service_tier: tier === 'standard' ? 'default' : tier,
      });
    }
    const cache =
      request.ttl === null ? {} : { cache_control: { type: 'ephemeral', ttl: request.ttl } };
    const search = { type: 'web_search_20250305', name: 'web_search', max_uses: request.searches };
    return planRequest(
      'messages',
      {
        ...body,
        max_tokens: request.limit ?? 1000,
        speed,
        inference_geo: region,
        ...cache,
        ...(request.searches === null ? {} : { tools: [search] }),
        context_management: { edits: listContextEdits(request) },
      },
      request.long ? { 'anthropic-beta': 'context-1m-2025-08-07' } : {},
    );
  }

  function buildInputUsage(plan: Plan, request: GeneratedRequest) {
    const writes = plan.facts.cacheWrites;
    const mayWrite5m =
      writes !== 'automatic' || plan.facts.dialect !== 'messages' || plan.facts.serverPasses > 1;
    const [uncached, read, write5m, write1h] = request.shares;
    const parts = [uncached, read, mayWrite5m ? write5m : 0, writes === '1h' ? write1h : 0];
    const [a = 0, b = 0, c = 0, d = 0] = split(
      Math.floor(plan.maxInputTokens * request.fill),
      parts,
    );
    const rereads = plan.facts.serverPasses > 1 ? plan.facts.serverPasses * plan.maxInputTokens : 0;
    return { input_uncached: a, cache_read: b + rereads, cache_write_5m: c, cache_write_1h: d };
  }

  /** Images and text share the output limit. */
  function buildSurcharges(plan: Plan, pictures: number): SurchargeCount[] {
    const surcharges: SurchargeCount[] = [{ kind: 'image_output', count: pictures }];
    for (const { kind, maxCount } of plan.facts.surchargeBounds) {
      if (kind !== 'compaction') surcharges.push({ kind, count: maxCount });
    }
    return surcharges;
  }

  /** Each compaction pass has an input and an output limit of its own. */
  function buildPasses(plan: Plan, request: GeneratedRequest): Usage[] {
    const { cacheWrites, surchargeBounds } = plan.facts;
    const [uncached, read, write5m, write1h] = request.passShares;
    const shares = [
      uncached,
      read,
      cacheWrites === 'automatic' ? 0 : write5m,
      cacheWrites === '1h' ? write1h : 0,
    ];
    const [a = 0, b = 0, c = 0, d = 0] = split(plan.maxInputTokens, shares);
    const pass = {
      ...NO_USAGE,
      input_uncached: a,
      cache_read: b,
      cache_write_5m: c,
      cache_write_1h: d,
      output: getMaxOutput(plan),
    };
    const bound = surchargeBounds.find(({ kind }) => kind === 'compaction');
    return Array.from({ length: bound?.maxCount ?? 0 }, () => pass);
  }

  it('covers the bill of any usage within the request', () => {
    const check = (request: GeneratedRequest) => {
      const plan = planGenerated(request);
      if (plan === null) return;
      const maxTokens = maxWritten(plan, request.compacts || request.clears);
      const pictures = Math.floor((maxTokens * request.pictures) / 100);
      const usage = {
        ...NO_USAGE,
        ...buildInputUsage(plan, request),
        output: maxTokens - pictures,
      };
      const reading = {
        usage,
        largestTurn: null,
        partial: { input: null, output: null },
        usageFinal: true,
        passes: buildPasses(plan, request),
        served: serveTerms(plan, request),
        surcharges: buildSurcharges(plan, pictures),
        finished: true,
        ended: true,
        failed: false,
        rejection: null,
        refusal: null,
        eventCount: 0,
        statedCost: null,
        otherModelPasses: [],
        estimatedOutputTokens: 1,
        unpriceable: 0,
      };
      const held = computeHold(plan);
      const outcome = {
        reading,
        endReason: 'complete',
        hiddenGenerationMs: 0,
        maxOutput: maxTokens,
        held,
        floor: 0n,
      } as const;
      expect(computeBill(plan, outcome).cost).toBeLessThanOrEqual(held);
    };
    fc.assert(fc.property(generatedRequests, check), { seed: SEED, numRuns: 800 });
  });

  it('has worst-case prices at or above the prices of a call of that size', () => {
    for (const model of models) {
      const usage = { ...NO_USAGE, input_uncached: 1000 };
      const { prices } = resolvePrices(model, standardTerms(NOW), usage);
      const worstCase = maxAt(model, 1000).prices;
      for (const bucket of ['input_uncached', 'cache_read', 'output'] as const) {
        expect(worstCase[bucket]).toBeGreaterThanOrEqual(prices[bucket]);
      }
    }
  });
});
