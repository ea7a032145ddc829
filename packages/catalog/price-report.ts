/**
 * What a price update prints for review: the changes, where sources disagree, and what is stale.
 * Pure; each table is text with aligned columns.
 */

import { isServedElsewhere } from './documented-overrides.ts';
import { indexNames, resolveName } from './model-names.ts';
import type { Change } from './price-changes.ts';
import type { ListedModel, PriceList } from './price-list.ts';
import { MAX_ROW_AGE_DAYS } from './source-comparison.ts';
import { type Disagreement, findEvidenceDate } from './sources/disagreements.ts';
import type { Source } from './sources/statement.ts';

/** A source whose newest version is older no longer follows the providers' price changes. */
const MAX_SOURCE_AGE_DAYS = 45;
const DAY_MS = 86_400_000;

/** Aligns the columns of a table; the first row is its head. */
export function formatTable(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  );
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [lines[0] ?? '', widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)];
}

function section(title: string, head: readonly string[], rows: readonly (readonly string[])[]) {
  return rows.length === 0
    ? [`${title}: none.`, '']
    : [`${title}:`, ...formatTable([head, ...rows]), ''];
}

/** Marks a change that needs `--accept` with `!`. */
export function reportChanges(changes: readonly Change[]): string[] {
  return section(
    `Changes for review (${changes.length})`,
    ['', 'model', 'rule', 'price', 'before', 'after', 'factor'],
    changes.map(({ large, model, rule, field, before, after, factor }) => {
      return [large ? '!' : '', model, rule, field, before, after, factor];
    }),
  );
}

/** Marks with `!` what makes a row disputed: another independent source is newer and differs. */
export function reportDisagreements(disagreements: readonly Disagreement[]): string[] {
  return section(
    `Disagreements between sources (${disagreements.length})`,
    ['', 'model', 'price', 'list', 'source', 'says', 'on', 'which is'],
    disagreements.map(({ model, price, ours, theirs, source, statedOn, weight }) => {
      return [weight === 'newer' ? '!' : '', model, price, ours, source, theirs, statedOn, weight];
    }),
  );
}

function isOffered({ lifecycle }: ListedModel, now: number): boolean {
  return lifecycle.retiresOn === null || Date.parse(lifecycle.retiresOn) > now;
}

/** The sources, and the rows of native providers, whose newest evidence is too old. */
export function reportStale(
  list: PriceList,
  nativeProviders: readonly string[],
  sources: readonly Source[],
  now: number,
): string[] {
  const age = (date: string): number => Math.floor((now - Date.parse(date)) / DAY_MS);
  const oldSources = list.sources
    .filter(({ publishedOn }) => age(publishedOn) > MAX_SOURCE_AGE_DAYS)
    .map(({ name, publishedOn }) => [name, 'source', publishedOn, `${age(publishedOn)} d`]);
  const oldRows = list.providers
    .filter(({ id }) => nativeProviders.includes(id))
    .flatMap(({ id, models }) =>
      models
        .filter((model) => isOffered(model, now))
        .map((model) => [`${id}/${model.id}`, findEvidenceDate(id, model, sources)] as const),
    )
    .filter(([, date]) => age(date) > MAX_ROW_AGE_DAYS)
    .map(([name, date]) => [name, 'row', date, `${age(date)} d`]);
  return section(
    `Stale (source older than ${MAX_SOURCE_AGE_DAYS} days, row than ${MAX_ROW_AGE_DAYS})`,
    ['what', '', 'newest evidence', 'age'],
    [...oldSources, ...oldRows],
  );
}

/** The models of native providers that a source lists and the list does not know by any name. */
export function reportUnlisted(
  list: PriceList,
  nativeProviders: readonly string[],
  sources: readonly Source[],
): string[] {
  const rows = list.providers
    .filter(({ id }) => nativeProviders.includes(id))
    .flatMap(({ id, models }) => {
      const names = indexNames(models);
      return sources
        .filter(({ isReseller }) => !isReseller)
        .flatMap(({ stamp, statements }) =>
          [...statements]
            .filter(
              ([name]) =>
                name.startsWith(`${id}/`) && !isServedElsewhere(id, name.slice(id.length + 1)),
            )
            .filter(([name]) => resolveName(names, name.slice(id.length + 1)) === undefined)
            .map(([name, { prices }]) => {
              return [name, `${prices.input} / ${prices.output}`, stamp.name, stamp.publishedOn];
            }),
        );
    });
  return section(
    'Not in the list, so not sold; take them by hand with a citation',
    ['model', 'in / out', 'source', 'on'],
    rows,
  );
}
