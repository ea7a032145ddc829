/** The bill of a call as positions that add up, to the last digit, to what it cost. Pure. */
import type { Generation } from '@farebox/ledger';
import { BUCKETS, type Bucket, costOf, type FeeKind, type NanoUsd, NO_USAGE } from '@farebox/money';

export type Position = Readonly<{
  of: Readonly<{ kind: 'bucket'; bucket: Bucket }> | Readonly<{ kind: 'fee'; fee: FeeKind }>;
  count: number;
  /** nano-USD per million. */
  price: bigint;
  /** Millionths of a nano-USD: count times price, unrounded. */
  millionths: bigint;
}>;

export type Reckoning = Readonly<{
  positions: readonly Position[];
  /** Millionths of a nano-USD. */
  sum: bigint;
  /** The sum, rounded up once. */
  cost: NanoUsd;
  /** What was charged or fell short, less the cost: not zero where an estimate was bounded. */
  difference: NanoUsd;
}>;

export function reckon(bill: Generation): Reckoning {
  const { usage, prices, fees } = bill;
  const positions: Position[] = [];
  if (usage !== null && prices !== null) {
    for (const bucket of BUCKETS) {
      const [count, price] = [usage[bucket], prices[bucket]];
      if (count === 0) continue;
      const of = { kind: 'bucket', bucket } as const;
      positions.push({ of, count, price, millionths: BigInt(count) * price });
    }
  }
  for (const { kind, count, nano_usd_per_million: price } of fees) {
    const of = { kind: 'fee', fee: kind } as const;
    positions.push({ of, count, price, millionths: BigInt(count) * price });
  }
  const sum = positions.reduce((all, position) => all + position.millionths, 0n);
  const cost = prices === null ? costOfFees(bill) : costOf(usage ?? NO_USAGE, prices, fees);
  return { positions, sum, cost, difference: bill.charged + bill.shortfall - cost };
}

const NO_PRICES = Object.freeze({
  input_uncached: 0n,
  cache_read: 0n,
  cache_write_5m: 0n,
  cache_write_1h: 0n,
  output: 0n,
});

function costOfFees({ fees }: Generation): NanoUsd {
  return costOf(NO_USAGE, NO_PRICES, fees);
}
