import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import {
  type CallResult,
  type CallVerb,
  decodeResults,
  decodeVerbs,
  encodeResults,
  encodeVerbs,
} from './batch-message.ts';
import type { HoldDecline, HoldRequest } from './index.ts';

const ID = '1'.repeat(32);
const HUGE = 2n ** 60n;

const HOLD: HoldRequest = {
  id: ID,
  key: { keyId: 7, secretHash: 'a'.repeat(64) },
  model: 'openai/gpt "5"\n',
  provider: 'openai',
  dialect: 'responses',
  stream: true,
  maxInputCost: HUGE,
  maxOutputPrice: 0n,
  outputPrice: HUGE,
  choices: 2,
  output: { kind: 'capped', max: 10, min: 1 },
  providerCallsPerMinute: 5,
  deadline: 1_800_000_000_000,
  early: { isolate: '0a-f', sent: true },
};
const { providerCallsPerMinute: _, outputPrice: __, early: ___, ...HOLD_WITHOUT_SHARE } = HOLD;
const PRICES = {
  input_uncached: HUGE,
  cache_read: 1n,
  cache_write_5m: 2n,
  cache_write_30m: 2n,
  cache_write_1h: 3n,
  cache_write_12h: 3n,
  output: 4n,
};

const VERBS: readonly CallVerb[] = [
  { name: 'hold', request: HOLD },
  { name: 'hold', request: { ...HOLD_WITHOUT_SHARE, output: { kind: 'explicit', tokens: 3 } } },
  { name: 'checkpoint', request: { id: ID, floor: HUGE, deadline: 5 } },
  {
    name: 'settle',
    request: {
      id: ID,
      reason: 'waived_empty',
      httpStatus: 200,
      usage: { ...NO_USAGE, output: 5 },
      prices: PRICES,
      priceRule: '2026-11-23/standard',
      providerCost: 7n,
      marginBasisPoints: 250,
      firstTokenMs: 320,
      totalMs: 1_900,
      fees: [{ kind: 'web_search', count: 2, nano_usd_per_million: HUGE }],
      cost: 0n,
      waivedCost: 12n,
    },
  },
];

const missing = { missingAmount: HUGE, affordableOutput: 3 };
const renewing = { period: 'week', budget: HUGE, resetsAt: 1_800_000_000_000 } as const;
const DECLINES: readonly HoldDecline[] = [
  { reason: 'key_limit_exceeded', ...missing, renewing: { ...renewing, retryAfterSeconds: 9 } },
  { reason: 'key_limit_exceeded', ...missing, renewing: { ...renewing, retryAfterSeconds: null } },
  { reason: 'model_too_expensive', model: 'a/b', outputPrice: HUGE, maxOutputPrice: 1n },
  { reason: 'invalid_api_key' },
  { reason: 'key_revoked' },
  { reason: 'key_expired' },
  { reason: 'model_not_allowed' },
  { reason: 'account_frozen' },
  { reason: 'account_closed' },
  { reason: 'key_paused' },
  { reason: 'conflict' },
  { reason: 'key_limit_exceeded', ...missing },
  { reason: 'insufficient_balance', ...missing },
  { reason: 'balance_held', ...missing, retryAfterSeconds: 2 },
  { reason: 'rate_limited', retryAfterSeconds: 1 },
  { reason: 'too_many_concurrent_calls', retryAfterSeconds: 1 },
  { reason: 'refusal_limit_exceeded', retryAfterSeconds: 1 },
  { reason: 'refused_calls_slowed', retryAfterSeconds: 1 },
  { reason: 'provider_share_exceeded', retryAfterSeconds: 1 },
];

function declined(decline: HoldDecline): CallResult {
  return { name: 'hold', result: { ok: false, ...decline } };
}

const RESULTS: readonly (CallResult | null)[] = [
  { name: 'hold', result: { ok: true, held: HUGE, maxOutput: 3, deadline: 5 } },
  {
    name: 'hold',
    result: {
      ...{ ok: true, held: 1n, maxOutput: 3, deadline: 5 },
      early: { risk: HUGE, spendable: 0n },
    },
  },
  {
    name: 'hold',
    result: {
      ok: true,
      held: 1n,
      maxOutput: 3,
      deadline: 5,
      quota: {
        calls: { limit: 9, left: 0, resetSeconds: 60 },
        budgets: [{ period: 'month', budget: HUGE, left: 0n, resetSeconds: 7 }],
      },
    },
  },
  {
    name: 'hold',
    result: { ok: false, reason: 'key_paused', quota: { calls: null, budgets: [] } },
  },
  ...DECLINES.map(declined),
  { name: 'checkpoint', result: { ok: true, stop: null } },
  { name: 'checkpoint', result: { ok: true, stop: 'account_frozen' } },
  { name: 'checkpoint', result: { ok: false, reason: 'ended' } },
  { name: 'settle', result: { ok: true, charged: HUGE, shortfall: 0n, late: true } },
  { name: 'settle', result: { ok: false, reason: 'unknown' } },
];

/** A verb of the kind that each result answers. */
function verbFor(result: CallResult | null): CallVerb {
  const verb = VERBS.find(({ name }) => name === result?.name);
  if (verb === undefined) throw new Error('a result of no verb');
  return verb;
}

describe('the text of a batch', () => {
  it('reads back as the same verbs, also beyond 2^53', () => {
    expect(decodeVerbs(encodeVerbs(VERBS))).toEqual(VERBS);
  });

  it('begins with its version', () => {
    expect(encodeVerbs(VERBS)).toMatch(/^\[1,/);
    expect(encodeResults(RESULTS)).toMatch(/^\[1,/);
  });

  it.each([
    '',
    '{}',
    '[]',
    '[2]',
    '[1,["void",{}]]',
    '[1,["settle",{"id":"1"}]]',
    encodeVerbs(VERBS).replace(`"${HUGE}"`, `${HUGE}`),
    encodeVerbs(VERBS).replace(ID, 'local:1'),
    encodeVerbs(VERBS).replace('responses', 'telepathy'),
  ])('is refused where it is not one: %s', (text) => {
    expect(() => decodeVerbs(text)).toThrow();
  });
});

describe('the answer to a batch', () => {
  it('reads back as the same results, every reason to decline among them', () => {
    const verbs = RESULTS.map(verbFor);
    expect(decodeResults(verbs, encodeResults(RESULTS))).toEqual(RESULTS);
  });

  it('has null for a verb that threw', () => {
    expect(decodeResults(VERBS.slice(0, 1), encodeResults([null]))).toEqual([null]);
  });

  it.each([
    ['a result is missing', '[1]'],
    ['the version is unknown', '[2,null]'],
    ['the reason is unknown', '[1,{"ok":false,"reason":"because"}]'],
    ['it answers another verb', encodeResults([RESULTS.at(-2) ?? null])],
  ])('is refused where %s', (_, text) => {
    expect(() => decodeResults(VERBS.slice(0, 1), text)).toThrow();
  });
});
