/** Models of a price list as it lists them, for code that shows or changes lists. Pure. */
import { indexNames, resolveName } from './model-names.ts';
import type { ListedModel, PriceList } from './price-list.ts';

function getModels(list: PriceList, provider: string): readonly ListedModel[] {
  return list.providers.find(({ id }) => id === provider)?.models ?? [];
}

/** Finds the model that a provider's own name means. */
export function findListedModel(
  list: PriceList,
  provider: string,
  name: string,
): ListedModel | undefined {
  return resolveName(indexNames(getModels(list, provider)), name);
}

export function findModelById(
  list: PriceList,
  { provider, id }: Readonly<{ provider: string; id: string }>,
): ListedModel | undefined {
  return getModels(list, provider).find((model) => model.id === id);
}
