/**
 * What a change does to prices: every price before and after, by what callers ask for. A name that
 * moves to another model moves its price, so names are compared and not the models' rows. Pure.
 */
import {
  findListedModel,
  findModelById,
  type ListedModel,
  openCatalog,
  PRICED_SURCHARGE_KINDS,
  type PriceFactor,
  type PriceKey,
  type PriceList,
  type PriceRule,
} from '@farebox/catalog';
import { addMargin, BUCKETS } from '@farebox/money';
import type { CatalogChange } from './catalog-change.ts';

/** One price with the margin, in nano-USD per million units, or one factor in millionths. */
export type PriceMove = Readonly<{
  /** The model before and after, as `provider/model`; null where there is none. */
  modelBefore: string | null;
  modelAfter: string | null;
  /** The rule or factor as bills name it, and the bucket or surcharge. */
  rule: string;
  key: string;
  before: bigint | null;
  after: bigint | null;
  /** `after` divided by `before` in thousandths; null where one of them is missing or zero. */
  factorThousandths: bigint | null;
  /** True if a second operator has to look at it. */
  needsApproval: boolean;
}>;

export type MoveLimit = Readonly<{
  /** The percentage by which one operator may move a price. */
  sharePercent: number;
}>;

type Priced = Readonly<{ name: string; model: ListedModel; marginBasisPoints: bigint }>;
type Lookup = (name: string) => Priced | undefined;

const MILLION = 1_000_000n;
const PRICE_KEYS: readonly PriceKey[] = [...BUCKETS, ...PRICED_SURCHARGE_KINDS];

function createLookup(list: PriceList): Lookup {
  const catalog = openCatalog(list);
  const providers = list.providers.map(({ id }) => id);
  return (name) => {
    const found = catalog.findModel(name, providers);
    if (found === undefined) return undefined;
    const model = findListedModel(list, found.provider, found.upstreamName);
    if (model === undefined) return undefined;
    const { marginBasisPoints } = found.prices;
    return { name: `${found.provider}/${model.id}`, model, marginBasisPoints };
  };
}

function baseRule({ prices }: ListedModel): PriceRule | undefined {
  return prices.find(({ when }) => Object.keys(when).length === 0) ?? prices.at(-1);
}

/** The price that a rule states, or that the rule without conditions does. */
function readPrice(priced: Priced | undefined, ruleId: string, key: PriceKey): bigint | null {
  if (priced === undefined) return null;
  const rule = priced.model.prices.find(({ id }) => id === ruleId);
  const price = rule?.prices[key] ?? baseRule(priced.model)?.prices[key];
  if (price === undefined) return null;
  return addMargin(BigInt(price), priced.marginBasisPoints);
}

function readFactor(priced: Priced | undefined, id: string): bigint | null {
  if (priced === undefined) return null;
  const factor = priced.model.factors.find((candidate) => candidate.id === id);
  if (factor === undefined) return MILLION;
  return (BigInt(factor.numerator) * MILLION) / BigInt(factor.denominator);
}

/** True if the price moves by more than the share; from nothing or to nothing always does. */
function exceeds(before: bigint, after: bigint, { sharePercent }: MoveLimit): boolean {
  if (before === after) return false;
  const difference = before > after ? before - after : after - before;
  return difference * 100n > before * BigInt(sharePercent);
}

type Pair = Readonly<{ before: Priced | undefined; after: Priced | undefined }>;

function buildMove(
  { before, after }: Pair,
  named: Readonly<{ rule: string; key: string }>,
  values: Readonly<{ before: bigint | null; after: bigint | null }>,
  limit: MoveLimit,
): PriceMove {
  const bothKnown = values.before !== null && values.after !== null;
  const isNewModel = before === undefined || after === undefined;
  const moves = bothKnown
    ? exceeds(values.before, values.after, limit)
    : values.before !== values.after;
  return {
    modelBefore: before?.name ?? null,
    modelAfter: after?.name ?? null,
    ...named,
    ...values,
    factorThousandths:
      bothKnown && values.before > 0n ? (values.after * 1000n) / values.before : null,
    needsApproval: moves && !isNewModel,
  };
}

function unique<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}

function listPriceMoves(pair: Pair, limit: MoveLimit): PriceMove[] {
  const rules = [pair.after, pair.before].flatMap((priced) => priced?.model.prices ?? []);
  return unique(rules.map(({ id }) => id)).flatMap((rule) =>
    PRICE_KEYS.flatMap((key) => {
      const before = readPrice(pair.before, rule, key);
      const after = readPrice(pair.after, rule, key);
      const isStated = rules.some(({ id, prices }) => id === rule && prices[key] !== undefined);
      if (!isStated || (before === null && after === null)) return [];
      return [buildMove(pair, { rule, key }, { before, after }, limit)];
    }),
  );
}

function listFactorMoves(pair: Pair, limit: MoveLimit): PriceMove[] {
  const factors = [pair.after, pair.before].flatMap((priced) => priced?.model.factors ?? []);
  return unique(factors.map(({ id }) => id)).map((id) => {
    const values = { before: readFactor(pair.before, id), after: readFactor(pair.after, id) };
    return buildMove(pair, { rule: id, key: 'factor' }, values, limit);
  });
}

type Conditional = Pick<PriceRule | PriceFactor, 'id' | 'when'> & Readonly<{ buckets?: unknown }>;

function describeConditions(priced: Priced, id: string): string | undefined {
  const all: readonly Conditional[] = [...priced.model.prices, ...priced.model.factors];
  const found = all.find((candidate) => candidate.id === id);
  return found === undefined ? undefined : canonical([found.when, found.buckets ?? null]);
}

/** JSON with sorted properties: Postgres does not keep their order. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_, item: unknown) =>
    typeof item === 'object' && item !== null && !Array.isArray(item)
      ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : 1)))
      : item,
  );
}

/** When a price holds moves what is charged without moving any number. */
function listConditionMoves({ before, after }: Pair): PriceMove[] {
  if (before === undefined || after === undefined) return [];
  const ids = [...after.model.prices, ...after.model.factors].map(({ id }) => id);
  return ids
    .filter((id) => {
      const former = describeConditions(before, id);
      return former !== undefined && former !== describeConditions(after, id);
    })
    .map((rule) => ({
      modelBefore: before.name,
      modelAfter: after.name,
      rule,
      key: 'conditions',
      before: null,
      after: null,
      factorThousandths: null,
      needsApproval: true,
    }));
}

/**
 * Patterns match names that nobody lists, so their prices can't be compared one by one. A model's are
 * compared with its own former ones: a new name of it changes none.
 */
function listPatternMoves({ before, after }: Pair, former: PriceList): PriceMove[] {
  if (after === undefined) return [];
  const { model } = after;
  const provider = after.name.slice(0, -(model.id.length + 1));
  const patterns = findModelById(former, { provider, id: model.id })?.patterns ?? [];
  if (canonical(model.patterns) === canonical(patterns)) return [];
  return [
    {
      modelBefore: before?.name ?? null,
      modelAfter: after.name,
      rule: 'names',
      key: 'patterns',
      before: null,
      after: null,
      factorThousandths: null,
      needsApproval: true,
    },
  ];
}

/** Every name whose price the change can move. */
function listNames(change: CatalogChange, lists: readonly PriceList[]): readonly string[] {
  const named = change.models.flatMap(({ provider, id }) => {
    const definitions = lists.flatMap(
      (list) => list.providers.find((listed) => listed.id === provider)?.models ?? [],
    );
    const own = definitions.filter((model) => model.id === id);
    const names = own.flatMap((model) => [
      model.id,
      ...model.names,
      ...model.variants.map(({ name }) => name),
    ]);
    return names.flatMap((name) => [`${provider}/${name}`, name]);
  });
  const margined = change.margins.flatMap(({ scope }) =>
    lists.flatMap(({ providers }) =>
      providers
        .filter(({ id }) => scope === 'all' || scope === id || scope.startsWith(`${id}/`))
        .flatMap(({ id, models }) => models.map((model) => `${id}/${model.id}`)),
    ),
  );
  return unique([...named, ...margined]);
}

function listPairs(names: readonly string[], before: Lookup, after: Lookup): readonly Pair[] {
  const pairs = new Map<string, Pair>();
  for (const name of names) {
    const pair = { before: before(name), after: after(name) };
    if (pair.before === undefined && pair.after === undefined) continue;
    pairs.set(`${pair.before?.name}>${pair.after?.name}`, pair);
  }
  return [...pairs.values()];
}

function listTopUpMoves(change: CatalogChange, before: PriceList, limit: MoveLimit): PriceMove[] {
  const margin = change.margins.find(({ scope }) => scope === 'top_ups');
  if (margin === undefined) return [];
  const former = before.margins.find((rule) => 'topUps' in rule)?.basisPoints ?? 0;
  const credited = (basisPoints: number): bigint => MILLION - BigInt(basisPoints) * 100n;
  const values = { before: credited(former), after: credited(margin.basisPoints) };
  return [
    {
      modelBefore: null,
      modelAfter: null,
      rule: 'top_ups',
      key: 'credited share',
      ...values,
      factorThousandths: (values.after * 1000n) / values.before,
      needsApproval: exceeds(values.before, values.after, limit),
    },
  ];
}

/**
 * Compares what callers pay before and after a change. `before` and `after` are whole lists; the
 * moves of one model come together.
 */
export function comparePrices(
  change: CatalogChange,
  before: PriceList,
  after: PriceList,
  limit: MoveLimit,
): readonly PriceMove[] {
  const names = listNames(change, [before, after]);
  const pairs = listPairs(names, createLookup(before), createLookup(after));
  return [
    ...pairs.flatMap((pair) => [
      ...listPriceMoves(pair, limit),
      ...listFactorMoves(pair, limit),
      ...listConditionMoves(pair),
      ...listPatternMoves(pair, before),
    ]),
    ...listTopUpMoves(change, before, limit),
  ];
}
