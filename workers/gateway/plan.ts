/**
 * What a call can come to, worked out before anything is asked of anybody: which model and provider,
 * the worst case of its input, and how its output is bounded. Pure.
 */
import { dearestPrices, feePrice, findModel, type Model, suggest } from '@farebox/catalog';
import type { Dialect, RequestFacts } from '@farebox/dialects';
import type { OutputLimit } from '@farebox/ledger';
import { costOf, type Fee, type NanoUsd, NO_USAGE, type Prices } from '@farebox/money';
import type { Provider } from '@farebox/providers';
import type { House } from './env.ts';
import type { Refusal } from './refusals.ts';

export type Plan = Readonly<{
  facts: RequestFacts;
  model: Model;
  provider: Provider;
  /** The moment whose prices hold for the whole call. */
  pricedAt: Date;
  inputTokensAtMost: number;
  /** nano-USD; tokens at the dearest price that could apply, and the capped fees. */
  inputWorst: NanoUsd;
  /** nano-USD per million output tokens, the dearest that could apply. */
  outputPrice: bigint;
  output: OutputLimit;
}>;

export type Planned = Readonly<{ ok: true; plan: Plan }> | (Readonly<{ ok: false }> & Refusal);

export const ENDPOINTS: Readonly<Record<Dialect, string>> = {
  chat: '/v1/chat/completions',
  messages: '/v1/messages',
};

function larger(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

/** The dearest way one input token can be billed, given which cache writes the request can cause. */
function inputPrice(facts: RequestFacts, prices: Prices): bigint {
  const read = larger(prices.input_uncached, prices.cache_read);
  if (facts.cacheWrites === '1h') {
    return larger(larger(read, prices.cache_write_5m), prices.cache_write_1h);
  }
  // OpenAI's newer models write their cache unasked and report it; Anthropic's only when asked.
  const mayWrite = facts.cacheWrites === '5m' || facts.dialect === 'chat';
  return mayWrite ? larger(read, prices.cache_write_5m) : read;
}

function feesWorst(facts: RequestFacts, model: Model): readonly Fee[] {
  return facts.fees
    .filter((bound) => bound.kind === 'web_search')
    .map((bound) => ({
      kind: 'web_search',
      count: bound.countAtMost,
      nano_usd_per_million: feePrice(model, 'web_search'),
    }));
}

/** Each compaction pass reads up to a whole window more, and writes up to the output limit again. */
function passesOf(facts: RequestFacts): number {
  const compactions = facts.fees.filter((bound) => bound.kind === 'compaction');
  return compactions.reduce((passes, bound) => passes + bound.countAtMost, 1);
}

function outputLimit(facts: RequestFacts, model: Model, defaultOutput: number): OutputLimit {
  if (facts.maxOutput !== null) {
    // Not the catalogue's limit: where that is behind the provider's, the caller's own would be used.
    return { kind: 'explicit', tokens: Math.min(facts.maxOutput, model.contextWindow) };
  }
  const least = facts.thinkingBudget + 1;
  const most = Math.max(least, Math.min(model.maxOutput, defaultOutput));
  return { kind: 'capped', most, least };
}

const LONG_WINDOW = 1_000_000;

/** A beta of the caller's can open a window larger than the model's own (Anthropic, "1M context window"). */
function windowOf(model: Model, headers: Headers): number {
  const long = headers.get('anthropic-beta')?.includes('context-1m') === true;
  return long ? Math.max(model.contextWindow, LONG_WINDOW) : model.contextWindow;
}

/** Models that draw bill their pictures' tokens dearer than their words, asked for or not. */
function outputPriceOf(model: Model, prices: Prices, passes: number): bigint {
  return larger(prices.output, feePrice(model, 'image_output')) * BigInt(passes);
}

function makePlan(
  facts: RequestFacts,
  headers: Headers,
  model: Model,
  provider: Provider,
  house: Pick<House, 'defaultMaxOutput'>,
  now: Date,
): Plan {
  const window = windowOf(model, headers);
  const bound =
    facts.inputTokensAtMost === 'context_window'
      ? window
      : Math.min(facts.inputTokensAtMost, window);
  const prices = dearestPrices(model, now, bound);
  const passes = passesOf(facts);
  const inputWorst = costOf(
    { ...NO_USAGE, input_uncached: bound * passes },
    { ...prices, input_uncached: inputPrice(facts, prices) },
    feesWorst(facts, model),
  );
  return {
    facts,
    model,
    provider,
    pricedAt: now,
    inputTokensAtMost: bound,
    inputWorst,
    outputPrice: outputPriceOf(model, prices, passes),
    output: outputLimit(facts, model, house.defaultMaxOutput),
  };
}

/** Plans a call, or says why it can't be made. */
export function planCall(
  facts: RequestFacts,
  headers: Headers,
  house: Pick<House, 'providers' | 'defaultMaxOutput'>,
  now: Date,
): Planned {
  const { providers } = house;
  const offered = [...providers.keys()];
  const model = findModel(facts.model, offered);
  const provider = model === undefined ? undefined : providers.get(model.provider);
  if (model === undefined || provider === undefined) {
    const suggestions = suggest(facts.model, offered);
    return { ok: false, reason: 'model_unknown', model: facts.model, suggestions };
  }
  if (provider.endpoints[facts.dialect] === undefined) {
    const endpoints = dialectsOf(provider).map((dialect) => ENDPOINTS[dialect]);
    return { ok: false, reason: 'model_elsewhere', model: facts.model, endpoints };
  }
  return { ok: true, plan: makePlan(facts, headers, model, provider, house, now) };
}

/** The dialects a provider is called in, in the order of our endpoints. */
export function dialectsOf(provider: Provider): readonly Dialect[] {
  const all: readonly Dialect[] = ['chat', 'messages'];
  return all.filter((dialect) => provider.endpoints[dialect] !== undefined);
}
