/**
 * The catalog over one price list: the models that the configured providers serve, and their names
 * upstream. Contains no prices of its own and never guesses a model.
 */
import type { Dialect } from '@farebox/dialects';
import { getProviderDialects, PROVIDER_IDS } from '@farebox/providers/list';
import { findNearest, indexNames, type Names, resolveName } from './model-names.ts';
import type { PriceFile, PriceFileModel } from './price-file.ts';
import { decodeRates, type Rates } from './rates.ts';

export type Model = Readonly<{
  /** `provider/model`, as requested. */
  name: string;
  provider: string;
  /** The name sent to the provider: the requested one without the provider's prefix. */
  upstreamName: string;
  contextWindow: number;
  maxOutput: number;
  dialects: readonly Dialect[];
  /**
   * True if the model does not show all of its reasoning, so that visible output undercounts it.
   */
  hidesReasoning: boolean;
  deprecated: boolean;
  /** The release date; the epoch where no source has it, as in Anthropic's models endpoint. */
  created: Date;
  rates: Rates;
}>;

export type Catalog = Readonly<{
  findModel: (name: string, providers: readonly string[]) => Model | undefined;
  listModels: (providers: readonly string[]) => Model[];
  suggestModels: (name: string, providers: readonly string[]) => string[];
}>;

const EPOCH = '1970-01-01';

const FREE_OF_CHARGE = decodeRates([{ from: '', window: [], rows: [[-1, 0, 0, 0, 0, 0]] }], []);

class ProviderIndex {
  readonly #provider: string;
  readonly #models: readonly PriceFileModel[];
  #names: Names | undefined;
  readonly #rates = new Map<readonly number[], Rates>();

  constructor(provider: string, models: readonly PriceFileModel[]) {
    this.#provider = provider;
    this.#models = models;
  }

  names(): Names {
    this.#names ??= indexNames(this.#models);
    return this.#names;
  }

  find(upstreamName: string): Model | undefined {
    const listed = this.#findListed(upstreamName);
    if (listed !== undefined || this.#provider !== 'openrouter') return listed;
    // `:free` of a model costs nothing:
    // https://openrouter.ai/docs/guides/routing/model-variants/free
    const paid = /^(.+):free$/i.exec(upstreamName)?.[1];
    const model = paid === undefined ? undefined : this.#findListed(paid);
    const name = `${this.#provider}/${upstreamName}`;
    return model === undefined
      ? undefined
      : { ...model, name, upstreamName, rates: FREE_OF_CHARGE };
  }

  #findListed(upstreamName: string): Model | undefined {
    const entry = resolveName(this.names(), upstreamName);
    if (entry === undefined) return undefined;
    const limits = entry.variants.find(({ name }) => name === upstreamName.toLowerCase()) ?? entry;
    return {
      name: `${this.#provider}/${upstreamName}`,
      provider: this.#provider,
      upstreamName,
      contextWindow: limits.context,
      maxOutput: limits.output,
      dialects: getProviderDialects(this.#provider),
      hidesReasoning: limits.hidesReasoning,
      deprecated: entry.deprecated,
      created: new Date(entry.created === '' ? EPOCH : entry.created),
      rates: this.#getRates(entry, limits.surcharges),
    };
  }

  list(): Model[] {
    return this.#models.flatMap(({ id }) => this.find(id) ?? []);
  }

  /** Caches by the file's own arrays: one entry per model, for any number of requested names. */
  #getRates(entry: PriceFileModel, surcharges: readonly number[]): Rates {
    const cached = this.#rates.get(surcharges);
    if (cached !== undefined) return cached;
    const rates = decodeRates(entry.periods, surcharges);
    this.#rates.set(surcharges, rates);
    return rates;
  }
}

/** Opens a catalog over `file`, which is indexed per provider at the first query. */
export function openCatalog(file: PriceFile): Catalog {
  const indexes = new Map(
    file.providers.map(({ id, models }) => [id, new ProviderIndex(id, models)]),
  );

  function findModel(name: string, providers: readonly string[]): Model | undefined {
    const slash = name.indexOf('/');
    const prefix = name.slice(0, Math.max(0, slash));
    if (providers.includes(prefix)) {
      const model = indexes.get(prefix)?.find(name.slice(slash + 1));
      if (model !== undefined) return model;
    }
    for (const provider of nativeFirst(providers)) {
      const model = indexes.get(provider)?.find(name);
      if (model !== undefined) return model;
    }
    return undefined;
  }

  function suggestModels(name: string, providers: readonly string[]): string[] {
    const names = new Set<string>();
    for (const provider of nativeFirst(providers)) {
      for (const listedName of indexes.get(provider)?.names().exact.keys() ?? []) {
        names.add(listedName);
        names.add(`${provider}/${listedName}`);
      }
    }
    return findNearest(name, names);
  }

  const listModels = (providers: readonly string[]): Model[] =>
    nativeFirst(providers).flatMap((provider) => indexes.get(provider)?.list() ?? []);

  return { findModel, listModels, suggestModels };
}

/** A bare model name means the native provider's model before a reseller's. */
function nativeFirst(providers: readonly string[]): string[] {
  const native = PROVIDER_IDS.filter((id) => providers.includes(id));
  return [...native, ...providers.filter((id) => !PROVIDER_IDS.includes(id))];
}
