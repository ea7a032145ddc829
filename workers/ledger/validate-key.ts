/**
 * What a key may be called and held to, checked at the door whoever asks: the object and Postgres would
 * refuse the rest with an error, which tells nobody what to mend. Pure.
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

/** A catalogue name; Postgres keeps 128 characters of one. */
const MODEL = /^[!-~]{1,128}$/;

function isValidCount(count: number | null): boolean {
  return count === null || (Number.isSafeInteger(count) && count >= 0 && count <= MAX_KEY_CALLS);
}

/** Eight quadrillion milliseconds are where dates end (ECMA-262, time values). */
const MAX_TIMESTAMP_MS = 8_640_000_000_000_000;

function isValidLimits(limits: KeyLimits): boolean {
  const { budget, expiresAt, models, callsPerMinute, concurrentCalls } = limits;
  return (
    (budget === null || budget >= 0n) &&
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

/** The first thing that is wrong, undefined where nothing is. What is absent is not looked at. */
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
  return spendGuard !== undefined && !isValidSpendGuard(spendGuard) ? 'brakes_invalid' : undefined;
}
