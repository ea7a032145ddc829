import { describe, expect, it } from 'vitest';
import { isValidKeyName, MAX_KEY_NAME_LENGTH } from './contract/key-rules.ts';

describe("a key's name", () => {
  it.each(['laptop', '生产环境', 'семья 👩‍👩‍👧', '#1', '한글', 'x'.repeat(MAX_KEY_NAME_LENGTH)])(
    'may be %j',
    (name) => {
      expect(isValidKeyName(name)).toBe(true);
    },
  );

  it.each([
    ['empty', ''],
    ['of spaces only', '   '],
    ['of characters without width only', '\u200b\u2060'],
    ['of Hangul fillers only', '\u3164\u115f\u1160\uffa0'],
    ['text whose direction is turned around', 'prod\u202edorp'],
    ['text in an isolate of a direction', 'a\u2066b\u2069'],
    ['two lines', 'a\nb'],
    ['half a character', 'a\ud83d'],
    ['longer than 64 characters', 'x'.repeat(MAX_KEY_NAME_LENGTH + 1)],
  ])('is never %s', (_, name) => {
    expect(isValidKeyName(name)).toBe(false);
  });
});
