/**
 * Which models can be called, what they cost at a moment and what their limits are, out of one dated,
 * reviewed file. Runs in Workers: no I/O, no clock of its own; an unknown name is undefined and never
 * a near one.
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

/** `name` is `provider/model` or the provider's own id; `providers` are the ids that are configured. */
export function findModel(name: string, providers: readonly string[]): Model | undefined {
  return CATALOG.findModel(name, providers);
}

/** Everything that can be called with these providers, native ones first. */
export function listModels(providers: readonly string[]): Model[] {
  return CATALOG.listModels(providers);
}

/** Up to three names near an unknown one, nearest first. */
export function suggestModels(name: string, providers: readonly string[]): string[] {
  return CATALOG.suggestModels(name, providers);
}

/** The prices of a call admitted at `now` (milliseconds since the epoch) whose input, cached or not, is `inputTokensTotal` tokens. */
export function pricesAt(model: Model, now: number, inputTokensTotal: number): Prices {
  return ratesAt(model.rates, now, inputTokensTotal);
}

/** The dearest a call admitted at `now` can come to, with at most so much input. */
export function maxPrices(
  model: Model,
  now: number,
  maxInputTokens: number = Number.POSITIVE_INFINITY,
): Prices {
  return maxRates(model.rates, now, maxInputTokens);
}

/** nano-USD per million units: of searches, or of tokens that have a price of their own. */
export function surchargePrice(model: Model, kind: SurchargeKind): bigint {
  const price = model.rates.surcharges.get(kind);
  if (price === undefined)
    throw new Error(`${kind} is a bucket's token and has its bucket's price`);
  return price;
}

/** The day the prices were frozen, as YYYY-MM-DD. */
export function priceDate(): string {
  return PRICE_FILE.date;
}

/** The catalogue with models added by configuration; they win over the file's of the same name. */
export function withExtraModels(
  entries: readonly ExtraModel[],
): Readonly<{ ok: true; catalog: Catalog }> | Readonly<{ ok: false; problem: string }> {
  const added = addModels(PRICE_FILE, entries);
  return added.ok ? { ok: true, catalog: openCatalog(added.file) } : added;
}
