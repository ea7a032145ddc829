/** The small changes that need no definition written by hand: one price, or one name. Pure. */
import {
  findModelById,
  type ListedModel,
  PRICED_SURCHARGE_KINDS,
  type PriceKey,
  type PriceList,
} from '@farebox/catalog';
import { BUCKETS, parseTypedUsd } from '@farebox/money';

export type NamedModel = Readonly<{ provider: string; id: string }>;

/** What a price can be of, in the order in which it is shown. */
export const PRICE_KEYS: readonly PriceKey[] = [...BUCKETS, ...PRICED_SURCHARGE_KINDS];

function toChange(provider: string, definition: ListedModel) {
  return { models: [{ provider, definition }] };
}

/**
 * The change that sets one price of a model's rule, in decimal USD per million units; undefined if
 * there is no such model, rule or key, or the price is no amount.
 */
export function buildPriceChange(
  list: PriceList,
  named: NamedModel,
  price: Readonly<{ rule: string; key: string; usd: string }>,
): unknown {
  const model = findModelById(list, named);
  const typed = parseTypedUsd(price.usd);
  const key = PRICE_KEYS.find((known) => known === price.key);
  const rule = model?.prices.find(({ id }) => id === price.rule);
  if (model === undefined || rule === undefined || key === undefined || !typed.ok) return undefined;
  const changed = { ...rule, prices: { ...rule.prices, [key]: Number(typed.amount) } };
  const prices = model.prices.map((other) => (other === rule ? changed : other));
  return toChange(named.provider, { ...model, prices });
}

/** The change that adds a name to a model; undefined if there is no such model or the name can't be. */
export function buildNameChange(list: PriceList, named: NamedModel, name: string): unknown {
  const model = findModelById(list, named);
  const added = name.trim().toLowerCase();
  if (model === undefined || !/^[!-~]{1,150}$/.test(added)) return undefined;
  return toChange(named.provider, { ...model, names: [...new Set([...model.names, added])] });
}
