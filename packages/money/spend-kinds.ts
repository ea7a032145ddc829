/** What the charge of a call is spent on: kinds that add up to the charge exactly. Pure. */
import {
  BUCKETS,
  type Bucket,
  type NanoUsd,
  type Prices,
  type Surcharge,
  type SurchargeKind,
  type Usage,
} from './money.ts';

/** `other` is what is not billed by token, and what was charged without token counts. */
export const SPEND_KINDS = ['input', 'cache_read', 'cache_write', 'output', 'other'] as const;
export type SpendKind = (typeof SPEND_KINDS)[number];

/** nano-USD by kind. */
export type SpendByKind = Readonly<Record<SpendKind, NanoUsd>>;

const BUCKET_KINDS: Readonly<Record<Bucket, SpendKind>> = {
  input_uncached: 'input',
  cache_read: 'cache_read',
  cache_write_5m: 'cache_write',
  cache_write_30m: 'cache_write',
  cache_write_1h: 'cache_write',
  cache_write_12h: 'cache_write',
  output: 'output',
};

const SURCHARGE_SPEND_KINDS: Readonly<Record<SurchargeKind, SpendKind>> = {
  web_search: 'other',
  grounded_prompt: 'other',
  maps_grounded_prompt: 'other',
  x_search: 'other',
  code_execution: 'other',
  file_search: 'other',
  document_search: 'other',
  audio_input: 'input',
  audio_cache_read: 'cache_read',
  audio_output: 'output',
  image_output: 'output',
  image_input: 'input',
  image_cache_read: 'cache_read',
  image: 'other',
  source_image: 'other',
  audio_second: 'other',
  speech_character: 'other',
  rerank: 'other',
  compaction_input: 'input',
  compaction_cache_read: 'cache_read',
  compaction_cache_write: 'cache_write',
  compaction_cache_write_1h: 'cache_write',
  compaction_output: 'output',
};

/** The bill of a call; `charged` is what the account paid of it, in nano-USD. */
export type ChargedCall = Readonly<{
  usage: Usage | null;
  prices: Prices | null;
  fees: readonly Surcharge[];
  charged: NanoUsd;
}>;

const MILLION = 1_000_000n;

/** Builds a value for each kind. */
export function mapSpendKinds<T>(valueFor: (kind: SpendKind) => T): Record<SpendKind, T> {
  return {
    input: valueFor('input'),
    cache_read: valueFor('cache_read'),
    cache_write: valueFor('cache_write'),
    output: valueFor('output'),
    other: valueFor('other'),
  };
}

/** Millionths of a nano-USD by kind. */
function costByKind({ usage, prices, fees }: ChargedCall): Readonly<Record<SpendKind, bigint>> {
  const cost = mapSpendKinds(() => 0n);
  if (usage !== null && prices !== null) {
    for (const bucket of BUCKETS)
      cost[BUCKET_KINDS[bucket]] += BigInt(usage[bucket]) * prices[bucket];
  }
  for (const { kind, count, nano_usd_per_million: price } of fees)
    cost[SURCHARGE_SPEND_KINDS[kind] ?? 'other'] += BigInt(count) * price;
  return cost;
}

/**
 * Splits a charge by what it is spent on. The kinds add up to `charged`: each is its part of the cost
 * rounded down, in proportion where the account paid less than the cost. What rounding leaves (below
 * 5 nano-USD) is in `input`; what exceeds the cost, as of a call without token counts, in `other`.
 */
export function splitCharge(call: ChargedCall): SpendByKind {
  const { charged } = call;
  const cost = costByKind(call);
  let total = 0n;
  for (const kind of SPEND_KINDS) total += cost[kind];
  const billed = (total + MILLION - 1n) / MILLION;
  const explained = charged < billed ? charged : billed;
  const spend = mapSpendKinds(() => 0n);
  let left = explained;
  for (const kind of SPEND_KINDS) {
    if (total === 0n) break;
    spend[kind] = (explained * cost[kind]) / total;
    left -= spend[kind];
  }
  spend.input += left;
  spend.other += charged - explained;
  return spend;
}

/**
 * Returns what the input read from a cache would have cost more as uncached input, in nano-USD
 * rounded down; 0 where nothing was charged. What cache writes cost more is not subtracted.
 */
export function savedByCache({ usage, prices, charged }: ChargedCall): NanoUsd {
  if (usage === null || prices === null || charged === 0n) return 0n;
  const difference = prices.input_uncached - prices.cache_read;
  return difference > 0n ? (BigInt(usage.cache_read) * difference) / MILLION : 0n;
}
