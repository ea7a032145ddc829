/**
 * POST /v1/estimate: what a request would hold and likely cost. Takes the body of any endpoint
 * unchanged; charges, holds and forwards nothing.
 */
import { resolvePrices } from '@farebox/catalog';
import { DIALECTS, type Dialect, type ParseResult, parseRequest } from '@farebox/dialects';
import { formatUsd, NO_USAGE, pricesToJson, tokenCost } from '@farebox/money';
import { respondError } from './context.ts';
import { type Plan, planCall } from './plan.ts';
import { idHeaders } from './request-id.ts';
import { resolveModel } from './resolve-model.ts';
import { withBody } from './with-caller.ts';

/**
 * Parses the body in the dialect that the headers suggest, or in the first other one that accepts
 * it.
 */
function parseWithFallback(suggested: Dialect, body: Uint8Array): ParseResult {
  const parsed = parseRequest(suggested, body);
  if (parsed.ok) return parsed;
  for (const alternative of DIALECTS.filter((name) => name !== suggested)) {
    const other = parseRequest(alternative, body);
    if (other.ok) return other;
  }
  return parsed;
}

function estimateJson(plan: Plan, available: bigint): unknown {
  const { facts, model, estimatedInputTokens } = plan;
  const maxOutput = plan.output.kind === 'explicit' ? plan.output.tokens : plan.output.max;
  const maxOutputCost = tokenCost(maxOutput * facts.choices, plan.maxOutputPrice);
  const hold = plan.maxInputCost + maxOutputCost;
  const { prices } = resolvePrices(
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
    prices: pricesToJson(prices),
    estimated_input_nano_usd: estimatedInputCost.toString(),
    hold_nano_usd: hold.toString(),
    hold_usd: formatUsd(hold),
    available_nano_usd: available.toString(),
    affordable: hold <= available,
  };
}

/** POST /v1/estimate */
export const estimateCost = withBody(async (ctx, caller, body) => {
  const { deps, request } = ctx;
  const parsed = parseWithFallback(ctx.dialect, body.bytes);
  body.release();
  if (!parsed.ok) return respondError(ctx, parsed);
  const planResult = await resolveModel(ctx, (catalog, now) =>
    planCall(parsed.facts, request.headers, { ...deps, catalog }, now),
  );
  if (!planResult.ok) return respondError(ctx, planResult);
  const balance = await deps.ledger.credits(caller.account, caller.key);
  if (!balance.ok) return respondError(ctx, balance);
  const headers = idHeaders(ctx.id);
  headers.set('content-type', 'application/json');
  const { posted, held } = balance.value;
  const data = estimateJson(planResult.plan, posted - held);
  return new Response(JSON.stringify({ data }), { headers });
});
