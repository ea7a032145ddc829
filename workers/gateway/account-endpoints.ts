/** Endpoints about the caller's own account: its credits, its key, and the bill of a call. */
import {
  type Generation,
  getProviderPrices,
  type KeyStatus,
  type PeriodBudgetStatus,
  type ProviderPrices,
} from '@farebox/ledger';
import {
  formatMarginPercent,
  formatUsd,
  type NanoUsd,
  pricesToJson,
  surchargeCost,
  usageToJson,
} from '@farebox/money';
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

function periodBudgetJson({ period, budget, spent, left, resetsAt }: PeriodBudgetStatus): unknown {
  return {
    period,
    budget_nano_usd: toAmountString(budget),
    spent_nano_usd: toAmountString(spent),
    left_nano_usd: toAmountString(left),
    resets_at: toIsoString(resetsAt),
  };
}

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
    period_budgets: status.periodBudgets.map(periodBudgetJson),
    spendable_nano_usd: toAmountString(status.spendable),
    models: limits.models,
    max_output_price_nano_usd: toAmountString(limits.maxOutputPrice ?? null),
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
 * The provider's own prices beside those of the bill, and what the call costs by them. Null until
 * the bill is made, and of calls whose margin was not kept.
 */
function providerPricesJson(own: ProviderPrices | null): Readonly<Record<string, unknown>> {
  return {
    margin_percent: own === null ? null : formatMarginPercent(own.marginBasisPoints),
    provider_prices: own === null ? null : pricesToJson(own.prices),
    cost_at_provider_prices_nano_usd: toAmountString(own?.cost ?? null),
  };
}

/** The fees of a call, each also at the provider's own price. */
function feesJson(fees: Generation['fees'], own: ProviderPrices | null): unknown {
  return fees.map((fee, index) => {
    const ownFee = own?.fees[index];
    return {
      kind: fee.kind,
      count: fee.count,
      cost_nano_usd: toAmountString(surchargeCost(fee)),
      cost_at_provider_prices_nano_usd:
        ownFee === undefined ? null : toAmountString(surchargeCost(ownFee)),
    };
  });
}

/**
 * Returns the bill of a call as the schema `Generation` of docs/openapi.json describes it. A property
 * that is not taken apart here does not compile.
 */
export function generationJson(call: Generation): unknown {
  const { id, model, provider, dialect, stream, status, reason, ...figures } = call;
  const { httpStatus, usage, prices, priceRule, providerCost, ...amounts } = figures;
  const { charged, shortfall, createdAt, settledAt, fees, ...more } = amounts;
  const { firstTokenMs, totalMs, marginBasisPoints: _, ...rest } = more;
  rest satisfies Readonly<Record<string, never>>;
  const own = getProviderPrices(call);
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
    provider_cost_nano_usd: toAmountString(providerCost),
    ...providerPricesJson(own),
    fees: feesJson(fees, own),
    cost_nano_usd: charged.toString(),
    cost_usd: formatUsd(charged),
    shortfall_nano_usd: shortfall.toString(),
    first_token_ms: firstTokenMs,
    total_ms: totalMs,
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
