/** What a call costs at its provider's own prices, beside the bill that contains a margin. Pure. */
import {
  costWithoutMargin,
  type NanoUsd,
  type Prices,
  removeMargins,
  type Surcharge,
} from '@farebox/money';
import type { Generation } from './contract/index.ts';

export type ProviderPrices = Readonly<{
  /** The margin in hundredths of a percent, which is what the bill has beside these. */
  marginBasisPoints: number;
  prices: Prices;
  /** In the order of the call's fees. */
  fees: readonly Surcharge[];
  /** nano-USD: of what was charged and what the platform absorbed together. */
  cost: NanoUsd;
}>;

/** Returns null until the bill is made, and for calls of a release that did not keep the margin. */
export function getProviderPrices(call: Generation): ProviderPrices | null {
  const { usage, prices, fees, marginBasisPoints, charged, shortfall } = call;
  if (usage === null || prices === null || marginBasisPoints === null) return null;
  const priced = { usage, prices, fees, marginBasisPoints };
  const cost = costWithoutMargin(charged + shortfall, priced);
  return { marginBasisPoints, ...removeMargins(priced), cost };
}
