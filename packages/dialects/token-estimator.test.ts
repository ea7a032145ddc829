/**
 * The estimate against a real tokenizer: near its count for real text, and of the right size
 * for random text.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { estimateTokens, TokenEstimator } from './index.ts';
import { createSeededRandom } from './json-renderer.testing.ts';
import { SCRIPT_SAMPLES } from './script-samples.testing.ts';

const SEED = 20_261_123;
const encoder = new TextEncoder();

const PROSE =
  'A prepaid balance is one number in one place, and every call is admitted by a hold on it. ' +
  'When the answer has come, the provider’s own count of the tokens is multiplied by the price of ' +
  'that day, and what was held beyond it goes back. Nobody has to trust a meter they cannot read: ' +
  'each call says why it cost what it did, also when it was cut short by a train in a tunnel. ';

/** The texts of a language in packages/i18n, without the code around them. */
function readTranslation(language: string): string {
  const file = join(import.meta.dirname, `../i18n/${language}.ts`);
  return [...readFileSync(file, 'utf8').matchAll(/'([^'\n]+)'/g)]
    .map(([, text]) => text)
    .join('\n');
}

/** Words of a script that no translation has. */
function monthNames(locale: string): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeZone: 'UTC' });
  return Array.from({ length: 60 }, (_, week) =>
    format.format(Date.UTC(2027, 0, 3 + 6 * week)),
  ).join(' ');
}

const REAL_TEXTS: readonly (readonly [name: string, text: string])[] = [
  ['English prose', PROSE],
  ['English texts of a console', readTranslation('en')],
  ['Russian texts of a console', readTranslation('ru')],
  ['Chinese texts of a console', readTranslation('zh')],
  ['TypeScript', readFileSync(join(import.meta.dirname, 'parse-request.ts'), 'utf8')],
  ['JSON', readFileSync(join(import.meta.dirname, '../../knip.json'), 'utf8')],
  ['Markdown', readFileSync(join(import.meta.dirname, '../../AGENTS.md'), 'utf8')],
];

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const WORDS = PROSE.split(' ');

/** One run of one kind of text, some 200 characters. */
const TEXT_SAMPLERS: readonly ((pick: (below: number) => number) => string)[] = [
  (pick) => Array.from({ length: 40 }, () => WORDS[pick(WORDS.length)]).join(' '),
  (pick) => Array.from({ length: 200 }, () => ALPHABET.charAt(pick(64))).join(''),
  (pick) => Array.from({ length: 200 }, () => pick(10)).join(''),
  (pick) => Array.from({ length: 30 }, () => pick(100_000) / 100).join(','),
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

function ratio(text: string): number {
  return estimateTokens(encoder.encode(text)) / o200k(text).length;
}

describe('estimateTokens', () => {
  it.each(REAL_TEXTS)('is within a fifth of the real count for %s', (_name, text) => {
    expect(ratio(text)).toBeGreaterThanOrEqual(0.8);
    expect(ratio(text)).toBeLessThanOrEqual(1.2);
  });

  it.each(['ar', 'el', 'he', 'hi', 'ja', 'ko', 'th', 'uk', 'de', 'fr', 'pl', 'tr', 'vi'])(
    'is within a half of the real count for dates in the language %s',
    (locale) => {
      expect(ratio(monthNames(locale))).toBeGreaterThanOrEqual(0.5);
      expect(ratio(monthNames(locale))).toBeLessThanOrEqual(1.5);
    },
  );

  it('is near the real count of other scripts', () => {
    const ratios = SCRIPT_SAMPLES.map(([name, text]) => ({ name, value: ratio(text) }));
    const lines = ratios.map(({ name, value }) => `${name.padEnd(30)} ${value.toFixed(2)}`);
    process.stdout.write(`estimated / o200k_base\n${lines.join('\n')}\n`);
    const sorted = ratios.map(({ value }) => value).sort((a, b) => a - b);
    const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
    expect(quantile(0.5)).toBeGreaterThanOrEqual(0.95);
    expect(quantile(0.5)).toBeLessThanOrEqual(1.1);
    expect(quantile(0.9)).toBeLessThanOrEqual(1.25);
    expect(quantile(0)).toBeGreaterThanOrEqual(0.6);
    expect(quantile(1)).toBeLessThanOrEqual(1.6);
  });

  it('is at least 0.6 of the real count, and at most 1.4 times it, for any mix of words and random text', () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        expect(ratio(mixedText(seed))).toBeGreaterThanOrEqual(0.6);
        expect(ratio(mixedText(seed))).toBeLessThanOrEqual(1.4);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});

describe('TokenEstimator', () => {
  it('is the same for text that arrives in pieces', () => {
    const bytes = encoder.encode(mixedText(1));
    const estimator = new TokenEstimator();
    for (let at = 0; at < bytes.length; at += 7) estimator.add(bytes.subarray(at, at + 7));
    expect(Math.ceil(estimator.tokens())).toBe(estimateTokens(bytes));
  });

  it('scales ASCII and other text by the factors of a tokenizer', () => {
    const text = encoder.encode('Hello there. Привет, мир.');
    const tokens = (ascii: number, nonAscii: number) => {
      const estimator = new TokenEstimator({ ascii, nonAscii });
      estimator.add(text);
      return estimator.tokens();
    };
    expect(tokens(2, 0) + tokens(0, 3)).toBeCloseTo(2 * tokens(1, 0) + 3 * tokens(0, 1));
    expect(tokens(1, 1)).toBeCloseTo(tokens(1, 0) + tokens(0, 1));
  });
});
