/**
 * What a call can come to: whatever a provider may report within what was asked, the hold covers it.
 * Through the readers of both dialects, so that a bound nobody reads is found too. Seeds are fixed.
 */
import { dearestPrices, feePrice, listModels, priceAt } from '@farebox/catalog';
import { readRequest } from '@farebox/dialects';
import { costOfTokens, type NanoUsd, NO_USAGE } from '@farebox/money';
import { configureProviders, type Extra } from '@farebox/providers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { billOf } from './bill.ts';
import { type Plan, planCall } from './plan.ts';

const SEED = 20261123;
const NOW = new Date('2026-11-23T12:00:00Z');
const PROVIDERS = ['openai', 'anthropic', 'google', 'xai', 'deepseek'];
const house = {
  providers: configureProviders({
    apiKeys: Object.fromEntries(PROVIDERS.map((id) => [id, 'k'])),
    baseUrls: {},
    extra: [],
  }),
  defaultMaxOutput: 32_768,
};

type Body = Readonly<Record<string, unknown>>;
type Dialect = 'chat' | 'messages';

function planOf(dialect: Dialect, body: Body, headers: HeadersInit = {}): Plan {
  const read = readRequest(dialect, new TextEncoder().encode(JSON.stringify(body)));
  if (!read.ok) throw new Error(read.reason);
  const planned = planCall(read.facts, new Headers(headers), house, NOW);
  if (!planned.ok) throw new Error(planned.reason);
  return planned.plan;
}

const messages = [{ role: 'user', content: 'Tell me everything.' }];
const chat = (extra: Body = {}): Plan =>
  planOf('chat', { model: 'gpt-4o-mini', messages, ...extra });
const claude = (extra: Body = {}, headers: HeadersInit = {}): Plan =>
  planOf('messages', { model: 'claude-sonnet-4-5', max_tokens: 1000, messages, ...extra }, headers);

function limitOf({ output }: Plan): number {
  return output.kind === 'explicit' ? output.tokens : output.most;
}

/** As the account's book works it out (packages/ledger): input and fees, and the output limit for each answer. */
function holdOf(plan: Plan): NanoUsd {
  return plan.inputWorst + costOfTokens(limitOf(plan) * plan.facts.choices, plan.outputPrice);
}

describe('the output limit', () => {
  it('is the caller’s own, and the larger where a chat body names two', () => {
    expect(chat({ max_tokens: 77 }).output).toEqual({ kind: 'explicit', tokens: 77 });
    expect(chat({ max_tokens: 10, max_completion_tokens: 900 }).output).toEqual({
      kind: 'explicit',
      tokens: 900,
    });
  });

  it('of null is none: one of ours is put in', () => {
    for (const body of [
      {},
      { max_tokens: null },
      { max_completion_tokens: null },
      { max_tokens: null, max_completion_tokens: null },
    ]) {
      // gpt-4o-mini writes at most 16,384 tokens, less than our default.
      expect(chat(body).output).toEqual({ kind: 'capped', most: 16_384, least: 1 });
    }
    expect(chat({ max_tokens: null, max_completion_tokens: 55 }).output).toEqual({
      kind: 'explicit',
      tokens: 55,
    });
  });

  it('of ours is our default where the model could write more', () => {
    expect(planOf('chat', { model: 'gpt-5', messages }).output).toMatchObject({ most: 32_768 });
  });

  it('above the catalogue’s is held for in full, up to the window', () => {
    expect(chat({ max_tokens: 50_000 }).output).toEqual({ kind: 'explicit', tokens: 50_000 });
    expect(chat({ max_tokens: 9_000_000 }).output).toEqual({ kind: 'explicit', tokens: 128_000 });
  });

  it('is held for once for each answer asked for', () => {
    const five = chat({ max_tokens: 1000, n: 5 });
    expect(holdOf(five) - five.inputWorst).toBe(5n * 1000n * 600n);
  });

  it('of a model that draws is held at the price of its pictures', () => {
    const plan = planOf('chat', { model: 'gemini-2.5-flash-image', messages, max_tokens: 1000 });
    expect(plan.outputPrice).toBe(30_000_000_000n);
    expect(plan.outputPrice).toBeGreaterThan(dearestPrices(plan.model, NOW).output);
  });
});

describe('the input', () => {
  const web = { tools: [{ type: 'web_search_20250305', name: 'web_search', max_uses: 3 }] };

  it('that only the window bounds is held as a whole window, and its searches beside', () => {
    const plan = claude(web);
    expect(plan.inputTokensAtMost).toBe(200_000);
    const prices = dearestPrices(plan.model, NOW, 200_000);
    expect(plan.inputWorst).toBe(
      costOfTokens(200_000, prices.input_uncached) +
        costOfTokens(3, feePrice(plan.model, 'web_search')),
    );
  });

  it('with the long-context beta is held as a million tokens at the long context’s price', () => {
    for (const beta of [
      'context-1m-2025-08-07',
      'interleaved-thinking-2025-05-14,context-1m-2025-08-07',
    ]) {
      const plan = claude(web, { 'anthropic-beta': beta });
      expect(plan.inputTokensAtMost).toBe(1_000_000);
      // 6 and 22.50 USD a million above 200,000 tokens (Anthropic price list).
      expect(plan.inputWorst).toBeGreaterThanOrEqual(costOfTokens(1_000_000, 6_000_000_000n));
      expect(plan.outputPrice).toBe(22_500_000_000n);
    }
    const other = claude(web, { 'anthropic-beta': 'interleaved-thinking-2025-05-14' });
    expect(other.inputTokensAtMost).toBe(200_000);
    expect(other.inputWorst).toBeLessThan(costOfTokens(1_000_000, 3_000_000_000n));
  });

  it('is held at the dearest cache write it asks for', () => {
    const marked = (ttl?: string) => ({
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
    const priceOf = (plan: Plan) => (plan.inputWorst * 1_000_000n) / BigInt(plan.inputTokensAtMost);
    expect(priceOf(claude())).toBe(3_000_000_000n);
    expect(priceOf(claude(marked()))).toBe(3_750_000_000n);
    expect(priceOf(claude(marked('5m')))).toBe(3_750_000_000n);
    expect(priceOf(claude(marked('1h')))).toBe(6_000_000_000n);
  });

  it('of a chat model that writes its cache unasked is held at that price', () => {
    const plan = planOf('chat', { model: 'gpt-5.6-luna', messages });
    const prices = dearestPrices(plan.model, NOW, plan.inputTokensAtMost);
    expect(prices.cache_write_5m).toBeGreaterThan(prices.input_uncached);
    expect(plan.inputWorst).toBe(costOfTokens(plan.inputTokensAtMost, prices.cache_write_5m));
  });

  it('and the output are held once more for each compaction that may run', () => {
    const edits = { context_management: { edits: [{ type: 'compact_20260112' }] } };
    const plain = claude();
    const compacted = claude(edits);
    expect(compacted.outputPrice).toBe(2n * plain.outputPrice);
    const unit = plain.inputWorst / BigInt(plain.inputTokensAtMost);
    expect(compacted.inputWorst).toBe(2n * unit * BigInt(compacted.inputTokensAtMost));
  });
});

describe('what can’t be planned', () => {
  const refusalOf = (dialect: Dialect, model: string) => {
    const body = JSON.stringify({ model, messages, max_tokens: 5 });
    const read = readRequest(dialect, new TextEncoder().encode(body));
    if (!read.ok) throw new Error(read.reason);
    return planCall(read.facts, new Headers(), house, NOW);
  };

  it('is an unknown model, with near names, and one that is called elsewhere', () => {
    expect(refusalOf('chat', 'gpt-4o-minni')).toMatchObject({
      ok: false,
      reason: 'model_unknown',
      suggestions: expect.arrayContaining([expect.stringContaining('gpt-4o-mini')]),
    });
    expect(refusalOf('messages', 'gpt-4o-mini')).toMatchObject({
      ok: false,
      reason: 'model_elsewhere',
      endpoints: ['/v1/chat/completions'],
    });
  });
});

/** Splits `total` by shares, so that the parts never exceed it. */
function split(total: number, shares: readonly number[]): number[] {
  const sum = shares.reduce((a, b) => a + b, 0);
  return shares.map((share) => (sum === 0 ? 0 : Math.floor((total * share) / sum)));
}

describe('for any model and any usage within what was asked', () => {
  const models = listModels(PROVIDERS);
  const share = fc.nat({ max: 100 });
  const asks = fc.record({
    model: fc.constantFrom(...models),
    messagesDialect: fc.boolean(),
    n: fc.integer({ min: 1, max: 8 }),
    limit: fc.option(fc.integer({ min: 1, max: 400_000 }), { nil: null }),
    ttl: fc.constantFrom(null, '5m', '1h'),
    compacts: fc.boolean(),
    searches: fc.option(fc.integer({ min: 1, max: 9 }), { nil: null }),
    long: fc.boolean(),
    words: fc.integer({ min: 1, max: 4000 }),
    shares: fc.tuple(share, share, share, share),
    passShares: fc.tuple(share, share, share),
    pictures: fc.integer({ min: 0, max: 100 }),
    fill: fc.constantFrom(0, 0.5, 0.9, 1),
  });
  type Ask = typeof asks extends fc.Arbitrary<infer T> ? T : never;

  function planFor(ask: Ask): Plan | null {
    const dialect: Dialect = ask.messagesDialect ? 'messages' : 'chat';
    if (!house.providers.get(ask.model.provider)?.endpoints[dialect]) return null;
    const content = 'word '.repeat(ask.words);
    const limit = { max_tokens: ask.limit };
    const body = { model: ask.model.name, messages: [{ role: 'user', content }] };
    if (dialect === 'chat') return planOf('chat', { ...body, ...limit, n: ask.n });
    const cache = ask.ttl === null ? {} : { cache_control: { type: 'ephemeral', ttl: ask.ttl } };
    const search = { type: 'web_search_20250305', name: 'web_search', max_uses: ask.searches };
    return planOf(
      'messages',
      {
        ...body,
        max_tokens: ask.limit ?? 1000,
        ...cache,
        ...(ask.searches === null ? {} : { tools: [search] }),
        ...(ask.compacts ? { context_management: { edits: [{ type: 'compact_20260112' }] } } : {}),
      },
      ask.long ? { 'anthropic-beta': 'context-1m-2025-08-07' } : {},
    );
  }

  function inputFor(plan: Plan, ask: Ask) {
    const writes = plan.facts.cacheWrites;
    const short = writes !== 'automatic' || plan.facts.dialect === 'chat';
    const [uncached, read, write5m, write1h] = ask.shares;
    const parts = [uncached, read, short ? write5m : 0, writes === '1h' ? write1h : 0];
    const [a = 0, b = 0, c = 0, d = 0] = split(
      Math.floor(plan.inputTokensAtMost * ask.fill),
      parts,
    );
    return { input_uncached: a, cache_read: b, cache_write_5m: c, cache_write_1h: d };
  }

  /** Pictures and words share the output limit; each compaction pass has an input and a limit of its own. */
  function extrasFor(plan: Plan, ask: Ask, pictures: number): Extra[] {
    const extras: Extra[] = [{ kind: 'image_output', count: pictures }];
    for (const bound of plan.facts.fees) {
      if (bound.kind === 'web_search')
        extras.push({ kind: 'web_search', count: bound.countAtMost });
      if (bound.kind !== 'compaction') continue;
      const total = plan.inputTokensAtMost * bound.countAtMost;
      const writes = plan.facts.cacheWrites === 'automatic' ? 0 : ask.passShares[2];
      const [a = 0, b = 0, c = 0] = split(total, [ask.passShares[0], ask.passShares[1], writes]);
      extras.push({ kind: 'compaction_input', count: a });
      extras.push({ kind: 'compaction_cache_read', count: b });
      extras.push({ kind: 'compaction_cache_write', count: c });
      extras.push({ kind: 'compaction_output', count: limitOf(plan) * bound.countAtMost });
    }
    return extras;
  }

  it('the bill is never above the hold', () => {
    const check = (ask: Ask) => {
      const plan = planFor(ask);
      if (plan === null) return;
      const most = limitOf(plan) * plan.facts.choices;
      const pictures = Math.floor((most * ask.pictures) / 100);
      const usage = { ...NO_USAGE, ...inputFor(plan, ask), output: most - pictures };
      const reading = {
        usage,
        usageFinal: true,
        extras: extrasFor(plan, ask, pictures),
        finished: true,
        ended: true,
        failed: false,
        outputLikely: 1,
        unpriceable: 0,
      };
      const held = holdOf(plan);
      const course = {
        reading,
        ending: 'complete',
        unseenMs: 0,
        maxOutput: most,
        held,
        floor: 0n,
      } as const;
      expect(billOf(plan, course).cost).toBeLessThanOrEqual(held);
    };
    fc.assert(fc.property(asks, check), { seed: SEED, numRuns: 800 });
  });

  it('a call of the size held for is priced no dearer than planned', () => {
    for (const model of models) {
      const prices = priceAt(model, NOW, 1000);
      const dearest = dearestPrices(model, NOW, 1000);
      for (const bucket of ['input_uncached', 'cache_read', 'output'] as const) {
        expect(dearest[bucket]).toBeGreaterThanOrEqual(prices[bucket]);
      }
    }
  });
});
