/** What both dialects' usage objects become: disjoint buckets, extras beside them, and what is neither. */
import { SURCHARGE_KINDS, type SurchargeKind, type Usage } from '@farebox/money';
import type { SurchargeCount } from '../contract.ts';

export type NormalizedUsage = Readonly<{
  usage: Usage | null;
  surcharges: readonly SurchargeCount[];
  unpriceable: number;
}>;

export const NO_USAGE_REPORTED: NormalizedUsage = { usage: null, surcharges: [], unpriceable: 0 };

/** Extras of the kinds that were used at all. */
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

/** Tiers at the list price; any other (priority, flex, fast, batch, next month's) has another price. */
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
