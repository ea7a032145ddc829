/**
 * Resolves models with the catalog in effect. A name that it doesn't have is looked up once more
 * after a refresh, so that a model can be called as soon as an operator has added it.
 */
import type { Catalog, CatalogInEffect } from '@farebox/catalog';
import type { RequestContext } from './context.ts';

type Resolution = Readonly<{ ok: true }> | Readonly<{ ok: false; reason: string }>;

/** Returns the catalog in effect, after waiting for a first read as calls do. */
export async function getCatalog(ctx: RequestContext): Promise<CatalogInEffect> {
  const { catalog } = ctx.deps;
  if (catalog.isOutdated(ctx.clock())) await catalog.whenRead(ctx.clock());
  return catalog.at(ctx.clock());
}

/**
 * Runs `resolve` with the catalog in effect at the time that it is given. Only calls of an isolate
 * that has not read the catalog for a minute and calls of unknown models wait for anything.
 */
export async function resolveModel<R extends Resolution>(
  ctx: RequestContext,
  resolve: (catalog: Catalog, now: number) => R,
): Promise<R> {
  const { catalog } = ctx.deps;
  const inEffect = catalog.isOutdated(ctx.clock()) ? await getCatalog(ctx) : undefined;
  const now = ctx.clock();
  const result = resolve((inEffect ?? catalog.at(now)).catalog, now);
  if (result.ok || result.reason !== 'model_not_found') return result;
  const wasRead = await catalog.readAgain(now);
  return wasRead ? resolve(catalog.at(now).catalog, now) : result;
}
