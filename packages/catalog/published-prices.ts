/**
 * A model's prices as cost meters of agents read them: OpenRouter's `pricing` with `overrides`
 * (https://openrouter.ai/docs/api-reference/list-available-models, `PublicPricing` and
 * `PricingOverride` of @openrouter/sdk 1.3). Amounts are USD per unit as decimal text. A member that
 * OpenRouter does not have says so in its comment.
 */
import {
  addMargin,
  formatMarginPercent,
  formatUnitPrice,
  NO_USAGE,
  REGIONS,
  type Region,
  SERVICE_TIERS,
  type ServiceTier,
  SPEEDS,
  type Speed,
} from '@farebox/money';
import {
  type DecodedRule,
  type ModelPrices,
  type ResolvedPrices,
  resolvePrices,
} from './model-prices.ts';
import type { Calendar, DecodedSchedule, PriceTerms } from './price-conditions.ts';
import type { PriceKey } from './price-list.ts';

/** The keys of OpenRouter's pricing by our buckets; the lifetimes it lacks are named alike. */
const PUBLISHED_KEYS = [
  ['input_uncached', 'prompt'],
  ['output', 'completion'],
  ['cache_read', 'input_cache_read'],
  ['cache_write_5m', 'input_cache_write'],
  ['cache_write_30m', 'input_cache_write_30m'],
  ['cache_write_1h', 'input_cache_write_1h'],
  ['cache_write_12h', 'input_cache_write_12h'],
  ['audio_input', 'audio'],
  ['audio_output', 'audio_output'],
  ['image_output', 'image_output'],
  ['image_input', 'image_input'],
  ['image_cache_read', 'image_input_cache_read'],
  ['image', 'image_generation'],
  ['source_image', 'image_source'],
  ['audio_second', 'audio_second'],
  ['speech_character', 'character'],
  ['rerank', 'rerank'],
  ['web_search', 'web_search'],
] as const satisfies readonly (readonly [PriceKey, string])[];
type PublishedKey = (typeof PUBLISHED_KEYS)[number][1];
type PublishedKeys = readonly (typeof PUBLISHED_KEYS)[number][];

export type PublishedAmounts = Readonly<Partial<Record<PublishedKey, string>>>;

/** Conditions and prices; every condition must hold, and a later entry wins per key. */
export type PublishedOverride = OverrideMembers & PublishedAmounts;

type OverrideMembers = Readonly<{
  /** Holds when the input has more tokens than this. */
  min_prompt_tokens?: number;
  utc_days?: readonly string[];
  /** HHMM numbers, `[utc_start, utc_end)`; a window may wrap midnight. */
  utc_start?: number;
  utc_end?: number;
  /** Ours: the UTC dates (YYYY-MM-DD) on which the entry does not hold, from today on. */
  except_dates?: readonly string[];
  /** Ours: the only UTC dates on which it holds, from today on. */
  only_dates?: readonly string[];
  /** Ours: of an image. */
  image_size?: string;
  image_quality?: string;
}>;

/** A price that holds from a known moment on. Ours. */
export type UpcomingPrice = Readonly<{ from: string; price_rule: string }> & PublishedAmounts;

type Pricing = PublishedAmounts &
  Readonly<{
    overrides: readonly PublishedOverride[];
    /** Ours: what the other tiers, speeds and regions cost outside the overrides. */
    service_tiers: Readonly<Record<string, PublishedAmounts>>;
    speeds: Readonly<Record<string, PublishedAmounts>>;
    regions: Readonly<Record<string, PublishedAmounts>>;
    upcoming: readonly UpcomingPrice[];
  }>;

export type PublishedPrices = Readonly<{
  pricing: Pricing;
  /** The provider's own prices, in the same shape; present where the platform has a margin. */
  provider_pricing?: Pricing;
  margin_percent: string;
}>;

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const DAY_MS = 86_400_000;

/**
 * Returns the keys that a model's prices are published by. A conversation may have everything that
 * some price stands in for (a cache write, a picture); an operation has what it states.
 */
function listKeys(model: ModelPrices, isConversational: boolean): PublishedKeys {
  if (isConversational) return PUBLISHED_KEYS;
  const isStated = (key: PriceKey) => model.rules.some(({ prices }) => prices.has(key));
  return PUBLISHED_KEYS.filter(([key]) => isRequired(key) || isStated(key));
}

/** OpenRouter's pricing always has these. */
function isRequired(key: PriceKey): boolean {
  return key === 'input_uncached' || key === 'output';
}

/** Names the amounts; a price of zero is left out, except those that every model must have. */
function toAmounts(
  { prices, surchargePrices }: Pick<ResolvedPrices, 'prices' | 'surchargePrices'>,
  keys: PublishedKeys,
): PublishedAmounts {
  const all: Readonly<Partial<Record<PriceKey, bigint>>> = { ...prices, ...surchargePrices };
  const amounts: Partial<Record<PublishedKey, string>> = {};
  for (const [key, name] of keys) {
    const price = all[key];
    if (price !== undefined && (price > 0n || isRequired(key)))
      amounts[name] = formatUnitPrice(price);
  }
  return amounts;
}

function isStandard({ when }: DecodedRule): boolean {
  return when.tier === undefined && when.speed === undefined && when.region === undefined;
}

function isDated({ when }: DecodedRule, at: number): boolean {
  return at >= when.from && at < when.until;
}

function hasCondition({ when }: DecodedRule): boolean {
  const { schedule, input, size, quality } = when;
  return schedule !== null || input >= 0 || size !== undefined || quality !== undefined;
}

function toClock(second: number): number {
  const minute = Math.floor(second / 60);
  return Math.floor(minute / 60) * 100 + (minute % 60);
}

type OverrideConditions = Omit<OverrideMembers, 'min_prompt_tokens'>;

const DAY_SECONDS = 86_400;

/** A window of a UTC day in which the local day is `shift` days later. */
type UtcWindow = Readonly<{ start: number; end: number; shift: number }>;

/** Cuts a window at midnight, of UTC where it wraps and of its own zone where days count. */
function cutWindow([start, end]: readonly [number, number], offset: number): UtcWindow[] {
  const parts =
    end < start ? [[start, DAY_SECONDS] as const, [0, end] as const] : [[start, end] as const];
  const midnight = (DAY_SECONDS - (offset % DAY_SECONDS)) % DAY_SECONDS;
  return parts
    .flatMap(([from, until]) =>
      midnight > from && midnight < until
        ? [[from, midnight] as const, [midnight, until] as const]
        : [[from, until] as const],
    )
    .filter(([from, until]) => from < until)
    .map(([from, until]) => ({
      start: from,
      end: until,
      shift: Math.floor((from + offset) / DAY_SECONDS),
    }));
}

function toUtcDates(calendar: Calendar, shift: number, at: number): string[] {
  const today = Math.floor(at / DAY_MS);
  return [...calendar.days]
    .map((day) => day - shift)
    .filter((day) => day >= today)
    .sort((a, b) => a - b)
    .map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10));
}

/** Weekdays and holidays are of the schedule's own zone; published ones are of UTC, as windows are. */
function dayConditions(
  { weekdays, except, only }: DecodedSchedule,
  shift: number,
  at: number,
): OverrideConditions {
  const exceptDates = except === null ? [] : toUtcDates(except, shift, at);
  return {
    ...(weekdays === null
      ? {}
      : { utc_days: DAYS.filter((_, index) => weekdays.has(((index + shift + 7) % 7) + 1)) }),
    ...(exceptDates.length === 0 ? {} : { except_dates: exceptDates }),
    ...(only === null ? {} : { only_dates: toUtcDates(only, shift, at) }),
  };
}

function scheduleConditions(rule: DecodedRule, at: number): OverrideConditions[] {
  const { schedule } = rule.when;
  if (schedule === null) return [{}];
  const { weekdays, except, only, windows, offsetMs } = schedule;
  const hasDays = weekdays !== null || except !== null || only !== null;
  const parts = hasDays
    ? windows.flatMap((window) => cutWindow(window, offsetMs / 1000))
    : windows.map(([start, end]) => ({ start, end, shift: 0 }));
  return parts.map(({ start, end, shift }) => ({
    ...(end - start === DAY_SECONDS
      ? {}
      : { utc_start: toClock(start), utc_end: toClock(end % DAY_SECONDS) }),
    ...dayConditions(schedule, shift, at),
  }));
}

/** Returns what the rule itself states, with the margin. */
function ruleAmounts(model: ModelPrices, rule: DecodedRule): PublishedAmounts {
  const amounts: Partial<Record<PublishedKey, string>> = {};
  for (const [key, name] of PUBLISHED_KEYS) {
    const price = rule.prices.get(key);
    if (price !== undefined)
      amounts[name] = formatUnitPrice(addMargin(price, model.marginBasisPoints));
  }
  return amounts;
}

function toOverrides(model: ModelPrices, rule: DecodedRule, at: number): PublishedOverride[] {
  const edge = model.edges[rule.when.input];
  const { size, quality } = rule.when;
  const sizes = {
    ...(edge === undefined ? {} : { min_prompt_tokens: edge.tokens - 1 }),
    ...(size === undefined ? {} : { image_size: size }),
    ...(quality === undefined ? {} : { image_quality: quality }),
  };
  const amounts = ruleAmounts(model, rule);
  return scheduleConditions(rule, at).map((conditions) => ({
    ...sizes,
    ...conditions,
    ...amounts,
  }));
}

/** The model at its prices outside every window and size. */
function withoutConditions(model: ModelPrices): ModelPrices {
  const rules = model.rules.filter((rule) => !hasCondition(rule));
  return { ...model, rules, resolved: new Map() };
}

function hasTerm(model: ModelPrices, dimension: 'tier' | 'speed' | 'region', value: string) {
  return [...model.rules, ...model.factors].some(({ when }) => when[dimension] === value);
}

/** Returns the amounts of each value of one dimension that the model's prices mention. */
function amountsByTerm<T extends ServiceTier | Speed | Region>(
  model: ModelPrices,
  {
    dimension,
    values,
    toTerms,
  }: Readonly<{
    dimension: 'tier' | 'speed' | 'region';
    values: readonly T[];
    toTerms: (value: T) => PriceTerms;
  }>,
  keys: PublishedKeys,
): Readonly<Record<string, PublishedAmounts>> {
  const base = withoutConditions(model);
  return Object.fromEntries(
    values
      .filter((value) => hasTerm(model, dimension, value))
      .map((value) => [value, toAmounts(resolvePrices(base, toTerms(value), NO_USAGE), keys)]),
  );
}

function listUpcoming(model: ModelPrices, at: number): UpcomingPrice[] {
  return model.rules
    .filter((rule) => isStandard(rule) && rule.when.from > at)
    .map((rule) => ({
      from: new Date(rule.when.from).toISOString(),
      price_rule: rule.id,
      ...ruleAmounts(model, rule),
    }));
}

function toPricing(model: ModelPrices, at: number, keys: PublishedKeys): Pricing {
  const standard: PriceTerms = { at, tier: 'standard', speed: 'standard', region: 'global' };
  const resolved = resolvePrices(withoutConditions(model), standard, NO_USAGE);
  const conditional = model.rules.filter(
    (rule) => isStandard(rule) && isDated(rule, at) && hasCondition(rule),
  );
  return {
    ...toAmounts(resolved, keys),
    // Rules stand with the most specific first; of overrides the last one wins.
    overrides: conditional.reverse().flatMap((rule) => toOverrides(model, rule, at)),
    service_tiers: amountsByTerm(
      model,
      { dimension: 'tier', values: SERVICE_TIERS, toTerms: (tier) => ({ ...standard, tier }) },
      keys,
    ),
    speeds: amountsByTerm(
      model,
      { dimension: 'speed', values: SPEEDS, toTerms: (speed) => ({ ...standard, speed }) },
      keys,
    ),
    regions: amountsByTerm(
      model,
      { dimension: 'region', values: REGIONS, toTerms: (region) => ({ ...standard, region }) },
      keys,
    ),
    upcoming: listUpcoming(model, at),
  };
}

/**
 * Returns the prices of a model as they are published at `at` (milliseconds since the epoch);
 * `isConversational` is false for a model of operations.
 */
export function publishPrices(
  model: ModelPrices,
  at: number,
  isConversational = true,
): PublishedPrices {
  const { marginBasisPoints } = model;
  const ofProvider = { ...model, marginBasisPoints: 0n };
  const keys = listKeys(model, isConversational);
  return {
    pricing: toPricing(model, at, keys),
    ...(marginBasisPoints === 0n ? {} : { provider_pricing: toPricing(ofProvider, at, keys) }),
    margin_percent: formatMarginPercent(Number(marginBasisPoints)),
  };
}
