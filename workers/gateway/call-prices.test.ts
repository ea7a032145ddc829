/**
 * What a call on special terms holds and costs, from the bytes of its request to its bill: the
 * providers' own rules of tiers, speeds, regions, cache lifetimes, searches and hours, each with the
 * page that states it. The prices are round numbers, so that every factor shows.
 */
import { openCatalog, type PriceList, type PriceRule } from '@farebox/catalog';
import { type Dialect, parseRequest } from '@farebox/dialects';
import { tokenCost } from '@farebox/money';
import { configureProviders, createMeter } from '@farebox/providers';
import { describe, expect, it } from 'vitest';
import { type Bill, computeBill } from './bill.ts';
import { type Plan, planCall } from './plan.ts';
import { countUnpriceable } from './usage-prices.ts';

/** A Thursday, outside DeepSeek's peak. */
const NOW = Date.parse('2026-11-26T12:00:00Z');

/** nano-USD per million tokens: 100 input, 10 cache read, 1,000 output a token. */
const BASE = { input_uncached: 100e6, cache_read: 10e6, output: 1000e6 };

function standard(prices: PriceRule['prices'] = {}): PriceRule {
  return { id: 'standard', when: {}, prices: { ...BASE, ...prices } };
}

type Listed = PriceList['providers'][number]['models'][number];

function buildModel(id: string, rest: Partial<Listed>): Listed {
  return {
    id,
    names: [id],
    patterns: [],
    displayName: id,
    limits: { context: 1_000_000, output: 1000 },
    hidesReasoning: false,
    capabilities: {},
    lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
    isFree: false,
    prices: [standard()],
    factors: [],
    provenance: {
      source: 's',
      sourceDate: '2026-11-01',
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: [],
    ...rest,
  };
}

const LIST: PriceList = {
  version: '2026-11-26',
  date: '2026-11-26',
  sources: [],
  calendars: {
    cn: { source: 's', from: '2026-01-01', until: '2026-12-31', days: ['2026-10-01'] },
  },
  margins: [],
  providers: [
    {
      id: 'openai',
      models: [
        buildModel('gpt-tiers', {
          factors: [
            { id: 'flex', when: { tier: 'flex' }, numerator: 1, denominator: 2 },
            { id: 'priority', when: { tier: 'priority' }, numerator: 2, denominator: 1 },
          ],
        }),
        buildModel('gpt-plain', {}),
        buildModel('gpt-writes', {
          prices: [standard({ cache_write_30m: 125e6, cache_write_12h: 250e6 })],
        }),
      ],
    },
    {
      id: 'anthropic',
      models: [
        buildModel('claude-fast', {
          prices: [standard({ cache_write_5m: 125e6, cache_write_1h: 200e6, web_search: 1e13 })],
          factors: [
            { id: 'fast', when: { speed: 'fast' }, numerator: 2, denominator: 1 },
            { id: 'us', when: { region: 'us' }, numerator: 11, denominator: 10 },
          ],
        }),
      ],
    },
    {
      id: 'google',
      models: [
        buildModel('gemini-2.5', {
          prices: [standard({ grounded_prompt: 35e12, web_search: 35e12 })],
        }),
        buildModel('gemini-3', {
          prices: [standard({ web_search: 14e12 })],
          factors: [{ id: 'priority', when: { tier: 'priority' }, numerator: 9, denominator: 5 }],
        }),
      ],
    },
    {
      id: 'openrouter',
      models: [
        buildModel('anthropic/claude', {
          prices: [standard({ cache_write_5m: 125e6, cache_write_1h: 200e6 })],
        }),
      ],
    },
    {
      id: 'xai',
      models: [
        buildModel('grok', { prices: [standard({ web_search: 5e12, code_execution: 6e12 })] }),
      ],
    },
    {
      id: 'deepseek',
      models: [
        buildModel('deepseek-flash', {
          prices: [
            {
              id: 'peak',
              when: {
                schedule: {
                  windows: [
                    [3600, 14_400],
                    [21_600, 36_000],
                  ],
                  weekdays: [1, 2, 3, 4, 5],
                  except: 'cn',
                  utcOffsetMinutes: 480,
                },
              },
              prices: { input_uncached: 200e6, cache_read: 20e6, output: 2000e6 },
            },
            standard(),
          ],
        }),
      ],
    },
  ],
};

const deps = {
  catalog: openCatalog(LIST),
  providers: configureProviders({
    apiKeys: { openai: 'k', anthropic: 'k', google: 'k', xai: 'k', deepseek: 'k' },
    baseUrls: {},
    extra: [{ id: 'openrouter', baseUrl: 'https://openrouter.example/api/v1', apiKey: 'k' }],
  }),
  defaultMaxOutput: 1000,
};

const encoder = new TextEncoder();
const encode = (value: unknown): Uint8Array => encoder.encode(JSON.stringify(value));
const messages = [{ role: 'user', content: 'Hello' }];

function plan(dialect: Dialect, body: object, now = NOW) {
  const parsed = parseRequest(dialect, encode({ max_tokens: 1000, messages, ...body }));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed));
  return planCall(parsed.facts, new Headers(), deps, now);
}

type Settled = Readonly<{ plan: Plan; bill: Bill; unpriceable: number }>;

/** Plans a request and settles it by a whole answer; the hold must cover the bill. */
function settle(
  dialect: Dialect,
  body: object,
  answer: object,
  rest: Readonly<{ servedTier?: string; now?: number }> = {},
): Settled {
  const planned = plan(dialect, body, rest.now);
  if (!planned.ok) throw new Error(JSON.stringify(planned));
  const { plan: call } = planned;
  const meter = createMeter({
    provider: call.provider,
    dialect,
    stream: false,
    contentType: 'application/json',
    servedTier: rest.servedTier ?? null,
    model: call.model.upstreamName,
    choices: 1,
    hideUsage: false,
    replaceError: null,
  });
  meter.feed(encode(answer));
  meter.end();
  const reading = meter.reading();
  const held = call.maxInputCost + tokenCost(1000, call.maxOutputPrice);
  const bill = computeBill(call, {
    reading,
    endReason: 'complete',
    hiddenGenerationMs: 0,
    maxOutput: 1000,
    held,
    floor: 0n,
  });
  expect(bill.cost).toBeLessThanOrEqual(held);
  return { plan: call, bill, unpriceable: countUnpriceable(call, reading) };
}

const USAGE = { prompt_tokens: 20, completion_tokens: 10, total_tokens: 30 };

function completion(more: object = {}, usage: object = USAGE): object {
  const choices = [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop' }];
  return { object: 'chat.completion', choices, usage, ...more };
}

/** 20 x 100 + 10 x 1,000 nano-USD. */
const STANDARD_COST = 12_000n;

describe('a service tier of OpenAI (developers.openai.com, "Flex processing", "Fast mode")', () => {
  it.each([
    ['flex', 'flex', STANDARD_COST / 2n, 'standard+flex'],
    ['priority', 'priority', STANDARD_COST * 2n, 'standard+priority'],
    ['fast', 'priority', STANDARD_COST * 2n, 'standard+priority'],
    ['fast', 'default', STANDARD_COST, 'standard'],
    ['flex', 'default', STANDARD_COST, 'standard'],
    ['auto', 'default', STANDARD_COST, 'standard'],
    ['priority', undefined, STANDARD_COST * 2n, 'standard+priority'],
  ])('that was asked as %s and served as %s costs %s by %s', (asked, served, cost, rule) => {
    const answer = completion({ service_tier: served });
    const settled = settle('chat', { model: 'gpt-tiers', service_tier: asked }, answer);
    expect(settled.bill).toMatchObject({ cost, priceRule: `2026-11-26/${rule}` });
    expect(settled.unpriceable).toBe(0);
  });

  it.each([
    ['priority', 'is dearer than the hold'],
    ['ultrafast', 'has no price'],
    ['batch', 'nobody knows'],
  ])('that nobody asked for and that is %s, which %s, costs the standard price', (served) => {
    const settled = settle('chat', { model: 'gpt-tiers' }, completion({ service_tier: served }));
    expect(settled.bill).toMatchObject({ cost: STANDARD_COST, priceRule: '2026-11-26/standard' });
    expect(settled.unpriceable).toBe(1);
  });

  it('that nobody asked for and is cheaper costs its own price', () => {
    const settled = settle('chat', { model: 'gpt-tiers' }, completion({ service_tier: 'flex' }));
    expect(settled.bill.cost).toBe(STANDARD_COST / 2n);
    expect(settled.unpriceable).toBe(0);
  });

  it('is held at the dearer of the tier and the standard price', () => {
    const hold = (tier: string): bigint => {
      const planned = plan('chat', { model: 'gpt-tiers', service_tier: tier });
      return planned.ok ? planned.plan.maxOutputPrice : -1n;
    };
    expect([hold('flex'), hold('default'), hold('priority')]).toEqual([
      1_000_000_000n,
      1_000_000_000n,
      2_000_000_000n,
    ]);
  });

  it('without a price for the model is refused, and the refusal names those that have one', () => {
    expect(plan('chat', { model: 'gpt-plain', service_tier: 'flex' })).toMatchObject({
      ok: false,
      reason: 'unsupported_feature',
      field: 'service_tier',
      explanation: 'openai/gpt-plain has no price for flex; it has default',
    });
    expect(plan('chat', { model: 'gpt-tiers', service_tier: 'ultrafast' })).toMatchObject({
      explanation: 'openai/gpt-tiers has no price for ultrafast; it has default, flex, priority',
    });
  });
});

describe('fast mode and data residency of Anthropic', () => {
  const message = (usage: object) => ({
    type: 'message',
    content: [{ type: 'text', text: 'Hi' }],
    stop_reason: 'end_turn',
    usage: { input_tokens: 20, output_tokens: 10, ...usage },
  });

  it.each([
    [{ speed: 'fast' }, { speed: 'fast' }, 24_000n, 'standard+fast'],
    [{ speed: 'fast' }, { speed: 'standard' }, STANDARD_COST, 'standard'],
    [{ inference_geo: 'us' }, { inference_geo: 'us' }, 13_200n, 'standard+us'],
    [
      { speed: 'fast', inference_geo: 'us' },
      { speed: 'fast', inference_geo: 'us' },
      26_400n,
      'standard+fast+us',
    ],
    [{}, { inference_geo: 'not_available', service_tier: 'standard' }, STANDARD_COST, 'standard'],
  ])('asked as %j and served as %j costs %s by %s', (asked, served, cost, rule) => {
    const settled = settle('messages', { model: 'claude-fast', ...asked }, message(served));
    expect(settled.bill).toMatchObject({ cost, priceRule: `2026-11-26/${rule}` });
  });

  it('does not change the price of a search', () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search', max_uses: 2 }];
    const usage = { speed: 'fast', server_tool_use: { web_search_requests: 2 } };
    const { bill } = settle(
      'messages',
      { model: 'claude-fast', speed: 'fast', tools },
      message(usage),
    );
    // 0.01 USD each.
    expect(bill.cost).toBe(24_000n + 20_000_000n);
  });

  it('in a region that no page offers is refused', () => {
    expect(plan('messages', { model: 'claude-fast', inference_geo: 'eu' })).toMatchObject({
      ok: false,
      field: 'inference_geo',
      explanation: 'anthropic/claude-fast has no price for eu; it has global, us',
    });
  });
});

describe('cache writes of OpenAI, whose usage does not tell their lifetime', () => {
  const usage = { ...USAGE, prompt_tokens_details: { cache_write_tokens: 8 } };

  it.each([
    [{}, 'cache_write_30m', 1000n],
    [{ prompt_cache_options: { ttl: '30m' } }, 'cache_write_30m', 1000n],
    [{ prompt_cache_options: { ttl: '12h' } }, 'cache_write_12h', 2000n],
    [{ prompt_cache_retention: '24h' }, 'cache_write_12h', 2000n],
  ])('with %j are billed as %s', (asked, bucket, writeCost) => {
    const { bill, plan: call } = settle(
      'chat',
      { model: 'gpt-writes', ...asked },
      completion({}, usage),
    );
    expect(bill.usage).toMatchObject({ input_uncached: 12, [bucket]: 8 });
    expect(bill.cost).toBe(12n * 100n + writeCost + 10_000n);
    // The hold covers the dearer of both.
    expect(call.maxInputCost).toBe(tokenCost(call.maxInputTokens, 250_000_000n));
  });

  it.each([
    [{ type: 'ephemeral' }, 'cache_write_5m', 1000n],
    [{ type: 'ephemeral', ttl: '1h' }, 'cache_write_1h', 1600n],
  ])('behind OpenRouter, marked with %j, are billed as %s', (mark, bucket, writeCost) => {
    const content = [{ type: 'text', text: 'Hello', cache_control: mark }];
    const { bill } = settle(
      'chat',
      { model: 'openrouter/anthropic/claude', messages: [{ role: 'user', content }] },
      completion({}, usage),
    );
    expect(bill.usage).toMatchObject({ input_uncached: 12, [bucket]: 8 });
    expect(bill.cost).toBe(12n * 100n + writeCost + 10_000n);
  });

  it('are billed at the model’s only price of them where it has no other', () => {
    const { bill } = settle(
      'chat',
      { model: 'gpt-plain', prompt_cache_options: { ttl: '12h' } },
      completion({}, usage),
    );
    expect(bill.usage).toMatchObject({ cache_write_5m: 8, cache_write_12h: 0 });
    expect(bill.cost).toBe(STANDARD_COST);
  });
});

describe('searches, by the unit that each provider counts', () => {
  const grounding = { groundingMetadata: { webSearchQueries: ['a', 'b'] } };
  const choices = [{ index: 0, message: { content: 'Hi' }, finish_reason: 'stop', ...grounding }];
  const tools = [{ type: 'web_search' }];

  it('cost a grounded prompt of Gemini 2.x once (ai.google.dev, "Pricing")', () => {
    const { bill, unpriceable } = settle(
      'chat',
      { model: 'gemini-2.5', tools },
      completion({ choices }),
    );
    expect(bill.fees).toEqual([
      { kind: 'grounded_prompt', count: 1, nano_usd_per_million: 35_000_000_000_000n },
    ]);
    expect([bill.cost, unpriceable]).toEqual([STANDARD_COST + 35_000_000n, 0]);
  });

  it('cost each query of Gemini 3', () => {
    const { bill } = settle('chat', { model: 'gemini-3', tools }, completion({ choices }));
    expect(bill.cost).toBe(STANDARD_COST + 2n * 14_000_000n);
  });

  it('cost each call of xAI’s tools by its kind (docs.x.ai, "Pricing")', () => {
    const usage = {
      ...USAGE,
      server_side_tool_usage_details: { web_search_calls: 1, x_search_calls: 2, mcp_calls: 4 },
    };
    const xai = [{ type: 'web_search' }, { type: 'x_search' }];
    const { bill, unpriceable } = settle(
      'chat',
      { model: 'grok', tools: xai },
      completion({}, usage),
    );
    expect(bill.fees.map(({ kind, count }) => [kind, count])).toEqual([
      ['web_search', 1],
      ['x_search', 2],
    ]);
    expect([bill.cost, unpriceable]).toEqual([STANDARD_COST + 3n * 5_000_000n, 0]);
  });

  it('of a kind that the model has no price for are refused, or counted if they come unasked', () => {
    expect(plan('chat', { model: 'grok', tools: [{ type: 'file_search' }] })).toMatchObject({
      ok: false,
      field: 'tools',
      explanation: 'xai/grok has no price for file search',
    });
    const usage = { ...USAGE, server_side_tool_usage_details: { file_search_calls: 1 } };
    const settled = settle('chat', { model: 'grok' }, completion({}, usage));
    expect([settled.bill.cost, settled.unpriceable]).toEqual([STANDARD_COST, 1]);
  });
});

describe('the priority tier of Gemini, which downgrades without a word in the body', () => {
  it.each([
    ['priority', (STANDARD_COST * 9n) / 5n],
    ['standard', STANDARD_COST],
  ])('costs by the tier in the header: %s', (servedTier, cost) => {
    const body = { model: 'gemini-3', service_tier: 'priority' };
    expect(settle('chat', body, completion(), { servedTier }).bill.cost).toBe(cost);
  });
});

describe('the hours of DeepSeek (api-docs.deepseek.com, "Models & Pricing", note 2)', () => {
  it.each([
    ['2026-11-27T02:00:00Z', 2n, 'peak'],
    ['2026-11-27T05:00:00Z', 1n, 'standard'],
    ['2026-11-28T07:00:00Z', 1n, 'standard'],
    ['2026-10-01T07:00:00Z', 1n, 'standard'],
  ])('at %s multiply the price by %s, by the rule %s', (time, factor, rule) => {
    const now = Date.parse(time);
    const { bill } = settle('chat', { model: 'deepseek-flash' }, completion(), { now });
    expect(bill).toMatchObject({ cost: STANDARD_COST * factor, priceRule: `2026-11-26/${rule}` });
  });
});
