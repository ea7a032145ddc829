/**
 * A bill as the product makes it: a call of an agent with cached input, at the catalog's prices of
 * the build, computed by the code that computes every bill.
 */
import { findModel, resolvePrices, standardTerms } from '@farebox/catalog';
import { formatCount, formatCurrency, formatMillionths } from '@farebox/design';
import type { Language } from '@farebox/i18n';
import { BUCKETS, type Bucket, computeCost, NO_USAGE, type Usage } from '@farebox/money';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { siteMessagesFor } from '../texts/index.ts';
import { type ContentTable, renderTable } from './content-table.tsx';
import type { Rendered } from './page.ts';

export const EXAMPLE_MODEL = 'anthropic/claude-opus-5-5';

/** A turn of a coding agent: most of its prompt comes from the cache. */
const EXAMPLE_USAGE: Usage = {
  ...NO_USAGE,
  input_uncached: 1_204,
  cache_read: 38_912,
  cache_write_5m: 2_048,
  output: 917,
};

type LineItem = Readonly<{ bucket: Bucket; count: number; price: bigint; millionths: bigint }>;

export type ExampleBill = Readonly<{
  lineItems: readonly LineItem[];
  /** Millionths of a nano-USD. */
  sum: bigint;
  charged: bigint;
}>;

/** `at` is milliseconds since the epoch. */
export function computeExampleBill(at: number): ExampleBill {
  const model = findModel(EXAMPLE_MODEL, PROVIDER_IDS);
  if (model === undefined) throw new Error(`${EXAMPLE_MODEL} is not in the catalog.`);
  const { prices } = resolvePrices(model, standardTerms(at), EXAMPLE_USAGE);
  const lineItems = BUCKETS.filter((bucket) => EXAMPLE_USAGE[bucket] > 0).map((bucket) => {
    const [count, price] = [EXAMPLE_USAGE[bucket], prices[bucket]];
    return { bucket, count, price, millionths: BigInt(count) * price };
  });
  return {
    lineItems,
    sum: lineItems.reduce((sum, { millionths }) => sum + millionths, 0n),
    charged: computeCost(EXAMPLE_USAGE, prices, []),
  };
}

function toTable(bill: ExampleBill, language: Language): ContentTable {
  const { bill: t } = siteMessagesFor(language);
  return {
    head: [t.item, t.quantity, t.price, t.amount],
    numbers: [1, 2, 3],
    phoneLayout: 'bill',
    rows: [
      ...bill.lineItems.map(({ bucket, count, price, millionths }) => [
        t.buckets[bucket],
        formatCount(count, language),
        formatCurrency(price, language),
        formatMillionths(millionths, language),
      ]),
      [t.sum, '', '', formatMillionths(bill.sum, language)],
      [t.charged, '', '', formatCurrency(bill.charged, language)],
    ],
  };
}

export function renderExampleBill(at: number, language: Language): Rendered {
  return renderTable(toTable(computeExampleBill(at), language));
}
