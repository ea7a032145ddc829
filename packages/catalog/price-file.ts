/**
 * The shape of `prices.generated.json`, the dated price list that `update-prices.ts` writes and the Workers
 * read. Every amount is a whole number of nano-USD per million (tokens, or units of a fee). Nothing
 * here decides anything; a change of this shape is asked for first (AGENTS.md).
 */

/** The kinds of fee the file prices; what each counts is `@farebox/money`'s FEE_KINDS to say. */
export const SURCHARGES_IN_FILE = [
  'web_search',
  'audio_input',
  'audio_output',
  'image_output',
] as const;

/**
 * One row of `[above, input_uncached, cache_read, cache_write_5m, cache_write_1h, output]`: these
 * prices hold for a call whose whole input is more than `above` tokens, for all of its tokens.
 */
export type PriceRow = readonly number[];

/** Prices that hold from a date (UTC midnight, or ever: '') and in a window of the day, if it has one. */
export type PricePeriod = Readonly<{
  from: string;
  /** `[start, end)` in seconds after UTC midnight, or empty; it wraps midnight where end < start. */
  window: readonly number[];
  /** Ascending by `above`; the first row starts at -1, so that every call has one. */
  rows: readonly PriceRow[];
}>;

/** A name of a model whose limits or fees are not those of its siblings at the same price. */
export type PriceFileVariant = Readonly<{
  name: string;
  context: number;
  output: number;
  hidesReasoning: boolean;
  surcharges: readonly number[];
}>;

export type PriceFileModel = Readonly<{
  id: string;
  /** Every exact name that means this model, in lower case, the id too where it is one of them. */
  names: readonly string[];
  /**
   * Alternatives of conditions for the names not listed: `^text` starts with, `*text` contains,
   * `$text` ends with, `/text` a regular expression. An alternative holds when all its conditions do.
   */
  rules: readonly (readonly string[])[];
  context: number;
  output: number;
  /** The model thinks without showing all of it. */
  hidesReasoning: boolean;
  deprecated: boolean;
  /** Release date, or '' where no source knows it. */
  created: string;
  /** Later ones win over earlier ones; the first one holds where no other does. */
  periods: readonly PricePeriod[];
  /** In the order of FEES_IN_FILE, for a million units each. */
  surcharges: readonly number[];
  variants: readonly PriceFileVariant[];
}>;

export type PriceFile = Readonly<{
  /** The day the list was frozen, and what it was made from. */
  date: string;
  sources: readonly string[];
  providers: readonly Readonly<{ id: string; models: readonly PriceFileModel[] }>[];
}>;
