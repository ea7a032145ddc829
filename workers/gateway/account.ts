/**
 * What a caller may ask about its own account with its key: what is left, what the key may do, and
 * the bill of a call.
 */
import type { Generation, KeyStanding } from '@farebox/ledger';
import { BUCKETS, costOfFee, formatUsd, type NanoUsd } from '@farebox/money';
import type { Visit } from './call.ts';
import { readCaller } from './caller.ts';
import { idHeaders, refuse } from './refusals.ts';

function data(visit: Visit, value: unknown): Response {
  const headers = idHeaders(visit.id);
  headers.set('content-type', 'application/json');
  headers.set('cache-control', 'no-store');
  return new Response(JSON.stringify({ data: value }), { headers });
}

function amount(value: NanoUsd | null): string | null {
  return value === null ? null : value.toString();
}

function instant(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** GET /v1/credits */
export async function credits(visit: Visit): Promise<Response> {
  const caller = readCaller(visit.house, visit.request.headers, visit.clock());
  if (!caller.ok) return refuse(caller, 'chat', visit.id);
  const answer = await visit.house.ledger.credits(caller.account, caller.key);
  if (!answer.ok) return refuse(answer, 'chat', visit.id);
  const { posted, held } = answer.value;
  return data(visit, {
    posted_nano_usd: amount(posted),
    held_nano_usd: amount(held),
    available_nano_usd: amount(posted - held),
  });
}

function standingJson(standing: KeyStanding): unknown {
  const { limits, spent, held } = standing;
  const left = limits.budget === null ? null : limits.budget - spent - held;
  return {
    key_id: standing.keyId,
    created_at: instant(standing.createdAt),
    expires_at: instant(limits.expiresAt),
    spent_nano_usd: amount(spent),
    held_nano_usd: amount(held),
    budget_nano_usd: amount(limits.budget),
    budget_left_nano_usd: amount(left !== null && left < 0n ? 0n : left),
    models: limits.models,
    calls_per_minute: limits.callsPerMinute,
    concurrent_calls: limits.concurrentCalls,
  };
}

/** GET /v1/key */
export async function key(visit: Visit): Promise<Response> {
  const caller = readCaller(visit.house, visit.request.headers, visit.clock());
  if (!caller.ok) return refuse(caller, 'chat', visit.id);
  const answer = await visit.house.ledger.key(caller.account, caller.key);
  if (!answer.ok) return refuse(answer, 'chat', visit.id);
  return data(visit, standingJson(answer.value));
}

function usageJson(call: Generation): unknown {
  if (call.usage === null) return null;
  const { usage } = call;
  const counts = BUCKETS.map((bucket) => [bucket, usage[bucket]]);
  return { ...Object.fromEntries(counts), output_reasoning: usage.output_reasoning };
}

function pricesJson(call: Generation): unknown {
  const { prices } = call;
  if (prices === null) return null;
  return Object.fromEntries(BUCKETS.map((bucket) => [bucket, prices[bucket].toString()]));
}

/** The bill of a call, as documented in docs/openapi.json. */
export function generationJson(call: Generation): unknown {
  return {
    id: call.id,
    model: call.model,
    provider: call.provider,
    dialect: call.dialect,
    stream: call.stream,
    http_status: call.httpStatus,
    status: call.status,
    reason: call.reason,
    usage: usageJson(call),
    prices: pricesJson(call),
    fees: call.fees.map((fee) => ({
      kind: fee.kind,
      count: fee.count,
      cost_nano_usd: costOfFee(fee).toString(),
    })),
    cost_nano_usd: call.charged.toString(),
    cost_usd: formatUsd(call.charged),
    shortfall_nano_usd: call.shortfall.toString(),
    created_at: instant(call.createdAt),
    settled_at: instant(call.settledAt),
  };
}

/** GET /v1/generation/{id} */
export async function generation(visit: Visit, id: string): Promise<Response> {
  const caller = readCaller(visit.house, visit.request.headers, visit.clock());
  if (!caller.ok) return refuse(caller, 'chat', visit.id);
  if (!/^[0-9a-f]{32}$/.test(id)) return refuse({ reason: 'call_unknown' }, 'chat', visit.id);
  const answer = await visit.house.ledger.generation(caller.account, caller.key, id);
  if (!answer.ok) return refuse(answer, 'chat', visit.id);
  if (answer.value === null) return refuse({ reason: 'call_unknown' }, 'chat', visit.id);
  return data(visit, generationJson(answer.value));
}
