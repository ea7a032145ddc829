/**
 * POST /v1/messages/count_tokens: the provider's own count, which it gives for nothing. The key must
 * be good, the body is passed through, and nothing is held or charged.
 */
import { findModel, suggestModels } from '@farebox/catalog';
import { editModel, parseCountTokens } from '@farebox/dialects';
import { type Provider, send } from '@farebox/providers';
import { authenticate } from './authenticate.ts';
import { drainBody } from './body-reader.ts';
import { ClientDisconnect, type RequestContext } from './call.ts';
import { type ApiError, errorResponse, idHeaders } from './errors.ts';
import { ENDPOINTS, supportedDialects } from './plan.ts';
import { upstreamErrorResponse } from './upstream-error.ts';

type CountTarget =
  | Readonly<{ ok: true; provider: Provider; upstreamName: string }>
  | (Readonly<{ ok: false }> & ApiError);

function resolveTarget(ctx: RequestContext, name: string): CountTarget {
  const { providers } = ctx.deps;
  const providerIds = [...providers.keys()];
  const model = findModel(name, providerIds);
  const provider = model === undefined ? undefined : providers.get(model.provider);
  if (model === undefined || provider === undefined) {
    return {
      ok: false,
      reason: 'model_not_found',
      model: name,
      suggestions: suggestModels(name, providerIds),
    };
  }
  if (provider.endpoints.count_tokens === undefined) {
    const endpoints = supportedDialects(provider).map((dialect) => ENDPOINTS[dialect]);
    return { ok: false, reason: 'model_not_supported_on_endpoint', model: name, endpoints };
  }
  return { ok: true, provider, upstreamName: model.upstreamName };
}

export async function countTokens(ctx: RequestContext): Promise<Response> {
  const { deps, request, id } = ctx;
  const respondError = (apiError: ApiError) => errorResponse(apiError, 'messages', id);
  const caller = authenticate(deps, request.headers, ctx.clock());
  if (!caller.ok) {
    await drainBody(request);
    return respondError(caller);
  }
  const body = await deps.bodyReader.read(request);
  if (!body.ok) return respondError(body);
  try {
    const parsed = parseCountTokens(body.bytes);
    if (!parsed.ok) return respondError(parsed);
    const target = resolveTarget(ctx, parsed.model);
    if (!target.ok) return respondError(target);
    const keyStatus = await deps.ledger.key(caller.account, caller.key);
    if (!keyStatus.ok) return respondError(keyStatus);
    const { models } = keyStatus.value.limits;
    const name = `${target.provider.id}/${target.upstreamName}`;
    if (models !== null && !models.includes(name))
      return respondError({ reason: 'model_not_allowed' });
    const abort = new AbortController();
    new ClientDisconnect(request.signal, ctx.clock).onDisconnect(() => abort.abort());
    const upstream = await send({
      provider: target.provider,
      endpoint: 'count_tokens',
      query: new URL(request.url).search,
      headers: request.headers,
      body: editModel(body.bytes, parsed.modelSpan, target.upstreamName),
      abort,
      firstByteMs: deps.timeouts.idleMs,
    });
    if (!upstream.ok) return upstreamErrorResponse(upstream, target.provider.id, 'messages', id);
    const headers = idHeaders(id);
    headers.set('content-type', upstream.contentType ?? 'application/json');
    return new Response(upstream.body, { status: upstream.status, headers });
  } finally {
    body.release();
  }
}
