/**
 * The catalog over one price list: the models that the configured providers serve, and their names
 * upstream. Contains no prices of its own and never guesses a model.
 */
import type { Dialect, Operation } from '@farebox/dialects';
import { getProviderDialects, PROVIDER_IDS } from '@farebox/providers/list';
import {
  indexNames,
  LONG_CONTEXT_WINDOW,
  type Names,
  parseModelName,
  resolveName,
} from './model-names.ts';
import { decodeModelPrices, type ModelPrices } from './model-prices.ts';
import { suggestNames } from './model-suggestions.ts';
import { type Calendars, decodeCalendars } from './price-conditions.ts';
import {
  type Capabilities,
  type Lifecycle,
  type ListedModel,
  type ListedProvider,
  type ListedVariant,
  type MarginRule,
  PROVIDER_PAGES,
  type PriceList,
  type PriceRule,
  type Provenance,
} from './price-list.ts';

export type Model = Readonly<{
  /** `provider/model`, as requested. */
  name: string;
  provider: string;
  /** The name sent to the provider: the requested one without the provider's prefix. */
  upstreamName: string;
  contextWindow: number;
  maxOutput: number;
  dialects: readonly Dialect[];
  /** The operations that the model serves; none for a model that converses. */
  operations: readonly Operation[];
  /**
   * True if the model does not show all of its reasoning, so that visible output undercounts it.
   */
  hidesReasoning: boolean;
  displayName: string;
  capabilities: Capabilities;
  lifecycle: Lifecycle;
  provenance: Provenance;
  deprecated: boolean;
  /**
   * The release date; where no source has one, the day of the price's source, which has the model by
   * then: OpenAI's models endpoint has no model without a date.
   */
  created: Date;
  prices: ModelPrices;
}>;

export type Catalog = Readonly<{
  findModel: (name: string, providers: readonly string[]) => Model | undefined;
  listModels: (providers: readonly string[]) => Model[];
  /** Returns up to three names for one that cannot be called at `at`, the best first. */
  suggestModels: (name: string, providers: readonly string[], at: number) => readonly string[];
}>;

const EPOCH = '1970-01-01';

const FREE_RULE: PriceRule = {
  id: 'free',
  when: {},
  prices: { input_uncached: 0, output: 0, web_search: 0 },
};

/** Returns whether the provider has switched the model off by `at` (UTC midnight of the day). */
export function isRetired({ lifecycle }: Pick<Model, 'lifecycle'>, at: number): boolean {
  return lifecycle.retiresOn !== null && Date.parse(lifecycle.retiresOn) <= at;
}

function findCreationDate({ lifecycle, provenance }: ListedModel): Date {
  return new Date(lifecycle.released ?? provenance.sourceDate);
}

/**
 * The date that ranks a model among suggestions: one whose release no source dates, and of which a
 * provider's pages say nothing, may be old, and comes last.
 */
function findRankingDate({ lifecycle, provenance }: Model): Date {
  const { source, sourceDate } = provenance;
  return new Date(lifecycle.released ?? (source === PROVIDER_PAGES ? sourceDate : EPOCH));
}

/** What the models of one list share. */
type ListContext = Readonly<{
  version: string;
  calendars: Calendars;
  margins: readonly MarginRule[];
}>;

function isMarginFor(margin: MarginRule, provider: string, model: string): boolean {
  if ('topUps' in margin) return false;
  const { provider: ofProvider, model: ofModel } = margin;
  return (ofProvider ?? provider) === provider && (ofModel ?? model) === model;
}

/**
 * Returns the margin of the most specific rule (of the model, its provider, or all) in basis points.
 */
export function findMargin(
  margins: readonly MarginRule[],
  provider: string,
  model: string,
): number {
  let found = { rank: -1, basisPoints: 0 };
  for (const margin of margins) {
    if ('topUps' in margin || !isMarginFor(margin, provider, model)) continue;
    const rank = (margin.model === null ? 0 : 2) + (margin.provider === null ? 0 : 1);
    if (rank > found.rank) found = { rank, basisPoints: margin.basisPoints };
  }
  return found.basisPoints;
}

/** A variant's surcharges stand in the rule that always holds. */
function withSurcharges(
  rules: readonly PriceRule[],
  surcharges: ListedVariant['surcharges'],
): readonly PriceRule[] {
  return rules.map((rule) =>
    Object.keys(rule.when).length > 0
      ? rule
      : { ...rule, prices: { ...rule.prices, ...surcharges } },
  );
}

/**
 * Returns a name of the model as its provider spells it: names are found whatever their case, and
 * most providers know one spelling only.
 */
function toProviderSpelling({ id }: ListedModel, name: string): string {
  const lowerCaseName = name.toLowerCase();
  if (id.toLowerCase() === lowerCaseName) return id;
  return id === id.toLowerCase() ? lowerCaseName : name;
}

class ProviderIndex {
  readonly #provider: string;
  readonly #models: readonly ListedModel[];
  readonly #context: ListContext;
  #names: Names | undefined;
  readonly #prices = new Map<ListedModel | ListedVariant, ModelPrices>();

  constructor({ id, models }: ListedProvider, context: ListContext) {
    this.#provider = id;
    this.#models = models;
    this.#context = context;
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
      : { ...model, name, upstreamName, prices: this.#decode([FREE_RULE], []) };
  }

  #findListed(requestedName: string): Model | undefined {
    const entry = resolveName(this.names(), requestedName);
    if (entry === undefined) return undefined;
    const upstreamName = toProviderSpelling(entry, requestedName);
    const variant = entry.variants.find(({ name }) => name === upstreamName.toLowerCase());
    const { limits, hidesReasoning } = variant ?? entry;
    const { displayName, capabilities, lifecycle, provenance } = entry;
    return {
      name: `${this.#provider}/${upstreamName}`,
      provider: this.#provider,
      upstreamName,
      contextWindow: limits.context,
      maxOutput: limits.output,
      dialects: entry.operations === undefined ? getProviderDialects(this.#provider) : [],
      operations: entry.operations ?? [],
      hidesReasoning,
      displayName,
      capabilities,
      lifecycle,
      provenance,
      deprecated: lifecycle.deprecatedOn !== null,
      created: findCreationDate(entry),
      prices: this.#getPrices(entry, variant),
    };
  }

  list(): Model[] {
    return this.#models.flatMap(({ id }) => this.find(id) ?? []);
  }

  /** Caches by the list's own objects: one entry per model, for any number of requested names. */
  #getPrices(entry: ListedModel, variant: ListedVariant | undefined): ModelPrices {
    const owner = variant ?? entry;
    const cached = this.#prices.get(owner);
    if (cached !== undefined) return cached;
    const rules =
      variant === undefined ? entry.prices : withSurcharges(entry.prices, variant.surcharges);
    const prices = this.#decode(rules, entry.factors, entry.id);
    this.#prices.set(owner, prices);
    return prices;
  }

  #decode(prices: ListedModel['prices'], factors: ListedModel['factors'], model = ''): ModelPrices {
    const { version, calendars, margins } = this.#context;
    const marginBasisPoints = findMargin(margins, this.#provider, model);
    return decodeModelPrices({ prices, factors }, { version, calendars, marginBasisPoints });
  }
}

/** Opens a catalog over `list`, which is indexed per provider at the first query. */
export function openCatalog(list: PriceList): Catalog {
  const { version, margins } = list;
  const context = { version, margins, calendars: decodeCalendars(list.calendars) };
  const indexes = new Map(
    list.providers.map((provider) => [provider.id, new ProviderIndex(provider, context)]),
  );

  function findModel(requested: string, providers: readonly string[]): Model | undefined {
    const { name, hasLongContext } = parseModelName(requested);
    const model = findNamed(name, providers);
    if (model === undefined || !hasLongContext) return model;
    return { ...model, contextWindow: Math.max(model.contextWindow, LONG_CONTEXT_WINDOW) };
  }

  function findNamed(name: string, providers: readonly string[]): Model | undefined {
    const slash = name.indexOf('/');
    const prefix = name.slice(0, Math.max(0, slash)).toLowerCase();
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

  function suggestModels(
    requested: string,
    providers: readonly string[],
    at: number,
  ): readonly string[] {
    const { name } = parseModelName(requested);
    const own = findNamed(name, providers);
    if (own !== undefined && isRetired(own, at) && own.lifecycle.successor !== null) {
      return [`${own.provider}/${own.lifecycle.successor}`];
    }
    const inside = findInside(name, providers, at);
    if (inside !== undefined) return [inside.name];
    return suggestNames(
      name,
      listModels(providers)
        .filter((model) => !isRetired(model, at))
        .map((model) => ({ ...model, created: findRankingDate(model) })),
    );
  }

  /**
   * Finds a model's own name in one that another service has for it: `azure/gpt-5.4`,
   * `openai:gpt-5.4`, `gpt-5.4:free`.
   */
  function findInside(name: string, providers: readonly string[], at: number): Model | undefined {
    for (const part of name.split(/[/:]/)) {
      const model = findNamed(part, providers);
      if (model !== undefined && !isRetired(model, at)) return model;
    }
    return undefined;
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
