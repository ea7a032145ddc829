/**
 * The order of a model's rules: the most specific first. A rule is more specific than another if it
 * holds only where the other holds too. Decided by trying every combination of conditions that tells
 * rules apart, so that it is exact for windows, weekdays, holidays and sizes alike. Cold.
 */
import { REGIONS, SERVICE_TIERS, SPEEDS } from '@farebox/money';
import { decodeModelPrices, type InputSize, type ModelPrices } from './model-prices.ts';
import { type Calendars, conditionsHold, type DecodedConditions } from './price-conditions.ts';
import { type ListedModel, PRICE_KEYS } from './price-list.ts';
import { listMoments } from './rule-moments.ts';

/** A rule or factor: its name, and its conditions. */
type Part = Readonly<{ id: string; when: DecodedConditions }>;

/** For each combination that tells parts apart, the indexes of the parts that hold. */
type Patterns = readonly ReadonlySet<number>[];

/** Returns the values that conditions name, and one that they do not, if there is one. */
function listValues<T>(all: readonly T[], named: readonly (T | undefined)[]): T[] {
  const other = all.find((value) => !named.includes(value));
  return all.filter((value) => named.includes(value) || value === other);
}

/** Returns the texts that conditions name, and null for any other. */
function listTexts(named: readonly (string | undefined)[]): (string | null)[] {
  return [...new Set([null, ...named.map((text) => text ?? null)])];
}

function listPatterns(parts: readonly Part[], sizes: readonly InputSize[]): Patterns {
  const conditions = parts.map(({ when }) => when);
  const tiers = listValues(
    SERVICE_TIERS,
    conditions.map(({ tier }) => tier),
  );
  const speeds = listValues(
    SPEEDS,
    conditions.map(({ speed }) => speed),
  );
  const regions = listValues(
    REGIONS,
    conditions.map(({ region }) => region),
  );
  const images = listTexts(conditions.map(({ size }) => size)).flatMap((size) =>
    listTexts(conditions.map(({ quality }) => quality)).map((quality) => ({ size, quality })),
  );
  const terms = listMoments(conditions).flatMap((at) =>
    tiers.flatMap((tier) =>
      speeds.flatMap((speed) =>
        regions.flatMap((region) => images.map((image) => ({ at, tier, speed, region, ...image }))),
      ),
    ),
  );
  const patterns = new Map<string, ReadonlySet<number>>();
  for (const term of terms) {
    for (const { reached } of sizes) {
      for (const unknownIsHoliday of [false, true]) {
        const indexes = conditions.flatMap((when, index) =>
          conditionsHold(when, term, reached, unknownIsHoliday) ? [index] : [],
        );
        patterns.set(indexes.join(), new Set(indexes));
      }
    }
  }
  return [...patterns.values()];
}

/** For each part, the parts that hold wherever it does, itself among them. */
type Implied = readonly ReadonlySet<number>[];

function listImplied(parts: readonly Part[], patterns: Patterns): Implied {
  return parts.map((_, index) => {
    let implied: ReadonlySet<number> = new Set(parts.keys());
    for (const pattern of patterns) {
      if (pattern.has(index)) implied = implied.intersection(pattern);
    }
    return implied;
  });
}

/** Returns whether no other part of `held` is more specific than `index`. */
function isMinimal(implied: Implied, held: readonly number[], index: number): boolean {
  return held.every((other) => !implied[other]?.has(index) || implied[index]?.has(other) === true);
}

/** Returns two of `group` that hold together in some pattern without a most specific one. */
function findAmbiguity(
  patterns: Patterns,
  implied: Implied,
  group: ReadonlySet<number>,
): readonly [number, number] | undefined {
  for (const pattern of patterns) {
    const held = [...pattern.intersection(group)];
    const [one, other] = held.filter((index) => isMinimal(implied, held, index));
    if (one !== undefined && other !== undefined) return [one, other];
  }
  return undefined;
}

type OrderProblem = Readonly<{ index: number; message: string }>;

function checkPatterns(
  parts: readonly Part[],
  patterns: Patterns,
  groups: ReadonlyMap<string, ReadonlySet<number>>,
): OrderProblem[] {
  const problems = new Map<string, OrderProblem>();
  const implied = listImplied(parts, patterns);
  parts.forEach(({ id }, index) => {
    if (patterns.every((pattern) => !pattern.has(index))) {
      problems.set(id, { index, message: `${id} never holds` });
    }
  });
  for (const [name, group] of groups) {
    const pair = findAmbiguity(patterns, implied, group);
    if (pair === undefined) continue;
    const [one, other] = pair.map((index) => parts[index]?.id ?? '');
    const key = pair.join();
    const message = `${one} and ${other} hold together, and no rule for exactly that states ${name}`;
    if (!problems.has(key)) problems.set(key, { index: pair[1], message });
  }
  return [...problems.values()];
}

/** Returns indexes of parts, the most specific first. */
function sortBySpecificity(parts: readonly Part[], patterns: Patterns): number[] {
  const counts = parts.map((_, index) => patterns.filter((pattern) => pattern.has(index)).length);
  return parts
    .map((_, index) => index)
    .sort((a, b) => (counts[a] ?? 0) - (counts[b] ?? 0) || a - b);
}

/** Every price that some rule states, with the rules that state it; '' has all rules. */
function groupRules({ rules }: ModelPrices): ReadonlyMap<string, ReadonlySet<number>> {
  const all = new Set(rules.map((_, index) => index));
  const groups = new Map<string, ReadonlySet<number>>([['a price', all]]);
  for (const key of PRICE_KEYS) {
    const stating = [...all].filter((index) => rules[index]?.prices.has(key) === true);
    groups.set(key, new Set(stating));
  }
  return groups;
}

function groupFactors({ factors }: ModelPrices): ReadonlyMap<string, ReadonlySet<number>> {
  const groups = new Map<string, Set<number>>();
  factors.forEach(({ dimension }, index) => {
    const group = groups.get(dimension) ?? new Set();
    groups.set(dimension, group.add(index));
  });
  return groups;
}

export type OrderedModel =
  | Readonly<{ ok: true; model: ListedModel }>
  | Readonly<{ ok: false; problems: readonly Readonly<{ path: string; message: string }>[] }>;

/**
 * Returns the model with its rules and factors in order, or what keeps exactly one of them from being
 * the most specific at every moment, size and terms, for every price that they state.
 */
export function orderRules(model: ListedModel, calendars: Calendars): OrderedModel {
  const decoded = decodeModelPrices(model, { version: '', calendars, marginBasisPoints: 0 });
  const rulePatterns = listPatterns(decoded.rules, decoded.sizes);
  const factorPatterns = listPatterns(decoded.factors, decoded.sizes);
  const problems = [
    ...checkPatterns(decoded.rules, rulePatterns, groupRules(decoded)).map((problem) => ({
      path: `prices.${problem.index}`,
      message: problem.message,
    })),
    ...checkPatterns(decoded.factors, factorPatterns, groupFactors(decoded)).map((problem) => ({
      path: `factors.${problem.index}`,
      message: problem.message,
    })),
  ];
  if (problems.length > 0) return { ok: false, problems };
  const prices = sortBySpecificity(decoded.rules, rulePatterns);
  const factors = sortBySpecificity(decoded.factors, factorPatterns);
  return {
    ok: true,
    model: {
      ...model,
      prices: prices.flatMap((index) => model.prices[index] ?? []),
      factors: factors.flatMap((index) => model.factors[index] ?? []),
    },
  };
}
