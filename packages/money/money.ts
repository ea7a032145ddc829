/**
 * Exact money. Every amount is an integer count of nano-USD (1 USD = 1,000,000,000 nano-USD), every
 * price an integer count of nano-USD per million tokens. Only the final division rounds, once and
 * up.
 */

/**
 * An amount of money in nano-USD. Always an integer; a `bigint` so that no product loses a digit.
 */
export type NanoUsd = bigint;

export const NANO_PER_USD = 1_000_000_000n;

/**
 * The largest amount one account may hold or move: the largest integer a SQLite value keeps exactly
 * when read through JavaScript (2^53 - 1 nano-USD = 9,007,199.25 USD).
 */
export const MAX_AMOUNT: NanoUsd = 9_007_199_254_740_991n;

/** The disjoint kinds of token a call is billed by. `output` includes reasoning. */
export const BUCKETS = [
  'input_uncached',
  'cache_read',
  'cache_write_5m',
  'cache_write_30m',
  'cache_write_1h',
  'cache_write_12h',
  'output',
] as const;
export type Bucket = (typeof BUCKETS)[number];

/** Builds a value for each bucket. */
export function mapBuckets<T>(valueFor: (bucket: Bucket) => T): Readonly<Record<Bucket, T>> {
  return {
    input_uncached: valueFor('input_uncached'),
    cache_read: valueFor('cache_read'),
    cache_write_5m: valueFor('cache_write_5m'),
    cache_write_30m: valueFor('cache_write_30m'),
    cache_write_1h: valueFor('cache_write_1h'),
    cache_write_12h: valueFor('cache_write_12h'),
    output: valueFor('output'),
  };
}

/** The buckets of a call's input; together they are everything that the model read. */
export const INPUT_BUCKETS = [
  'input_uncached',
  'cache_read',
  'cache_write_5m',
  'cache_write_30m',
  'cache_write_1h',
  'cache_write_12h',
] as const satisfies readonly Bucket[];

/**
 * Token counts of one call, whole numbers. `output_reasoning` is a part of `output`, not beside it.
 */
export type Usage = Readonly<Record<Bucket, number> & { output_reasoning: number }>;

/** nano-USD per million tokens, by bucket. */
export type Prices = Readonly<Record<Bucket, bigint>>;

/** What a price counts. */
export const UNITS = [
  'token',
  'image',
  'second',
  'character',
  'search',
  'call',
  'session',
] as const;
export type Unit = (typeof UNITS)[number];

/** The kinds of charge beside a call's tokens. */
export const SURCHARGE_KINDS = [
  'web_search',
  // An answer with search results in it, however many queries it took (Gemini 2.x).
  'grounded_prompt',
  // An answer with places of Google Maps in it.
  'maps_grounded_prompt',
  'x_search',
  'code_execution',
  'file_search',
  'document_search',
  'audio_input',
  // Of the audio that a model reads, what is in its cache.
  'audio_cache_read',
  'audio_output',
  'image_output',
  // Tokens of images that an image model reads, fresh and from its cache.
  'image_input',
  'image_cache_read',
  // Whole images: made, and read to make others.
  'image',
  'source_image',
  'audio_second',
  'speech_character',
  // A query with up to 100 documents to rank.
  'rerank',
  // Tokens of passes an answer's own usage leaves out (Anthropic's compaction).
  'compaction_input',
  'compaction_cache_read',
  'compaction_cache_write',
  'compaction_cache_write_1h',
  'compaction_output',
] as const;
export type SurchargeKind = (typeof SURCHARGE_KINDS)[number];

/** The unit that each kind counts. */
export const SURCHARGE_UNITS: Readonly<Record<SurchargeKind, Unit>> = {
  web_search: 'search',
  grounded_prompt: 'call',
  maps_grounded_prompt: 'call',
  x_search: 'search',
  code_execution: 'call',
  file_search: 'search',
  document_search: 'search',
  audio_input: 'token',
  audio_cache_read: 'token',
  audio_output: 'token',
  image_output: 'token',
  image_input: 'token',
  image_cache_read: 'token',
  image: 'image',
  source_image: 'image',
  audio_second: 'second',
  speech_character: 'character',
  rerank: 'search',
  compaction_input: 'token',
  compaction_cache_read: 'token',
  compaction_cache_write: 'token',
  compaction_cache_write_1h: 'token',
  compaction_output: 'token',
};

/** `count` units at `nano_usd_per_million` each million: a 0.01 USD search is 10,000,000 x 10^6. */
export type Surcharge = Readonly<{
  kind: SurchargeKind;
  count: number;
  nano_usd_per_million: bigint;
}>;

export const NO_USAGE: Usage = {
  input_uncached: 0,
  cache_read: 0,
  cache_write_5m: 0,
  cache_write_30m: 0,
  cache_write_1h: 0,
  cache_write_12h: 0,
  output: 0,
  output_reasoning: 0,
};

/** Returns all tokens of the input, cached or not. */
export function totalInputTokens(usage: Usage): number {
  let total = 0;
  for (const bucket of INPUT_BUCKETS) total += usage[bucket];
  return total;
}

const MILLION = 1_000_000n;

function divideCeilByMillion(numerator: bigint): NanoUsd {
  return (numerator + MILLION - 1n) / MILLION;
}

/** Returns the cost of a call: one exact sum over buckets and surcharges, rounded up once. */
export function computeCost(
  usage: Usage,
  prices: Prices,
  surcharges: readonly Surcharge[] = [],
): NanoUsd {
  let numerator = 0n;
  for (const bucket of BUCKETS) numerator += BigInt(usage[bucket]) * prices[bucket];
  for (const surcharge of surcharges)
    numerator += BigInt(surcharge.count) * surcharge.nano_usd_per_million;
  return divideCeilByMillion(numerator);
}

/**
 * Returns one surcharge's cost, rounded up, for display; a call is charged `computeCost` over all.
 */
export function surchargeCost(surcharge: Surcharge): NanoUsd {
  return divideCeilByMillion(BigInt(surcharge.count) * surcharge.nano_usd_per_million);
}

/** Returns the cost of `count` tokens at `perMillion` nano-USD per million, rounded up. */
export function tokenCost(count: number, perMillion: bigint): NanoUsd {
  return divideCeilByMillion(BigInt(count) * perMillion);
}

/** Returns how many tokens `amount` buys at `perMillion` nano-USD per million, rounded down. */
export function affordableTokens(amount: NanoUsd, perMillion: bigint): number {
  if (amount <= 0n) return 0;
  if (perMillion <= 0n) return Number.MAX_SAFE_INTEGER;
  const count = (amount * MILLION) / perMillion;
  return count > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(count);
}

/** Formats a non-negative count of 10^-places as exact decimal text without trailing zeros. */
function formatDecimal(count: bigint, places: number): string {
  const digits = count.toString().padStart(places + 1, '0');
  const whole = digits.slice(0, -places);
  const fraction = digits.slice(-places).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}

/** Formats exact decimal USD without trailing zeros: 1_500_000_000n is "1.5". */
export function formatUsd(amount: NanoUsd): string {
  return amount < 0n ? `-${formatDecimal(-amount, 9)}` : formatDecimal(amount, 9);
}

/** Formats nano-USD per million units as exact decimal USD per unit: 150_000_000n is "0.00000015". */
export function formatUnitPrice(perMillion: bigint): string {
  return formatDecimal(perMillion, 15);
}

/** Parses decimal USD of at most nine decimals exactly; returns undefined for anything else. */
export function parseUsd(text: string): NanoUsd | undefined {
  const match = /^(\d{1,7})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return undefined;
  return BigInt(match[1] ?? '0') * NANO_PER_USD + BigInt((match[2] ?? '').padEnd(9, '0'));
}
