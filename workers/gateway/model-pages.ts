/** The pages of GET /v1/models, by the cursors `after_id` and `before_id` of Anthropic's API. */
import type { ModelListSpec } from '@farebox/dialects';
import { err, ok, type Result } from '@farebox/result';

export type Page<T> = Readonly<{ items: readonly T[]; hasMore: boolean }>;
export type PageError = Readonly<{ reason: 'invalid_field'; field: string; expected: string }>;

function parseLimit(
  text: string | null,
  { defaultLimit, maxLimit }: NonNullable<ModelListSpec['page']>,
): number | undefined {
  if (text === null || text === '') return defaultLimit;
  const limit = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  return limit >= 1 && limit <= maxLimit ? limit : undefined;
}

/**
 * Cuts the page that `query` asks for out of `items`. With `before_id`, `hasMore` says whether items
 * precede the page, as in Anthropic's API; otherwise whether items follow it. A list without pages
 * is returned whole.
 */
export function selectPage<T extends Readonly<{ name: string }>>(
  items: readonly T[],
  query: URLSearchParams,
  page: ModelListSpec['page'],
): Result<{ page: Page<T> }, PageError> {
  if (page === null) return ok({ page: { items, hasMore: false } });
  const limit = parseLimit(query.get('limit'), page);
  if (limit === undefined) return invalid('limit', `a whole number from 1 to ${page.maxLimit}`);
  for (const field of ['after_id', 'before_id'] as const) {
    const cursor = query.get(field);
    if (cursor === null || cursor === '') continue;
    const index = items.findIndex(({ name }) => name === cursor);
    if (index < 0) return invalid(field, 'the id of a listed model');
    if (field === 'after_id') return ok({ page: forwards(items, index + 1, limit) });
    return ok({
      page: { items: items.slice(Math.max(0, index - limit), index), hasMore: index > limit },
    });
  }
  return ok({ page: forwards(items, 0, limit) });
}

function forwards<T>(items: readonly T[], start: number, limit: number): Page<T> {
  return { items: items.slice(start, start + limit), hasMore: items.length > start + limit };
}

function invalid(field: string, expected: string): Readonly<{ ok: false }> & PageError {
  return err('invalid_field', { field, expected });
}
