/**
 * Resolves models with the catalog in effect. A name that it doesn't have is looked up once more
 * after a refresh, so that a model can be called as soon as an operator has added it.
 */
import type { Catalog, CatalogInEffect } from '@farebox/catalog';
import type { RequestContext } from './context.ts';

type Resolution = Readonly<{ ok: true }> | Readonly<{ ok: false; reason: string }>;

/** Reads the catalog behind a call, if it is due. */
export function refreshCatalog({ deps, clock, waitUntil }: RequestContext): void {
  const refresh = deps.catalog.refreshIfDue(clock());
  if (refresh !== undefined) waitUntil(refresh);
}

/** Returns the catalog in effect, for what lists models or prices and may wait a moment for it. */
export async function getCatalog(ctx: RequestContext): Promise<CatalogInEffect> {
  const { catalog } = ctx.deps;
  await catalog.whenCurrent(ctx.clock());
  return catalog.at(ctx.clock());
}

/**
 * Runs `resolve` with the catalog that this isolate has at the time that it is given. Only a call of
 * an unknown model waits for anything, since the answer would be an error.
 */
export async function resolveModel<R extends Resolution>(
  ctx: RequestContext,
  resolve: (catalog: Catalog, now: number) => R,
): Promise<R> {
  const { catalog } = ctx.deps;
  const now = ctx.clock();
  const result = resolve(catalog.at(now).catalog, now);
  if (result.ok || result.reason !== 'model_not_found') return result;
  const wasRead = await catalog.readAgain(now);
  return wasRead ? resolve(catalog.at(now).catalog, now) : result;
}
