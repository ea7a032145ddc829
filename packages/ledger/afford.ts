/**
 * How large a hold must be and which output limit it allows: pure arithmetic, no storage. It promises
 * that a hold covers the dearest way its call can end, and never lowers a limit the caller set.
 */
import { costOfTokens, type NanoUsd, tokensAfforded } from '@farebox/money';
import type { HoldRequest } from './contract.ts';

export type Terms = Readonly<{ maxOutput: number; amount: NanoUsd }>;

function wholeNumber(value: number, least: number): boolean {
  return Number.isSafeInteger(value) && value >= least;
}

/** A request that the door must never make; refused before anything is read. */
export function wellFormed(request: HoldRequest): boolean {
  const { output } = request;
  const limits = output.kind === 'explicit' ? [output.tokens] : [output.most, output.least];
  return (
    limits.every((limit) => wholeNumber(limit, 0)) &&
    wholeNumber(request.choices, 1) &&
    wholeNumber(request.deadline, 0) &&
    request.inputWorst >= 0n &&
    request.outputPrice >= 0n
  );
}

/** One ceiling over all choices. No model writes 2^53 tokens, so capping the count loses no safety. */
export function needed(request: HoldRequest, maxOutput: number): NanoUsd {
  const tokens = Math.min(request.choices * maxOutput, Number.MAX_SAFE_INTEGER);
  return request.inputWorst + costOfTokens(tokens, request.outputPrice);
}

/** The output limit that `amount` would cover, 0 where not even the input is covered. */
export function fitting(request: HoldRequest, amount: NanoUsd): number {
  const tokens = tokensAfforded(amount - request.inputWorst, request.outputPrice);
  return Math.floor(tokens / request.choices);
}

/** The most this call could use whatever the balance: what an answer about fitting is capped at. */
export function mostAsked(request: HoldRequest): number {
  return request.output.kind === 'explicit' ? request.output.tokens : request.output.most;
}

/**
 * The limit to enforce and what it takes. Where the caller named none, half of what is spendable is
 * the measure, so that a second call in parallel still fits.
 */
export function termsFor(request: HoldRequest, spendable: NanoUsd): Terms {
  const { output } = request;
  const maxOutput =
    output.kind === 'explicit'
      ? output.tokens
      : Math.max(output.least, Math.min(output.most, fitting(request, spendable / 2n)));
  return { maxOutput, amount: needed(request, maxOutput) };
}
