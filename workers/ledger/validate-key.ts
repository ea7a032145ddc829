/**
 * Validates a key's name, limits and spend guard before they are stored: the account object and
 * Postgres would reject the rest with an error that does not say what to correct. Pure.
 */
import {
  isValidKeyName,
  type KeyLimits,
  type KeyValidationError,
  MAX_KEY_CALLS,
  MAX_KEY_MODELS,
  MAX_SPEND_MULTIPLE,
  type SpendGuard,
} from '@farebox/ledger';

/** A catalog name; Postgres stores at most 128 characters. */
const MODEL = /^[!-~]{1,128}$/;

function isValidCount(count: number | null): boolean {
  return count === null || (Number.isSafeInteger(count) && count >= 0 && count <= MAX_KEY_CALLS);
}

/** The largest time value of ECMA-262. */
const MAX_TIMESTAMP_MS = 8_640_000_000_000_000;

function isValidLimits(limits: KeyLimits): boolean {
  const { budget, expiresAt, models, callsPerMinute, concurrentCalls } = limits;
  const { periodBudgets = {}, maxOutputPrice = null } = limits;
  const amounts = [budget, maxOutputPrice, ...Object.values(periodBudgets)];
  return (
    amounts.every((amount) => amount === null || amount >= 0n) &&
    (expiresAt === null ||
      (Number.isSafeInteger(expiresAt) && expiresAt >= 0 && expiresAt <= MAX_TIMESTAMP_MS)) &&
    (models === null ||
      (models.length <= MAX_KEY_MODELS && models.every((model) => MODEL.test(model)))) &&
    isValidCount(callsPerMinute) &&
    isValidCount(concurrentCalls)
  );
}

function isValidMultiple(multiple: number | null): boolean {
  return multiple === null || (multiple >= 1 && multiple <= MAX_SPEND_MULTIPLE);
}

function isValidSpendGuard({ alertMultiple, pauseMultiple }: SpendGuard): boolean {
  return isValidMultiple(alertMultiple) && isValidMultiple(pauseMultiple);
}

/** Returns the first error, or undefined if all present fields are valid. */
export function validateKey(
  fields: Readonly<{
    name?: string | undefined;
    limits?: KeyLimits | undefined;
    spendGuard?: SpendGuard | undefined;
  }>,
): KeyValidationError | undefined {
  const { name, limits, spendGuard } = fields;
  if (name !== undefined && !isValidKeyName(name)) return 'name_invalid';
  if (limits !== undefined && !isValidLimits(limits)) return 'limits_invalid';
  return spendGuard !== undefined && !isValidSpendGuard(spendGuard)
    ? 'spend_guard_invalid'
    : undefined;
}
