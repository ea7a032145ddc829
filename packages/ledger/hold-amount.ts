/**
 * The amount of a hold and the output limit it allows: pure arithmetic, no storage. A hold covers
 * the worst-case cost of its call and never lowers a limit that the client set.
 */
import { affordableTokens, type NanoUsd, tokenCost } from '@farebox/money';
import type { HoldRequest } from './contract/index.ts';

export type HoldTerms = Readonly<{ maxOutput: number; amount: NanoUsd }>;

function isWholeNumber(value: number, min: number): boolean {
  return Number.isSafeInteger(value) && value >= min;
}

/** Checks the numbers of a request; an invalid one is a bug of the gateway. */
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

/** Rounds up once over all choices. No model writes 2^53 tokens, so capping the count is safe. */
export function requiredHold(request: HoldRequest, maxOutput: number): NanoUsd {
  const tokens = Math.min(request.choices * maxOutput, Number.MAX_SAFE_INTEGER);
  return request.maxInputCost + tokenCost(tokens, request.maxOutputPrice);
}

/** Returns the output limit that `amount` covers, 0 if it does not even cover the input. */
export function affordableOutput(request: HoldRequest, amount: NanoUsd): number {
  const tokens = affordableTokens(amount - request.maxInputCost, request.maxOutputPrice);
  return Math.floor(tokens / request.choices);
}

/** Returns the largest output of this call whatever the balance. */
export function requestedMaxOutput(request: HoldRequest): number {
  return request.output.kind === 'explicit' ? request.output.tokens : request.output.max;
}

/**
 * Returns the output limit to enforce and the amount to hold. Without a limit by the client, half
 * of the spendable amount is used, so that a second concurrent call still fits.
 */
export function computeTerms(request: HoldRequest, spendable: NanoUsd): HoldTerms {
  const { output } = request;
  const maxOutput =
    output.kind === 'explicit'
      ? output.tokens
      : Math.max(output.min, Math.min(output.max, affordableOutput(request, spendable / 2n)));
  return { maxOutput, amount: requiredHold(request, maxOutput) };
}
