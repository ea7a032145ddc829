/**
 * What the usage object of every dialect becomes: disjoint buckets, surcharges and what has no
 * price.
 */
import { type NanoUsd, SURCHARGE_KINDS, type SurchargeKind, type Usage } from '@farebox/money';
import type { ServedTerms } from './service-terms.ts';

/** `count` units (tokens, searches) of something that is billed besides the buckets. */
export type SurchargeCount = Readonly<{ kind: SurchargeKind; count: number }>;

export type NormalizedUsage = Readonly<{
  /** The provider's own count, once reported; partial in an Anthropic stream until it finishes. */
  usage: Usage | null;
  /** The counts of a report that lacks one of input and output: there `usage` is null. */
  partial: Readonly<{ input: number | null; output: number | null }>;
  /**
   * The usage of the largest of several turns that `usage` adds up: a price that depends on the size
   * of the input goes by a turn. Null where there is one.
   */
  largestTurn: Usage | null;
  /** The usage of passes that `usage` leaves out (Anthropic's compaction), each priced by itself. */
  passes: readonly Usage[];
  /** The usage of passes of other models, which the provider names by its own name. */
  otherModelPasses: readonly Readonly<{ model: string; usage: Usage }>[];
  /** What is billed besides the buckets: counts only, because a reader knows no prices. */
  surcharges: readonly SurchargeCount[];
  /** The terms on which the answer says that it was served. */
  served: ServedTerms;
  /** nano-USD: what the provider says that it charges for the answer; null where it says nothing. */
  statedCost: NanoUsd | null;
  /**
   * The number of usage fields and tiers with an unknown price: absorbed by the platform and logged.
   */
  unpriceable: number;
}>;

const NO_COUNTS = { input: null, output: null };

export const NO_USAGE_REPORTED: NormalizedUsage = {
  usage: null,
  partial: NO_COUNTS,
  largestTurn: null,
  passes: [],
  otherModelPasses: [],
  surcharges: [],
  served: {},
  statedCost: null,
  unpriceable: 0,
};

/** Returns the surcharges with a count above zero. */
export function toSurcharges(
  counts: Readonly<Partial<Record<SurchargeKind, number>>>,
): SurchargeCount[] {
  const surcharges: SurchargeCount[] = [];
  for (const kind of SURCHARGE_KINDS) {
    const count = counts[kind] ?? 0;
    if (count > 0) surcharges.push({ kind, count });
  }
  return surcharges;
}
