/**
 * The catalogue over one price list: what can be called with the providers that are configured, and
 * under which name it goes upstream. Holds no prices of its own and never guesses a model.
 */
import { type Names, nearest, readNames, resolveName } from './naming.ts';
import type { PriceFile, PriceFileModel } from './price-file.ts';
import { decodeRates, type Rates } from './rates.ts';

export type Model = Readonly<{
  /** `provider/model`, as it was asked. */
  name: string;
  provider: string;
  /** What is sent to the provider: the asked name without the provider's prefix. */
  upstreamName: string;
  contextWindow: number;
  maxOutput: number;
  dialects: readonly ('chat' | 'messages')[];
  /** The model thinks without showing all of it, so that what passed by undercounts its output. */
  hidesReasoning: boolean;
  deprecated: boolean;
  /** The epoch where no source knows the release date, as Anthropic's models endpoint does. */
  created: Date;
  rates: Rates;
}>;

export type Catalogue = Readonly<{
  findModel: (name: string, providers: readonly string[]) => Model | undefined;
  listModels: (providers: readonly string[]) => Model[];
  suggest: (name: string, providers: readonly string[]) => string[];
}>;

/** Providers whose own models these are; a bare name means them before anybody who resells them. */
const NATIVE = ['openai', 'anthropic', 'google', 'xai', 'deepseek'];

const EPOCH = '1970-01-01';

const FREE_OF_CHARGE = decodeRates([{ from: '', window: [], rows: [[-1, 0, 0, 0, 0, 0]] }], []);

function dialectsOf(provider: string): readonly ('chat' | 'messages')[] {
  if (provider === 'anthropic') return ['messages'];
  // DeepSeek speaks both: https://api-docs.deepseek.com/guides/anthropic_api
  return provider === 'deepseek' ? ['chat', 'messages'] : ['chat'];
}

class Shelf {
  readonly #provider: string;
  readonly #models: readonly PriceFileModel[];
  #names: Names | undefined;
  readonly #rates = new Map<readonly number[], Rates>();

  constructor(provider: string, models: readonly PriceFileModel[]) {
    this.#provider = provider;
    this.#models = models;
  }

  names(): Names {
    this.#names ??= readNames(this.#models);
    return this.#names;
  }

  find(upstreamName: string): Model | undefined {
    const found = this.#findListed(upstreamName);
    if (found !== undefined || this.#provider !== 'openrouter') return found;
    // `:free` of a model costs nothing: https://openrouter.ai/docs/guides/routing/model-variants/free
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
    const own = entry.variants.find(({ name }) => name === upstreamName.toLowerCase()) ?? entry;
    return {
      name: `${this.#provider}/${upstreamName}`,
      provider: this.#provider,
      upstreamName,
      contextWindow: own.context,
      maxOutput: own.output,
      dialects: dialectsOf(this.#provider),
      hidesReasoning: own.hides,
      deprecated: entry.deprecated,
      created: new Date(entry.created === '' ? EPOCH : entry.created),
      rates: this.#ratesOf(entry, own.fees),
    };
  }

  list(): Model[] {
    return this.#models.flatMap(({ id }) => this.find(id) ?? []);
  }

  /** Kept by the file's own arrays: as many as there are models, however many names are asked. */
  #ratesOf(entry: PriceFileModel, fees: readonly number[]): Rates {
    const known = this.#rates.get(fees);
    if (known !== undefined) return known;
    const rates = decodeRates(entry.periods, fees);
    this.#rates.set(fees, rates);
    return rates;
  }
}

/** Nothing is read out of `file` before the first question about a provider. */
export function openCatalogue(file: PriceFile): Catalogue {
  const shelves = new Map(file.providers.map(({ id, models }) => [id, new Shelf(id, models)]));

  function findModel(name: string, providers: readonly string[]): Model | undefined {
    const slash = name.indexOf('/');
    const prefix = name.slice(0, Math.max(0, slash));
    if (providers.includes(prefix)) {
      const found = shelves.get(prefix)?.find(name.slice(slash + 1));
      if (found !== undefined) return found;
    }
    for (const provider of inOrder(providers)) {
      const found = shelves.get(provider)?.find(name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  function suggest(name: string, providers: readonly string[]): string[] {
    const known = new Set<string>();
    for (const provider of inOrder(providers)) {
      for (const one of shelves.get(provider)?.names().exact.keys() ?? []) {
        known.add(one);
        known.add(`${provider}/${one}`);
      }
    }
    return nearest(name, known);
  }

  const listModels = (providers: readonly string[]): Model[] =>
    inOrder(providers).flatMap((provider) => shelves.get(provider)?.list() ?? []);

  return { findModel, listModels, suggest };
}

function inOrder(providers: readonly string[]): string[] {
  const native = NATIVE.filter((id) => providers.includes(id));
  return [...native, ...providers.filter((id) => !NATIVE.includes(id))];
}
