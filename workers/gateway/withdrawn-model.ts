/**
 * Calls of a model that operators withdrew while their isolate slept: it is planned and sent with the
 * catalog that the isolate has, and refused when the read that began with it tells otherwise
 * (docs/decisions/0028-prices-of-a-sleeping-isolate.md).
 */
import type { Model } from '@farebox/catalog';
import type { RequestContext } from './context.ts';
import type { ApiError } from './errors.ts';
import { findTarget } from './plan.ts';
import type { PriceRevision } from './price-revision.ts';

/**
 * How long an answer waits for the catalog in an isolate that slept, in milliseconds. The provider
 * has begun to answer by then; few answer before the catalog has.
 */
const MAX_CATALOG_WAIT_MS = 100;

type RevisedCall = Readonly<{
  ctx: RequestContext;
  plan: Readonly<{ model: Model; pricedAt: number }>;
  revision: Pick<PriceRevision<never>, 'isPending' | 'isWithdrawn' | 'whenRead'>;
}>;

/**
 * Waits a moment for a read under way. Returns the error of a call whose model was withdrawn; null
 * where it is offered, or nothing else is known yet.
 */
export async function checkOffered({ ctx, plan, revision }: RevisedCall): Promise<ApiError | null> {
  if (revision.isPending) await revision.whenRead(MAX_CATALOG_WAIT_MS);
  if (!revision.isWithdrawn) return null;
  const { name } = plan.model;
  const { catalog } = ctx.deps.catalog.at(plan.pricedAt);
  const target = findTarget(name, { ...ctx.deps, catalog }, plan.pricedAt);
  if (!target.ok) return target;
  // Another provider offers a model of this name; the call's own does no longer.
  return { reason: 'model_not_found', model: name, suggestions: [target.model.name] };
}
