/** Breaks the cost of a call down into line items that add up to it exactly. Pure. */
import { type Generation, getProviderPrices, type ProviderPrices } from '@farebox/ledger';
import {
  BUCKETS,
  type Bucket,
  computeCost,
  type NanoUsd,
  NO_USAGE,
  type SurchargeKind,
} from '@farebox/money';

export type LineItem = Readonly<{
  subject:
    | Readonly<{ kind: 'bucket'; bucket: Bucket }>
    | Readonly<{ kind: 'fee'; surcharge: SurchargeKind }>;
  count: number;
  /** nano-USD per million units. */
  price: bigint;
  /** The provider's own price, where the bill contains a margin. */
  providerPrice: bigint | null;
  /** Quantity times price in millionths of a nano-USD, unrounded. */
  millionths: bigint;
}>;

export type BillBreakdown = Readonly<{
  lineItems: readonly LineItem[];
  /** Millionths of a nano-USD. */
  sum: bigint;
  /** The sum of the items in nano-USD, rounded up once. */
  cost: NanoUsd;
  /**
   * The amount charged plus the shortfall, minus the cost. Not zero where an estimate was bounded.
   */
  difference: NanoUsd;
  /** The margin in the bill and the cost at the provider's own prices; null without a margin. */
  margin: Readonly<{ basisPoints: number; cost: NanoUsd }> | null;
}>;

function toMargin(own: ProviderPrices | null): BillBreakdown['margin'] {
  if (own === null || own.marginBasisPoints === 0) return null;
  return { basisPoints: own.marginBasisPoints, cost: own.cost };
}

export function breakDownBill(generation: Generation): BillBreakdown {
  const { usage, prices, fees, charged, shortfall } = generation;
  const own = getProviderPrices(generation);
  const margin = toMargin(own);
  const providerPrice = (price: bigint | undefined) => (margin === null ? null : (price ?? null));
  const lineItems: LineItem[] = [];
  if (usage !== null && prices !== null) {
    for (const bucket of BUCKETS) {
      const [count, price] = [usage[bucket], prices[bucket]];
      if (count === 0) continue;
      const subject = { kind: 'bucket', bucket } as const;
      lineItems.push({
        subject,
        count,
        price,
        providerPrice: providerPrice(own?.prices[bucket]),
        millionths: BigInt(count) * price,
      });
    }
  }
  for (const [index, { kind, count, nano_usd_per_million: price }] of fees.entries()) {
    const subject = { kind: 'fee', surcharge: kind } as const;
    lineItems.push({
      subject,
      count,
      price,
      providerPrice: providerPrice(own?.fees[index]?.nano_usd_per_million),
      millionths: BigInt(count) * price,
    });
  }
  const sum = lineItems.reduce((all, lineItem) => all + lineItem.millionths, 0n);
  const cost =
    prices === null ? surchargesCost(generation) : computeCost(usage ?? NO_USAGE, prices, fees);
  return { lineItems, sum, cost, difference: charged + shortfall - cost, margin };
}

const NO_PRICES = Object.freeze({
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_30m: 0n,
  cache_write_1h: 0n,
  cache_write_12h: 0n,
  output: 0n,
});

function surchargesCost({ fees }: Generation): NanoUsd {
  return computeCost(NO_USAGE, NO_PRICES, fees);
}
