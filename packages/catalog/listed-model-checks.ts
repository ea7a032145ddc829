/**
 * What a schema can't say of a listed model: its rules against each other, its calendars, its prices
 * of zero. Cold.
 */
import type { Calendars } from './price-conditions.ts';
import type { Conditions, ListedModel, PriceFactor, PriceRule } from './price-list.ts';
import { orderRules } from './rule-order.ts';

/** Something wrong with a price list, and where, as a path of names and indexes. */
export type Problem = Readonly<{ path: string; message: string }>;

export type CheckedModel =
  | Readonly<{ ok: true; model: ListedModel }>
  | Readonly<{ ok: false; problems: readonly Problem[] }>;

function checkDates({ from, until }: Pick<Conditions, 'from' | 'until'>): string | undefined {
  const isEmpty =
    from !== undefined && until !== undefined && Date.parse(from) >= Date.parse(until);
  return isEmpty ? 'until is not after from' : undefined;
}

function checkCalendar({ schedule }: Conditions, calendars: Calendars): string | undefined {
  const missing = [schedule?.except, schedule?.only].find(
    (id) => id !== undefined && !calendars.has(id),
  );
  return missing === undefined ? undefined : `there is no calendar ${missing}`;
}

function checkZeros({ prices }: PriceRule, isFree: boolean): string | undefined {
  if (isFree) return undefined;
  const key = Object.entries(prices).find(([, price]) => price === 0)?.[0];
  return key === undefined ? undefined : `${key} is 0, and the model is not declared free`;
}

function checkDimension({ when }: PriceFactor): string | undefined {
  const stated = [when.tier, when.speed, when.region].filter((value) => value !== undefined);
  return stated.length === 1 ? undefined : 'states not exactly one of tier, speed and region';
}

function checkPattern(pattern: string): string | undefined {
  if (!/^[\^*$/]./.test(pattern)) return 'a pattern starts with one of ^ * $ /';
  if (!pattern.startsWith('/')) return undefined;
  try {
    RegExp(pattern.slice(1));
    return undefined;
  } catch {
    return 'no regular expression';
  }
}

function checkUnique(ids: readonly string[], path: string): Problem[] {
  return ids.flatMap((id, index) =>
    ids.indexOf(id) === index ? [] : [{ path: `${path}.${index}.id`, message: `${id} is taken` }],
  );
}

/** Names are looked up in lower case. */
function checkNames({ names, variants }: ListedModel): Problem[] {
  return [...names, ...variants.map(({ name }) => name)]
    .filter((name) => name !== name.toLowerCase())
    .map((name) => ({ path: 'names', message: `${name} is not in lower case` }));
}

/** One rule holds always and states the prices that every other falls back to. */
function checkBaseRule({ prices, operations, isFree }: ListedModel): Problem[] {
  const base = prices.find(({ when }) => Object.keys(when).length === 0);
  if (base === undefined) return [{ path: 'prices', message: 'no rule holds always' }];
  // An operation is billed by whichever of its units have a price.
  const isPriced = isFree || Object.keys(base.prices).length > 0;
  if (operations !== undefined)
    return isPriced ? [] : [{ path: 'prices', message: `${base.id} states no price` }];
  return (['input_uncached', 'output'] as const)
    .filter((key) => base.prices[key] === undefined)
    .map((key) => ({ path: 'prices', message: `${base.id} states no price of ${key}` }));
}

function toProblems(path: string, messages: readonly (string | undefined)[]): readonly Problem[] {
  return messages.flatMap((message) => (message === undefined ? [] : [{ path, message }]));
}

/** Returns the model with its rules in order, or everything that is wrong with it. */
export function checkListedModel(model: ListedModel, calendars: Calendars): CheckedModel {
  const problems = [
    ...checkUnique(
      model.prices.map(({ id }) => id),
      'prices',
    ),
    ...checkUnique(
      model.factors.map(({ id }) => id),
      'factors',
    ),
    ...checkNames(model),
    ...checkBaseRule(model),
    ...model.prices.flatMap((rule, index) =>
      toProblems(`prices.${index}`, [
        checkDates(rule.when),
        checkCalendar(rule.when, calendars),
        checkZeros(rule, model.isFree),
      ]),
    ),
    ...model.factors.flatMap((factor, index) =>
      toProblems(`factors.${index}`, [checkDates(factor.when), checkDimension(factor)]),
    ),
    ...model.patterns.flatMap((all, index) =>
      all.flatMap((pattern) => toProblems(`patterns.${index}`, [checkPattern(pattern)])),
    ),
  ];
  return problems.length > 0 ? { ok: false, problems } : orderRules(model, calendars);
}
