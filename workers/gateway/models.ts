/** GET /v1/models: the models with their prices and limits, in the shape that each SDK expects. */
import { listModels, type Model, priceDate, resolvePrices, standardTerms } from '@farebox/catalog';
import { DIALECT_SPECS } from '@farebox/dialects';
import { NO_USAGE, pricesToJson } from '@farebox/money';
import { authenticate } from './authenticate.ts';
import { type RequestContext, respondError } from './context.ts';
import { supportedEndpoints } from './plan.ts';
import { idHeaders } from './request-id.ts';

/**
 * Returns an entry for both SDKs: OpenAI's `object` and `created`, Anthropic's `type` and
 * `created_at`.
 */
function modelJson(ctx: RequestContext, model: Model, now: number): Record<string, unknown> {
  const provider = ctx.deps.providers.get(model.provider);
  const { prices } = resolvePrices(model, standardTerms(now), NO_USAGE);
  return {
    id: model.name,
    object: 'model',
    type: 'model',
    display_name: model.upstreamName,
    created: Math.floor(model.created.getTime() / 1000),
    created_at: model.created.toISOString(),
    owned_by: model.provider,
    context_length: model.contextWindow,
    max_output_tokens: model.maxOutput,
    endpoints: provider === undefined ? [] : supportedEndpoints(provider),
    prices_nano_usd_per_million: pricesToJson(prices),
    deprecated: model.deprecated,
  };
}

/** Returns the models that the key may call, or all of them if the request has no key. */
async function allowedModels(ctx: RequestContext): Promise<readonly Model[] | Response> {
  const { deps, request } = ctx;
  const all = listModels([...deps.providers.keys()]);
  const caller = authenticate(deps, request.headers, ctx.clock());
  if (!caller.ok && caller.reason === 'missing_api_key') return all;
  if (!caller.ok) return respondError(ctx, caller);
  const keyStatus = await deps.ledger.key(caller.account, caller.key);
  if (!keyStatus.ok) return respondError(ctx, keyStatus);
  const { models } = keyStatus.value.limits;
  return models === null ? all : all.filter((model) => models.includes(model.name));
}

function jsonResponse(ctx: RequestContext, value: unknown): Response {
  const headers = idHeaders(ctx.id);
  headers.set('content-type', 'application/json');
  return new Response(JSON.stringify(value), { headers });
}

/** GET /v1/models */
export async function getModels(ctx: RequestContext): Promise<Response> {
  const allowed = await allowedModels(ctx);
  if (allowed instanceof Response) return allowed;
  const now = ctx.clock();
  const entries = allowed.map((model) => modelJson(ctx, model, now));
  const list = { object: 'list', data: entries, prices_dated: priceDate() };
  const bounds = DIALECT_SPECS[ctx.dialect].modelListBounds(allowed.map((model) => model.name));
  return jsonResponse(ctx, { ...list, ...bounds });
}

/** GET /v1/models/{id} */
export async function getModel(ctx: RequestContext, id: string): Promise<Response> {
  const allowed = await allowedModels(ctx);
  if (allowed instanceof Response) return allowed;
  const match = allowed.find((candidate) => candidate.name === id || candidate.upstreamName === id);
  if (match === undefined) {
    return respondError(ctx, { reason: 'model_not_found', model: id, suggestions: [] });
  }
  return jsonResponse(ctx, modelJson(ctx, match, ctx.clock()));
}
