/**
 * The rules of what a call is charged: the provider's usage where it was reported, an estimate
 * within the hold where the response was truncated, nothing where nothing was produced. Seeds are
 * fixed.
 */
import { openCatalog, RELEASED, RELEASED_CATALOG } from '@farebox/catalog';
import { NO_USAGE_REPORTED, parseRequest } from '@farebox/dialects';
import { costWithoutMargin, NO_USAGE, removeMargins, tokenCost, type Usage } from '@farebox/money';
import { configureProviders, type Reading } from '@farebox/providers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CallOutcome, computeBill, estimateBill, zeroBill } from './bill.ts';
import type { EndReason } from './end-reason.ts';
import { type Plan, planCall } from './plan.ts';

const SEED = 20261123;
const NOW = Date.parse('2026-11-23T12:00:00Z');
const END_REASONS: readonly EndReason[] = [
  'complete',
  'client_disconnected',
  'upstream_disconnected',
  'upstream_timeout',
  'stopped_by_account',
];

const deps = {
  catalog: RELEASED_CATALOG,
  providers: configureProviders({
    apiKeys: { openai: 'k', anthropic: 'k' },
    baseUrls: {},
    extra: [],
  }),
  defaultMaxOutput: 4096,
};

function planRequest(dialect: 'chat' | 'messages', body: object, planDeps = deps): Plan {
  const read = parseRequest(dialect, new TextEncoder().encode(JSON.stringify(body)));
  if (!read.ok) throw new Error(read.reason);
  const planResult = planCall(read.facts, new Headers(), planDeps, NOW);
  if (!planResult.ok) throw new Error(planResult.reason);
  return planResult.plan;
}

const messages = [{ role: 'user', content: 'Tell me a story of a hundred words, please.' }];
/** gpt-4o-mini: 150 nano-USD a token of input, 600 of output; it hides no reasoning. */
const plain = planRequest('chat', { model: 'gpt-4o-mini', messages, max_tokens: 1000 });
const twoChoices = planRequest('chat', { model: 'gpt-4o-mini', messages, max_tokens: 1000, n: 2 });
/** gpt-5-mini hides its reasoning. */
const thinking = planRequest('chat', {
  model: 'gpt-5-mini',
  messages,
  max_completion_tokens: 1000,
});
const CLAUDE_REQUEST = { model: 'claude-sonnet-4-5', messages, max_tokens: 1000 };
const claude = planRequest('messages', CLAUDE_REQUEST);

const EMPTY_READING: Reading = {
  ...NO_USAGE_REPORTED,
  usageFinal: false,
  finished: false,
  ended: false,
  failed: false,
  rejection: null,
  refusal: null,
  eventCount: 0,
  estimatedOutputTokens: 0,
  unpriceable: 0,
};

function makeOutcome(
  reading: Partial<Reading>,
  endReason: EndReason,
  rest: Partial<CallOutcome> = {},
): CallOutcome {
  return {
    reading: { ...EMPTY_READING, ...reading },
    endReason,
    hiddenGenerationMs: 0,
    maxOutput: 1000,
    held: 1_000_000_000n,
    floor: 0n,
    ...rest,
  };
}

const reportedUsage: Usage = { ...NO_USAGE, input_uncached: 2000, output: 700 };

describe('the bill of a call with reported usage', () => {
  it.each(END_REASONS)('charges the reported usage when the call ended as %s', (endReason) => {
    const bill = computeBill(
      plain,
      makeOutcome({ usage: reportedUsage, usageFinal: true }, endReason),
    );
    expect(bill.reason).toBe('provider_reported');
    expect(bill.usage).toEqual(reportedUsage);
    expect(bill.cost).toBe(2000n * 150n + 700n * 600n);
    expect(bill.waivedCost).toBeUndefined();
  });

  it('charges the reported usage in full beside an error, even above the hold', () => {
    const reading = { usage: reportedUsage, usageFinal: true, failed: true };
    const bill = computeBill(plain, makeOutcome(reading, 'complete', { held: 1n }));
    expect(bill.cost).toBe(720_000n);
  });

  it('has the reason free when the reported usage costs nothing', () => {
    const reading = { usage: NO_USAGE, usageFinal: true };
    expect(computeBill(plain, makeOutcome(reading, 'complete'))).toMatchObject({
      reason: 'free',
      cost: 0n,
    });
  });

  it('lists and prices web searches beside the tokens', () => {
    const surcharges = [{ kind: 'web_search', count: 3 }] as const;
    const reading = { usage: reportedUsage, usageFinal: true, surcharges };
    const bill = computeBill(claude, makeOutcome(reading, 'complete'));
    expect(bill.fees.map(({ kind, count }) => [kind, count])).toEqual([['web_search', 3]]);
    // 10 USD a thousand searches (Anthropic price list); 3 and 15 USD a million tokens.
    expect(bill.cost).toBe(2000n * 3000n + 700n * 15_000n + 30_000_000n);
  });

  it('takes the turns of a provider’s loop as no larger than the context window', () => {
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    const body = { model: 'claude-sonnet-4-5', messages, max_tokens: 1000, tools };
    const usage = { ...NO_USAGE, input_uncached: 150_000, cache_read: 350_000 };
    const outcome = makeOutcome({ usage, usageFinal: true }, 'complete');
    // 3 and 0.30 USD a million up to 200,000 tokens of one turn, twice that above.
    expect(computeBill(planRequest('messages', body), outcome).cost).toBe(
      150_000n * 3000n + 350_000n * 300n,
    );
  });

  it('prices a compaction’s tokens by their own lifetime and size', () => {
    const pass = {
      ...NO_USAGE,
      input_uncached: 100,
      cache_read: 100,
      cache_write_5m: 100,
      cache_write_1h: 100,
      output: 100,
    };
    const long = { ...NO_USAGE, input_uncached: 200_001, output: 10 };
    const reading = { usage: NO_USAGE, usageFinal: true, passes: [pass, pass, long] };
    const bill = computeBill(claude, makeOutcome(reading, 'complete'));
    expect(bill.reason).toBe('provider_reported');
    expect(bill.fees.map(({ kind, count }) => [kind, count])).toEqual([
      ['compaction_input', 200],
      ['compaction_cache_read', 200],
      ['compaction_cache_write', 200],
      ['compaction_cache_write_1h', 200],
      ['compaction_output', 200],
      ['compaction_input', 200_001],
      ['compaction_output', 10],
    ]);
    // 3, 0.30, 3.75, 6 and 15 USD a million; above 200,000 tokens of input 6 and 22.50.
    expect(bill.cost).toBe(
      200n * (3000n + 300n + 3750n + 6000n + 15_000n) + 200_001n * 6000n + 10n * 22_500n,
    );
  });

  it('prices the sum of several turns by the size of the largest', () => {
    const usage = { ...NO_USAGE, input_uncached: 250_000, output: 10 };
    const turn = (tokens: number) => ({ ...NO_USAGE, input_uncached: tokens });
    const cost = (largestTurn: Usage | null) =>
      computeBill(claude, makeOutcome({ usage, usageFinal: true, largestTurn }, 'complete')).cost;
    expect(cost(turn(150_000))).toBe(250_000n * 3000n + 10n * 15_000n);
    expect(cost(turn(240_000))).toBe(250_000n * 6000n + 10n * 22_500n);
    expect(cost(null)).toBe(250_000n * 6000n + 10n * 22_500n);
  });
});

describe('the bill of passes of another model', () => {
  const pass = { ...NO_USAGE, input_uncached: 1000, cache_write_1h: 10, output: 100 };
  const price = (model: string) => {
    const reading = {
      usage: reportedUsage,
      usageFinal: true,
      otherModelPasses: [{ model, usage: pass }],
    };
    return computeBill(claude, makeOutcome(reading, 'complete'));
  };
  const alone = computeBill(
    claude,
    makeOutcome({ usage: reportedUsage, usageFinal: true }, 'complete'),
  );

  it('has the prices of that model and the lifetimes of its cache writes', () => {
    // Claude Opus 4.5: 5 USD of input, 10 of 1-hour writes and 25 of output per million tokens.
    const extra = 1000n * 5000n + 10n * 10_000n + 100n * 25_000n;
    expect(price('claude-opus-4-5').cost - alone.cost).toBe(extra);
  });

  it('leaves out a model without prices', () => {
    expect(price('claude-unknown-9').cost).toBe(alone.cost);
  });

  it('has the margin of the model that was called, which the provider’s prices follow from', () => {
    const list = {
      ...RELEASED,
      margins: [
        { provider: 'anthropic', model: 'claude-sonnet-4-5', basisPoints: 1000 },
        { provider: 'anthropic', model: 'claude-opus-4-5', basisPoints: 5000 },
      ],
    };
    const plan = planRequest('messages', CLAUDE_REQUEST, { ...deps, catalog: openCatalog(list) });
    const reading = {
      usage: reportedUsage,
      usageFinal: true,
      surcharges: [{ kind: 'web_search' as const, count: 3 }],
      otherModelPasses: [{ model: 'claude-opus-4-5', usage: pass }],
    };
    const outcome = makeOutcome(reading, 'complete');
    const withMargin = computeBill(plan, outcome);
    const atProvider = computeBill(claude, outcome);
    expect(withMargin.marginBasisPoints).toBe(1000);
    expect(removeMargins(withMargin)).toEqual({ prices: atProvider.prices, fees: atProvider.fees });
    expect(costWithoutMargin(withMargin.cost, withMargin)).toBe(atProvider.cost);
    expect(withMargin.cost).toBe((atProvider.cost * 11n) / 10n);
  });
});

describe('the bill of a truncated response', () => {
  it.each([
    ['complete', 'estimated_usage_missing'],
    ['client_disconnected', 'estimated_after_disconnect'],
    ['stopped_by_account', 'estimated_after_disconnect'],
    ['upstream_disconnected', 'estimated_after_upstream_cut'],
    ['upstream_timeout', 'estimated_after_upstream_cut'],
  ] as const)(
    'is an estimate when the call ended as %s, with the reason %s',
    (endReason, reason) => {
      const bill = computeBill(plain, makeOutcome({ estimatedOutputTokens: 40 }, endReason));
      expect(bill.reason).toBe(reason);
      expect(bill.usage.output).toBe(40);
      // Where the provider broke off, the input counts as read from its cache, at 75 a token.
      const isProviderEnd = endReason.startsWith('upstream_');
      const bucket = isProviderEnd ? 'cache_read' : 'input_uncached';
      const price = isProviderEnd ? 75n : 150n;
      expect(bill.usage[bucket]).toBe(plain.estimatedInputTokens);
      expect(bill.cost).toBe(BigInt(plain.estimatedInputTokens) * price + 40n * 600n);
    },
  );

  it('has uncached input where the provider reports its cache before the output', () => {
    const outcome = makeOutcome({ estimatedOutputTokens: 40 }, 'upstream_disconnected');
    expect(computeBill(claude, outcome).usage).toMatchObject({
      input_uncached: claude.estimatedInputTokens,
      cache_read: 0,
    });
  });

  it('takes the input from the provider’s first usage event instead of the estimate', () => {
    const usage = { ...NO_USAGE, input_uncached: 54_321, cache_read: 7, output: 1 };
    const bill = computeBill(
      claude,
      makeOutcome({ usage, estimatedOutputTokens: 9 }, 'client_disconnected'),
    );
    expect(bill.usage).toMatchObject({ input_uncached: 54_321, cache_read: 7, output: 9 });
  });

  it.each([
    ['output', { input: null, output: 90 }, plain.estimatedInputTokens, 90],
    ['input', { input: 700, output: null }, 700, 40],
    ['less output than was seen', { input: null, output: 9 }, plain.estimatedInputTokens, 40],
  ])('takes what was reported alone: %s', (_name, partial, input, output) => {
    const outcome = makeOutcome({ partial, estimatedOutputTokens: 40 }, 'complete');
    expect(computeBill(plain, outcome)).toMatchObject({
      reason: 'estimated_usage_missing',
      usage: { input_uncached: input, output },
    });
  });

  it('takes no count alone that its call cannot have used', () => {
    const partial = { input: 10_000_000, output: 1_000_000_000 };
    const outcome = makeOutcome({ partial, estimatedOutputTokens: 40 }, 'complete');
    const { usage } = computeBill(plain, outcome);
    expect(usage).toMatchObject({ input_uncached: plain.estimatedInputTokens, output: 40 });
  });

  it('charges the estimated input when the client disconnected before the first output', () => {
    const bill = computeBill(plain, makeOutcome({}, 'client_disconnected'));
    expect(bill.reason).toBe('estimated_after_disconnect');
    expect(bill.cost).toBe(BigInt(plain.estimatedInputTokens) * 150n);
  });

  it('estimates hidden reasoning from the time that passed', () => {
    const bill = computeBill(
      thinking,
      makeOutcome({}, 'client_disconnected', { hiddenGenerationMs: 3000 }),
    );
    expect(bill.usage).toMatchObject({ output: 300, output_reasoning: 300 });
    const visible = computeBill(
      thinking,
      makeOutcome({ estimatedOutputTokens: 50 }, 'client_disconnected', {
        hiddenGenerationMs: 3000,
      }),
    );
    expect(visible.usage).toMatchObject({ output: 350, output_reasoning: 300 });
  });

  it.each([
    ['of a whole response', thinking, 'complete'],
    ['of a model that hides nothing', plain, 'client_disconnected'],
    ['of a model that hides nothing, broken off', plain, 'upstream_disconnected'],
  ] as const)('counts no time %s', (_name, plan, endReason) => {
    const reading = { estimatedOutputTokens: 50 };
    const bill = computeBill(plan, makeOutcome(reading, endReason, { hiddenGenerationMs: 60_000 }));
    expect(bill.usage).toMatchObject({ output: 50, output_reasoning: 0 });
  });

  it('never estimates more output than the output limit times the choices', () => {
    const long = { estimatedOutputTokens: 999_999 };
    expect(computeBill(plain, makeOutcome(long, 'client_disconnected')).usage.output).toBe(1000);
    expect(computeBill(twoChoices, makeOutcome(long, 'client_disconnected')).usage.output).toBe(
      2000,
    );
  });

  it('is an estimate and not waived when output came before an error', () => {
    const bill = computeBill(
      plain,
      makeOutcome({ failed: true, estimatedOutputTokens: 5 }, 'complete'),
    );
    expect(bill.cost).toBeGreaterThan(0n);
    expect(bill.reason).toBe('estimated_after_upstream_cut');
    expect(bill.waivedCost).toBeUndefined();
  });
});

describe('the bill of a call that produced nothing', () => {
  const reportedInput = { ...NO_USAGE, input_uncached: 500 };

  it.each([
    ['the connection broke', { usage: null }, 'upstream_disconnected'],
    [
      'the connection broke after the input was reported',
      { usage: reportedInput },
      'upstream_disconnected',
    ],
    ['an error came inside a 200', { failed: true }, 'complete'],
    ['an error came and the client had left', { failed: true }, 'client_disconnected'],
  ] as const)('is zero and no waiver of the daily cap when %s', (_name, reading, endReason) => {
    const bill = computeBill(
      thinking,
      makeOutcome(reading, endReason, { hiddenGenerationMs: 9000 }),
    );
    expect(bill).toMatchObject({ reason: 'waived_upstream_error', cost: 0n, usage: NO_USAGE });
    expect(bill.waivedCost).toBeUndefined();
  });

  it.each(['request', 'content'] as const)(
    'is that of a refused call when the error inside a 200 is about the %s',
    (rejection) => {
      const outcome = makeOutcome({ failed: true, rejection }, 'complete');
      expect(computeBill(plain, outcome)).toMatchObject({ reason: 'upstream_refused', cost: 0n });
    },
  );

  it('is the estimated input of a prompt that a provider refuses by an event, and bills', () => {
    const xai = configureProviders({ apiKeys: { xai: 'k' }, baseUrls: {}, extra: [] }).get('xai');
    if (xai === undefined) throw new Error('no such provider');
    const plan = { ...plain, provider: xai };
    const bill = (rejection: Reading['rejection']) =>
      computeBill(plan, makeOutcome({ failed: true, rejection }, 'complete'));
    expect(bill('content')).toMatchObject({ reason: 'estimated_usage_missing' });
    expect(bill('content').cost).toBeGreaterThan(0n);
    expect(bill('request')).toMatchObject({ reason: 'upstream_refused', cost: 0n });
  });

  it.each([
    ['the provider was silent', 'upstream_timeout', 'waived_upstream_error', 'cache_read', 75n],
    ['the response was empty', 'complete', 'waived_empty', 'input_uncached', 150n],
  ] as const)('is a waiver of its estimated input when %s', (...row) => {
    const [, endReason, reason, bucket, price] = row;
    const bill = computeBill(plain, makeOutcome({}, endReason, { hiddenGenerationMs: 9000 }));
    expect(bill).toMatchObject({ reason, cost: 0n, usage: NO_USAGE });
    expect(bill.waivedUsage).toEqual({ ...NO_USAGE, [bucket]: plain.estimatedInputTokens });
    expect(bill.waivedCost).toBe(BigInt(plain.estimatedInputTokens) * price);
  });

  it('counts possible hidden reasoning in the waived cost', () => {
    const bill = computeBill(
      thinking,
      makeOutcome({}, 'upstream_timeout', { hiddenGenerationMs: 2000 }),
    );
    expect(bill.cost).toBe(0n);
    expect(bill.waivedCost).toBeGreaterThanOrEqual(tokenCost(200, 2_000_000_000n));
  });

  it('has no waived cost when the provider rejected, failed or never received the call', () => {
    for (const reason of ['upstream_refused', 'not_sent', 'waived_upstream_error'] as const) {
      const bill = zeroBill(plain, reason);
      expect(bill).toMatchObject({ reason, cost: 0n, usage: NO_USAGE, fees: [] });
      expect(bill.waivedCost).toBeUndefined();
    }
  });
});

describe('the bill of a refusal', () => {
  const reported = { usage: reportedUsage, usageFinal: true };

  it.each([
    ['a category that is not billed', claude, 'cyber', 0, 'refused_without_output'],
    ['no category', claude, null, 0, 'refused_without_output'],
    ['a category that is billed', claude, 'bio', 0, 'provider_reported'],
    ['a category that is not billed, after output', claude, 'cyber', 3, 'provider_reported'],
    ['a provider that bills every refusal', plain, 'cyber', 0, 'provider_reported'],
  ] as const)('with %s has the right reason', (_name, plan, category, output, reason) => {
    const reading = { ...reported, refusal: { category }, estimatedOutputTokens: output };
    const bill = computeBill(plan, makeOutcome(reading, 'complete'));
    expect(bill.reason).toBe(reason);
    expect(bill.cost === 0n).toBe(reason === 'refused_without_output');
  });
});

/** Counts far beyond the 128,000 tokens that the model reads and the 16,384 that it writes. */
const IMPLAUSIBLE: readonly (readonly [string, Partial<Reading>])[] = [
  ['output', { usage: { ...NO_USAGE, input_uncached: 12, output: 1_000_000_000 } }],
  ['input', { usage: { ...NO_USAGE, input_uncached: 10_000_000, output: 5 } }],
  ['cached input', { usage: { ...NO_USAGE, cache_read: 2 ** 50, output: 5 } }],
  ['cache writes', { usage: { ...NO_USAGE, cache_write_5m: 10_000_000, output: 5 } }],
  ['input audio', { usage: NO_USAGE, surcharges: [{ kind: 'audio_input', count: 10_000_000 }] }],
  ['output audio', { usage: NO_USAGE, surcharges: [{ kind: 'audio_output', count: 10_000_000 }] }],
  ['output images', { usage: NO_USAGE, surcharges: [{ kind: 'image_output', count: 1_000_000 }] }],
  ['searches', { usage: reportedUsage, surcharges: [{ kind: 'web_search', count: 10_000 }] }],
  ['a pass', { usage: reportedUsage, passes: [{ ...NO_USAGE, input_uncached: 10_000_000 }] }],
  ['passes', { usage: reportedUsage, passes: Array(1000).fill(reportedUsage) }],
  [
    'a pass of another model',
    {
      usage: reportedUsage,
      otherModelPasses: [{ model: 'gpt-4o', usage: { ...NO_USAGE, output: 1_000_000 } }],
    },
  ],
];

describe('the bill of a report that its call cannot have used', () => {
  const seen = BigInt(plain.estimatedInputTokens) * 150n + 40n * 600n;

  it.each(IMPLAUSIBLE)('is an estimate of what was seen: %s', (_name, report) => {
    const reading = { ...report, usageFinal: true, estimatedOutputTokens: 40 };
    expect(computeBill(plain, makeOutcome(reading, 'complete'))).toMatchObject({
      reason: 'estimated_usage_implausible',
      cost: seen,
      fees: [],
      usage: { input_uncached: plain.estimatedInputTokens, output: 40 },
    });
  });

  it.each(IMPLAUSIBLE)('is an estimate of what was seen where the client left: %s', (...row) => {
    const reading = { ...row[1], estimatedOutputTokens: 40 };
    expect(computeBill(plain, makeOutcome(reading, 'client_disconnected'))).toMatchObject({
      reason: 'estimated_after_disconnect',
      cost: seen,
    });
  });

  it('is waived where nothing was seen', () => {
    const usage = { ...NO_USAGE, output: 1_000_000_000 };
    const bill = computeBill(plain, makeOutcome({ usage, usageFinal: true }, 'complete'));
    expect(bill).toMatchObject({ reason: 'waived_empty', cost: 0n });
  });

  it('is as reported up to twice what the model reads and writes', () => {
    const usage = { ...NO_USAGE, input_uncached: 256_000, output: 33_768 };
    const bill = computeBill(plain, makeOutcome({ usage, usageFinal: true }, 'complete'));
    expect(bill).toMatchObject({ reason: 'provider_reported', usage });
  });

  it('is as reported for every turn and choice that was asked for', () => {
    const both = { ...NO_USAGE, output: 60_000 };
    expect(
      computeBill(twoChoices, makeOutcome({ usage: both, usageFinal: true }, 'complete')).reason,
    ).toBe('provider_reported');
    const tools = [{ type: 'web_search_20250305', name: 'web_search' }];
    const body = { model: 'claude-sonnet-4-5', messages, max_tokens: 1000, tools };
    const turns = { ...NO_USAGE, cache_read: 1_900_000, output: 10_000 };
    const surcharges = [{ kind: 'web_search', count: 10 }] as const;
    const reading = { usage: turns, usageFinal: true, surcharges };
    expect(
      computeBill(planRequest('messages', body), makeOutcome(reading, 'complete')).reason,
    ).toBe('provider_reported');
  });

  it('never costs more than all that the model can read and write', () => {
    const count = fc.oneof(fc.nat({ max: 100_000 }), fc.nat({ max: 2 ** 50 }));
    const usages = fc.record({ input_uncached: count, cache_read: count, output: count });
    fc.assert(
      fc.property(usages, fc.array(usages, { maxLength: 3 }), (usage, passes) => {
        const reading = {
          usage: { ...NO_USAGE, ...usage },
          passes: passes.map((pass) => ({ ...NO_USAGE, ...pass })),
          usageFinal: true,
        };
        const { cost } = computeBill(plain, makeOutcome(reading, 'complete'));
        expect(cost <= 4n * (256_000n * 150n + 33_768n * 600n)).toBe(true);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });
});

describe('the bill of any call', () => {
  const tokens = fc.nat({ max: 60_000 });
  const usages = fc.record({
    input_uncached: tokens,
    cache_read: tokens,
    cache_write_5m: tokens,
    cache_write_30m: fc.constant(0),
    cache_write_1h: tokens,
    cache_write_12h: fc.constant(0),
    output: fc.nat({ max: 30_000 }),
    output_reasoning: fc.constant(0),
  });
  const readings = fc.record({
    usage: fc.option(usages, { nil: null }),
    partial: fc.constant(NO_USAGE_REPORTED.partial),
    largestTurn: fc.constant(null),
    passes: fc.array(usages, { maxLength: 2 }),
    served: fc.constantFrom({}, { tier: 'priority' } as const, { region: 'us' } as const),
    usageFinal: fc.boolean(),
    surcharges: fc.constantFrom([], [{ kind: 'web_search', count: 2 } as const]),
    finished: fc.boolean(),
    ended: fc.boolean(),
    failed: fc.boolean(),
    rejection: fc.constantFrom(null, 'request' as const, 'content' as const),
    refusal: fc.constant(null),
    eventCount: fc.constant(0),
    statedCost: fc.constant(null),
    otherModelPasses: fc.constant([]),
    estimatedOutputTokens: fc.oneof(fc.constant(0), tokens),
    unpriceable: fc.constant(0),
  });
  const outcomes = fc
    .record({
      reading: readings,
      endReason: fc.constantFrom(...END_REASONS),
      hiddenGenerationMs: fc.nat({ max: 900_000 }),
      maxOutput: fc.nat({ max: 200_000 }),
      held: fc.bigInt({ min: 0n, max: 5_000_000_000n }),
      share: fc.bigInt({ min: 0n, max: 100n }),
    })
    .map(({ share, ...rest }): CallOutcome => ({ ...rest, floor: (rest.held * share) / 100n }));
  const plans = fc.constantFrom(plain, twoChoices, thinking, claude);

  function assertForAll(check: (plan: Plan, outcome: CallOutcome) => void): void {
    fc.assert(fc.property(plans, outcomes, check), { seed: SEED, numRuns: 1500 });
  }

  it('is, if estimated, between its floor and its hold and within the output limit', () => {
    assertForAll((plan, outcome) => {
      const bill = estimateBill(plan, outcome, 'estimated_after_disconnect');
      expect(bill.cost >= outcome.floor && bill.cost <= outcome.held).toBe(true);
      expect(bill.usage.output).toBeLessThanOrEqual(outcome.maxOutput * plan.facts.choices);
      expect(bill.usage.output_reasoning).toBeLessThanOrEqual(bill.usage.output);
    });
  });

  it('leaves the range between floor and hold only for the provider’s final usage', () => {
    assertForAll((plan, outcome) => {
      const bill = computeBill(plan, outcome);
      const { usage, usageFinal } = outcome.reading;
      const final = usage !== null && usageFinal;
      expect(bill.reason === 'provider_reported' || bill.reason === 'free').toBe(final);
      if (final) return;
      const isFree = ['waived_upstream_error', 'upstream_refused'].includes(bill.reason);
      if (isFree && bill.cost === 0n && bill.waivedCost === undefined) return;
      const owed = bill.waivedCost ?? bill.cost;
      expect(owed >= outcome.floor && owed <= outcome.held).toBe(true);
    });
  });

  it('is waived only without output, and then costs nothing', () => {
    assertForAll((plan, outcome) => {
      const bill = computeBill(plan, outcome);
      if (!bill.reason.startsWith('waived_')) {
        expect(bill.waivedCost).toBeUndefined();
        return;
      }
      expect(outcome.reading.estimatedOutputTokens).toBe(0);
      expect(bill.cost).toBe(0n);
      const endedByCaller =
        outcome.endReason === 'client_disconnected' || outcome.endReason === 'stopped_by_account';
      expect(endedByCaller && !outcome.reading.failed).toBe(false);
    });
  });

  it('is never negative', () => {
    assertForAll((plan, outcome) => {
      expect(computeBill(plan, outcome).cost >= 0n).toBe(true);
    });
  });
});
