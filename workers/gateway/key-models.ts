/** Which models a key may call, for requests without a hold; a hold is checked by the account. */
import { type Model, resolvePrices } from '@farebox/catalog';
import type { KeyLimits } from '@farebox/ledger';
import { NO_USAGE, STANDARD_TERMS } from '@farebox/money';
import type { ApiError } from './errors.ts';

/** Checks the model's name and its price at `now`, on standard terms. */
export function checkKeyModel(limits: KeyLimits, model: Model, now: number): ApiError | null {
  const { models, maxOutputPrice = null } = limits;
  if (models !== null && !models.includes(model.name)) return { reason: 'model_not_allowed' };
  if (maxOutputPrice === null) return null;
  const { prices } = resolvePrices(model, { at: now, ...STANDARD_TERMS }, NO_USAGE);
  const outputPrice = prices.output;
  if (outputPrice <= maxOutputPrice) return null;
  return { reason: 'model_too_expensive', model: model.name, outputPrice, maxOutputPrice };
}
