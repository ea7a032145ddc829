/**
 * The changes of a new price list against the one before it, for review. Reports every changed
 * price, and decides whether a change is too large to be accepted without a review.
 */
import type { ListedModel, PriceList } from './price-list.ts';

export type Change = Readonly<{ text: string; large: boolean }>;

/** Beyond this factor, up or down, a change is more likely an error than a price. */
const LARGE_FACTOR = 2;

type ModelFields = ReadonlyMap<string, number>;

function toFields(model: ListedModel): ModelFields {
  const fields = new Map<string, number>();
  for (const { id, prices } of model.prices) {
    for (const [key, price] of Object.entries(prices)) {
      fields.set(id === 'standard' ? key : `${key} (${id})`, price);
    }
  }
  fields.set('context', model.limits.context);
  fields.set('max output', model.limits.output);
  return fields;
}

function diffModel(name: string, before: ModelFields, after: ModelFields): Change[] {
  const changes: Change[] = [];
  for (const [field, is] of after) {
    const was = before.get(field);
    if (was === is) continue;
    // A price under a new date or tier is compared with the price that held without one.
    const base = was ?? before.get(field.replace(/ \(.*\)$/, ''));
    const factor = base === undefined ? 1 : base === 0 ? Number.POSITIVE_INFINITY : is / base;
    const limit = field === 'context' || field === 'max output';
    changes.push({
      text: `${name}: ${field} ${was ?? 'new'} -> ${is}${base ? ` (x${factor.toFixed(3)})` : ''}`,
      large: !limit && (factor > LARGE_FACTOR || factor < 1 / LARGE_FACTOR),
    });
  }
  for (const field of before.keys()) {
    if (!after.has(field)) changes.push({ text: `${name}: ${field} is gone`, large: false });
  }
  return changes;
}

function indexModels(list: PriceList): ReadonlyMap<string, ListedModel> {
  return new Map(
    list.providers.flatMap(({ id, models }) => models.map((model) => [`${id}/${model.id}`, model])),
  );
}

export function diffPriceLists(before: PriceList, after: PriceList): Change[] {
  const [was, is] = [indexModels(before), indexModels(after)];
  const changes: Change[] = [];
  for (const [name, model] of is) {
    const old = was.get(name);
    if (old === undefined) changes.push({ text: `${name}: new`, large: false });
    else changes.push(...diffModel(name, toFields(old), toFields(model)));
  }
  for (const name of was.keys()) {
    if (!is.has(name)) changes.push({ text: `${name}: no longer sold`, large: true });
  }
  return changes;
}
