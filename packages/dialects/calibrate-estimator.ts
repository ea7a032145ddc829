/**
 * Measures `token-estimator.table.ts` against real tokenizers and writes it to stdout: node
 * packages/dialects/calibrate-estimator.ts TEXT_FILE... > token-estimator.table.ts Run when the
 * tokenizers change; nothing imports it. In addition to the files it measures synthetic texts
 * (random letters, base64, digits, CJK, emoji), so that rare text is not underestimated.
 */
import { readFileSync } from 'node:fs';
import { argv, stdout } from 'node:process';
import cl100kRanks from 'gpt-tokenizer/bpeRanks/cl100k_base';
import o200kRanks from 'gpt-tokenizer/bpeRanks/o200k_base';
import { encode as cl100k } from 'gpt-tokenizer/encoding/cl100k_base';
import { encode as o200k } from 'gpt-tokenizer/encoding/o200k_base';
import { BYTE_CLASSES, PAIR_ROW, TEXT_START } from './token-estimator.ts';

/** Added to every probability, in twentieths, so that the sum errs upwards. */
const MARGIN = 0.8;
const encoder = new TextEncoder();

type Counts = { pairs: Float64Array; starts: Float64Array };

/** A seeded generator, so that every run gives the same table (Numerical Recipes' LCG). */
function createRandom(seed: number): (bound: number) => number {
  let state = seed;
  return (bound) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * bound);
  };
}

function syntheticTexts(): string[] {
  const pick = createRandom(20261123);
  const text = (length: number, make: () => string) => Array.from({ length }, make).join('');
  const ranges = [
    [0x4e00, 0x5200],
    [0x4e00, 0x9fa5],
    [0x3041, 0x30ff],
    [0xac00, 0xd7a3],
    [0x410, 0x44f],
    [0x3b1, 0x3c9],
    [0x5d0, 0x5ea],
    [0x627, 0x64a],
    [0x905, 0x939],
    [0xe01, 0xe2e],
    [0x1f600, 0x1f64f],
    [0x1f300, 0x1f5ff],
    [0x1f680, 0x1f6c5],
    [0xc0, 0x17f],
  ] as const;
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  return [
    text(60_000, () => String.fromCharCode(97 + pick(26))),
    text(60_000, () => String.fromCharCode(65 + pick(26))),
    text(60_000, () => '!"#$%&\'()*+,-./:;<=>?@[]^_{|}~'.charAt(pick(31))),
    text(60_000, () => String(pick(10))),
    text(20_000, () => (pick(7) === 0 ? ' ' : String.fromCharCode(97 + pick(26)))),
    text(60_000, () => alphabet.charAt(pick(64))),
    text(10_000, () => '0123456789abcdef'.charAt(pick(16))),
    text(10_000, () => (pick(6) === 0 ? ' ' : String(pick(10)))),
    text(20_000, () => String.fromCharCode(32 + pick(95))),
    ...ranges.map(([low, high]) => text(6_000, () => String.fromCodePoint(low + pick(high - low)))),
  ];
}

function addCounts(
  text: string,
  tokens: Iterable<number>,
  tokenByteLength: (token: number) => number,
  counts: Counts,
): void {
  const bytes = encoder.encode(text);
  const tokenStarts = new Uint8Array(bytes.length + 1);
  let at = 0;
  for (const token of tokens) {
    tokenStarts[at] = 1;
    at += tokenByteLength(token);
  }
  if (at !== bytes.length) throw new Error('token lengths do not add up to the text');
  let previousClass = TEXT_START;
  for (let index = 0; index < bytes.length; index += 1) {
    const currentClass = BYTE_CLASSES[bytes[index] ?? 0] ?? 0;
    const cell = previousClass * PAIR_ROW + currentClass;
    counts.pairs[cell] = (counts.pairs[cell] ?? 0) + 1;
    counts.starts[cell] = (counts.starts[cell] ?? 0) + (tokenStarts[index] ?? 0);
    previousClass = currentClass;
  }
}

type Tokenizer = Readonly<{
  encode: (text: string) => number[];
  ranks: readonly (string | readonly number[])[];
}>;

function measure(texts: readonly string[], { encode, ranks }: Tokenizer): Counts {
  const counts = {
    pairs: new Float64Array(PAIR_ROW ** 2),
    starts: new Float64Array(PAIR_ROW ** 2),
  };
  const tokenByteLength = (token: number): number => {
    const piece = ranks[token];
    return typeof piece === 'string' ? encoder.encode(piece).length : (piece?.length ?? 0);
  };
  for (const text of texts) addCounts(text, encode(text), tokenByteLength, counts);
  return counts;
}

const texts = [
  ...argv.slice(2).map((file) => readFileSync(file, 'utf8').slice(0, 200_000)),
  ...syntheticTexts(),
];
const measured = [
  measure(texts, { encode: cl100k, ranks: cl100kRanks }),
  measure(texts, { encode: o200k, ranks: o200kRanks }),
];
const digits = Array.from({ length: PAIR_ROW ** 2 }, (_, cell) => {
  const probabilities = measured.map(
    ({ pairs, starts }) => ((starts[cell] ?? 0) + 1) / ((pairs[cell] ?? 0) + 1),
  );
  return Math.min(20, Math.round(20 * Math.max(...probabilities) + MARGIN)).toString(36);
});
const rows = Array.from(
  { length: PAIR_ROW },
  (_, row) => `  '${digits.slice(row * PAIR_ROW, (row + 1) * PAIR_ROW).join('')}',`,
);
stdout.write(
  [
    '/** Written by `calibrate-estimator.ts`: twentieths in base 36, a row for each class before. */',
    'export const TOKEN_PROBABILITIES = [',
    ...rows,
    '];',
    '',
  ].join('\n'),
);
