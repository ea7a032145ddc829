/** Amounts, days and times as pages show them, for arbitrary amounts and in every language. */
import { MAX_AMOUNT, parseTypedUsd } from '@farebox/money';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatBalance,
  formatClock,
  formatCurrency,
  formatMillionths,
  formatRoundedCurrency,
  formatTime,
  formatTokenAmount,
  parseIsoDay,
  toDigitsClass,
  toEpochDay,
  toIsoDay,
} from './format.ts';

const amount = fc.bigInt({ min: 0n, max: MAX_AMOUNT });

describe('number formats', () => {
  it('show exact amounts in every language', () => {
    expect(formatCurrency(3_450n, 'en')).toBe('$0.00000345');
    expect(formatCurrency(9_007_199_254_740_991n, 'en')).toBe('$9,007,199.254740991');
    expect(formatCurrency(-1_500_000_000n, 'en')).toBe('-$1.50');
    expect(formatCurrency(1_500_000_000n, 'ru')).toBe('1,50\u00a0$');
    expect(formatCurrency(1_500_000_000n, 'zh')).toBe('$1.50');
  });

  it('keep every digit of any amount', () => {
    fc.assert(
      fc.property(amount, (given) => {
        const [whole = '', fraction = ''] = formatCurrency(given, 'en')
          .replace(/[$,]/g, '')
          .split('.');
        expect(BigInt(whole + fraction.padEnd(9, '0'))).toBe(given);
      }),
      { seed: 3 },
    );
  });

  it.each(['en', 'ru', 'zh'])('show amounts in %s that a form reads as the same', (language) => {
    fc.assert(
      fc.property(amount, (given) => {
        const typed = parseTypedUsd(formatCurrency(given, language));
        const isSame = typed.ok ? typed.amount === given : typed.reason === 'ambiguous';
        expect(isSame).toBe(true);
      }),
    );
  });

  it('keep fractions of a nano-USD in line items', () => {
    expect(formatMillionths(1n, 'en')).toBe('$0.000000000000001');
    expect(formatMillionths(11n * 150_000_000n, 'en')).toBe('$0.00000165');
    expect(formatMillionths(10n ** 16n, 'en')).toBe('$10.00');
  });

  it.each([
    [0n, 'digits-2'],
    [10_000_000n, 'digits-2'],
    [125_000_000n, 'digits-3'],
    [5_900_000n, 'digits-4'],
    [-5_900_000n, 'digits-4'],
    [1_234_567_000_000n, 'digits-whole'],
  ])('name the class that aligns %d nano-USD at its point in every language', (given, expected) => {
    for (const language of ['en', 'ru', 'zh'])
      expect(toDigitsClass(given, formatRoundedCurrency(given, language))).toBe(expected);
  });

  it('never round an amount above zero to zero', () => {
    expect(formatRoundedCurrency(7n, 'en')).toBe('$0.000000007');
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: MAX_AMOUNT }), (given) => {
        expect(formatRoundedCurrency(given, 'en')).not.toMatch(/^[$0.,]*$/);
      }),
      { seed: 3 },
    );
  });

  it.each([
    [0n, '$0.00'],
    [22_425n, '$0.000022'],
    [31_249_999n, '$0.0312'],
    [427_549_000n, '$0.4275'],
    [1_234_567_890n, '$1.23'],
    [49_275_655_545n, '$49.28'],
    [-49_275_655_545n, '-$49.28'],
  ])('round %d nano-USD to %s in lists', (given, text) => {
    expect(formatRoundedCurrency(given, 'en')).toBe(text);
  });

  it.each([
    [9_996_000_000n, '$9.99'],
    [24_999_738_530n, '$24.99'],
    [999_999_999n, '$0.9999'],
    [31_249_999n, '$0.0312'],
    [22_425n, '$0.000022'],
    [25_000_000_000n, '$25.00'],
    [0n, '$0.00'],
    [-49_271_000_000n, '-$49.28'],
  ])('show a balance of %d nano-USD as %s, never more than there is', (given, text) => {
    expect(formatBalance(given, 'en')).toBe(text);
  });

  it('round alike in every language', () => {
    expect(formatRoundedCurrency(427_549_000n, 'ru')).toBe('0,4275\u00a0$');
    expect(formatRoundedCurrency(49_275_655_545n, 'zh')).toBe('$49.28');
  });

  it('parse calendar days only', () => {
    expect(parseIsoDay('2026-11-24')).toBe(toEpochDay(Date.UTC(2026, 10, 24, 23, 59)));
    for (const text of ['2026-02-30', '2026-13-01', '2026-1-1', '', '0001-01-01', '<x>']) {
      expect(parseIsoDay(text)).toBeUndefined();
    }
    expect(toIsoDay(parseIsoDay('2024-02-29') ?? 0)).toBe('2024-02-29');
  });
});

describe('times', () => {
  const at = Date.UTC(2026, 10, 26, 9, 41, 7, 512);

  it.each([
    ['en', 'Nov 26, 2026, 09:41:07 UTC'],
    ['ru', /26 нояб\. 2026\s?г\., 09:41:07 UTC/],
    ['zh', '2026年11月26日 09:41:07 UTC'],
  ])('have their seconds in %s', (language, text) => {
    expect(formatTime(at, language)).toMatch(text);
    expect(formatClock(at, language)).toBe('09:41:07');
  });
});

describe('formatTokenAmount', () => {
  it.each([
    ['en', '1,234.56789'],
    ['ru', '1\u00a0234,56789'],
    ['zh', '1,234.56789'],
  ])('groups digits as %s does and keeps every one', (language, text) => {
    expect(formatTokenAmount(1_234_567_890n, 6, language)).toBe(text);
    expect(formatTokenAmount(1n, 18, 'en')).toBe('0.000000000000000001');
  });
});
