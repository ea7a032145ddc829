/**
 * What a key may be called and held to, checked at the door whoever asks: the object and Postgres would
 * refuse the rest with an error, which tells nobody what to mend. Pure.
 */
import type { KeyBrakes, KeyFlaw, KeyLimits } from '@farebox/ledger';

const LONGEST_NAME = 64;
const MOST_MODELS = 500;
/** A catalogue name; Postgres keeps 128 characters of one. */
const MODEL = /^[!-~]{1,128}$/;
const LARGEST_COUNT = 1_000_000;
const LARGEST_MULTIPLE = 1_000_000;

/** Counted as Postgres counts, by code points. Unpaired surrogates are no text at all. */
function nameIsSound(name: string): boolean {
  const length = [...name].length;
  if (length < 1 || length > LONGEST_NAME) return false;
  return !/[\p{Cc}\p{Cs}]/u.test(name);
}

function countIsSound(count: number | null): boolean {
  return count === null || (Number.isSafeInteger(count) && count >= 0 && count <= LARGEST_COUNT);
}

/** Eight quadrillion milliseconds are where dates end (ECMA-262, time values). */
const LAST_INSTANT = 8_640_000_000_000_000;

function limitsAreSound(limits: KeyLimits): boolean {
  const { budget, expiresAt, models, callsPerMinute, concurrentCalls } = limits;
  return (
    (budget === null || budget >= 0n) &&
    (expiresAt === null ||
      (Number.isSafeInteger(expiresAt) && expiresAt >= 0 && expiresAt <= LAST_INSTANT)) &&
    (models === null ||
      (models.length <= MOST_MODELS && models.every((model) => MODEL.test(model)))) &&
    countIsSound(callsPerMinute) &&
    countIsSound(concurrentCalls)
  );
}

function multipleIsSound(multiple: number | null): boolean {
  return multiple === null || (multiple >= 1 && multiple <= LARGEST_MULTIPLE);
}

function brakesAreSound({ noticeAt, pauseAt }: KeyBrakes): boolean {
  return multipleIsSound(noticeAt) && multipleIsSound(pauseAt);
}

/** The first thing that is wrong, undefined where nothing is. What is absent is not looked at. */
export function keyFlaw(
  asked: Readonly<{
    name?: string | undefined;
    limits?: KeyLimits | undefined;
    brakes?: KeyBrakes | undefined;
  }>,
): KeyFlaw | undefined {
  const { name, limits, brakes } = asked;
  if (name !== undefined && !nameIsSound(name)) return 'name_invalid';
  if (limits !== undefined && !limitsAreSound(limits)) return 'limits_invalid';
  return brakes !== undefined && !brakesAreSound(brakes) ? 'brakes_invalid' : undefined;
}
