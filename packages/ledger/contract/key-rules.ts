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

/** What one can see: a name is the text of links. Hangul fillers are letters without a shape. */
const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u;
const HANGUL_FILLERS = /[\u115f\u1160\u3164\uffa0]/gu;
/** Control characters, unpaired surrogates, and what turns the direction of the text around. */
const REFUSED = /[\p{Cc}\p{Cs}\p{Bidi_Control}]/u;

/** Checks a key's name: 1 to 64 code points of which one is visible, and none is refused. */
export function isValidKeyName(name: string): boolean {
  const length = [...name].length;
  if (length < 1 || length > MAX_KEY_NAME_LENGTH || REFUSED.test(name)) return false;
  return VISIBLE.test(name.replaceAll(HANGUL_FILLERS, ''));
}
