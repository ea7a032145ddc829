/**
 * Builds the price list from the base source, the other sources and what was taken by hand
 * from the providers' pages. Pure: the date of the list is its newest content's, whatever the day.
 */
import { isDeepStrictEqual } from 'node:util';
import { type CuratedModel, type CuratedProvider, nanoPrice } from '../curated/curated-model.ts';
import { type Curated, getCurated, listCitations } from '../curated/index.ts';
import {
  type Capabilities,
  type ListedModel,
  type ListedProvider,
  PROVIDER_PAGES,
  type PricedSurchargeKind,
  type PriceKey,
  type PriceList,
  type PriceRule,
  type SourceStamp,
} from '../price-list.ts';
import { findAgreeing, findDisagreements, findStatement } from './disagreements.ts';
import { refreshOpenRouter } from './openrouter.ts';
import type { Source } from './statement.ts';

export type PriceListInput = Readonly<{
  base: PriceList;
  /** The base among them. */
  sources: readonly Source[];
  curated: Curated;
}>;

/** Takes retired names out of a model and lists them before it, so that they win over patterns. */
function splitRetiredNames(model: ListedModel, { retiredNames }: CuratedProvider): ListedModel[] {
  const groups = retiredNames.filter((group) => group.model === model.id);
  const gone = new Set(groups.flatMap(({ names }) => names));
  const names = model.names.filter((name) => !gone.has(name));
  const retired = groups.map(({ names: [id, ...others], retiresOn, successor }) => ({
    ...model,
    id,
    names: [id, ...others].toSorted(),
    patterns: [],
    lifecycle: { ...model.lifecycle, retiresOn, successor },
    variants: model.variants.filter(({ name }) => name === id || others.includes(name)),
  }));
  const rest = { ...model, names, variants: model.variants.filter(({ name }) => !gone.has(name)) };
  return groups.length > 0 && names.length === 0 ? retired : [...retired, rest];
}

/** States an edge as the provider does. */
export function toPublishedEdge(rule: PriceRule, { edges }: CuratedProvider): PriceRule {
  const { input } = rule.when;
  if (input === undefined || input.inclusive) return rule;
  const edge = edges.find(({ sourceTokens }) => sourceTokens === input.tokens);
  if (edge === undefined) return rule;
  const { tokens, inclusive } = edge;
  return { ...rule, when: { ...rule.when, input: { ...input, tokens, inclusive } } };
}

function toListedModel(curated: CuratedModel, replaced: readonly ListedModel[]): ListedModel {
  const names = [...listNames(curated), ...replaced.flatMap((model) => model.names)];
  return {
    id: curated.id,
    names: [...new Set(names)].sort(),
    patterns: [...(curated.patterns ?? []), ...replaced.flatMap(({ patterns }) => patterns)],
    displayName: curated.displayName,
    limits: curated.limits,
    hidesReasoning: curated.hidesReasoning,
    capabilities: curated.capabilities,
    lifecycle: {
      released: null,
      deprecatedOn: null,
      retiresOn: null,
      successor: null,
      ...curated.lifecycle,
    },
    ...(curated.operations === undefined ? {} : { operations: curated.operations }),
    isFree: curated.isFree ?? false,
    prices: curated.prices,
    factors: curated.factors,
    provenance: {
      source: PROVIDER_PAGES,
      sourceDate: curated.seenOn,
      confirmedOn: curated.firstHand ? curated.seenOn : null,
      citation: curated.page,
      disputed: false,
    },
    variants: [],
  };
}

const listNames = ({ id, names = [] }: CuratedModel): string[] => [id, ...names];

/** Replaces the base's models that a curated row is about, and takes its names from all others. */
function applyCuratedModels(models: readonly ListedModel[], { models: rows }: CuratedProvider) {
  const findRow = ({ id }: ListedModel): CuratedModel | undefined =>
    rows.find((row) => listNames(row).includes(id));
  const taken = new Set(rows.flatMap(listNames));
  const others = models.map((model) => {
    return { ...model, names: model.names.filter((name) => !taken.has(name)) };
  });
  const listed = rows.map((row) =>
    toListedModel(
      row,
      others.filter((model) => findRow(model) === row),
    ),
  );
  return [...listed, ...others.filter((model) => findRow(model) === undefined)];
}

function applyFactors(model: ListedModel, { factors }: CuratedProvider): ListedModel {
  const rows = factors.filter((row) => row.ids.includes(model.id));
  return { ...model, factors: [...model.factors, ...rows.flatMap((row) => row.factors)] };
}

function applyLifecycle(model: ListedModel, { lifecycles }: CuratedProvider): ListedModel {
  const rows = lifecycles.filter((row) => row.ids.includes(model.id));
  return {
    ...model,
    lifecycle: Object.assign({}, model.lifecycle, ...rows.map((row) => row.lifecycle)),
  };
}

type SurchargeRow = Readonly<Partial<Record<PricedSurchargeKind, number>>>;

/** The prices of a provider's tools, for a model or a variant of that name. */
function toolPrices(
  name: string,
  listed: SurchargeRow,
  { toolPrices: rows }: CuratedProvider,
): SurchargeRow {
  const prices: Partial<Record<PricedSurchargeKind, number>> = {};
  for (const row of rows) {
    if (!row.models.test(name) || prices[row.kind] !== undefined) continue;
    // A price per thousand is multiplied by 1,000, because the list prices a million.
    const stated = nanoPrice(String(row.usdPerThousand)) * 1000;
    prices[row.kind] = row.overridesSource === true ? stated : (listed[row.kind] ?? stated);
  }
  return prices;
}

function applyToolPrices(model: ListedModel, curated: CuratedProvider): ListedModel {
  // Tools are run in conversations only.
  if (model.operations !== undefined) return model;
  const isBase = ({ when }: PriceRule): boolean => Object.keys(when).length === 0;
  const addTo = (name: string, prices: SurchargeRow): SurchargeRow => {
    return { ...prices, ...toolPrices(name, prices, curated) };
  };
  return {
    ...model,
    prices: model.prices.map((rule) =>
      isBase(rule)
        ? { ...rule, prices: { ...rule.prices, ...addTo(model.id, rule.prices) } }
        : rule,
    ),
    variants: model.variants.map((variant) => ({
      ...variant,
      surcharges: addTo(variant.name, variant.surcharges),
    })),
  };
}

/**
 * Returns whether a title only spells the id in other words, as `gpt 4o mini` does: another source
 * may have the provider's own.
 */
function isSpelledId(title: string, id: string): boolean {
  const toWord = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
  return /^[a-z]/.test(title) && toWord(title) === toWord(id);
}

/** Names, abilities and dates that the base source does not state, from the first source that states them. */
function applyFacts(provider: string, model: ListedModel, sources: readonly Source[]): ListedModel {
  const statements = sources.flatMap((source) => findStatement(provider, model, source) ?? []);
  const titles = statements.map(({ displayName }) => displayName).filter((title) => title !== '');
  // OpenRouter puts the name of the provider in front.
  const title = titles[0]?.replace(provider === 'openrouter' ? /^/ : /^[^:]+: /, '');
  const stated = statements.map((statement) => statement.capabilities);
  const capabilities: Capabilities = Object.assign({}, ...stated.toReversed());
  const released = statements.flatMap((statement) => statement.released ?? []).sort()[0];
  return {
    ...model,
    displayName: isSpelledId(model.displayName, model.id)
      ? (title ?? model.displayName)
      : model.displayName,
    capabilities: { ...capabilities, ...model.capabilities },
    lifecycle: { ...model.lifecycle, released: model.lifecycle.released ?? released ?? null },
  };
}

/**
 * Marks a disputed row; names the newest independent source that says the same, where that is newer
 * than the row's own.
 */
function applyProvenance(
  provider: string,
  model: ListedModel,
  sources: readonly Source[],
): ListedModel {
  const [newest] = findAgreeing(provider, model, sources);
  const { provenance } = model;
  const isNewer =
    newest !== undefined &&
    provenance.source !== PROVIDER_PAGES &&
    newest.stamp.publishedOn > provenance.sourceDate;
  const disputed = findDisagreements(provider, model, sources).some(
    ({ weight }) => weight === 'newer',
  );
  const { name: source, publishedOn: sourceDate } = newest?.stamp ?? { name: '', publishedOn: '' };
  return {
    ...model,
    provenance: {
      ...provenance,
      ...(isNewer ? { source, sourceDate } : {}),
      disputed: provenance.disputed || disputed,
    },
  };
}

/** What a price costs that no rule states: `FALLBACK` of model-prices.ts. */
const IMPLIED: readonly (readonly [PriceKey, PriceKey])[] = [
  ['cache_write_12h', 'cache_write_1h'],
  ['cache_write_1h', 'cache_write_5m'],
  ['cache_write_5m', 'input_uncached'],
  ['cache_read', 'input_uncached'],
  ['audio_input', 'input_uncached'],
  ['audio_output', 'output'],
  ['image_output', 'output'],
];

/**
 * States the lifetime of OpenAI's cache writes, which the sources know without one: 30 minutes by
 * default (https://developers.openai.com/api/docs/guides/prompt-caching). Only models that bill a
 * write above its input have a lifetime.
 */
function stateWriteLifetime(provider: string, model: ListedModel): ListedModel {
  const hasWrites = model.prices.some(
    ({ prices }) =>
      prices.cache_write_5m !== undefined && prices.cache_write_5m !== prices.input_uncached,
  );
  if (provider !== 'openai' || !hasWrites) return model;
  const prices = model.prices.map((rule) => {
    const { cache_write_5m: write, cache_write_30m: stated } = rule.prices;
    const price = stated ?? write;
    return price === undefined
      ? rule
      : { ...rule, prices: { ...rule.prices, cache_write_30m: price } };
  });
  return { ...model, prices };
}

/** Leaves out what each rule of a model implies, which keeps the Worker's copy small. */
function omitImplied(model: ListedModel): ListedModel {
  const isImplied = ([key, source]: readonly [PriceKey, PriceKey]): boolean =>
    model.prices.every(({ prices }) => prices[key] === prices[source]) &&
    model.variants.every(({ surcharges }) => !(key in surcharges));
  const implied = new Set(IMPLIED.filter(isImplied).map(([key]): string => key));
  const prices = model.prices.map((rule) => ({
    ...rule,
    prices: Object.fromEntries(Object.entries(rule.prices).filter(([key]) => !implied.has(key))),
  }));
  return { ...model, prices };
}

function buildProvider({ id, models }: ListedProvider, input: PriceListInput): ListedProvider {
  const { sources } = input;
  const curated = getCurated(input.curated, id);
  const own = sources.find(({ stamp }) => stamp.upstream === id);
  const base = (id === 'openrouter' && own !== undefined ? refreshOpenRouter(models, own) : models)
    .flatMap((model) => splitRetiredNames(model, curated))
    .map((model) => ({
      ...model,
      prices: model.prices.map((rule) => toPublishedEdge(rule, curated)),
    }));
  return {
    id,
    models: applyCuratedModels(base, curated).map((model) => {
      const served = applyToolPrices(applyFactors(model, curated), curated);
      const dated = stateWriteLifetime(id, applyLifecycle(served, curated));
      const known = applyFacts(id, dated, sources);
      return omitImplied(applyProvenance(id, known, sources));
    }),
  };
}

/** The date of the newest content: of a source, or of a page that was seen. */
export function findNewestDate(list: Pick<PriceList, 'sources' | 'providers'>): string {
  const stamps = list.sources.map(({ publishedOn }) => publishedOn);
  const rows = list.providers.flatMap(({ models }) =>
    models.flatMap(({ provenance }) => [provenance.confirmedOn ?? '', provenance.sourceDate]),
  );
  return [...stamps, ...rows].toSorted().at(-1) ?? '';
}

function stampProviderPages({ providers }: Curated): SourceStamp {
  const seen = providers.flatMap(listCitations).map(({ seenOn }) => seenOn);
  return {
    name: PROVIDER_PAGES,
    publishedOn: seen.toSorted().at(-1) ?? '',
    upstream: 'the providers',
  };
}

export function buildPriceList(input: PriceListInput): PriceList {
  const { base, sources, curated } = input;
  const stamps = [...sources.map(({ stamp }) => stamp), stampProviderPages(curated)];
  const providers = base.providers.map((provider) => buildProvider(provider, input));
  const list = {
    ...base,
    sources: stamps,
    calendars: { ...base.calendars, ...curated.calendars },
    providers,
  };
  const date = findNewestDate(list);
  return { ...list, version: date, date };
}

/**
 * Returns what is wrong with a list's date: it must be the date of its newest content, and nothing
 * may have been seen after `now` (milliseconds since the epoch).
 */
export function checkListDate(list: PriceList, now: number): string | undefined {
  const newest = findNewestDate(list);
  if (list.date !== newest) {
    return `The list is dated ${list.date}, but its newest content is of ${newest}.`;
  }
  if (Date.parse(newest) > now) return `The list has content of ${newest}, which is to come.`;
  return undefined;
}

/** The date, and a number where a list of other content already has that date's version. */
export function nextVersion(before: PriceList | undefined, after: PriceList): string {
  if (before?.date !== after.date) return after.date;
  // What was read from the file has its members in the order of the schema.
  const written: unknown = JSON.parse(JSON.stringify({ ...after, version: before.version }));
  if (isDeepStrictEqual(before, written)) return before.version;
  const [, count = '1'] = /\.(\d+)$/.exec(before.version) ?? [];
  return `${after.date}.${Number(count) + 1}`;
}
