/**
 * Which models can be called, what they cost at a moment and what their limits are, out of one dated,
 * reviewed file. Runs in Workers: no I/O, no clock of its own; an unknown name is undefined and never
 * a near one.
 */
import type { FeeKind, Prices } from '@farebox/money';
import { type Catalogue, type Model, openCatalogue } from './catalogue.ts';
import { addModels, type ExtraModel } from './extra-models.ts';
import type { PriceFile } from './price-file.ts';
import prices from './prices.generated.json' with { type: 'json' };
import { dearestRates, ratesAt } from './rates.ts';

export type { Catalogue, ExtraModel, Model };

const FILE: PriceFile = prices;
const FROZEN = openCatalogue(FILE);

/** `name` is `provider/model` or the provider's own id; `providers` are the ids that are configured. */
export function findModel(name: string, providers: readonly string[]): Model | undefined {
  return FROZEN.findModel(name, providers);
}

/** Everything that can be called with these providers, native ones first. */
export function listModels(providers: readonly string[]): Model[] {
  return FROZEN.listModels(providers);
}

/** Up to three names near an unknown one, nearest first. */
export function suggest(name: string, providers: readonly string[]): string[] {
  return FROZEN.suggest(name, providers);
}

/** The prices of a call admitted at `now` whose input, cached or not, is `inputTokensTotal` tokens. */
export function priceAt(model: Model, now: Date, inputTokensTotal: number): Prices {
  return ratesAt(model.rates, now, inputTokensTotal);
}

/** The dearest a call admitted at `now` can come to, with at most so much input. */
export function dearestPrices(
  model: Model,
  now: Date,
  inputTokensAtMost: number = Number.POSITIVE_INFINITY,
): Prices {
  return dearestRates(model.rates, now, inputTokensAtMost);
}

/** nano-USD per million units: of searches, or of tokens that have a price of their own. */
export function feePrice(model: Model, kind: FeeKind): bigint {
  const price = model.rates.fees.get(kind);
  if (price === undefined)
    throw new Error(`${kind} is a bucket's token and has its bucket's price`);
  return price;
}

/** The day the prices were frozen, as YYYY-MM-DD. */
export function priceDate(): string {
  return FILE.date;
}

/** The catalogue with models added by configuration; they win over the file's of the same name. */
export function withExtraModels(
  entries: readonly ExtraModel[],
): Readonly<{ ok: true; catalogue: Catalogue }> | Readonly<{ ok: false; problem: string }> {
  const added = addModels(FILE, entries);
  return added.ok ? { ok: true, catalogue: openCatalogue(added.file) } : added;
}
