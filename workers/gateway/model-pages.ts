/** The pages of GET /v1/models, by the parameters of each dialect's own API. */
import type { ModelListSpec } from '@farebox/dialects';
import { err, ok, type Result } from '@farebox/result';

export type Page<T> = Readonly<{ items: readonly T[]; hasMore: boolean }>;
type Pages = NonNullable<ModelListSpec['page']>;
export type PageError = Readonly<{ reason: 'invalid_field'; field: string; expected: string }>;

function parseLimit(
  text: string | null,
  { defaultLimit, maxLimit, isLimitLenient }: Pages,
): number | undefined {
  if (text === null || text === '') return defaultLimit;
  if (!/^\d{1,9}$/.test(text)) return undefined;
  const limit = Number(text);
  if (limit >= 1 && limit <= maxLimit) return limit;
  if (!isLimitLenient) return undefined;
  return limit === 0 ? defaultLimit : maxLimit;
}

/**
 * Cuts the page that `query` asks for out of `items`. With a parameter for what precedes a model,
 * `hasMore` says whether items precede the page, as in Anthropic's API; otherwise whether items
 * follow it. A list without pages is returned whole.
 */
export function selectPage<T extends Readonly<{ name: string }>>(
  items: readonly T[],
  query: URLSearchParams,
  page: ModelListSpec['page'],
): Result<{ page: Page<T> }, PageError> {
  if (page === null) return ok({ page: { items, hasMore: false } });
  const { limitParameter, afterParameter, beforeParameter } = page;
  const limit = parseLimit(query.get(limitParameter), page);
  if (limit === undefined)
    return invalid(limitParameter, `a whole number from 1 to ${page.maxLimit}`);
  for (const field of [afterParameter, beforeParameter]) {
    const cursor = field === null ? null : query.get(field);
    if (field === null || cursor === null || cursor === '') continue;
    const index = items.findIndex(({ name }) => name === cursor);
    if (index < 0) return invalid(field, 'the id of a listed model');
    if (field === afterParameter) return ok({ page: forwards(items, index + 1, limit) });
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
