/**
 * How long a character may become when a tokeniser normalises its text. Anthropic's published
 * tokeniser applies NFKC before its byte pairs (`@anthropic-ai/tokenizer`), under which U+FDFA, three
 * bytes, becomes 33; so the raw bytes are no upper bound of the tokens.
 */

const BLOCK_SIZE = 256;
const encoder = new TextEncoder();

/** The bytes that each code point of a block may gain; filled at the first use of the block. */
const blocks: (Uint8Array | undefined)[] = [];

function utf8Bytes(text: string): number {
  return encoder.encode(text).length;
}

/**
 * Measures the full decomposition: a mark that follows a composed character may take it apart again,
 * so that NFKC of a text can be longer than that of its characters, but not than their NFKD.
 */
function measureGrowth(codePoint: number): number {
  if (codePoint >= 0xd800 && codePoint <= 0xdfff) return 0;
  const text = String.fromCodePoint(codePoint);
  return Math.max(0, utf8Bytes(text.normalize('NFKD')) - utf8Bytes(text));
}

function measureBlock(block: number): Uint8Array {
  return Uint8Array.from({ length: BLOCK_SIZE }, (_, index) =>
    measureGrowth(block * BLOCK_SIZE + index),
  );
}

/**
 * Returns how many UTF-8 bytes a code point may gain by normalisation. Unified ideographs have no
 * decomposition. A Hangul syllable has one, but nothing that follows it makes NFKC use it (Unicode
 * Standard Annex 15), and it would treble the bound of every Korean text.
 */
export function normalizedGrowth(codePoint: number): number {
  if (codePoint >= 0x4e00 && codePoint <= 0x9fff) return 0;
  if (codePoint >= 0xac00 && codePoint <= 0xd7a3) return 0;
  const block = Math.floor(codePoint / BLOCK_SIZE);
  let growth = blocks[block];
  if (growth === undefined) {
    growth = measureBlock(block);
    blocks[block] = growth;
  }
  return growth[codePoint % BLOCK_SIZE] ?? 0;
}
