/**
 * POST /v1/estimate: what a request would hold and likely cost. Takes the body of any endpoint
 * unchanged; charges, holds and forwards nothing.
 */

import { resolvePrices } from '@farebox/catalog';
import { DIALECTS, type Dialect, parseForEstimate } from '@farebox/dialects';
import { formatMarginPercent, formatUsd, NO_USAGE, pricesToJson, tokenCost } from '@farebox/money';
import { baseHeaders } from './base-headers.ts';
import { type RequestContext, respondError } from './context.ts';
import type { ErrorReason } from './errors.ts';
import { operationEstimateJson, planAnyOperation } from './operation-estimate.ts';
import { type Plan, type PlanResult, planCall } from './plan.ts';
import { getCatalog, resolveModel } from './resolve-model.ts';
import { withBody } from './with-caller.ts';

/** Errors that another dialect does not have: the body, or the model, is one of another endpoint. */
const OTHER_DIALECT: ReadonlySet<ErrorReason> = new Set([
  'wrong_dialect',
  'model_not_supported_on_endpoint',
]);

function planInDialect(
  ctx: RequestContext,
  dialect: Dialect,
  body: Uint8Array,
): Promise<PlanResult> | PlanResult {
  const parsed = parseForEstimate(dialect, body);
  if (!parsed.ok) return parsed;
  return resolveModel(ctx, (catalog, now) =>
    planCall(parsed.facts, ctx.request.headers, { ...ctx.deps, catalog }, now),
  );
}

/**
 * Plans the body in the dialect that the headers suggest, or in the first other one in which it can
 * be called: a body does not say which endpoint it is for.
 */
async function planInAnyDialect(ctx: RequestContext, body: Uint8Array): Promise<PlanResult> {
  const suggested = await planInDialect(ctx, ctx.dialect, body);
  if (suggested.ok) return suggested;
  let error = suggested;
  for (const dialect of DIALECTS.filter((name) => name !== ctx.dialect)) {
    const other = await planInDialect(ctx, dialect, body);
    if (other.ok) return other;
    if (OTHER_DIALECT.has(error.reason)) error = other;
  }
  return error;
}

function estimateJson(plan: Plan, available: bigint): unknown {
  const { facts, model, estimatedInputTokens } = plan;
  const maxOutput = plan.output.kind === 'explicit' ? plan.output.tokens : plan.output.max;
  const maxOutputCost = tokenCost(maxOutput * plan.maxOutputs, plan.maxOutputPrice);
  const hold = plan.maxInputCost + maxOutputCost;
  const { prices, providerPrices } = resolvePrices(
    model,
    { at: plan.pricedAt, ...facts.terms },
    {
      ...NO_USAGE,
      input_uncached: estimatedInputTokens,
    },
  );
  const estimatedInputCost = tokenCost(estimatedInputTokens, prices.input_uncached);
  return {
    model: model.name,
    provider: plan.provider.id,
    dialect: facts.dialect,
    estimated_input_tokens: estimatedInputTokens,
    max_input_tokens: plan.maxInputTokens,
    max_output: maxOutput,
    max_output_capped: plan.output.kind === 'capped',
    choices: facts.choices,
    max_outputs: plan.maxOutputs,
    prices: pricesToJson(prices),
    provider_prices: pricesToJson(providerPrices),
    margin_percent: formatMarginPercent(Number(model.prices.marginBasisPoints)),
    estimated_input_nano_usd: estimatedInputCost.toString(),
    hold_nano_usd: hold.toString(),
    hold_usd: formatUsd(hold),
    available_nano_usd: available.toString(),
    affordable: hold <= available,
  };
}

type AnyPlan =
  | Readonly<{ ok: true; toJson: (available: bigint) => unknown }>
  | Extract<PlanResult, { ok: false }>;

/** Plans the body as a conversation, or else as a call to an operation. */
async function planAny(ctx: RequestContext, body: Uint8Array): Promise<AnyPlan> {
  const conversation = await planInAnyDialect(ctx, body);
  if (conversation.ok)
    return { ok: true, toJson: (available) => estimateJson(conversation.plan, available) };
  const operation = await planAnyOperation(ctx, body);
  if (operation === null) return conversation;
  return { ok: true, toJson: (available) => operationEstimateJson(operation, available) };
}

/** POST /v1/estimate */
export const estimateCost = withBody(async (ctx, caller, body) => {
  const { deps } = ctx;
  await getCatalog(ctx);
  const planned = await planAny(ctx, body.bytes);
  body.release();
  if (!planned.ok) return respondError(ctx, planned);
  const balance = await deps.ledger.credits(caller.account, caller.key);
  if (!balance.ok) return respondError(ctx, balance);
  const headers = baseHeaders(ctx.id);
  headers['content-type'] = 'application/json';
  const { posted, held } = balance.value;
  const data = planned.toJson(posted - held);
  return new Response(JSON.stringify({ data }), { headers });
});
