/** What one source says a model costs and can do, in the units in which sources write. */
import type { Capabilities, SourceStamp } from '../price-list.ts';

/** USD per million tokens; undefined where the source states none. */
export type StatedPrices = Readonly<{
  input: number;
  output: number;
  cacheRead: number | undefined;
  cacheWrite: number | undefined;
}>;

/** The prices of calls with more than `above` input tokens. */
export type StatedTier = StatedPrices & Readonly<{ above: number }>;

export type Statement = Readonly<{
  prices: StatedPrices;
  tiers: readonly StatedTier[];
  displayName: string;
  limits: Readonly<{ context: number; output: number }> | undefined;
  capabilities: Capabilities;
  /** YYYY-MM-DD */
  released: string | undefined;
}>;

/**
 * Statements by `provider/name` in our names. A `reseller` states what it charges itself for
 * another provider's model: evidence, but not a price of the provider's.
 */
export type Source = Readonly<{
  stamp: SourceStamp;
  isReseller: boolean;
  statements: ReadonlyMap<string, Statement>;
}>;
