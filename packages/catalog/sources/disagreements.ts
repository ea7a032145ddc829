/** Where an independent source states another price than the list, and how fresh a row is. */
import type { ListedModel, PriceKey, PriceRule } from '../price-list.ts';
import type { Source, StatedPrices, Statement } from './statement.ts';

export type Disagreement = Readonly<{
  /** `provider/id` */
  model: string;
  /** `input_uncached`, or `long-context output` and the like. */
  price: string;
  /** USD per million tokens, or a number of tokens; '-' where there is none. */
  ours: string;
  theirs: string;
  source: string;
  statedOn: string;
  /**
   * `newer` if the row's own evidence is not newer than the statement, else `older`; or a
   * `reseller`'s own price. Only the first makes a row disputed.
   */
  weight: 'newer' | 'older' | 'reseller';
}>;

type Difference = Pick<Disagreement, 'price' | 'ours' | 'theirs'>;

const STATED_KEYS = [
  ['input_uncached', 'input'],
  ['cache_read', 'cacheRead'],
  ['output', 'output'],
] as const satisfies readonly (readonly [PriceKey, keyof StatedPrices])[];

const toUsd = (nano: number): string => String(nano / 1e9);

/** A rule with a later date is more specific than one with an earlier date, or with none. */
function dateRank({ when }: PriceRule): number {
  if (when.from !== undefined) return Date.parse(when.from);
  return when.until === undefined ? Number.NEGATIVE_INFINITY : 0;
}

function holdsOn({ when }: PriceRule, at: number): boolean {
  const started = when.from === undefined || Date.parse(when.from) <= at;
  return started && (when.until === undefined || at < Date.parse(when.until));
}

/** The rules of a day for short or long input, whatever the hour: the most specific by date. */
export function rulesOn(rules: readonly PriceRule[], day: string, isLong: boolean): PriceRule[] {
  const held = rules
    .filter(({ when }) => (when.input !== undefined) === isLong)
    .filter((rule) => holdsOn(rule, Date.parse(day)));
  const latest = Math.max(...held.map(dateRank));
  return held.filter((rule) => dateRank(rule) === latest);
}

/** The prices that the rules state for a key; cached input without a price costs what input does. */
function statedBy(rules: readonly PriceRule[], key: PriceKey): number[] {
  const stated = rules.flatMap(({ prices }) => prices[key] ?? []);
  return stated.length === 0 && key === 'cache_read' ? statedBy(rules, 'input_uncached') : stated;
}

/** Equal to the price of any hour is equal: sources without hours state one of them. */
function comparePrices(
  rules: readonly PriceRule[],
  prices: StatedPrices,
  prefix: string,
): Difference[] {
  return STATED_KEYS.flatMap(([key, stated]) => {
    const usd = prices[stated];
    const ours = statedBy(rules, key);
    if (usd === undefined || ours.includes(Math.round(usd * 1e9))) return [];
    return [{ price: `${prefix}${key}`, ours: ours.map(toUsd).join(' or '), theirs: String(usd) }];
  });
}

/** The long-context rules that make a difference: a rule of another date may repeat the price. */
function longRulesOn(model: ListedModel, day: string): PriceRule[] {
  const short = rulesOn(model.prices, day, false);
  return rulesOn(model.prices, day, true).filter(({ prices }) =>
    STATED_KEYS.some(([key]) => {
      const price = prices[key];
      return price !== undefined && !statedBy(short, key).includes(price);
    }),
  );
}

function compareTiers(long: readonly PriceRule[], { tiers: [tier] }: Statement): Difference[] {
  const ours = long[0]?.when.input?.tokens;
  if (ours !== tier?.above) {
    const theirs = tier?.above ?? '-';
    return [{ price: 'long-context tokens', ours: String(ours ?? '-'), theirs: String(theirs) }];
  }
  return tier === undefined ? [] : comparePrices(long, tier, 'long-context ');
}

function compareModel(model: ListedModel, statement: Statement, day: string): Difference[] {
  return [
    ...comparePrices(rulesOn(model.prices, day, false), statement.prices, ''),
    ...compareTiers(longRulesOn(model, day), statement),
  ];
}

/** Finds a source's statement under any of the model's names. */
export function findStatement(
  provider: string,
  model: Pick<ListedModel, 'id' | 'names'>,
  source: Source,
): Statement | undefined {
  for (const name of [model.id.toLowerCase(), ...model.names]) {
    const statement = source.statements.get(`${provider}/${name}`);
    if (statement !== undefined) return statement;
  }
  return undefined;
}

function differencesWith(provider: string, model: ListedModel, source: Source) {
  const statement = findStatement(provider, model, source);
  return statement && compareModel(model, statement, source.stamp.publishedOn);
}

/** The independent sources that state the model's prices as the list does, the newest first. */
export function findAgreeing(
  provider: string,
  model: ListedModel,
  sources: readonly Source[],
): Source[] {
  return sources
    .filter((source) => !source.isReseller)
    .filter((source) => differencesWith(provider, model, source)?.length === 0)
    .toSorted((a, b) => (a.stamp.publishedOn < b.stamp.publishedOn ? 1 : -1));
}

/** The date of a row's newest evidence: its own, or that of a source that agrees. */
export function findEvidenceDate(
  provider: string,
  model: ListedModel,
  sources: readonly Source[],
): string {
  const { confirmedOn, sourceDate } = model.provenance;
  const agreed = findAgreeing(provider, model, sources).map(({ stamp }) => stamp.publishedOn);
  return [confirmedOn ?? '', sourceDate, ...agreed].toSorted().at(-1) ?? sourceDate;
}

function weigh(source: Source, evidenceDate: string): Disagreement['weight'] {
  if (source.isReseller) return 'reseller';
  return source.stamp.publishedOn < evidenceDate ? 'older' : 'newer';
}

/** Returns where sources differ from a model that is still offered. */
export function findDisagreements(
  provider: string,
  model: ListedModel,
  sources: readonly Source[],
): Disagreement[] {
  const evidenceDate = findEvidenceDate(provider, model, sources);
  const { retiresOn } = model.lifecycle;
  return sources
    .filter(({ stamp }) => retiresOn === null || stamp.publishedOn < retiresOn)
    .flatMap((source) =>
      (differencesWith(provider, model, source) ?? []).map((difference) => ({
        model: `${provider}/${model.id}`,
        ...difference,
        source: source.stamp.name,
        statedOn: source.stamp.publishedOn,
        weight: weigh(source, evidenceDate),
      })),
    );
}
