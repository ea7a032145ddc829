/**
 * The models that can be called, with their limits and their prices at a given time, from one dated
 * and reviewed list. Runs in Workers: no I/O and no clock. An unknown name is never resolved to a
 * similar one.
 */
import { type Bucket, STANDARD_TERMS, type Usage } from '@farebox/money';
import { type Catalog, isRetired, type Model, openCatalog } from './catalog.ts';
import {
  findCacheWriteBucket,
  type ImageTerms,
  listPricedTerms as listModelTerms,
  type MaxPrices,
  maxPrices as maxModelPrices,
  type PossibleTerms,
  type ResolvedPrices,
  resolveImagePrices as resolveModelImagePrices,
  resolvePrices as resolveModelPrices,
} from './model-prices.ts';
import type { PriceTerms } from './price-conditions.ts';
import type { PriceList } from './price-list.ts';
import prices from './prices.generated.json' with { type: 'json' };
import { type PublishedPrices, publishPrices as publishModelPrices } from './published-prices.ts';

export { findMargin, openCatalog } from './catalog.ts';
export type {
  CatalogOverlay,
  CatalogRead,
  CatalogRpc,
  OverlayMargin,
  OverlayModel,
} from './contract.ts';
export {
  type CatalogEvent,
  CatalogHolder,
  type CatalogHolderOptions,
  type CatalogInEffect,
  whenEnded,
} from './holder.ts';
export type { Problem } from './listed-model-checks.ts';
export { findListedModel, findModelById } from './listed-models.ts';
export type { SurchargePrices } from './model-prices.ts';
export {
  applyOverlay,
  checkMargin,
  findInvalidVersions,
  type ListInEffect,
  type OverlayProblem,
  type OverlayResult,
  type ParsedOverlay,
  parseDefinition,
  parseOverlay,
  toMarginScope,
} from './overlay.ts';
export {
  isPricedSurcharge,
  type ListedModel,
  type MarginRule,
  PRICED_SURCHARGE_KINDS,
  type PricedSurchargeKind,
  type PriceFactor,
  type PriceKey,
  type PriceList,
  type PriceRule,
} from './price-list.ts';
export { parsePriceList } from './price-list-parser.ts';
export {
  type BilledCall,
  computeOvercharge,
  differsFromProviderCost,
  findBillDifference,
  recomputeProviderCost,
} from './recomputation.ts';
export {
  comparePriceLists,
  type PriceDifference,
  type SourceComparison,
} from './source-comparison.ts';
export type { Catalog, MaxPrices, Model, PossibleTerms, PriceTerms, ResolvedPrices };
export { isRetired };

const PRICE_LIST: PriceList = prices;
const CATALOG = openCatalog(PRICE_LIST);

/** The price list of this release, before any change by operators. */
export const RELEASED: PriceList = PRICE_LIST;
export const RELEASED_CATALOG: Catalog = CATALOG;

/**
 * Finds a model by `provider/model` or the provider's own name, among the configured provider ids.
 */
export function findModel(name: string, providers: readonly string[]): Model | undefined {
  return CATALOG.findModel(name, providers);
}

/** Lists the models that these providers serve, native providers first. */
export function listModels(providers: readonly string[]): Model[] {
  return CATALOG.listModels(providers);
}

/** Returns up to three names for one that cannot be called at `at`, the best first. */
export function suggestModels(
  name: string,
  providers: readonly string[],
  at: number,
): readonly string[] {
  return CATALOG.suggestModels(name, providers, at);
}

/** The terms of a call that asks for nothing special, held at `at` (milliseconds since the epoch). */
export function standardTerms(at: number): PriceTerms {
  return { at, ...STANDARD_TERMS };
}

/** The prices of a call that was served on these terms and used that much. */
export function resolvePrices(model: Model, terms: PriceTerms, usage: Usage): ResolvedPrices {
  return resolveModelPrices(model.prices, terms, usage);
}

/** The prices of a call on these terms that makes images of a size and quality as asked for. */
export function resolveImagePrices(
  model: Model,
  terms: PriceTerms,
  asked: ImageTerms,
): ResolvedPrices {
  return resolveModelImagePrices(model.prices, terms, asked);
}

/** Returns the tiers, speeds and regions that the model has a price for at `at`. */
export function listPricedTerms(model: Model, at: number): ReturnType<typeof listModelTerms> {
  return listModelTerms(model.prices, at);
}

/**
 * Returns the bucket of cache writes whose lifetime an answer does not tell; `asked` is that of the
 * lifetime in the request.
 */
export function getCacheWriteBucket(model: Model, asked: Bucket | null): Bucket {
  return findCacheWriteBucket(model.prices, asked);
}

/** Returns the highest prices that a call may have, given all it may be served and its input. */
export function maxPrices(
  model: Model,
  possible: PossibleTerms,
  maxInputTokens: number = Number.POSITIVE_INFINITY,
): MaxPrices {
  return maxModelPrices(model.prices, possible, maxInputTokens);
}

/** Returns the prices as the models endpoint publishes them at `at`. */
export function publishPrices(model: Model, at: number): PublishedPrices {
  return publishModelPrices(model.prices, at, model.operations.length === 0);
}

/** Returns the date of the price list, as YYYY-MM-DD. */
export function priceDate(): string {
  return PRICE_LIST.date;
}
