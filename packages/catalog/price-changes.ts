/**
 * What a new price list changes against the one before it, for a person to review. Says every changed
 * price; decides only whether a change is too large to pass without a look.
 */
import { BUCKETS } from '@farebox/money';
import { FEES_IN_FILE, type PriceFile, type PriceFileModel } from './price-file.ts';

export type Change = Readonly<{ text: string; large: boolean }>;

/** Beyond this factor, up or down, a change is more likely a slip than a price. */
const LARGE = 2;

type Figures = ReadonlyMap<string, number>;

function figuresOf(model: PriceFileModel): Figures {
  const figures = new Map<string, number>();
  for (const { from, window, rows } of model.periods) {
    const when = [from, window.join('-')].filter((part) => part !== '').join(' ');
    for (const [above = -1, ...prices] of rows) {
      const tier = above < 0 ? '' : `above ${above}`;
      const where = [when, tier].filter((part) => part !== '').join(', ');
      BUCKETS.forEach((bucket, place) => {
        figures.set(where === '' ? bucket : `${bucket} (${where})`, prices[place] ?? 0);
      });
    }
  }
  FEES_IN_FILE.forEach((kind, place) => {
    figures.set(`fee ${kind}`, model.fees[place] ?? 0);
  });
  figures.set('context', model.context);
  figures.set('max output', model.output);
  return figures;
}

function changesOf(name: string, before: Figures, after: Figures): Change[] {
  const changes: Change[] = [];
  for (const [figure, is] of after) {
    const was = before.get(figure);
    if (was === is) continue;
    // A price under a new date or tier is compared with what held without one.
    const base = was ?? before.get(figure.replace(/ \(.*\)$/, ''));
    const factor = base === undefined ? 1 : base === 0 ? Number.POSITIVE_INFINITY : is / base;
    const limit = figure === 'context' || figure === 'max output';
    changes.push({
      text: `${name}: ${figure} ${was ?? 'new'} -> ${is}${base ? ` (x${factor.toFixed(3)})` : ''}`,
      large: !limit && (factor > LARGE || factor < 1 / LARGE),
    });
  }
  for (const figure of before.keys()) {
    if (!after.has(figure)) changes.push({ text: `${name}: ${figure} is gone`, large: false });
  }
  return changes;
}

function modelsOf(file: PriceFile): ReadonlyMap<string, PriceFileModel> {
  return new Map(
    file.providers.flatMap(({ id, models }) => models.map((model) => [`${id}/${model.id}`, model])),
  );
}

export function changesBetween(before: PriceFile, after: PriceFile): Change[] {
  const [was, is] = [modelsOf(before), modelsOf(after)];
  const changes: Change[] = [];
  for (const [name, model] of is) {
    const old = was.get(name);
    if (old === undefined) changes.push({ text: `${name}: new`, large: false });
    else changes.push(...changesOf(name, figuresOf(old), figuresOf(model)));
  }
  for (const name of was.keys()) {
    if (!is.has(name)) changes.push({ text: `${name}: no longer sold`, large: true });
  }
  return changes;
}
