/**
 * Plans a call before any I/O: its model and provider, the worst-case cost of its input, and the
 * limit of its output. Pure.
 */
import { type Catalog, type MaxPrices, type Model, maxPrices } from '@farebox/catalog';
import {
  type CacheWrites,
  DIALECT_SPECS,
  DIALECTS,
  ENDPOINT_SPECS,
  hasLongContextBeta,
  OPERATION_SPECS,
  type RequestFacts,
} from '@farebox/dialects';
import type { OutputLimit } from '@farebox/ledger';
import {
  type Bucket,
  computeCost,
  type NanoUsd,
  NO_USAGE,
  type Surcharge,
  type SurchargeKind,
} from '@farebox/money';
import { estimateInputTokens, type Provider, type ProviderId } from '@farebox/providers';
import { err, ok, type Result } from '@farebox/result';
import { checkModalities } from './call-modalities.ts';
import { checkTerms, possibleTerms } from './call-terms.ts';
import type { ApiError } from './errors.ts';

export type Plan = Readonly<{
  facts: RequestFacts;
  model: Model;
  provider: Provider;
  /** Finds another model of the provider, whose pass an answer may report. */
  findOtherModel: (name: string) => Model | undefined;
  /** The time whose prices apply to the whole call, in milliseconds since the epoch. */
  pricedAt: number;
  maxInputTokens: number;
  /** What the provider is likely to count. */
  estimatedInputTokens: number;
  /** The highest prices that the call may have, which its hold covers. */
  maxPrices: MaxPrices;
  /** nano-USD: the input at the highest price that could apply, plus the capped surcharges. */
  maxInputCost: NanoUsd;
  /** nano-USD per million output tokens, the highest price that could apply. */
  maxOutputPrice: bigint;
  output: OutputLimit;
  /** How many times the output limit may be used up. */
  maxOutputs: number;
}>;

export type PlanDeps = Readonly<{
  catalog: Catalog;
  providers: ReadonlyMap<ProviderId, Provider>;
  /** Output tokens injected where the request has no limit. */
  defaultMaxOutput: number;
}>;

export type PlanResult = Result<{ plan: Plan }, ApiError>;

function maxBigInt(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The cache writes that a request can cause, by the longest lifetime that it asks for. */
const CACHE_WRITES: Readonly<Record<CacheWrites, readonly Bucket[]>> = {
  automatic: [],
  '5m': ['cache_write_5m'],
  '30m': ['cache_write_30m'],
  '1h': ['cache_write_5m', 'cache_write_1h'],
  '12h': ['cache_write_30m', 'cache_write_12h'],
};

/**
 * Writes of a provider that caches unasked. Its answers do not tell the lifetime, so that any may be
 * what the provider bills.
 */
const UNASKED_CACHE_WRITES: readonly Bucket[] = [
  'cache_write_5m',
  'cache_write_30m',
  'cache_write_12h',
];

/**
 * Returns the highest price of an input token, given the cache writes that the request can cause.
 */
function maxInputPrice(facts: RequestFacts, { prices, surchargePrices }: MaxPrices): bigint {
  const { mayCacheUnasked } = ENDPOINT_SPECS[facts.endpoint].request;
  const buckets: readonly Bucket[] = [
    'input_uncached',
    'cache_read',
    ...CACHE_WRITES[facts.cacheWrites],
    ...(mayCacheUnasked ? UNASKED_CACHE_WRITES : []),
    // Between the turns of its own loop a provider caches unasked
    // (editor-code-assistant/eca issue 307).
    ...(facts.serverPasses > 1 ? CACHE_WRITES['5m'] : []),
  ];
  const audioPrice = facts.mayHaveAudioInput ? (surchargePrices.audio_input ?? 0n) : 0n;
  return buckets.map((bucket) => prices[bucket]).reduce(maxBigInt, audioPrice);
}

type PricedBounds =
  | Readonly<{ ok: true; surcharges: readonly Surcharge[] }>
  | Readonly<{ ok: false; kind: SurchargeKind }>;

/** Returns the most that surcharges may cost, or the kind that the model has no price for. */
function maxSurcharges(facts: RequestFacts, { surchargePrices }: MaxPrices): PricedBounds {
  const surcharges: Surcharge[] = [];
  for (const { kind, maxCount } of facts.surchargeBounds) {
    if (kind === 'compaction') continue;
    const price = surchargePrices[kind];
    const perPrompt = kind === 'web_search' ? surchargePrices.grounded_prompt : undefined;
    if (perPrompt !== undefined) {
      const count = facts.choices;
      surcharges.push({ kind: 'grounded_prompt', count, nano_usd_per_million: perPrompt });
    } else if (price !== undefined)
      surcharges.push({ kind, count: maxCount, nano_usd_per_million: price });
    else return { ok: false, kind };
  }
  return { ok: true, surcharges };
}

/** Counts the compactions: each reads up to a context window and writes up to the output limit. */
function countCompactions({ surchargeBounds }: RequestFacts): number {
  const compactions = surchargeBounds.filter((bound) => bound.kind === 'compaction');
  return compactions.reduce((sum, bound) => sum + bound.maxCount, 0);
}

/**
 * Counts the turns that may write up to `limit` tokens each. What a turn writes stays in the prompt
 * of the next one, so that all of them together fit into the context window, unless something is
 * taken out of it ("Context windows", "Context editing" on platform.claude.com).
 */
function countOutputTurns(facts: RequestFacts, limit: number, contextWindow: number): number {
  const { outputTurns, mayClearContext } = facts;
  if (outputTurns === 1 || mayClearContext) return outputTurns;
  return Math.min(outputTurns, Math.max(1, Math.ceil(contextWindow / Math.max(1, limit))));
}

/**
 * Counts the passes that read what the first one wrote to the cache. Measured on Anthropic's loop:
 * new content is written once, the prefix is read once a turn (turnstonelabs/turnstone issue 1191).
 */
function countRereads({ serverPasses }: RequestFacts): number {
  return serverPasses > 1 ? serverPasses : 0;
}

function outputLimit(facts: RequestFacts, model: Model, defaultOutput: number): OutputLimit {
  if (facts.maxOutput !== null) {
    // Not the catalog's maximum: if the provider's is higher by now, the request's own limit
    // applies.
    return { kind: 'explicit', tokens: Math.min(facts.maxOutput, model.contextWindow) };
  }
  const { fields, minInjected } = ENDPOINT_SPECS[facts.endpoint].request.outputLimit;
  // Nothing but the model's own limit bounds the output.
  if (fields.length === 0) return { kind: 'explicit', tokens: model.maxOutput };
  const min = Math.max(minInjected, facts.thinkingBudget + 1);
  const max = Math.max(min, Math.min(model.maxOutput, defaultOutput));
  return { kind: 'capped', max, min };
}

const LONG_CONTEXT_WINDOW = 1_000_000;

/** Returns the context window, which a beta can make larger (Anthropic, "1M context window"). */
function effectiveContextWindow(facts: RequestFacts, model: Model, headers: Headers): number {
  const longContext = facts.longContext || hasLongContextBeta(headers.get('anthropic-beta'));
  return longContext ? Math.max(model.contextWindow, LONG_CONTEXT_WINDOW) : model.contextWindow;
}

/**
 * Returns the highest output price: models that output images bill their tokens above text tokens,
 * and audio has a price of its own where it is asked for.
 */
function maxOutputPriceFor(
  { mayHaveAudioOutput }: RequestFacts,
  { prices, surchargePrices }: MaxPrices,
): bigint {
  const audioPrice = mayHaveAudioOutput ? (surchargePrices.audio_output ?? 0n) : 0n;
  const highest = [prices.output, surchargePrices.image_output ?? 0n, audioPrice];
  return highest.reduce(maxBigInt);
}

function buildPlan(
  facts: RequestFacts,
  headers: Headers,
  model: Model,
  provider: Provider,
  deps: Pick<PlanDeps, 'defaultMaxOutput' | 'catalog'>,
  now: number,
): PlanResult {
  const contextWindow = effectiveContextWindow(facts, model, headers);
  const maxInputTokens =
    facts.maxInputTokens === 'context_window'
      ? contextWindow
      : Math.min(facts.maxInputTokens, contextWindow);
  const max = maxPrices(model, possibleTerms(facts, now), maxInputTokens);
  const bounds = maxSurcharges(facts, max);
  if (!bounds.ok) return unpricedToolError(model, bounds.kind);
  const compactions = countCompactions(facts);
  const { calibration } = provider;
  const estimatedInput = estimateInputTokens(facts.estimatedInput, calibration, model.upstreamName);
  const maxInputCost = computeCost(
    {
      ...NO_USAGE,
      input_uncached: maxInputTokens * (1 + compactions),
      cache_read: maxInputTokens * countRereads(facts),
    },
    { ...max.prices, input_uncached: maxInputPrice(facts, max) },
    bounds.surcharges,
  );
  const output = outputLimit(facts, model, deps.defaultMaxOutput);
  const limit = output.kind === 'explicit' ? output.tokens : output.max;
  const plan = {
    facts,
    provider,
    pricedAt: now,
    maxInputTokens,
    estimatedInputTokens: Math.min(maxInputTokens, Math.ceil(estimatedInput)),
    maxPrices: max,
    maxInputCost,
    maxOutputPrice: maxOutputPriceFor(facts, max),
    output,
    maxOutputs: facts.choices * (countOutputTurns(facts, limit, contextWindow) + compactions),
    ...withPrices(model, provider, deps.catalog),
  };
  return ok({ plan });
}

/** What of a plan its prices come from. */
function withPrices(
  model: Model,
  { id }: Provider,
  catalog: Catalog,
): Pick<Plan, 'model' | 'findOtherModel'> {
  return { model, findOtherModel: (name) => catalog.findModel(name, [id]) };
}

/** Returns the plan with other prices of its model, as `inEffect` has them; its hold stays. */
export function repricePlan(plan: Plan, model: Model, inEffect: Catalog): Plan {
  return { ...plan, ...withPrices(model, plan.provider, inEffect) };
}

function unpricedToolError(model: Model, kind: SurchargeKind): PlanResult {
  const explanation = `${model.name} has no price for ${kind.replaceAll('_', ' ')}`;
  return err('unsupported_feature', { field: 'tools', explanation });
}

/**
 * A larger answer has to be streamed. A document is passed on as it comes, but its client keeps it
 * whole, and `n` and log probabilities multiply it at no price.
 */
const MAX_DOCUMENT_BYTES = 100_000_000;

/** Returns the error of a request whose answer may be too large for one document. */
function checkDocumentSize({ facts, output }: Plan): ApiError | undefined {
  if (facts.stream) return undefined;
  const tokens = output.kind === 'explicit' ? output.tokens : output.max;
  const bytes = tokens * facts.choices * facts.bytesPerToken;
  if (bytes <= MAX_DOCUMENT_BYTES) return undefined;
  const megabytes = Math.ceil(bytes / 1_000_000);
  const expected = `true for an answer of up to ${megabytes} MB, by n, logprobs and the output limit`;
  return { reason: 'invalid_field', field: 'stream', expected };
}

export type Target = Readonly<{ model: Model; provider: Provider }>;
export type TargetResult = Result<Target, ApiError>;

/** Finds the model that a request names and its provider; suggests models where there is none. */
export function findTarget(
  name: string,
  { catalog, providers }: Pick<PlanDeps, 'catalog' | 'providers'>,
  now: number,
): TargetResult {
  const providerIds = [...providers.keys()];
  const model = catalog.findModel(name, providerIds);
  const provider = model === undefined ? undefined : providers.get(model.provider);
  // A retired model is not offered, but passed on: its provider decides, and may have extended it.
  if (model !== undefined && provider !== undefined) return ok({ model, provider });
  const suggestions = catalog.suggestModels(name, providerIds, now);
  return err('model_not_found', { model: name, suggestions });
}

/** The error of a request at an endpoint that does not serve the model that it names. */
export function unsupportedEndpointError(name: string, { model, provider }: Target) {
  const endpoints = supportedEndpoints(provider, model);
  return err('model_not_supported_on_endpoint', { model: name, endpoints });
}

/** Plans a call at `now` (milliseconds since the epoch), or returns why it can't be made. */
export function planCall(
  facts: RequestFacts,
  headers: Headers,
  deps: PlanDeps,
  now: number,
): PlanResult {
  const target = findTarget(facts.model, deps, now);
  if (!target.ok) return target;
  const { model, provider } = target;
  if (provider.endpoints[facts.endpoint] === undefined || model.operations.length > 0)
    return unsupportedEndpointError(facts.model, target);
  const unpriced = checkTerms(facts, model, now) ?? checkModalities(facts, model, provider, now);
  if (unpriced !== undefined) return { ok: false, ...unpriced };
  const planned = buildPlan(facts, headers, model, provider, deps, now);
  const tooLarge = planned.ok ? checkDocumentSize(planned.plan) : undefined;
  return tooLarge === undefined ? planned : { ok: false, ...tooLarge };
}

/** Returns the gateway's paths at which a model of a provider can be called. */
export function supportedEndpoints(provider: Provider, model: Model): readonly string[] {
  const dialects = DIALECTS.filter((dialect) => provider.endpoints[dialect] !== undefined);
  if (model.operations.length === 0) return dialects.map((dialect) => ENDPOINT_SPECS[dialect].path);
  return model.operations
    .filter((operation) => provider.endpoints[operation] !== undefined)
    .flatMap((operation) => [
      OPERATION_SPECS[operation].path,
      // Google's SDK embeds at an endpoint of its own dialect.
      ...dialects.flatMap(
        (dialect) => DIALECT_SPECS[dialect].modelList.operations[operation] ?? [],
      ),
    ]);
}
