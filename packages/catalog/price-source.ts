/**
 * Converts the price source's models to entries of our file: decimals become whole nano-USD
 * (rounded up where the source has more digits), constraints become periods, match rules become
 * ours. Runs only in a price update. A model that the file cannot express exactly is left out and
 * cannot be called.
 */
import type {
  ConditionalPrice,
  MatchLogic,
  ModelInfo,
  ModelPrice,
  Provider,
} from '@pydantic/genai-prices';
import {
  audioPrice,
  documentedLimits,
  hidesReasoning,
  isServedElsewhere,
  searchPrice,
} from './documented-overrides.ts';
import type { PriceFileModel, PriceFileVariant, PricePeriod, PriceRow } from './price-file.ts';
import type { KnownModel, KnownModels } from './sources/known-models.ts';

/**
 * Converts USD to nano-USD: 0.003625 is 3,625,000. Works on the text, because floats lose digits.
 */
export function toNanoUsd(usd: number): number {
  const [mantissa = '0', exponent = '0'] = usd.toString().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  if (places <= 9) return Number(digits * 10n ** BigInt(9 - places));
  const unit = 10n ** BigInt(places - 9);
  return Number((digits + unit - 1n) / unit);
}

/**
 * Units of the source that a call may be billed by and that neither buckets nor surcharges cover.
 */
const UNSUPPORTED_UNITS = /^requests_|citation|^audio_hours|_hours$|_kpages$|messages/;

type SourcePrice = ModelPrice[string];

function tierPrice(price: SourcePrice, input: number): number | undefined {
  if (price === undefined || typeof price === 'number') return price;
  const tiers = price.tiers.filter(({ start }) => input > start).sort((a, b) => a.start - b.start);
  return tiers.at(-1)?.price ?? price.base;
}

function buildRow(prices: ModelPrice, above: number, provider: string): PriceRow {
  const usd = (key: string): number | undefined => tierPrice(prices[key], above + 1);
  const input = usd('input_mtok') ?? 0;
  // One model prices thinking separately: the higher of its two output prices is charged.
  const output = Math.max(usd('output_mtok') ?? 0, usd('output_reasoning_mtok') ?? 0);
  const read = usd('cache_read_mtok') ?? input;
  // Anthropic: a 5-minute write is 1.25 times the input, a 1-hour write twice.
  // https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
  const anthropic = provider === 'anthropic';
  const write5m = usd('cache_write_mtok') ?? (anthropic ? input * 1.25 : input);
  const write1h = usd('cache_write_1h_mtok') ?? (anthropic ? input * 2 : write5m);
  return [above, ...[input, read, write5m, write1h, output].map(toNanoUsd)];
}

function buildRows(prices: ModelPrice, provider: string): PriceRow[] {
  const starts = new Set([-1]);
  for (const price of Object.values(prices)) {
    if (typeof price === 'object') for (const tier of price.tiers) starts.add(tier.start);
  }
  return [...starts].sort((a, b) => a - b).map((above) => buildRow(prices, above, provider));
}

function parseSecondOfDay(time: string): number {
  const [, hours, minutes, seconds] = /^(\d\d):(\d\d):(\d\d)Z$/.exec(time) ?? [];
  if (seconds === undefined) throw new Error(`a time of day the file cannot say: ${time}`);
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

function toPeriod({ constraint, prices }: ConditionalPrice, provider: string): PricePeriod {
  const rows = buildRows(prices, provider);
  if (constraint === undefined) return { from: '', window: [], rows };
  if (constraint.type === 'start_date') return { from: constraint.start_date, window: [], rows };
  return {
    from: '',
    window: [parseSecondOfDay(constraint.start_time), parseSecondOfDay(constraint.end_time)],
    rows,
  };
}

function conditionalPrices(model: ModelInfo): readonly ConditionalPrice[] {
  return Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
}

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

function getSurchargePrices(name: string, model: ModelInfo): number[] {
  const prices = conditionalPrices(model).at(-1)?.prices ?? {};
  const usd = (key: string): number | undefined => tierPrice(prices[key], Number.MAX_SAFE_INTEGER);
  const audio = audioPrice(name);
  const free = usd('input_mtok') === undefined;
  const search = free ? 0 : searchPrice(name, usd('web_searches_kcount'));
  const input = usd('input_audio_mtok') ?? audio?.[0] ?? usd('input_mtok') ?? 0;
  const output = usd('output_audio_mtok') ?? audio?.[1] ?? usd('output_mtok') ?? 0;
  const image = usd('output_image_mtok') ?? usd('output_mtok') ?? 0;
  // A price per thousand is multiplied by 1,000, because the file prices a million.
  return [toNanoUsd(search * 1000), toNanoUsd(input), toNanoUsd(output), toNanoUsd(image)];
}

function buildVariant(
  id: string,
  name: string,
  model: ModelInfo,
  known: KnownModels,
): PriceFileVariant {
  const full = `${id}/${name}`;
  const limits = known.get(full);
  const fallback = documentedLimits(full);
  return {
    name,
    // The larger window is the safe one: a hold covers what a call could take in.
    context: Math.max(limits?.context ?? 0, model.context_window ?? 0) || fallback.context,
    output: limits?.output ?? fallback.output,
    hidesReasoning:
      hidesReasoning(id, name) || (id === 'anthropic' && limits?.alwaysThinks === true),
    surcharges: getSurchargePrices(full, model),
  };
}

function findReleaseDate(names: readonly string[], id: string, known: KnownModels): string {
  const stated = names.flatMap((name) => known.get(`${id}/${name}`)?.created || []).sort()[0];
  if (stated !== undefined) return stated;
  for (const name of names) {
    const [, year, month, day] = /[-@](20\d\d)-?([01]\d)-?([0-3]\d)(?!\d)/.exec(name) ?? [];
    if (day !== undefined && !Number.isNaN(Date.parse(`${year}-${month}-${day}`))) {
      return `${year}-${month}-${day}`;
    }
  }
  return '';
}

function sameLimits(a: PriceFileVariant, b: PriceFileVariant): boolean {
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

export type PriceSnapshot = Readonly<{
  models: PriceFileModel[];
  disputed: string[];
  unpriced: string[];
}>;

function toPriceFileModel(
  id: string,
  model: ModelInfo,
  names: readonly string[],
  known: KnownModels,
): PriceFileModel {
  const nameMatch = toNameMatch(model.match);
  const sample = names.find((name) => known.has(`${id}/${name}`));
  const ownName = model.id.toLowerCase();
  const main = buildVariant(
    id,
    sample !== undefined && !known.has(`${id}/${ownName}`) ? sample : ownName,
    model,
    known,
  );
  const all = names.map((name) => buildVariant(id, name, model, known));
  // A snapshot that no limit source lists gets its family's limits, not the fallback's.
  const withLimits = all.map((item) =>
    known.has(`${id}/${item.name}`)
      ? item
      : { ...item, context: main.context, output: main.output },
  );
  return {
    id: model.id,
    names,
    rules: nameMatch.rules,
    context: main.context,
    output: main.output,
    hidesReasoning: main.hidesReasoning,
    deprecated: model.deprecated ?? false,
    created: findReleaseDate(names, id, known),
    periods: conditionalPrices(model).map((item) => toPeriod(item, id)),
    surcharges: main.surcharges,
    variants: withLimits.filter((item) => !sameLimits(item, main)),
  };
}

/** OpenRouter accepts `claude-sonnet-4-5` for `claude-sonnet-4.5`, as recorded answers show. */
function alternateSpellings(id: string, names: readonly string[]): string[] {
  if (id !== 'openrouter') return [];
  return names
    .filter((name) => /^anthropic\/claude-[^:]*\d\.\d[^:]*$/.test(name))
    .map((name) => name.replace(/(\d)\.(\d)/, '$1-$2'));
}

/**
 * Converts all models of one provider that can be sold, in the source's order (its first match
 * wins).
 */
export function snapshotProvider(id: string, source: Provider, known: KnownModels): PriceSnapshot {
  const disputed: string[] = [];
  const unpriced: string[] = [];
  const extra = new Map<string, string[]>();
  const firstMatch = (name: string): ModelInfo | undefined =>
    source.models.find((model) => matches(model.match, name));
  for (const [full, item] of known) {
    if (!full.startsWith(`${id}/`)) continue;
    const name = full.slice(id.length + 1);
    const model = firstMatch(name);
    if (model === undefined) unpriced.push(name);
    else if (!isSibling(model, item)) disputed.push(`${name} (as ${model.id})`);
    else extra.set(model.id, [...(extra.get(model.id) ?? []), name]);
  }
  const models = source.models
    .filter((model) => isSold(id, model))
    .map((model) => {
      const listed = [
        model.id.toLowerCase(),
        ...toNameMatch(model.match).names,
        ...(extra.get(model.id) ?? []),
      ];
      const ownNames = listed.filter((name) => firstMatch(name) === model);
      return toPriceFileModel(
        id,
        model,
        [...new Set([...ownNames, ...alternateSpellings(id, ownNames)])].sort(),
        known,
      );
    });
  return { models, disputed, unpriced };
}
