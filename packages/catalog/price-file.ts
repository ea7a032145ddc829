/**
 * What the base source says, as price-source.ts reads it and price-file-conversion.ts converts it to
 * rules. Every amount is a whole number of nano-USD per million tokens or units of a surcharge.
 */

/**
 * The surcharges that the file prices; `SURCHARGE_KINDS` of `@farebox/money` defines their units.
 */
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

/**
 * Prices that hold from a date (UTC midnight; '' for always), and only in `window` if it has one.
 */
export type PricePeriod = Readonly<{
  from: string;
  /**
   * `[start, end)` in seconds after UTC midnight, or empty; it wraps midnight where end < start.
   */
  window: readonly number[];
  /** Ascending by `above`; the first row starts at -1, so that every call has one. */
  rows: readonly PriceRow[];
}>;

/** A name of a model with limits or surcharges of its own, at the model's prices. */
export type PriceFileVariant = Readonly<{
  name: string;
  context: number;
  output: number;
  hidesReasoning: boolean;
  surcharges: readonly number[];
}>;

export type PriceFileModel = Readonly<{
  id: string;
  /** Every exact name of this model in lower case, including the id if callers may use it. */
  names: readonly string[];
  /**
   * Alternatives of conditions for the names not listed: `^text` starts with, `*text` contains,
   * `$text` ends with, `/text` a regular expression. An alternative holds when all its conditions
   * do.
   */
  rules: readonly (readonly string[])[];
  context: number;
  output: number;
  /** True if the model does not show all of its reasoning. */
  hidesReasoning: boolean;
  deprecated: boolean;
  /** The release date, or '' if no source has it. */
  created: string;
  /** Later ones win over earlier ones; the first one holds where no other does. */
  periods: readonly PricePeriod[];
  /** Prices in the order of SURCHARGES_IN_FILE, for a million units each. */
  surcharges: readonly number[];
  variants: readonly PriceFileVariant[];
}>;

export type PriceFile = Readonly<{
  /** The date of the list, and the packages it was built from. */
  date: string;
  sources: readonly string[];
  providers: readonly Readonly<{ id: string; models: readonly PriceFileModel[] }>[];
}>;
