/**
 * The terms of service of a call: those that its request asks for must have a price, and its hold
 * covers every term on which it may be served. Pure.
 */
import { listPricedTerms, type Model, type PossibleTerms } from '@farebox/catalog';
import { nameTerm, type RequestError, type RequestFacts, TERM_FIELDS } from '@farebox/dialects';
import { type ServiceTerms, STANDARD_TERMS } from '@farebox/money';

/** Returns why the terms that the request asks for can't be billed, if they can't. */
export function checkTerms(
  { terms }: RequestFacts,
  model: Model,
  now: number,
): RequestError | undefined {
  const priced: Readonly<Record<keyof ServiceTerms, readonly string[]>> = listPricedTerms(
    model,
    now,
  );
  for (const dimension of ['tier', 'speed', 'region'] as const) {
    const available = priced[dimension];
    if (available.includes(terms[dimension])) continue;
    const words = available.map((value) => nameTerm(dimension, value)).join(', ');
    const explanation = `${model.name} has no price for ${nameTerm(dimension, terms[dimension])}; it has ${words}`;
    return { reason: 'unsupported_feature', field: TERM_FIELDS[dimension], explanation };
  }
  return undefined;
}

/** A provider may serve a call on standard terms whatever it asks for (Gemini's priority does). */
export function possibleTerms({ terms }: RequestFacts, at: number): PossibleTerms {
  return {
    at,
    tiers: [...new Set([terms.tier, STANDARD_TERMS.tier])],
    speeds: [...new Set([terms.speed, STANDARD_TERMS.speed])],
    regions: [...new Set([terms.region, STANDARD_TERMS.region])],
  };
}
