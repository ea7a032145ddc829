/**
 * The changes of a new price list against the one before it, for review. Reports every changed
 * price, and decides whether a change is too large to be accepted without a review.
 */
import { BUCKETS } from '@farebox/money';
import { type PriceFile, type PriceFileModel, SURCHARGES_IN_FILE } from './price-file.ts';

export type Change = Readonly<{ text: string; large: boolean }>;

/** Beyond this factor, up or down, a change is more likely an error than a price. */
const LARGE_FACTOR = 2;

type ModelFields = ReadonlyMap<string, number>;

function toFields(model: PriceFileModel): ModelFields {
  const fields = new Map<string, number>();
  for (const { from, window, rows } of model.periods) {
    const when = [from, window.join('-')].filter((part) => part !== '').join(' ');
    for (const [above = -1, ...prices] of rows) {
      const tier = above < 0 ? '' : `above ${above}`;
      const where = [when, tier].filter((part) => part !== '').join(', ');
      BUCKETS.forEach((bucket, index) => {
        fields.set(where === '' ? bucket : `${bucket} (${where})`, prices[index] ?? 0);
      });
    }
  }
  SURCHARGES_IN_FILE.forEach((kind, index) => {
    fields.set(`surcharge ${kind}`, model.surcharges[index] ?? 0);
  });
  fields.set('context', model.context);
  fields.set('max output', model.output);
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

function indexModels(file: PriceFile): ReadonlyMap<string, PriceFileModel> {
  return new Map(
    file.providers.flatMap(({ id, models }) => models.map((model) => [`${id}/${model.id}`, model])),
  );
}

export function diffPriceFiles(before: PriceFile, after: PriceFile): Change[] {
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
