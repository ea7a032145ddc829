/**
 * The endpoints of the kind `count`: the provider's own count of a request's tokens, which is free
 * there. Requires a valid key, forwards the body with only the model's name replaced, and holds and
 * charges nothing.
 */

import type { Catalog } from '@farebox/catalog';
import {
  checkHeaders,
  editModel,
  parseCountTokens,
  type UpstreamEndpoint,
} from '@farebox/dialects';
import { type Provider, send } from '@farebox/providers';
import { err, ok, type Result } from '@farebox/result';
import { baseHeaders } from './base-headers.ts';
import { ClientDisconnect } from './client-disconnect.ts';
import { type RequestContext, respondError } from './context.ts';
import type { ApiError } from './errors.ts';
import { supportedEndpoints } from './plan.ts';
import { resolveModel } from './resolve-model.ts';
import { upstreamErrorResponse } from './upstream-error.ts';
import { withBody } from './with-caller.ts';

type CountTarget = Result<{ provider: Provider; upstreamName: string }, ApiError>;

function resolveTarget(
  ctx: RequestContext,
  catalog: Catalog,
  name: string,
  endpoint: UpstreamEndpoint,
): CountTarget {
  const { providers } = ctx.deps;
  const providerIds = [...providers.keys()];
  const model = catalog.findModel(name, providerIds);
  const provider = model === undefined ? undefined : providers.get(model.provider);
  if (model === undefined || provider === undefined) {
    const suggestions = catalog.suggestModels(name, providerIds, ctx.clock());
    return err('model_not_found', { model: name, suggestions });
  }
  if (provider.endpoints[endpoint] === undefined) {
    const endpoints = supportedEndpoints(provider);
    return err('model_not_supported_on_endpoint', { model: name, endpoints });
  }
  return ok({ provider, upstreamName: model.upstreamName });
}

/** Handles one request at an endpoint of the kind `count`. */
export const countTokens = withBody(async (ctx, caller, body, endpoint: UpstreamEndpoint) => {
  const { deps, request, id } = ctx;
  const headerError = checkHeaders(ctx.dialect, request.headers);
  if (headerError !== null) return respondError(ctx, headerError);
  const parsed = parseCountTokens(endpoint, body.bytes);
  if (!parsed.ok) return respondError(ctx, parsed);
  const target = await resolveModel(ctx, (catalog) =>
    resolveTarget(ctx, catalog, parsed.model, endpoint),
  );
  if (!target.ok) return respondError(ctx, target);
  const keyStatus = await deps.ledger.key(caller.account, caller.key);
  if (!keyStatus.ok) return respondError(ctx, keyStatus);
  const { models } = keyStatus.value.limits;
  const name = `${target.provider.id}/${target.upstreamName}`;
  if (models !== null && !models.includes(name)) {
    return respondError(ctx, { reason: 'model_not_allowed' });
  }
  const abort = new AbortController();
  new ClientDisconnect(request.signal, ctx.clock).onDisconnect(() => abort.abort());
  const upstream = await send({
    provider: target.provider,
    endpoint,
    query: new URL(request.url).search,
    headers: request.headers,
    body: editModel(body.bytes, parsed.modelSpan, target.upstreamName),
    abort,
    firstByteMs: deps.timeouts.idleMs,
    timer: ctx.timer,
  });
  if (!upstream.ok) return upstreamErrorResponse(upstream, target.provider.id, ctx.dialect, id);
  const headers = baseHeaders(id);
  headers['content-type'] = upstream.contentType ?? 'application/json';
  return new Response(upstream.body, { status: upstream.status, headers });
});
