/**
 * The models that the form of a key offers as check boxes: those of the native providers that are in
 * the catalog in effect and not retired. Names of other models are typed.
 */
import { type Catalog, isRetired } from '@farebox/catalog';
import { PROVIDER_IDS } from '@farebox/providers/list';
import type { ConsoleDeps } from '../deps.ts';

export type OfferedModels = readonly Readonly<{ provider: string; models: readonly string[] }>[];

/**
 * Returns the catalog in effect after a read of what operators changed. Where it can't be read, the
 * catalog of the last read, or else of the release.
 */
export async function getCatalog({ catalog, identity }: ConsoleDeps): Promise<Catalog> {
  await catalog.readAgain(identity.now());
  return catalog.at(identity.now()).catalog;
}

/** Lists the models to offer at `now`, by provider and name. */
export function listOfferedModels(catalog: Catalog, now: number): OfferedModels {
  return PROVIDER_IDS.map((provider) => ({
    provider,
    models: catalog
      .listModels([provider])
      .filter((model) => !isRetired(model, now))
      .map(({ name }) => name)
      .sort(),
  }));
}
