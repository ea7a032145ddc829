/**
 * POST /v1/messages/count_tokens: the provider's own count, which it gives for nothing. The key must
 * be good, the body is passed through, and nothing is held or charged.
 */
import { findModel, suggest } from '@farebox/catalog';
import { editModel, readCountTokens } from '@farebox/dialects';
import { type Provider, send } from '@farebox/providers';
import { Departure, type Visit } from './call.ts';
import { readCaller } from './caller.ts';
import { discard } from './intake.ts';
import { dialectsOf, ENDPOINTS } from './plan.ts';
import { idHeaders, type Refusal, refuse } from './refusals.ts';
import { declinedAnswer } from './upstream-refusal.ts';

type Counter =
  | Readonly<{ ok: true; provider: Provider; upstreamName: string }>
  | (Readonly<{ ok: false }> & Refusal);

function counterFor(visit: Visit, name: string): Counter {
  const { providers } = visit.house;
  const offered = [...providers.keys()];
  const model = findModel(name, offered);
  const provider = model === undefined ? undefined : providers.get(model.provider);
  if (model === undefined || provider === undefined) {
    return { ok: false, reason: 'model_unknown', model: name, suggestions: suggest(name, offered) };
  }
  if (provider.endpoints.count_tokens === undefined) {
    const endpoints = dialectsOf(provider).map((dialect) => ENDPOINTS[dialect]);
    return { ok: false, reason: 'model_elsewhere', model: name, endpoints };
  }
  return { ok: true, provider, upstreamName: model.upstreamName };
}

export async function countTokens(visit: Visit): Promise<Response> {
  const { house, request, id } = visit;
  const refused = (refusal: Refusal) => refuse(refusal, 'messages', id);
  const caller = readCaller(house, request.headers, visit.clock());
  if (!caller.ok) {
    await discard(request);
    return refused(caller);
  }
  const body = await house.intake.read(request);
  if (!body.ok) return refused(body);
  try {
    const read = readCountTokens(body.bytes);
    if (!read.ok) return refused(read);
    const counter = counterFor(visit, read.model);
    if (!counter.ok) return refused(counter);
    const standing = await house.ledger.key(caller.account, caller.key);
    if (!standing.ok) return refused(standing);
    const { models } = standing.value.limits;
    const name = `${counter.provider.id}/${counter.upstreamName}`;
    if (models !== null && !models.includes(name)) return refused({ reason: 'model_not_allowed' });
    const abort = new AbortController();
    new Departure(request.signal, visit.clock).means(() => abort.abort());
    const upstream = await send({
      provider: counter.provider,
      endpoint: 'count_tokens',
      query: new URL(request.url).search,
      headers: request.headers,
      body: editModel(body.bytes, read.modelSpan, counter.upstreamName),
      abort,
      firstByteMs: house.patience.silence,
    });
    if (!upstream.ok) return declinedAnswer(upstream, counter.provider.id, 'messages', id);
    const headers = idHeaders(id);
    headers.set('content-type', upstream.contentType ?? 'application/json');
    return new Response(upstream.body, { status: upstream.status, headers });
  } finally {
    body.release();
  }
}
