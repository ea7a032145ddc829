/**
 * The prices of one model: which rule holds, what its factors and the margin make of it. Decoded
 * once per model; a look-up decides which rules hold and finds the rest in a cache. Pure;
 * `@farebox/money` does the arithmetic of a bill.
 */
import {
  addMargin,
  type Bucket,
  mapBuckets,
  NO_USAGE,
  type Prices,
  REGIONS,
  type Region,
  SERVICE_TIERS,
  type ServiceTier,
  SPEEDS,
  type Speed,
  STANDARD_TERMS,
  type Usage,
} from '@farebox/money';
import {
  type Calendars,
  conditionsHold,
  type DecodedConditions,
  decodeConditions,
  edgeImplies,
  type InputEdge,
  isSameEdge,
  isUndecided,
  type PriceTerms,
  reachesEdge,
  toInputEdge,
} from './price-conditions.ts';
import {
  type ListedModel,
  PRICE_KEYS,
  PRICED_SURCHARGE_KINDS,
  type PricedSurchargeKind,
  type PriceFactor,
  type PriceKey,
  type PriceRule,
  TOKEN_PRICE_KEYS,
} from './price-list.ts';

export type SurchargePrices = Readonly<Partial<Record<PricedSurchargeKind, bigint>>>;

/** Prices in nano-USD per million units. The provider's own are those without the margin. */
export type ResolvedPrices = Readonly<{
  /** `<version of the list>/<rule>[+<factor>...]`, as a bill names it. */
  rule: string;
  prices: Prices;
  surchargePrices: SurchargePrices;
  providerPrices: Prices;
  providerSurchargePrices: SurchargePrices;
}>;

/** Everything that may be served for a request: the terms asked for and those it may fall back to. */
export type PossibleTerms = Readonly<{
  at: number;
  tiers: readonly ServiceTier[];
  speeds: readonly Speed[];
  regions: readonly Region[];
  /** Of the images; a term that the request leaves open may be any. */
  image?: ImageTerms;
}>;

export type ImageTerms = Readonly<{ size: string | null; quality: string | null }>;

type Dimension = 'tier' | 'speed' | 'region';

export type DecodedRule = Readonly<{
  id: string;
  when: DecodedConditions;
  prices: ReadonlyMap<PriceKey, bigint>;
}>;

type DecodedFactor = Readonly<{
  id: string;
  when: DecodedConditions;
  dimension: Dimension;
  numerator: bigint;
  denominator: bigint;
  keys: ReadonlySet<PriceKey>;
}>;

/** The edges that an input may have reached together, and the tokens that this takes. */
export type InputSize = Readonly<{ reached: readonly boolean[]; minTokens: number }>;

export type ModelPrices = Readonly<{
  version: string;
  rules: readonly DecodedRule[];
  factors: readonly DecodedFactor[];
  edges: readonly InputEdge[];
  sizes: readonly InputSize[];
  marginBasisPoints: bigint;
  /** The rules with a calendar, which may not know a day yet. */
  calendarRules: readonly DecodedRule[];
  /** By the rules and factors that hold. */
  resolved: Map<number, ResolvedPrices>;
  /** The higher of two, by both. */
  merged: Map<MaxPrices, Map<MaxPrices, MaxPrices>>;
}>;

/**
 * What a price that no rule states is. A provider that states no price of a cache bills it as input;
 * one that states a single price of its writes has it for every lifetime.
 */
const FALLBACK: Readonly<Partial<Record<PriceKey, PriceKey>>> = {
  cache_read: 'input_uncached',
  cache_write_5m: 'input_uncached',
  cache_write_30m: 'cache_write_5m',
  cache_write_1h: 'cache_write_5m',
  cache_write_12h: 'cache_write_1h',
  audio_input: 'input_uncached',
  audio_cache_read: 'cache_read',
  audio_output: 'output',
  image_output: 'output',
  image_input: 'input_uncached',
  image_cache_read: 'image_input',
  x_search: 'web_search',
};

function decodePrices(prices: PriceRule['prices']): ReadonlyMap<PriceKey, bigint> {
  const decoded = new Map<PriceKey, bigint>();
  for (const key of PRICE_KEYS) {
    const price = prices[key];
    if (price !== undefined) decoded.set(key, BigInt(price));
  }
  return decoded;
}

function factorDimension({ id, when }: PriceFactor): Dimension {
  if (when.tier !== undefined) return 'tier';
  if (when.speed !== undefined) return 'speed';
  if (when.region !== undefined) return 'region';
  throw new Error(`the factor ${id} has no dimension`);
}

function listEdges(rules: readonly PriceRule[]): InputEdge[] {
  const edges: InputEdge[] = [];
  for (const { when } of rules) {
    if (when.input === undefined) continue;
    const edge = toInputEdge(when.input);
    if (!edges.some((other) => isSameEdge(other, edge))) edges.push(edge);
  }
  return edges;
}

/** Returns every combination of edges that an input can have reached. */
function listSizes(edges: readonly InputEdge[]): InputSize[] {
  const sizes: InputSize[] = [];
  for (let combination = 0; combination < 2 ** edges.length; combination += 1) {
    const reached = edges.map((_, index) => Math.floor(combination / 2 ** index) % 2 === 1);
    const isConsistent = edges.every((edge, index) =>
      edges.every(
        (other, otherIndex) =>
          !reached[index] || reached[otherIndex] === true || !edgeImplies(edge, other),
      ),
    );
    const minTokens = Math.max(
      0,
      ...edges.map(({ tokens }, index) => (reached[index] ? tokens : 0)),
    );
    if (isConsistent) sizes.push({ reached, minTokens });
  }
  return sizes;
}

/** Decodes a model's prices; its rules are sorted, the most specific first. */
export function decodeModelPrices(
  model: Pick<ListedModel, 'prices' | 'factors'>,
  context: Readonly<{ version: string; calendars: Calendars; marginBasisPoints: number }>,
): ModelPrices {
  const { version, calendars } = context;
  const edges = listEdges(model.prices);
  const rules = model.prices.map(({ id, when, prices }) => ({
    id,
    when: decodeConditions(when, edges, calendars),
    prices: decodePrices(prices),
  }));
  return {
    version,
    rules,
    factors: model.factors.map((factor) => ({
      id: factor.id,
      when: decodeConditions(factor.when, edges, calendars),
      dimension: factorDimension(factor),
      numerator: BigInt(factor.numerator),
      denominator: BigInt(factor.denominator),
      keys: factor.buckets === undefined ? TOKEN_PRICE_KEYS : new Set(factor.buckets),
    })),
    edges,
    sizes: listSizes(edges),
    marginBasisPoints: BigInt(context.marginBasisPoints),
    calendarRules: rules.filter(
      ({ when: { schedule } }) => (schedule?.except ?? schedule?.only ?? null) !== null,
    ),
    resolved: new Map(),
    merged: new Map(),
  };
}

type Match = Readonly<{ rules: readonly DecodedRule[]; factors: readonly DecodedFactor[] }>;

type Source = Readonly<{ price: bigint; rule: DecodedRule }>;

function findSource(match: Match, key: PriceKey): Source | undefined {
  for (const rule of match.rules) {
    const price = rule.prices.get(key);
    if (price !== undefined) return { price, rule };
  }
  const fallback = FALLBACK[key];
  return fallback === undefined ? undefined : findSource(match, fallback);
}

function divideCeil(numerator: bigint, denominator: bigint): bigint {
  return (numerator + denominator - 1n) / denominator;
}

/** A rule that states a dimension itself is not multiplied by that dimension's factor. */
function applyFactors(match: Match, key: PriceKey, { price, rule }: Source): bigint {
  let numerator = price;
  let denominator = 1n;
  for (const factor of match.factors) {
    if (!factor.keys.has(key) || rule.when[factor.dimension] !== undefined) continue;
    numerator *= factor.numerator;
    denominator *= factor.denominator;
  }
  return divideCeil(numerator, denominator);
}

function priceKey(match: Match, key: PriceKey): bigint | undefined {
  const source = findSource(match, key);
  return source === undefined ? undefined : applyFactors(match, key, source);
}

function collectSurcharges(
  priceFor: (kind: PricedSurchargeKind) => bigint | undefined,
): SurchargePrices {
  const prices: Partial<Record<PricedSurchargeKind, bigint>> = {};
  for (const kind of PRICED_SURCHARGE_KINDS) {
    const price = priceFor(kind);
    if (price !== undefined) prices[kind] = price;
  }
  return prices;
}

function nameRule(version: string, { rules, factors }: Match): string {
  const [rule] = rules;
  const applied = factors.filter(({ dimension }) => rule?.when[dimension] === undefined);
  return `${version}/${[rule?.id ?? 'none', ...applied.map(({ id }) => id)].join('+')}`;
}

function buildPrices(model: ModelPrices, match: Match): ResolvedPrices {
  const margin = model.marginBasisPoints;
  const providerPrices = mapBuckets((bucket) => priceKey(match, bucket) ?? 0n);
  const providerSurchargePrices = collectSurcharges((kind) => priceKey(match, kind));
  return {
    rule: nameRule(model.version, match),
    prices: mapBuckets((bucket) => addMargin(providerPrices[bucket], margin)),
    surchargePrices: collectSurcharges((kind) => {
      const price = providerSurchargePrices[kind];
      return price === undefined ? undefined : addMargin(price, margin);
    }),
    providerPrices,
    providerSurchargePrices,
  };
}

/** Keeps the first factor of each dimension; they are sorted, the most specific first. */
function onePerDimension(factors: readonly DecodedFactor[]): DecodedFactor[] {
  return factors.filter(
    ({ dimension }, index) => factors.findIndex((other) => other.dimension === dimension) === index,
  );
}

function findPrices(
  model: ModelPrices,
  terms: PriceTerms,
  reached: readonly boolean[],
  unknownIsHoliday: boolean,
): ResolvedPrices {
  const holds = ({ when }: { when: DecodedConditions }): boolean =>
    conditionsHold(when, terms, reached, unknownIsHoliday);
  let key = 0;
  for (const rule of model.rules) key = key * 2 + (holds(rule) ? 1 : 0);
  for (const factor of model.factors) key = key * 2 + (holds(factor) ? 1 : 0);
  const cached = model.resolved.get(key);
  if (cached !== undefined) return cached;
  const rules = model.rules.filter(holds);
  const factors = onePerDimension(model.factors.filter(holds));
  const prices = buildPrices(model, { rules, factors });
  model.resolved.set(key, prices);
  return prices;
}

/**
 * Returns the prices of a call that was held at `terms.at` and served on those terms, and used that
 * much. A day that its calendar does not know yet is no holiday.
 */
export function resolvePrices(model: ModelPrices, terms: PriceTerms, usage: Usage): ResolvedPrices {
  const { edges } = model;
  const reached = edges.length === 0 ? NO_EDGES : edges.map((edge) => reachesEdge(edge, usage));
  return findPrices(model, terms, reached, false);
}

/**
 * Returns the prices on `terms` of every size that an input of up to `usage` can have: its own first,
 * then those of its turns. Null stands for any size.
 */
export function listPricesBySize(
  model: ModelPrices,
  terms: PriceTerms,
  usage: Usage | null,
): readonly ResolvedPrices[] {
  const own = usage === null ? [] : [resolvePrices(model, terms, usage)];
  const smaller = model.sizes.filter(({ reached }) =>
    model.edges.every(
      (edge, index) => !reached[index] || usage === null || reachesEdge(edge, usage),
    ),
  );
  return [...own, ...smaller.map(({ reached }) => findPrices(model, terms, reached, false))];
}

/**
 * Returns the tiers, speeds and regions that have a price at `at`, standard ones first. A term that
 * no rule and no factor names would be billed at another term's price.
 */
export function listPricedTerms(model: ModelPrices, at: number) {
  const current = [...model.rules, ...model.factors].filter(
    ({ when }) => at >= when.from && at < when.until,
  );
  const isNamed = (dimension: Dimension, value: string): boolean =>
    value === STANDARD_TERMS[dimension] || current.some(({ when }) => when[dimension] === value);
  return {
    tier: SERVICE_TIERS.filter((tier) => isNamed('tier', tier)),
    speed: SPEEDS.filter((speed) => isNamed('speed', speed)),
    region: REGIONS.filter((region) => isNamed('region', region)),
  };
}

/**
 * Returns the bucket of cache writes whose lifetime the answer does not tell: the one asked for, if
 * the model has a price of it, else 30 minutes, OpenAI's default, and else the shortest.
 */
export function findCacheWriteBucket(model: ModelPrices, asked: Bucket | null): Bucket {
  const isStated = (bucket: Bucket): boolean =>
    model.rules.some(({ prices }) => prices.has(bucket));
  if (asked !== null && isStated(asked)) return asked;
  return isStated('cache_write_30m') ? 'cache_write_30m' : 'cache_write_5m';
}

/** The highest prices that a call may have; a surcharge without a price is absent. */
export type MaxPrices = Readonly<{ prices: Prices; surchargePrices: SurchargePrices }>;

function buildMax(a: MaxPrices, b: MaxPrices): MaxPrices {
  return {
    prices: mapBuckets((bucket) =>
      a.prices[bucket] > b.prices[bucket] ? a.prices[bucket] : b.prices[bucket],
    ),
    surchargePrices: collectSurcharges((kind) => {
      const [one, other] = [a.surchargePrices[kind], b.surchargePrices[kind]];
      if (one === undefined || other === undefined) return one ?? other;
      return one > other ? one : other;
    }),
  };
}

function mergeMax(model: ModelPrices, a: MaxPrices, b: MaxPrices): MaxPrices {
  if (a === b) return a;
  const known = model.merged.get(a) ?? new Map<MaxPrices, MaxPrices>();
  const max = known.get(b) ?? buildMax(a, b);
  model.merged.set(a, known.set(b, max));
  return max;
}

const NO_EDGES: readonly boolean[] = [];

/** Returns the highest prices for `terms` and any size and any day that may be. */
function maxForTerms(model: ModelPrices, terms: PriceTerms, maxInputTokens: number): MaxPrices {
  const isUnknownDay = model.calendarRules.some(({ when }) => isUndecided(when, terms.at));
  let max: MaxPrices = findPrices(model, terms, model.sizes[0]?.reached ?? NO_EDGES, false);
  for (const { reached, minTokens } of model.sizes) {
    if (minTokens > maxInputTokens) continue;
    max = mergeMax(model, max, findPrices(model, terms, reached, false));
    if (isUnknownDay) max = mergeMax(model, max, findPrices(model, terms, reached, true));
  }
  return max;
}

const NO_IMAGE: readonly ImageTerms[] = [{ size: null, quality: null }];

type ImageDimension = keyof ImageTerms;

function listNamed({ rules }: ModelPrices, dimension: ImageDimension): readonly string[] {
  return [...new Set(rules.flatMap(({ when }) => when[dimension] ?? []))];
}

/**
 * Returns whether a size or quality is one that no rule names, of a model whose price depends on it:
 * what the provider takes it for is not known.
 */
function isUnknownTerm(model: ModelPrices, dimension: ImageDimension, asked: string | null) {
  const named = listNamed(model, dimension);
  return asked !== null && named.length > 0 && !named.includes(asked);
}

type ListTerm = (dimension: ImageDimension) => readonly (string | null)[];

function combine(list: ListTerm): readonly ImageTerms[] {
  return list('size').flatMap((size) => list('quality').map((quality) => ({ size, quality })));
}

/**
 * Returns the sizes and qualities that an image may have: those asked for; any with a price where
 * nothing is asked for, or something that no rule names.
 */
export function listImageTerms(model: ModelPrices, asked: ImageTerms): readonly ImageTerms[] {
  return combine((dimension) =>
    asked[dimension] === null || isUnknownTerm(model, dimension, asked[dimension])
      ? [null, ...listNamed(model, dimension)]
      : [asked[dimension]],
  );
}

/**
 * Returns the prices of an image of the terms asked for. What is left open has the price of the rule
 * without it, which is what a provider makes of it; what no rule names may be anything, and has the
 * highest price of an image.
 */
export function resolveImagePrices(
  model: ModelPrices,
  terms: PriceTerms,
  asked: ImageTerms,
): ResolvedPrices {
  return combine((dimension) =>
    isUnknownTerm(model, dimension, asked[dimension])
      ? [null, ...listNamed(model, dimension)]
      : [asked[dimension]],
  )
    .map((image) => resolvePrices(model, { ...terms, ...image }, NO_USAGE))
    .reduce((a, b) => ((b.surchargePrices.image ?? 0n) > (a.surchargePrices.image ?? 0n) ? b : a));
}

/**
 * Returns the highest price of each bucket and surcharge that `resolvePrices` can give for any of
 * the terms and up to `maxInputTokens` tokens of input. A day that its calendar does not know yet
 * counts both ways.
 */
export function maxPrices(
  model: ModelPrices,
  possible: PossibleTerms,
  maxInputTokens: number,
): MaxPrices {
  const { at } = possible;
  const images = possible.image === undefined ? NO_IMAGE : listImageTerms(model, possible.image);
  let max: MaxPrices | undefined;
  for (const tier of possible.tiers) {
    for (const speed of possible.speeds) {
      for (const region of possible.regions) {
        for (const image of images) {
          const found = maxForTerms(model, { at, tier, speed, region, ...image }, maxInputTokens);
          max = max === undefined ? found : mergeMax(model, max, found);
        }
      }
    }
  }
  if (max === undefined) throw new Error('a call has at least one tier, speed and region');
  return max;
}
