/**
 * The models of genai-prices as rows of a price list: match rules become patterns, limits and dates
 * come from the other packages. Runs only in a price update. A model that the list cannot express
 * exactly is left out and cannot be called.
 */
import type { MatchLogic, ModelInfo, Provider } from '@pydantic/genai-prices';
import {
  audioPrice,
  documentedLimits,
  hidesReasoning,
  isServedElsewhere,
  searchPrice,
} from '../documented-overrides.ts';
import type { ListedModel, ListedVariant, PriceRule } from '../price-list.ts';
import { conditionalPrices, tierPrice, toNanoUsd, toRules } from './genai-rules.ts';
import type { KnownModel, KnownModels } from './known-models.ts';

/**
 * Units of the source that a call may be billed by and that neither buckets nor surcharges cover.
 */
const UNSUPPORTED_UNITS = /^requests_|citation|^audio_hours|_hours$|_kpages$|messages/;

/** An empty price list means free of charge only where the name says so (OpenRouter's `:free`). */
function isSold(provider: string, model: ModelInfo): boolean {
  if (isServedElsewhere(provider, model.id)) return false;
  return conditionalPrices(model).every(({ prices }) => {
    const keys = Object.keys(prices);
    if (keys.some((key) => UNSUPPORTED_UNITS.test(key))) return false;
    if (keys.length === 0) return provider === 'openrouter' && model.id.endsWith(':free');
    return prices.input_mtok !== undefined && prices.output_mtok !== undefined;
  });
}

function toRule(logic: MatchLogic): string {
  if ('starts_with' in logic) return `^${logic.starts_with.toLowerCase()}`;
  if ('contains' in logic) return `*${logic.contains.toLowerCase()}`;
  if ('ends_with' in logic) return `$${logic.ends_with.toLowerCase()}`;
  if ('regex' in logic) return `/${logic.regex}`;
  throw new Error('the source nests its rules deeper than the file can say');
}

type NameMatch = { names: string[]; rules: string[][] };

function toNameMatch(logic: MatchLogic): NameMatch {
  if ('equals' in logic) return { names: [logic.equals.toLowerCase()], rules: [] };
  if ('and' in logic) return { names: [], rules: [logic.and.map(toRule)] };
  if (!('or' in logic)) return { names: [], rules: [[toRule(logic)]] };
  const parts = logic.or.map(toNameMatch);
  return { names: parts.flatMap((item) => item.names), rules: parts.flatMap((item) => item.rules) };
}

function matches(logic: MatchLogic, name: string): boolean {
  if ('or' in logic) return logic.or.some((item) => matches(item, name));
  if ('and' in logic) return logic.and.every((item) => matches(item, name));
  if ('equals' in logic) return name === logic.equals.toLowerCase();
  const rule = toRule(logic);
  const text = rule.slice(1);
  if (rule.startsWith('^')) return name.startsWith(text);
  if (rule.startsWith('*')) return name.includes(text);
  return rule.startsWith('$') ? name.endsWith(text) : new RegExp(text).test(name);
}

type SurchargePrices = ListedVariant['surcharges'];

function getSurchargePrices(name: string, model: ModelInfo): SurchargePrices {
  const prices = conditionalPrices(model).at(-1)?.prices ?? {};
  const usd = (key: string): number | undefined => tierPrice(prices[key], Number.MAX_SAFE_INTEGER);
  const audio = audioPrice(name);
  const free = usd('input_mtok') === undefined;
  const search = free ? 0 : searchPrice(name, usd('web_searches_kcount'));
  const input = usd('input_audio_mtok') ?? audio?.[0] ?? usd('input_mtok') ?? 0;
  const output = usd('output_audio_mtok') ?? audio?.[1] ?? usd('output_mtok') ?? 0;
  const image = usd('output_image_mtok') ?? usd('output_mtok') ?? 0;
  return {
    // A price per thousand is multiplied by 1,000, because the list prices a million.
    web_search: toNanoUsd(search * 1000),
    audio_input: toNanoUsd(input),
    audio_output: toNanoUsd(output),
    image_output: toNanoUsd(image),
  };
}

function buildVariant(
  id: string,
  name: string,
  model: ModelInfo,
  known: KnownModels,
): ListedVariant {
  const full = `${id}/${name}`;
  const limits = known.get(full);
  const fallback = documentedLimits(full);
  return {
    name,
    limits: {
      // The larger window is the safe one: a hold covers what a call could take in.
      context: Math.max(limits?.context ?? 0, model.context_window ?? 0) || fallback.context,
      output: limits?.output ?? fallback.output,
    },
    hidesReasoning:
      hidesReasoning(id, name) || (id === 'anthropic' && limits?.alwaysThinks === true),
    surcharges: getSurchargePrices(full, model),
  };
}

/** Returns the release date that a source states or that the name ends with; null if unknown. */
function findReleaseDate(names: readonly string[], id: string, known: KnownModels): string | null {
  const stated = names.flatMap((name) => known.get(`${id}/${name}`)?.created || []).sort()[0];
  if (stated !== undefined) return stated;
  for (const name of names) {
    const [, year, month, day] = /[-@](20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)/.exec(name) ?? [];
    if (day !== undefined && !Number.isNaN(Date.parse(`${year}-${month}-${day}`))) {
      return `${year}-${month}-${day}`;
    }
  }
  return null;
}

function sameLimits(a: ListedVariant, b: ListedVariant): boolean {
  return JSON.stringify({ ...a, name: '' }) === JSON.stringify({ ...b, name: '' });
}

/**
 * Returns whether a name that only a limit source lists is this model's, judged by the stated
 * price.
 */
function isSibling(model: ModelInfo, known: KnownModel): boolean {
  const prices = conditionalPrices(model).at(-1)?.prices ?? {};
  const same = (key: string, usd: number | undefined): boolean => tierPrice(prices[key], 0) === usd;
  // Those packages write 0 where they state no price of a cached token.
  const read = known.cacheReadUsd === 0 || same('cache_read_mtok', known.cacheReadUsd);
  return read && same('input_mtok', known.inputUsd) && same('output_mtok', known.outputUsd);
}

/** The source, and the day on which it was published (YYYY-MM-DD). */
export type GenaiStamp = Readonly<{ name: string; publishedOn: string }>;

function isFreeOfCharge(rules: readonly PriceRule[]): boolean {
  return rules.every(({ prices }) => prices.input_uncached === 0 && prices.output === 0);
}

function toListedModel(
  id: string,
  model: ModelInfo,
  names: readonly string[],
  known: KnownModels,
  { name: source, publishedOn }: GenaiStamp,
): ListedModel {
  const sample = names.find((name) => known.has(`${id}/${name}`));
  const ownName = model.id.toLowerCase();
  const isKnown = sample === undefined || known.has(`${id}/${ownName}`);
  const main = buildVariant(id, isKnown ? ownName : sample, model, known);
  // A snapshot that no limit source lists gets its family's limits, not the fallback's.
  const variants = names
    .map((name) => buildVariant(id, name, model, known))
    .map((item) => (known.has(`${id}/${item.name}`) ? item : { ...item, limits: main.limits }));
  const prices = toRules(model, id, main.surcharges);
  return {
    id: model.id,
    names,
    patterns: toNameMatch(model.match).rules,
    displayName: model.name ?? model.id,
    limits: main.limits,
    hidesReasoning: main.hidesReasoning,
    capabilities: {},
    lifecycle: {
      released: findReleaseDate(names, id, known),
      deprecatedOn: model.deprecated === true ? publishedOn : null,
      retiresOn: null,
      successor: null,
    },
    isFree: isFreeOfCharge(prices),
    prices,
    factors: [],
    provenance: {
      source,
      sourceDate: publishedOn,
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: variants.filter((item) => !sameLimits(item, main)),
  };
}

/** OpenRouter accepts `claude-sonnet-4-5` for `claude-sonnet-4.5`, as recorded answers show. */
function alternateSpellings(id: string, names: readonly string[]): string[] {
  if (id !== 'openrouter') return [];
  return names
    .filter((name) => /^anthropic\/claude-[^:]*\d\.\d[^:]*$/.test(name))
    .map((name) => name.replace(/(\d)\.(\d)/, '$1-$2'));
}

/** Returns the names by model that only a limit source lists, where the stated price is the model's. */
function findSiblings(
  id: string,
  known: KnownModels,
  firstMatch: (name: string) => ModelInfo | undefined,
): ReadonlyMap<ModelInfo, string[]> {
  const siblings = new Map<ModelInfo, string[]>();
  for (const [full, item] of known) {
    if (!full.startsWith(`${id}/`)) continue;
    const name = full.slice(id.length + 1);
    const model = firstMatch(name);
    if (model === undefined || !isSibling(model, item)) continue;
    siblings.set(model, [...(siblings.get(model) ?? []), name]);
  }
  return siblings;
}

/**
 * Returns the models of one provider that can be sold, in the source's order (its first match wins).
 */
export function toListedModels(
  id: string,
  source: Provider,
  known: KnownModels,
  stamp: GenaiStamp,
): ListedModel[] {
  const firstMatch = (name: string): ModelInfo | undefined =>
    source.models.find((model) => matches(model.match, name));
  const siblings = findSiblings(id, known, firstMatch);
  return source.models
    .filter((model) => isSold(id, model))
    .map((model) => {
      const listed = [
        model.id.toLowerCase(),
        ...toNameMatch(model.match).names,
        ...(siblings.get(model) ?? []),
      ];
      const ownNames = listed.filter((name) => firstMatch(name) === model);
      const names = [...new Set([...ownNames, ...alternateSpellings(id, ownNames)])].sort();
      return toListedModel(id, model, names, known, stamp);
    });
}
