/** The bound of a prompt's tokens holds after the normalisation that tokenisers apply. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Scanner } from './json-scanner.ts';
import { normalizedGrowth } from './normalized-length.ts';

const SEED = 20261126;
const encoder = new TextEncoder();

function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** The bound for a string of the prompt, less the two quotes. */
function maxTokens(json: string, asJson: boolean): number {
  const scanner = new Scanner(encoder.encode(json));
  scanner.asJson = asJson;
  scanner.skip();
  expect(scanner.error).toBeNull();
  return scanner.maxTokens - 2;
}

/** Writes every character as \\uXXXX. */
function toEscapes(text: string): string {
  const units = Array.from({ length: text.length }, (_, index) => text.charCodeAt(index));
  return `"${units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('')}"`;
}

/** Characters that normalisation lengthens, composes, reorders or leaves alone. */
const characters = fc.oneof(
  fc.constantFrom('\ufdfa', '\u3316', '\u33af', '\ufb03', 'é', 'ế', '\u0323', '\u0301', '\u0344'),
  fc.constantFrom('a', ' ', '"', '\\', '한', '\u1100', '\u1161', '\u11a8', '漢', '\u0ccb', '😀'),
  fc.integer({ min: 0x80, max: 0x10ffff }).map((codePoint) => {
    const isSurrogate = codePoint >= 0xd800 && codePoint <= 0xdfff;
    return String.fromCodePoint(isSurrogate ? codePoint - 0x800 : codePoint);
  }),
);

describe('the bound of a text’s tokens', () => {
  it.each(['NFC', 'NFKC'])('is at least the bytes of the text in %s', (form) => {
    fc.assert(
      fc.property(fc.array(characters, { maxLength: 30 }), fc.boolean(), (parts, asJson) => {
        const text = parts.join('');
        const normalized = byteLength(text.normalize(form));
        expect(maxTokens(JSON.stringify(text), asJson)).toBeGreaterThanOrEqual(normalized);
        expect(maxTokens(toEscapes(text), asJson)).toBeGreaterThanOrEqual(normalized);
      }),
      { seed: SEED, numRuns: 5000 },
    );
  });

  it('holds for each character of Unicode alone', () => {
    for (let codePoint = 0x80; codePoint <= 0x10ffff; codePoint += 1) {
      if (codePoint >= 0xd800 && codePoint <= 0xdfff) continue;
      const text = String.fromCodePoint(codePoint);
      const bound = byteLength(text) + normalizedGrowth(codePoint);
      if (bound < byteLength(text.normalize('NFKC'))) expect(codePoint).toBe('within its bound');
    }
  });

  it('stays the bytes of Chinese, Japanese, Korean and Russian text', () => {
    const text = '价格是整数。料金は整数です。가격은 정수입니다. Цена целая.';
    const bytes = byteLength(text);
    expect(maxTokens(JSON.stringify(text), false)).toBeLessThan(bytes * 1.1);
  });

  it('is eleven times the bytes of the ligature that Unicode lengthens most', () => {
    expect(maxTokens(JSON.stringify('\ufdfa'.repeat(1000)), false)).toBe(33_000);
  });
});
