/**
 * The estimate against two real tokenizers: rarely below their count, near it for prose and code.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { encode as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { estimateTokens, TokenEstimator } from './index.ts';
import { createSeededRandom } from './json-renderer.testing.ts';

const SEED = 20_261_123;
const encoder = new TextEncoder();

const PROSE =
  'A prepaid balance is one number in one place, and every call is admitted by a hold on it. ' +
  'When the answer has come, the provider’s own count of the tokens is multiplied by the price of ' +
  'that day, and what was held beyond it goes back. Nobody has to trust a meter they cannot read: ' +
  'each call says why it cost what it did, also when it was cut short by a train in a tunnel. ';

const WORDS = PROSE.split(' ');
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** One run of one kind of text, some 200 characters. */
const TEXT_SAMPLERS: readonly ((pick: (below: number) => number) => string)[] = [
  (pick) => Array.from({ length: 40 }, () => WORDS[pick(WORDS.length)]).join(' '),
  (pick) => Array.from({ length: 200 }, () => ALPHABET.charAt(pick(64))).join(''),
  (pick) => Array.from({ length: 200 }, () => pick(10)).join(''),
  (pick) => Array.from({ length: 30 }, () => pick(100_000) / 100).join(','),
  (pick) => Array.from({ length: 200 }, () => String.fromCodePoint(0x4e00 + pick(0x51a5))).join(''),
  (pick) => Array.from({ length: 100 }, () => String.fromCodePoint(0x1f300 + pick(0x34f))).join(''),
  (pick) => Array.from({ length: 200 }, () => String.fromCodePoint(0x410 + pick(64))).join(''),
  (pick) => Array.from({ length: 20 }, () => `const x${pick(99)} = f(y[${pick(9)}]);\n  `).join(''),
  (pick) => JSON.stringify(Array.from({ length: 8 }, () => ({ id: pick(1e6), tags: ['a', null] }))),
];

function mixedText(seed: number): string {
  const pick = createSeededRandom(seed);
  return Array.from(
    { length: 6 },
    () => TEXT_SAMPLERS[pick(TEXT_SAMPLERS.length)]?.(pick) ?? '',
  ).join('\n');
}

describe('estimateTokens', () => {
  it('is at least 0.95 of the real count for any mix of prose, code, base64, digits, CJK and emoji', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        const text = mixedText(seed);
        const estimated = estimateTokens(encoder.encode(text));
        expect(estimated / cl100k(text).length).toBeGreaterThanOrEqual(0.95);
        expect(estimated / o200k(text).length).toBeGreaterThanOrEqual(0.95);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });

  it.each([
    ['prose', PROSE],
    ['code', readFileSync(join(import.meta.dirname, 'parse-request.ts'), 'utf8')],
  ])('is within 1.5 times the real count for %s', (_name, text) => {
    const estimated = estimateTokens(encoder.encode(text));
    for (const actual of [cl100k(text).length, o200k(text).length]) {
      expect(estimated / actual).toBeGreaterThanOrEqual(0.95);
      expect(estimated / actual).toBeLessThanOrEqual(1.5);
    }
  });

  it('is the same for text that arrives in pieces', () => {
    const bytes = encoder.encode(mixedText(1));
    const estimator = new TokenEstimator();
    for (let at = 0; at < bytes.length; at += 7) estimator.add(bytes.subarray(at, at + 7));
    expect(estimator.tokens()).toBe(estimateTokens(bytes));
  });
});
