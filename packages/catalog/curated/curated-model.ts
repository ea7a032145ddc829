/**
 * Rows that were taken by hand from the providers' own pages, where no price source has them or
 * sources differ: one file per provider. Every row names its page and the date on which the page said so. Used only when prices
 * are updated.
 */
import type { Operation } from '@farebox/dialects';
import { parseUsd } from '@farebox/money';
import type {
  Capabilities,
  Lifecycle,
  ModelLimits,
  PricedSurchargeKind,
  PriceFactor,
  PriceKey,
  PriceRule,
} from '../price-list.ts';

export type Citation = Readonly<{
  /** The provider's page. */
  page: string;
  /** The date on which it was seen to say so, YYYY-MM-DD. */
  seenOn: string;
  /**
   * False where only others were seen to quote the page. Such a row is not "confirmed at the
   * provider", and is marked as disputed where any source differs.
   */
  firstHand: boolean;
}>;

export type CuratedModel = Citation &
  Readonly<{
    id: string;
    /** Exact names beside the id; those that a source lists for the same id are kept. */
    names?: readonly string[];
    patterns?: readonly (readonly string[])[];
    displayName: string;
    limits: ModelLimits;
    hidesReasoning: boolean;
    capabilities: Capabilities;
    lifecycle: Partial<Lifecycle>;
    /** Where the model serves these and does not converse. */
    operations?: readonly Operation[];
    isFree?: true;
    prices: readonly PriceRule[];
    factors: readonly PriceFactor[];
  }>;

/**
 * When models were deprecated and when they stop answering. A retired model stays in the list, so
 * that its successor can be suggested and an old bill explained; the gateway offers it no longer.
 */
export type CuratedLifecycle = Citation &
  Readonly<{
    /** Ids of the list, not their dated names. */
    ids: readonly string[];
    lifecycle: Partial<Lifecycle>;
  }>;

/**
 * What another tier, speed or region costs: a multiple of the standard price. A model without a row
 * is served at the standard price only.
 */
export type CuratedFactors = Citation &
  Readonly<{ ids: readonly string[]; factors: readonly PriceFactor[] }>;

/** What a provider's own tool costs beside the tokens. The first row that matches a kind holds. */
export type ToolPrice = Citation &
  Readonly<{
    models: RegExp;
    kind: PricedSurchargeKind;
    usdPerThousand: number;
    /** True where the price source is known to state another tool's price. */
    overridesSource?: true;
  }>;

/**
 * Names that a source lists for one model and that stopped answering before it: each group becomes
 * a retired model of its own, at the same prices, so that a current model has no dead name.
 */
export type RetiredNames = Citation &
  Readonly<{
    /** The id of the source's model that lists them. */
    model: string;
    /** The first one becomes the id. */
    names: readonly [string, ...string[]];
    retiresOn: string;
    successor: string;
  }>;

/** An edge of long input, and the same edge as the base source counts it in some models. */
export type PublishedEdge = Citation &
  Readonly<{ sourceTokens: number; tokens: number; inclusive: boolean }>;

export type CuratedProvider = Readonly<{
  id: string;
  models: readonly CuratedModel[];
  lifecycles: readonly CuratedLifecycle[];
  factors: readonly CuratedFactors[];
  toolPrices: readonly ToolPrice[];
  retiredNames: readonly RetiredNames[];
  edges: readonly PublishedEdge[];
  /** Names of other catalogues that the price source lists under a provider that lacks them. */
  notServed: RegExp | undefined;
}>;

/** Decimal USD per million units, as the pages write it. */
export type UsdPrices = Readonly<Partial<Record<PriceKey, string | undefined>>>;

/** nano-USD per million units. Throws for text that is no plain decimal: a slip of the pen. */
export function nanoPrice(usd: string): number {
  const nano = parseUsd(usd);
  if (nano === undefined) throw new Error(`not a decimal price in USD: ${usd}`);
  return Number(nano);
}

export function nanoPrices(prices: UsdPrices): PriceRule['prices'] {
  const entries = Object.entries(prices).flatMap(([key, usd]) =>
    usd === undefined ? [] : [[key, nanoPrice(usd)]],
  );
  return Object.fromEntries(entries);
}

/** Each price times `numerator / denominator`, rounded up to a whole nano-USD per million. */
export function timesPrices(
  prices: PriceRule['prices'],
  factors: Readonly<Partial<Record<PriceKey, readonly [number, number]>>>,
  fallback: readonly [number, number],
): PriceRule['prices'] {
  const entries = Object.entries(prices).map(([key, price]) => {
    const [numerator, denominator] =
      Object.entries(factors).find(([name]) => name === key)?.[1] ?? fallback;
    const product = BigInt(price) * BigInt(numerator);
    const divisor = BigInt(denominator);
    return [key, Number((product + divisor - 1n) / divisor)];
  });
  return Object.fromEntries(entries);
}

export function tierFactor(
  id: 'flex' | 'priority' | 'ultrafast',
  numerator: number,
  denominator = 1,
): PriceFactor {
  return { id, when: { tier: id }, numerator, denominator };
}

/** Half the price for work that may wait. */
export const FLEX = tierFactor('flex', 1, 2);
