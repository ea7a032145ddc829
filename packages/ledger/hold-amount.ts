/**
 * How large a hold must be and which output limit it allows: pure arithmetic, no storage. It promises
 * that a hold covers the dearest way its call can end, and never lowers a limit the caller set.
 */
import { affordableTokens, type NanoUsd, tokenCost } from '@farebox/money';
import type { HoldRequest } from './contract/index.ts';

export type HoldTerms = Readonly<{ maxOutput: number; amount: NanoUsd }>;

function isWholeNumber(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}

/** A request that the door must never make; refused before anything is read. */
export function isValidHoldRequest(request: HoldRequest): boolean {
  const { output } = request;
  const limits = output.kind === 'explicit' ? [output.tokens] : [output.max, output.min];
  return (
    limits.every((limit) => isWholeNumber(limit, 0)) &&
    isWholeNumber(request.choices, 1) &&
    isWholeNumber(request.deadline, 0) &&
    request.maxInputCost >= 0n &&
    request.maxOutputPrice >= 0n
  );
}

/** One ceiling over all choices. No model writes 2^53 tokens, so capping the count loses no safety. */
export function requiredHold(request: HoldRequest, maxOutput: number): NanoUsd {
  const tokens = Math.min(request.choices * maxOutput, Number.MAX_SAFE_INTEGER);
  return request.maxInputCost + tokenCost(tokens, request.maxOutputPrice);
}

/** The output limit that `amount` would cover, 0 where not even the input is covered. */
export function affordableOutput(request: HoldRequest, amount: NanoUsd): number {
  const tokens = affordableTokens(amount - request.maxInputCost, request.maxOutputPrice);
  return Math.floor(tokens / request.choices);
}

/** The most this call could use whatever the balance: what an answer about fitting is capped at. */
export function requestedMaxOutput(request: HoldRequest): number {
  return request.output.kind === 'explicit' ? request.output.tokens : request.output.max;
}

/**
 * The limit to enforce and what it takes. Where the caller named none, half of what is spendable is
 * the measure, so that a second call in parallel still fits.
 */
export function computeTerms(request: HoldRequest, spendable: NanoUsd): HoldTerms {
  const { output } = request;
  const maxOutput =
    output.kind === 'explicit'
      ? output.tokens
      : Math.max(output.min, Math.min(output.max, affordableOutput(request, spendable / 2n)));
  return { maxOutput, amount: requiredHold(request, maxOutput) };
}
