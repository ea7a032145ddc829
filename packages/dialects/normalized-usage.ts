/**
 * What the usage object of every dialect becomes: disjoint buckets, surcharges and what has no
 * price.
 */
import { SURCHARGE_KINDS, type SurchargeKind, type Usage } from '@farebox/money';

/** `count` units (tokens, searches) of something that is billed besides the buckets. */
export type SurchargeCount = Readonly<{ kind: SurchargeKind; count: number }>;

export type NormalizedUsage = Readonly<{
  usage: Usage | null;
  surcharges: readonly SurchargeCount[];
  unpriceable: number;
}>;

export const NO_USAGE_REPORTED: NormalizedUsage = { usage: null, surcharges: [], unpriceable: 0 };

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

/**
 * Tiers at the list price; any other (priority, flex, fast, batch, a future one) has another price.
 */
const LIST_PRICE_TIERS: ReadonlySet<unknown> = new Set([
  undefined,
  null,
  'auto',
  'default',
  'standard',
  'standard_only',
  'on_demand',
]);

export function isListPriceTier(tier: unknown): boolean {
  return LIST_PRICE_TIERS.has(tier);
}
