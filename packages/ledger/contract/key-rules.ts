/**
 * The rules for a key's name and limits, shared by the ledger, which enforces them, and by forms.
 * Pure.
 */

/** In code points, as Postgres counts them. */
export const MAX_KEY_NAME_LENGTH = 64;
export const MAX_KEY_MODELS = 500;
/** Of calls per minute and of concurrent calls. */
export const MAX_KEY_CALLS = 1_000_000;
/** Of the multiples of the daily average at which the spend guard acts. */
export const MAX_SPEND_MULTIPLE = 1_000_000;

/** Checks a key's name: 1 to 64 code points without control characters or unpaired surrogates. */
export function isValidKeyName(name: string): boolean {
  const length = [...name].length;
  return length >= 1 && length <= MAX_KEY_NAME_LENGTH && !/[\p{Cc}\p{Cs}]/u.test(name);
}
