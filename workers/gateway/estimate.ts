/**
 * POST /v1/estimate: what a body would hold and likely cost, before it is sent to anybody. Takes the
 * body of any endpoint as it is; nothing is charged, held or forwarded.
 */
import { pricesAt } from '@farebox/catalog';
import { type Dialect, type ParseResult, parseRequest } from '@farebox/dialects';
import { BUCKETS, formatUsd, tokenCost } from '@farebox/money';
import { authenticate } from './authenticate.ts';
import { drainBody } from './body-reader.ts';
import type { RequestContext } from './call.ts';
import { type ApiError, detectDialect, errorResponse, idHeaders } from './errors.ts';
import { type Plan, planCall } from './plan.ts';

const ALTERNATE_DIALECT: Readonly<Record<Dialect, Dialect>> = {
  chat: 'messages',
  messages: 'chat',
};

/** Reads the body as the dialect its headers suggest, or as the other one where that fits better. */
function parseWithFallback(first: Dialect, body: Uint8Array): ParseResult {
  const parsed = parseRequest(first, body);
  if (parsed.ok) return parsed;
  const other = parseRequest(ALTERNATE_DIALECT[first], body);
  return other.ok ? other : parsed;
}

function estimateJson(plan: Plan, available: bigint): unknown {
  const { facts, model } = plan;
  const maxOutput = plan.output.kind === 'explicit' ? plan.output.tokens : plan.output.max;
  const maxOutputCost = tokenCost(maxOutput * facts.choices, plan.maxOutputPrice);
  const hold = plan.maxInputCost + maxOutputCost;
  const estimatedInputTokens = Math.min(facts.estimatedInputTokens, plan.maxInputTokens);
  const prices = pricesAt(model, plan.pricedAt, estimatedInputTokens);
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
    prices: Object.fromEntries(BUCKETS.map((bucket) => [bucket, prices[bucket].toString()])),
    estimated_input_nano_usd: estimatedInputCost.toString(),
    hold_nano_usd: hold.toString(),
    hold_usd: formatUsd(hold),
    available_nano_usd: available.toString(),
    affordable: hold <= available,
  };
}

export async function estimateCost(ctx: RequestContext): Promise<Response> {
  const { deps, request, id } = ctx;
  const dialect = detectDialect('/v1/estimate', request.headers);
  const respondError = (apiError: ApiError) => errorResponse(apiError, dialect, id);
  const caller = authenticate(deps, request.headers, ctx.clock());
  if (!caller.ok) {
    await drainBody(request);
    return respondError(caller);
  }
  const body = await deps.bodyReader.read(request);
  if (!body.ok) return respondError(body);
  const parsed = parseWithFallback(dialect, body.bytes);
  body.release();
  if (!parsed.ok) return respondError(parsed);
  const now = new Date(ctx.clock());
  const planResult = planCall(parsed.facts, request.headers, deps, now);
  if (!planResult.ok) return respondError(planResult);
  const balance = await deps.ledger.credits(caller.account, caller.key);
  if (!balance.ok) return respondError(balance);
  const headers = idHeaders(id);
  headers.set('content-type', 'application/json');
  const { posted, held } = balance.value;
  return new Response(JSON.stringify({ data: estimateJson(planResult.plan, posted - held) }), {
    headers,
  });
}
