import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { formatDuration, formatSpeed, tokensPerSecond } from './durations.ts';

const usage = { ...NO_USAGE, output: 100 };

describe('tokensPerSecond', () => {
  it('counts from the first token where the answer was streamed, else from the start', () => {
    expect(tokensPerSecond({ firstTokenMs: 500, totalMs: 1_500, usage })).toBe(100);
    expect(tokensPerSecond({ firstTokenMs: null, totalMs: 2_000, usage })).toBe(50);
  });

  it('counts from the start where the model reasoned before the first token', () => {
    const reasoned = { ...usage, output: 1_010, output_reasoning: 1_000 };
    expect(tokensPerSecond({ firstTokenMs: 20_000, totalMs: 20_200, usage: reasoned })).toBe(50);
  });

  it.each([
    { firstTokenMs: null, totalMs: null, usage },
    { firstTokenMs: 5, totalMs: 5, usage },
    { firstTokenMs: 5, totalMs: 9, usage: null },
    { firstTokenMs: 5, totalMs: 9, usage: NO_USAGE },
  ])('is unknown of %j', (call) => {
    expect(tokensPerSecond(call)).toBeNull();
    expect(formatSpeed(call, 'en')).toBeNull();
  });
});

describe('formatDuration', () => {
  it.each([
    [0, 'en', '0s'],
    [324, 'en', '0.32s'],
    [61_950, 'en', '62s'],
    [9_960, 'ru', '9,96 с'],
    [1_900, 'zh', '1.9秒'],
  ])('writes %d ms in %s as %s', (ms, language, text) => {
    expect(formatDuration(ms, language)?.replace(/\s/g, ' ')).toBe(text);
  });
});
