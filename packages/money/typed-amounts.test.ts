/** Typed amounts: each is read as what it means, or refused, and never guessed. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUsd, MAX_AMOUNT, NANO_PER_USD, parseTypedDecimal, parseTypedUsd } from './index.ts';

const nano = fc.bigInt({ min: 0n, max: MAX_AMOUNT });

/** Writes an amount with a separator of thousands and a decimal mark. */
function write(amount: bigint, separator: string, mark: string): string {
  const [whole = '', fraction] = formatUsd(amount).split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, separator);
  return fraction === undefined ? grouped : `${grouped}${mark}${fraction}`;
}

function toFullWidth(text: string): string {
  return text.replace(/[!-~]/g, (character) =>
    String.fromCharCode(character.charCodeAt(0) + 0xfee0),
  );
}

/** The styles in which a group is written, and the decimal mark of each. */
const STYLES = [
  [',', '.'],
  ['.', ','],
  [' ', ','],
  [' ', '.'],
  ['\u00a0', ','],
  ['\u202f', ','],
  ["'", '.'],
  ['\u2019', '.'],
  ['', '.'],
  ['', ','],
] as const;

describe('a typed amount', () => {
  it.each([
    ['1000', '1000'],
    ['1000.5', '1000.5'],
    ['1000,5', '1000.5'],
    ['1,000.50', '1000.5'],
    ['1.000,50', '1000.5'],
    ['1 000,50', '1000.5'],
    ['1\u00a0000,50', '1000.5'],
    ['1\u202f000,50', '1000.5'],
    ["1'000", '1000'],
    ['1 000', '1000'],
    ['1,234,567', '1234567'],
    ['1.234.567', '1234567'],
    ['1.000', '1'],
    ['0,001', '0.001'],
    ['1000,500', '1000.5'],
    ['1,0', '1'],
    ['1,0000', '1'],
    ['$1,000.50', '1000.5'],
    ['US$ 20', '20'],
    ['20 USD', '20'],
    ['1\u00a0000,50\u00a0$', '1000.5'],
    [' 20\u00a0', '20'],
    ['１００', '100'],
    ['１００．５', '100.5'],
    ['１００。５', '100.5'],
    ['１００，５', '100.5'],
    ['１，０００．５０', '1000.5'],
    ['＄２０', '20'],
  ])('%j is %s USD', (typed, expected) => {
    const parsed = parseTypedUsd(typed);
    expect(parsed.ok && formatUsd(parsed.amount)).toBe(expected);
  });

  it.each([
    ['1,000', ['1000', '1.00']],
    ['12,345', ['12345', '12.345']],
    ['1,500', ['1500', '1.50']],
    ['$1,000', ['1000', '1.00']],
    ['1,000 USD', ['1000', '1.00']],
    ['１，０００', ['1000', '1.00']],
  ])('%j is refused as one of two amounts', (typed, readings) => {
    expect(parseTypedUsd(typed)).toEqual({ ok: false, reason: 'ambiguous', readings });
  });

  it.each([
    '',
    '-1',
    '1e9',
    '.5',
    '5.',
    '1,00,000',
    '1,000,00',
    '1,000.000.000',
    '1,000 000',
    '0,000,001',
    '1  000',
    '20 EUR',
    '5²',
    '٥',
    '12,345,678',
    '0.0000000001',
  ])('%j is refused', (typed) => {
    expect(parseTypedUsd(typed)).toEqual({ ok: false, reason: 'invalid' });
  });

  it('is read as what was written, in every style, or refused as ambiguous', () => {
    fc.assert(
      fc.property(nano, fc.constantFrom(...STYLES), fc.boolean(), (given, [group, mark], wide) => {
        const written = write(given, group, mark);
        const parsed = parseTypedUsd(wide ? toFullWidth(written) : written);
        const isAmbiguous = /^[1-9]\d{0,2},\d{3}$/.test(written);
        // A point is our own decimal mark, so that one with three decimals after it is no separator.
        if (/^\d{1,3}\.\d{3}$/.test(written) && group === '.') return;
        expect(parsed.ok ? parsed.amount : parsed.reason).toBe(isAmbiguous ? 'ambiguous' : given);
      }),
    );
  });

  it('has two readings that differ by a factor of 1,000, each read as what it says', () => {
    const whole = fc.integer({ min: 1, max: 999 });
    const rest = fc.integer({ min: 0, max: 999 });
    fc.assert(
      fc.property(whole, rest, (thousands, ones) => {
        const typed = parseTypedUsd(`${thousands},${String(ones).padStart(3, '0')}`);
        const readings = !typed.ok && typed.reason === 'ambiguous' ? typed.readings : [];
        const amounts = readings.map((reading) => {
          const parsed = parseTypedUsd(reading);
          return parsed.ok ? parsed.amount : undefined;
        });
        const large = BigInt(thousands * 1000 + ones) * NANO_PER_USD;
        expect(amounts).toEqual([large, large / 1000n]);
      }),
    );
  });

  it('is never another amount than its digits say, whatever is typed', () => {
    const text = fc.string({ unit: fc.constantFrom(..."0159., '$"), maxLength: 12 });
    fc.assert(
      fc.property(text, (typed) => {
        const parsed = parseTypedUsd(typed);
        if (!parsed.ok) return;
        const digits = typed.replace(/\D/g, '').replace(/^0+|0+$/g, '');
        expect(
          formatUsd(parsed.amount)
            .replace('.', '')
            .replace(/^0+|0+$/g, ''),
        ).toBe(digits);
      }),
      { numRuns: 2000 },
    );
  });
});

describe('a typed number that is no amount', () => {
  it('is read by the same rules, without a currency', () => {
    expect(parseTypedDecimal('2,5')).toEqual({ ok: true, decimal: '2.5' });
    expect(parseTypedDecimal('1,000')).toMatchObject({ ok: false, reason: 'ambiguous' });
    expect(parseTypedDecimal('$5')).toEqual({ ok: false, reason: 'invalid' });
  });
});
