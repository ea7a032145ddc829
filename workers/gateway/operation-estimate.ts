/** What a call to an operation would hold and likely cost, for POST /v1/estimate. */
import {
  type CountedKey,
  type Counts,
  findModelName,
  OPERATION_SPECS,
  OPERATIONS,
  type Operation,
  parseOperation,
} from '@farebox/dialects';
import { formatMarginPercent, formatUsd, pricesToJson } from '@farebox/money';
import type { RequestContext } from './context.ts';
import { type OperationPlan, planOperation, priceCounts } from './operation-plan.ts';
import { findTarget } from './plan.ts';
import { resolveModel } from './resolve-model.ts';

/**
 * Returns the operations at which a body can be called, by the one model that it names: a body does
 * not say which endpoint it is for, and reading a large one for each would take seconds.
 */
async function listOperations(
  ctx: RequestContext,
  body: Uint8Array,
  contentType: string,
): Promise<readonly Operation[]> {
  const name = findModelName(body, contentType);
  if (name === null) return OPERATIONS.filter((operation) => hasDefaultModel(operation));
  const target = await resolveModel(ctx, (catalog, now) =>
    findTarget(name, { ...ctx.deps, catalog }, now),
  );
  return target.ok ? target.model.operations : [];
}

function hasDefaultModel(operation: Operation): boolean {
  return OPERATION_SPECS[operation].defaultModel !== null;
}

/**
 * Plans the body for the operation at which it can be called, and most of its fields are known: a
 * picture to edit has a field that a picture to make has not. Null if it is for none.
 */
export async function planAnyOperation(
  ctx: RequestContext,
  body: Uint8Array,
): Promise<OperationPlan | null> {
  const contentType = ctx.request.headers.get('content-type') ?? '';
  let best: OperationPlan | null = null;
  for (const operation of await listOperations(ctx, body, contentType)) {
    const parsed = parseOperation(operation, body, contentType);
    if (!parsed.ok) continue;
    if (best !== null && best.facts.unknownFields <= parsed.facts.unknownFields) continue;
    const planned = await resolveModel(ctx, (catalog, now) =>
      planOperation(parsed.facts, { ...ctx.deps, catalog }, now),
    );
    if (planned.ok) best = planned.plan;
  }
  return best;
}

/** What an answer is billed for; all else is of the request. */
const OUTPUT_KEYS: readonly CountedKey[] = ['output', 'audio_output', 'image_output', 'image'];

function withoutOutput(counts: Counts): Counts {
  const entries = Object.entries(counts).filter(
    ([name]) => !OUTPUT_KEYS.some((key) => key === name),
  );
  return Object.fromEntries(entries);
}

/** The members of the estimate of a conversation that have a meaning here, and the units. */
export function operationEstimateJson(plan: OperationPlan, available: bigint): unknown {
  const { facts, model, provider, prices, expected, maxCost } = plan;
  const { cost, fees } = priceCounts(expected, prices);
  return {
    model: model.name,
    provider: provider.id,
    dialect: facts.operation,
    estimated_input_tokens: expected.input_uncached ?? 0,
    max_input_tokens: facts.request.maxTextTokens,
    max_output: 0,
    max_output_capped: false,
    choices: facts.request.choices,
    prices: pricesToJson(prices.prices),
    provider_prices: pricesToJson(prices.providerPrices),
    margin_percent: formatMarginPercent(Number(model.prices.marginBasisPoints)),
    estimated_input_nano_usd: priceCounts(withoutOutput(expected), prices).cost.toString(),
    estimated_nano_usd: cost.toString(),
    estimated_fees: fees.map(({ kind, count, nano_usd_per_million: price }) => ({
      kind,
      count,
      nano_usd_per_million: price.toString(),
    })),
    hold_nano_usd: maxCost.toString(),
    hold_usd: formatUsd(maxCost),
    available_nano_usd: available.toString(),
    affordable: maxCost <= available,
  };
}
