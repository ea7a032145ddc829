/**
 * The changes of a new price list against the one before it, for review. Reports every changed
 * price, and decides whether a change is too large to be accepted without a review.
 */
import type { ListedModel, PriceList } from './price-list.ts';

export type Change = Readonly<{
  /** `provider/id` */
  model: string;
  /** The rule whose price changed; empty for what is no price. */
  rule: string;
  /** The price, factor, limit or date that changed; `model` where it came or went. */
  field: string;
  /** nano-USD per million units for a price; '-' where there was or is none. */
  before: string;
  after: string;
  /** How many times the earlier price the new one is, with three decimals; empty if not a price. */
  factor: string;
  large: boolean;
}>;

/** Beyond this factor, up or down, a change is more likely an error than a price. */
const LARGE_FACTOR = 2;
const NONE = '-';

type Field = Readonly<{
  rule: string;
  field: string;
  value: string;
  /** A price or a factor, whose ratio to the earlier one matters. */
  amount?: number;
}>;

type Fields = ReadonlyMap<string, Field>;

function listPrices(model: ListedModel): Field[] {
  const rules = model.prices.flatMap(({ id, prices }) =>
    Object.entries(prices).map(([field, amount]) => ({ rule: id, field, amount })),
  );
  const factors = model.factors.map(({ id, when, numerator, denominator }) => ({
    rule: when.from === undefined ? id : `${id} from ${when.from}`,
    field: 'factor',
    amount: numerator / denominator,
  }));
  const surcharges = model.variants.flatMap(({ name, surcharges: prices }) =>
    Object.entries(prices).map(([field, amount]) => ({ rule: `name ${name}`, field, amount })),
  );
  return [...rules, ...factors, ...surcharges].map((field) => {
    return { ...field, value: String(field.amount) };
  });
}

/** When rules and factors hold, as the list writes it: hours, sizes and dates are prices too. */
function listConditions({ prices, factors }: ListedModel): Field[] {
  return [...prices, ...factors].map(({ id, when }) => {
    return { rule: id, field: 'when', value: JSON.stringify(when) };
  });
}

function listFacts({ limits, lifecycle, names }: ListedModel): Field[] {
  const facts = {
    context: limits.context,
    'max output': limits.output,
    'deprecated on': lifecycle.deprecatedOn ?? NONE,
    'retires on': lifecycle.retiresOn ?? NONE,
  };
  return [
    ...Object.entries(facts).map(([field, value]) => ({ rule: '', field, value: String(value) })),
    ...names.map((name) => ({ rule: '', field: `name ${name}`, value: 'listed' })),
  ];
}

function indexFields(model: ListedModel): Fields {
  const fields = [...listPrices(model), ...listConditions(model), ...listFacts(model)];
  return new Map(fields.map((field) => [`${field.rule}/${field.field}`, field]));
}

/** A price under a new date, hour or size is compared with the price that held without one. */
function findEarlier(before: Fields, field: Field): Field | undefined {
  return before.get(`${field.rule}/${field.field}`) ?? before.get(`standard/${field.field}`);
}

function compareField(model: string, before: Fields, field: Field): Change[] {
  const was = before.get(`${field.rule}/${field.field}`);
  if (was?.value === field.value) return [];
  const base = findEarlier(before, field)?.amount;
  const ratio = field.amount === undefined || base === undefined ? 1 : field.amount / base;
  return [
    {
      model,
      rule: field.rule,
      field: field.field,
      before: was?.value ?? NONE,
      after: field.value,
      factor: base === undefined ? '' : `x${ratio.toFixed(3)}`,
      large: ratio > LARGE_FACTOR || ratio < 1 / LARGE_FACTOR,
    },
  ];
}

function compareModels(model: string, before: Fields, after: Fields): Change[] {
  const changed = [...after.values()].flatMap((field) => compareField(model, before, field));
  const gone = [...before]
    .filter(([key]) => !after.has(key))
    .map(([, { rule, field, value }]) => {
      return { model, rule, field, before: value, after: NONE, factor: '', large: false };
    });
  return [...changed, ...gone];
}

function indexModels(list: PriceList): ReadonlyMap<string, ListedModel> {
  return new Map(
    list.providers.flatMap(({ id, models }) => models.map((model) => [`${id}/${model.id}`, model])),
  );
}

/** The days that came to a calendar of holidays or went, and the stretch that it covers. */
function compareCalendars(before: PriceList, after: PriceList): Change[] {
  const ids = new Set([...Object.keys(before.calendars), ...Object.keys(after.calendars)]);
  const format = ({ calendars }: PriceList, id: string): string => {
    const calendar = calendars[id];
    return calendar === undefined
      ? NONE
      : `${calendar.days.length} days, ${calendar.from} to ${calendar.until}`;
  };
  return [...ids]
    .filter((id) => JSON.stringify(before.calendars[id]) !== JSON.stringify(after.calendars[id]))
    .map((id) => ({
      model: `calendar ${id}`,
      rule: '',
      field: 'days',
      before: format(before, id),
      after: format(after, id),
      factor: '',
      large: false,
    }));
}

/**
 * Returns every change of a price, condition, factor, limit, date, name or calendar, and the models
 * that came or went.
 */
export function diffPriceLists(before: PriceList, after: PriceList): Change[] {
  const [was, is] = [indexModels(before), indexModels(after)];
  const whole = { rule: '', field: 'model', factor: '' };
  const changes = [...is].flatMap(([name, model]): Change[] => {
    const old = was.get(name);
    return old === undefined
      ? [{ ...whole, model: name, before: NONE, after: 'new', large: false }]
      : compareModels(name, indexFields(old), indexFields(model));
  });
  const gone = [...was.keys()]
    .filter((name) => !is.has(name))
    .map((model) => ({ ...whole, model, before: 'listed', after: NONE, large: true }));
  return [...changes, ...gone, ...compareCalendars(before, after)];
}
