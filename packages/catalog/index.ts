/**
 * The models that can be called, with their limits and their prices at a given time, from one dated
 * and reviewed file. Runs in Workers: no I/O and no clock. An unknown name is never resolved to a
 * similar one.
 */
import type { Prices, SurchargeKind } from '@farebox/money';
import { type Catalog, type Model, openCatalog } from './catalog.ts';
import { addModels, type ExtraModel } from './extra-models.ts';
import type { PriceFile } from './price-file.ts';
import prices from './prices.generated.json' with { type: 'json' };
import { maxRates, ratesAt } from './rates.ts';

export type { Catalog, ExtraModel, Model };

const PRICE_FILE: PriceFile = prices;
const CATALOG = openCatalog(PRICE_FILE);

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

/** Returns up to three names similar to an unknown one, the nearest first. */
export function suggestModels(name: string, providers: readonly string[]): string[] {
  return CATALOG.suggestModels(name, providers);
}

/**
 * The prices of a call admitted at `now` (milliseconds since the epoch) whose input, cached or not,
 * is `inputTokensTotal` tokens.
 */
export function pricesAt(model: Model, now: number, inputTokensTotal: number): Prices {
  return ratesAt(model.rates, now, inputTokensTotal);
}

/** Returns the highest prices that a call admitted at `now` can have, given its maximum input. */
export function maxPrices(
  model: Model,
  now: number,
  maxInputTokens: number = Number.POSITIVE_INFINITY,
): Prices {
  return maxRates(model.rates, now, maxInputTokens);
}

/** Returns nano-USD per million units: searches, or tokens with a price of their own. */
export function surchargePrice(model: Model, kind: SurchargeKind): bigint {
  const price = model.rates.surcharges.get(kind);
  if (price === undefined)
    throw new Error(`${kind} is a bucket's token and has its bucket's price`);
  return price;
}

/** Returns the date of the price file, as YYYY-MM-DD. */
export function priceDate(): string {
  return PRICE_FILE.date;
}

/** Returns the catalog with added models, which win over the file's models of the same name. */
export function withExtraModels(
  entries: readonly ExtraModel[],
): Readonly<{ ok: true; catalog: Catalog }> | Readonly<{ ok: false; problem: string }> {
  const added = addModels(PRICE_FILE, entries);
  return added.ok ? { ok: true, catalog: openCatalog(added.file) } : added;
}
