/**
 * The base list as a source like the others, so that what was taken by hand is compared with it too.
 */
import { type Curated, getCurated } from '../curated/index.ts';
import type { ListedModel, PriceList, PriceRule } from '../price-list.ts';
import { toPublishedEdge } from './build-price-list.ts';
import { rulesOn } from './disagreements.ts';
import type { Source, StatedPrices, Statement } from './statement.ts';

function toPrices({ prices }: PriceRule): StatedPrices | undefined {
  const { input_uncached: input, output, cache_read: read, cache_write_5m: write } = prices;
  if (input === undefined || output === undefined) return undefined;
  const toUsd = (nano: number | undefined) => (nano === undefined ? undefined : nano / 1e9);
  return {
    input: input / 1e9,
    output: output / 1e9,
    cacheRead: toUsd(read),
    cacheWrite: toUsd(write),
  };
}

function toStatement(model: ListedModel, day: string): Statement | undefined {
  const [short] = rulesOn(model.prices, day, false);
  const prices = short && toPrices(short);
  if (prices === undefined) return undefined;
  const tiers = rulesOn(model.prices, day, true).flatMap((rule) => {
    const tier = toPrices(rule);
    return tier === undefined ? [] : [{ ...tier, above: rule.when.input?.tokens ?? 0 }];
  });
  return {
    prices,
    tiers,
    displayName: '',
    limits: undefined,
    capabilities: {},
    released: undefined,
  };
}

/** Reads the base list, with edges of long input as the providers publish them. */
export function toBaseSource(base: PriceList, curated: Curated): Source | undefined {
  const [stamp] = base.sources;
  if (stamp === undefined) return undefined;
  const statements = new Map<string, Statement>();
  for (const { id, models } of base.providers) {
    const rows = getCurated(curated, id);
    for (const model of models) {
      const prices = model.prices.map((rule) => toPublishedEdge(rule, rows));
      const statement = toStatement({ ...model, prices }, stamp.publishedOn);
      if (statement === undefined) continue;
      for (const name of [model.id.toLowerCase(), ...model.names]) {
        statements.set(`${id}/${name}`, statement);
      }
    }
  }
  return { stamp, isReseller: false, statements };
}
