/**
 * The platform's margin: what it adds to a provider's price, in hundredths of a percent. No other
 * code makes a price differ from the provider's. Prices are rounded up one by one and a margin is
 * not negative, so each price with a margin comes from exactly one price of the provider, and a
 * bill that keeps its margin tells both.
 */
import {
  computeCost,
  mapBuckets,
  type NanoUsd,
  type Prices,
  type Surcharge,
  type Usage,
} from './money.ts';

const BASIS_POINTS = 10_000n;

/** Adds the margin to a price of the provider; the result is rounded up. */
export function addMargin(price: bigint, basisPoints: bigint): bigint {
  return (price * (BASIS_POINTS + basisPoints) + BASIS_POINTS - 1n) / BASIS_POINTS;
}

/** Returns the provider's price that `addMargin` made `price` of. */
export function removeMargin(price: bigint, basisPoints: bigint): bigint {
  return (price * BASIS_POINTS) / (BASIS_POINTS + basisPoints);
}

/** What a call's cost follows from. */
export type PricedCall = Readonly<{
  usage: Usage;
  prices: Prices;
  fees: readonly Surcharge[];
  /** Hundredths of a percent. */
  marginBasisPoints: number;
}>;

/** Returns the provider's own prices of a call. */
export function removeMargins({
  prices,
  fees,
  marginBasisPoints,
}: Omit<PricedCall, 'usage'>): Pick<PricedCall, 'prices' | 'fees'> {
  const basisPoints = BigInt(marginBasisPoints);
  return {
    prices: mapBuckets((bucket) => removeMargin(prices[bucket], basisPoints)),
    fees: fees.map((fee) => ({
      ...fee,
      nano_usd_per_million: removeMargin(fee.nano_usd_per_million, basisPoints),
    })),
  };
}

/**
 * Returns what a bill of `cost` is at the provider's own prices. The bill of an estimate can be
 * bounded, so that it is not that of its usage: then the margin's share is taken off the whole.
 */
export function costWithoutMargin(cost: NanoUsd, call: PricedCall): NanoUsd {
  if (call.marginBasisPoints === 0) return cost;
  const { usage, prices, fees, marginBasisPoints } = call;
  const isOfUsage = computeCost(usage, prices, fees) === cost;
  const own = removeMargins(call);
  return isOfUsage
    ? computeCost(usage, own.prices, own.fees)
    : removeMargin(cost, BigInt(marginBasisPoints));
}

/** Formats a margin in percent as decimal text: 250 basis points are "2.5". */
export function formatMarginPercent(basisPoints: number): string {
  return (basisPoints / 100).toString();
}
