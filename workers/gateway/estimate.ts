/**
 * POST /v1/estimate: what a body would hold and likely cost, before it is sent to anybody. Takes the
 * body of any endpoint as it is; nothing is charged, held or forwarded.
 */
import { priceAt } from '@farebox/catalog';
import { type Dialect, type ReadResult, readRequest } from '@farebox/dialects';
import { BUCKETS, costOfTokens, formatUsd } from '@farebox/money';
import type { Visit } from './call.ts';
import { readCaller } from './caller.ts';
import { discard } from './intake.ts';
import { type Plan, planCall } from './plan.ts';
import { dialectOf, idHeaders, type Refusal, refuse } from './refusals.ts';

const OTHER: Readonly<Record<Dialect, Dialect>> = { chat: 'messages', messages: 'chat' };

/** Reads the body as the dialect its headers suggest, or as the other one where that fits better. */
function readAsEither(first: Dialect, body: Uint8Array): ReadResult {
  const read = readRequest(first, body);
  if (read.ok) return read;
  const other = readRequest(OTHER[first], body);
  return other.ok ? other : read;
}

function estimateJson(plan: Plan, available: bigint): unknown {
  const { facts, model } = plan;
  const maxOutput = plan.output.kind === 'explicit' ? plan.output.tokens : plan.output.most;
  const outputWorst = costOfTokens(maxOutput * facts.choices, plan.outputPrice);
  const hold = plan.inputWorst + outputWorst;
  const likely = Math.min(facts.inputTokensLikely, plan.inputTokensAtMost);
  const prices = priceAt(model, plan.pricedAt, likely);
  const inputLikely = costOfTokens(likely, prices.input_uncached);
  return {
    model: model.name,
    provider: plan.provider.id,
    dialect: facts.dialect,
    input_tokens_likely: likely,
    input_tokens_at_most: plan.inputTokensAtMost,
    max_output: maxOutput,
    max_output_capped: plan.output.kind === 'capped',
    choices: facts.choices,
    prices: Object.fromEntries(BUCKETS.map((bucket) => [bucket, prices[bucket].toString()])),
    input_likely_nano_usd: inputLikely.toString(),
    hold_nano_usd: hold.toString(),
    hold_usd: formatUsd(hold),
    available_nano_usd: available.toString(),
    affordable: hold <= available,
  };
}

export async function estimate(visit: Visit): Promise<Response> {
  const { house, request, id } = visit;
  const dialect = dialectOf('/v1/estimate', request.headers);
  const refused = (refusal: Refusal) => refuse(refusal, dialect, id);
  const caller = readCaller(house, request.headers, visit.clock());
  if (!caller.ok) {
    await discard(request);
    return refused(caller);
  }
  const body = await house.intake.read(request);
  if (!body.ok) return refused(body);
  const read = readAsEither(dialect, body.bytes);
  body.release();
  if (!read.ok) return refused(read);
  const now = new Date(visit.clock());
  const planned = planCall(read.facts, request.headers, house, now);
  if (!planned.ok) return refused(planned);
  const balance = await house.ledger.credits(caller.account, caller.key);
  if (!balance.ok) return refused(balance);
  const headers = idHeaders(id);
  headers.set('content-type', 'application/json');
  const { posted, held } = balance.value;
  return new Response(JSON.stringify({ data: estimateJson(planned.plan, posted - held) }), {
    headers,
  });
}
