/** Endpoints about the caller's own account: its credits, its key, and the bill of a call. */

import type { Generation, KeyStatus } from '@farebox/ledger';
import { formatUsd, type NanoUsd, pricesToJson, surchargeCost, usageToJson } from '@farebox/money';
import { baseHeaders } from './base-headers.ts';
import { type RequestContext, respondError } from './context.ts';
import { withCaller } from './with-caller.ts';

function dataResponse(ctx: RequestContext, value: unknown): Response {
  const headers = baseHeaders(ctx.id);
  headers['content-type'] = 'application/json';
  headers['cache-control'] = 'no-store';
  return new Response(JSON.stringify({ data: value }), { headers });
}

function toAmountString(value: NanoUsd | null): string | null {
  return value === null ? null : value.toString();
}

function toIsoString(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}

/** GET /v1/credits */
export const getCredits = withCaller(async (ctx, caller) => {
  const result = await ctx.deps.ledger.credits(caller.account, caller.key);
  if (!result.ok) return respondError(ctx, result);
  const { posted, held } = result.value;
  return dataResponse(ctx, {
    posted_nano_usd: toAmountString(posted),
    held_nano_usd: toAmountString(held),
    available_nano_usd: toAmountString(posted - held),
  });
});

function keyStatusJson(status: KeyStatus): unknown {
  const { limits, spent, held } = status;
  const remaining = limits.budget === null ? null : limits.budget - spent - held;
  return {
    key_id: status.keyId,
    created_at: toIsoString(status.createdAt),
    expires_at: toIsoString(limits.expiresAt),
    spent_nano_usd: toAmountString(spent),
    held_nano_usd: toAmountString(held),
    budget_nano_usd: toAmountString(limits.budget),
    budget_left_nano_usd: toAmountString(remaining !== null && remaining < 0n ? 0n : remaining),
    models: limits.models,
    calls_per_minute: limits.callsPerMinute,
    concurrent_calls: limits.concurrentCalls,
  };
}

/** GET /v1/key */
export const getKey = withCaller(async (ctx, caller) => {
  const result = await ctx.deps.ledger.key(caller.account, caller.key);
  if (!result.ok) return respondError(ctx, result);
  return dataResponse(ctx, keyStatusJson(result.value));
});

/**
 * Returns the bill of a call as the schema `Generation` of docs/openapi.json describes it. A property
 * that is not taken apart here does not compile.
 */
export function generationJson(call: Generation): unknown {
  const { id, model, provider, dialect, stream, status, reason, ...figures } = call;
  const { httpStatus, usage, prices, priceRule, providerCost, fees, ...amounts } = figures;
  const { charged, shortfall, createdAt, settledAt, ...unwritten } = amounts;
  unwritten satisfies Readonly<Record<string, never>>;
  return {
    id,
    model,
    provider,
    dialect,
    stream,
    http_status: httpStatus,
    status,
    reason,
    usage: usage === null ? null : usageToJson(usage),
    prices: prices === null ? null : pricesToJson(prices),
    price_rule: priceRule,
    provider_cost_nano_usd: providerCost === null ? null : providerCost.toString(),
    fees: fees.map((fee) => ({
      kind: fee.kind,
      count: fee.count,
      cost_nano_usd: surchargeCost(fee).toString(),
    })),
    cost_nano_usd: charged.toString(),
    cost_usd: formatUsd(charged),
    shortfall_nano_usd: shortfall.toString(),
    created_at: toIsoString(createdAt),
    settled_at: toIsoString(settledAt),
  };
}

/** GET /v1/generation/{id} */
export const getGeneration = withCaller(async (ctx, caller, id: string) => {
  if (!/^[0-9a-f]{32}$/.test(id)) return respondError(ctx, { reason: 'generation_not_found' });
  const result = await ctx.deps.ledger.generation(caller.account, caller.key, id);
  if (!result.ok) return respondError(ctx, result);
  if (result.value === null) return respondError(ctx, { reason: 'generation_not_found' });
  return dataResponse(ctx, generationJson(result.value));
});
