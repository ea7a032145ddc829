/**
 * Compares a price list with what its sources said on a day, for the daily report: prices that no
 * source states, prices on which sources disagree, and prices whose sources are old. Pure.
 */
import { diffPriceLists } from './price-changes.ts';
import type { ListedModel, PriceList } from './price-list.ts';

/** Providers changed prices about every six weeks in 2026. */
export const MAX_ROW_AGE_DAYS = 60;
const DAY_MS = 86_400_000;

/** A price, a factor or a condition that the list has and its sources do not, or the reverse. */
export type PriceDifference = Readonly<{
  /** `provider/id` */
  model: string;
  /** The rule; empty where the whole model is in one of the two only. */
  rule: string;
  /** What differs; `model` where the whole model is in one of the two only. */
  field: string;
  /** nano-USD per million units for a price; '-' where there is none. */
  listed: string;
  stated: string;
}>;

export type SourceComparison = Readonly<{
  differences: readonly PriceDifference[];
  /** `provider/id` of each model of the list on whose prices sources disagree. */
  disputed: readonly string[];
  /** `provider/id` of each model that can be called and whose newest source is too old at `at`. */
  stale: readonly string[];
}>;

function isStale({ lifecycle, provenance }: ListedModel, at: number): boolean {
  const isRetired = lifecycle.retiresOn !== null && Date.parse(lifecycle.retiresOn) <= at;
  const newest = Math.max(
    Date.parse(provenance.sourceDate),
    provenance.confirmedOn === null ? 0 : Date.parse(provenance.confirmedOn),
  );
  return !isRetired && at - newest > MAX_ROW_AGE_DAYS * DAY_MS;
}

function listNames(list: PriceList, isListed: (model: ListedModel) => boolean): string[] {
  return list.providers.flatMap(({ id, models }) =>
    models.filter(isListed).map((model) => `${id}/${model.id}`),
  );
}

/**
 * Compares the prices of `list` with those of `sourceList`, the list that was built from the sources.
 * Limits, dates and names are not prices. `at` is in milliseconds since the epoch.
 */
export function comparePriceLists(
  list: PriceList,
  sourceList: PriceList,
  at: number,
): SourceComparison {
  const changes = diffPriceLists(sourceList, list).filter(
    ({ rule, field }) => rule !== '' || field === 'model',
  );
  return {
    differences: changes.map(({ model, rule, field, before, after }) => {
      return { model, rule, field, listed: after, stated: before };
    }),
    disputed: listNames(list, ({ provenance }) => provenance.disputed),
    stale: listNames(list, (model) => isStale(model, at)),
  };
}
