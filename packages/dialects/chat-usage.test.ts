/** What a provider of the chat dialect says of its own charge, as nano-USD. */
import { describe, expect, it } from 'vitest';
import { DIALECT_SPECS } from './specs.ts';

function readStatedCost(stated: object) {
  const usage = { prompt_tokens: 1, completion_tokens: 1, ...stated };
  const quirks = { reasoning: 'included' } as const;
  const context = { quirks, model: 'm', serviceTier: null, searchQueries: 0 };
  return DIALECT_SPECS.chat.answer.normalizeUsage(usage, context).statedCost;
}

describe('the cost that an answer states', () => {
  it.each([
    ['nothing', {}, null],
    ["xAI's ticks", { cost_in_usd_ticks: 12_340 }, 1234n],
    ["xAI's ticks, rounded up", { cost_in_usd_ticks: 12_341 }, 1235n],
    ["OpenRouter's USD", { cost: 0.001875 }, 1_875_000n],
    [
      "OpenRouter's USD in repeating decimals, rounded up",
      { cost: 0.0004970133333333333 },
      497_014n,
    ],
    ["OpenRouter's USD with an exponent", { cost: 1.5e-7 }, 150n],
    ['a whole number of USD', { cost: 2 }, 2_000_000_000n],
    ['zero', { cost: 0 }, 0n],
    ['a negative number', { cost: -0.1 }, null],
    ['an absurd number', { cost: 1e300 }, null],
    ['an object', { cost: { total: 1 } }, null],
    ['text', { cost: '0.1' }, null],
  ])('is read from %s', (_, stated, cost) => {
    expect(readStatedCost(stated)).toBe(cost);
  });
});
