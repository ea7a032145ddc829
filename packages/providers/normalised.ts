/** What both dialects' usage objects become: disjoint buckets, extras beside them, and what is neither. */
import { FEE_KINDS, type FeeKind, type Usage } from '@farebox/money';
import type { Extra } from './contract.ts';

export type Normalised = Readonly<{
  usage: Usage | null;
  extras: readonly Extra[];
  unpriceable: number;
}>;

export const NOTHING: Normalised = { usage: null, extras: [], unpriceable: 0 };

/** Extras of the kinds that were used at all. */
export function extrasOf(counts: Readonly<Partial<Record<FeeKind, number>>>): Extra[] {
  const extras: Extra[] = [];
  for (const kind of FEE_KINDS) {
    const count = counts[kind] ?? 0;
    if (count > 0) extras.push({ kind, count });
  }
  return extras;
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

export function isListPrice(tier: unknown): boolean {
  return LIST_PRICE_TIERS.has(tier);
}
