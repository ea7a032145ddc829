/**
 * Measures `token-estimator.table.ts` against o200k_base and writes it to stdout: node
 * packages/dialects/calibrate-estimator.ts TEXT_FILE... > token-estimator.table.ts. Run when the
 * classes change; nothing imports it. A file that is named twice counts twice. In addition to the
 * files it measures names and dates in other scripts, and random text.
 */
import { readFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import ranks from 'gpt-tokenizer/bpeRanks/o200k_base';
import { encode } from 'gpt-tokenizer/encoding/o200k_base';
import { BYTE_CLASSES, CLASS_COUNT, TEXT_START, UNITS_PER_TOKEN } from './token-estimator.ts';

/** One character for each number of units; more than one token between two bytes is possible. */
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

/** The lead bytes of Latin letters with marks. */
const MARKED_LATIN = BYTE_CLASSES[0xc3] ?? 0;

/**
 * Words of other languages in Latin letters have more tokens than English words of the same
 * letters, and marks are the one sign of them.
 */
const MARKED_LATIN_UNITS = Math.round(UNITS_PER_TOKEN / 2);

/**
 * Names and dates have more tokens than prose of the same script, and there is nothing else to
 * measure with: by the lead byte, the share that prose has of their units. Thai has the lead byte of
 * India's scripts and would need 1.
 */
const PROSE_FACTORS: ReadonlyMap<number, number> = new Map(
  [
    { leadByte: 0xcd, factor: 0.68 },
    { leadByte: 0xd4, factor: 0.8 },
    { leadByte: 0xe0, factor: 0.6 },
    { leadByte: 0xe1, factor: 0.5 },
  ].map(({ leadByte, factor }) => [BYTE_CLASSES[leadByte] ?? 0, factor]),
);

/** Cells with fewer pairs than this are mostly their class's average. */
const PRIOR_PAIRS = 5;

const encoder = new TextEncoder();

/** A seeded generator, so that every run gives the same table (Numerical Recipes' LCG). */
function createRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * bound);
  };
}

function syntheticTexts(): string[] {
  const pick = createRandom(20261126);
  const text = (length: number, alphabet: string) =>
    Array.from({ length }, () => alphabet.charAt(pick(alphabet.length))).join('');
  const emoji = (first: number, last: number) =>
    Array.from({ length: 2_000 }, () => String.fromCodePoint(first + pick(last - first))).join('');
  return [
    text(8_000, DIGITS),
    text(6_000, '0123456789'),
    text(4_000, '0123456789abcdef'),
    text(4_000, '0123456789,.'),
    text(4_000, '!"#$%&\'()*+,-./:;<=>?@[]^_{|}~'),
    emoji(0x1f600, 0x1f64f),
    emoji(0x1f300, 0x1f5ff),
  ];
}

const LOCALES = [
  'ar',
  'he',
  'hi',
  'th',
  'el',
  'bn',
  'ta',
  'ka',
  'hy',
  'fa',
  'uk',
  'zh',
  'ja',
  'ko',
];

/** The names of currencies and the dates of a year: words of every script. */
function localeTexts(): string[] {
  return LOCALES.map((locale) => {
    const names = new Intl.DisplayNames(locale, { type: 'currency' });
    const dates = new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeZone: 'UTC' });
    return [
      ...Intl.supportedValuesOf('currency').map((code) => names.of(code) ?? ''),
      ...Array.from({ length: 48 }, (_, week) => dates.format(Date.UTC(2026, 0, 1 + 7 * week))),
    ].join(' ');
  });
}

type Counts = { pairs: Float64Array; starts: Float64Array };

function byteLength(token: number): number {
  const piece = ranks[token];
  return typeof piece === 'string' ? encoder.encode(piece).length : (piece?.length ?? 0);
}

function addCounts(text: string, counts: Counts): void {
  const bytes = encoder.encode(text);
  const tokenStarts = new Uint8Array(bytes.length + 1);
  let at = 0;
  for (const token of encode(text)) {
    tokenStarts[at] = 1;
    at += byteLength(token);
  }
  if (at !== bytes.length) throw new Error('token lengths do not add up to the text');
  let previousClass = TEXT_START;
  for (let index = 0; index < bytes.length; index += 1) {
    const currentClass = BYTE_CLASSES[bytes[index] ?? 0] ?? 0;
    const cell = previousClass * CLASS_COUNT + currentClass;
    counts.pairs[cell] = (counts.pairs[cell] ?? 0) + 1;
    counts.starts[cell] = (counts.starts[cell] ?? 0) + (tokenStarts[index] ?? 0);
    previousClass = currentClass;
  }
}

/** Returns the share of starts before each class, whatever precedes it. */
function averageByClass({ pairs, starts }: Counts): Float64Array {
  return Float64Array.from({ length: CLASS_COUNT }, (_, currentClass) => {
    let pairSum = 1;
    let startSum = 0.5;
    for (let row = 0; row < CLASS_COUNT; row += 1) {
      pairSum += pairs[row * CLASS_COUNT + currentClass] ?? 0;
      startSum += starts[row * CLASS_COUNT + currentClass] ?? 0;
    }
    return startSum / pairSum;
  });
}

const counts: Counts = {
  pairs: new Float64Array(CLASS_COUNT ** 2),
  starts: new Float64Array(CLASS_COUNT ** 2),
};
const files = argv.slice(2).map((file) => readFileSync(file, 'utf8').slice(0, 200_000));
for (const text of [...files, ...localeTexts(), ...syntheticTexts()]) addCounts(text, counts);
const averages = averageByClass(counts);
const digits = Array.from({ length: CLASS_COUNT ** 2 }, (_, cell) => {
  const currentClass = cell % CLASS_COUNT;
  const starts = (counts.starts[cell] ?? 0) + PRIOR_PAIRS * (averages[currentClass] ?? 0);
  const probability = starts / ((counts.pairs[cell] ?? 0) + PRIOR_PAIRS);
  const extraUnits = currentClass === MARKED_LATIN ? MARKED_LATIN_UNITS : 0;
  const factor = PROSE_FACTORS.get(currentClass) ?? 1;
  const units = Math.round(UNITS_PER_TOKEN * probability * factor) + extraUnits;
  return DIGITS.charAt(Math.min(63, units));
});
const rows = Array.from(
  { length: CLASS_COUNT },
  (_, row) => `  '${digits.slice(row * CLASS_COUNT, (row + 1) * CLASS_COUNT).join('')}',`,
);
stdout.write(
  [
    '/** Written by `calibrate-estimator.ts`: a digit for each number of units. */',
    `export const TOKEN_START_DIGITS = '${DIGITS}';`,
    '',
    '/** The units of each class, a row for each class before. */',
    'export const TOKEN_START_UNITS = [',
    ...rows,
    '];',
    '',
  ].join('\n'),
);
