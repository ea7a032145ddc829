/** GET /v1/models: what can be called, at which price and within which limits, as each SDK expects it. */
import { listModels, type Model, priceAt, priceDate } from '@farebox/catalog';
import { BUCKETS } from '@farebox/money';
import type { Visit } from './call.ts';
import { readCaller } from './caller.ts';
import { dialectsOf, ENDPOINTS } from './plan.ts';
import { dialectOf, idHeaders, refuse } from './refusals.ts';

function pricing(model: Model, now: Date): Record<string, string> {
  const prices = priceAt(model, now, 0);
  return Object.fromEntries(BUCKETS.map((bucket) => [bucket, prices[bucket].toString()]));
}

/** One entry that both SDKs can read: OpenAI's `object` and `created`, Anthropic's `type` and `created_at`. */
function entry(visit: Visit, model: Model, now: Date): Record<string, unknown> {
  const provider = visit.house.providers.get(model.provider);
  const dialects = provider === undefined ? [] : dialectsOf(provider);
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
    endpoints: dialects.map((dialect) => ENDPOINTS[dialect]),
    prices_nano_usd_per_million: pricing(model, now),
    deprecated: model.deprecated,
  };
}

/** The models this key may call; all of them where no key was sent. */
async function allowedModels(visit: Visit): Promise<readonly Model[] | Response> {
  const { house, request } = visit;
  const all = listModels([...house.providers.keys()]);
  const caller = readCaller(house, request.headers, visit.clock());
  if (!caller.ok && caller.reason === 'key_missing') return all;
  const dialect = dialectOf('/v1/models', request.headers);
  if (!caller.ok) return refuse(caller, dialect, visit.id);
  const standing = await house.ledger.key(caller.account, caller.key);
  if (!standing.ok) return refuse(standing, dialect, visit.id);
  const { models } = standing.value.limits;
  return models === null ? all : all.filter((model) => models.includes(model.name));
}

function json(visit: Visit, value: unknown): Response {
  const headers = idHeaders(visit.id);
  headers.set('content-type', 'application/json');
  return new Response(JSON.stringify(value), { headers });
}

export async function models(visit: Visit): Promise<Response> {
  const allowed = await allowedModels(visit);
  if (allowed instanceof Response) return allowed;
  const now = new Date(visit.clock());
  const entries = allowed.map((model) => entry(visit, model, now));
  const list = { object: 'list', data: entries, prices_dated: priceDate() };
  if (dialectOf('/v1/models', visit.request.headers) === 'chat') return json(visit, list);
  // Anthropic's pages carry their own bounds; everything fits on one.
  const ids = allowed.map((model) => model.name);
  return json(visit, {
    ...list,
    has_more: false,
    first_id: ids[0] ?? null,
    last_id: ids.at(-1) ?? null,
  });
}

/** GET /v1/models/{id} */
export async function model(visit: Visit, id: string): Promise<Response> {
  const allowed = await allowedModels(visit);
  if (allowed instanceof Response) return allowed;
  const found = allowed.find((one) => one.name === id || one.upstreamName === id);
  const dialect = dialectOf('/v1/models', visit.request.headers);
  if (found === undefined) {
    return refuse({ reason: 'model_unknown', model: id, suggestions: [] }, dialect, visit.id);
  }
  return json(visit, entry(visit, found, new Date(visit.clock())));
}
