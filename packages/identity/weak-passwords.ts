/**
 * Finds passwords that are long but easy to guess: runs, repetitions, keyboard rows, and words that
 * anyone would try here first. A password is split into pieces, where anything predictable is one
 * piece. Seven pieces take as many guesses as seven random characters, which the rate limits make
 * infeasible.
 */
import { normalizePassword } from './breach-hashes.ts';

const MIN_PIECES = 7;
/** Users don't repeat longer units to reach the minimum length. */
const MAX_REPEAT_UNIT = 12;

/** Rows and columns of common keyboard layouts; each also backwards. */
const KEYBOARDS = [
  '`1234567890-=',
  'qwertyuiop[]',
  "asdfghjkl;'",
  'zxcvbnm,./',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/',
  'qawsedrftgyhujikolp',
  '!@#$%^&*()_+',
  'qwertzuiopü',
  'azertyuiop',
  'йцукенгшщзхъ',
  'фывапролджэ',
  'ячсмитьбю',
  '7894561230',
];
const WORDS = ['farebox', 'password', 'passwort', 'пароль', 'letmein', 'welcome'];

const NEXT_KEYS = new Set(
  KEYBOARDS.flatMap((row) => [...row].slice(1).map((key, index) => `${row.charAt(index)}${key}`)),
);

/**
 * Returns how `to` continues `from`: the same, one up, one down, along a keyboard row, or not at
 * all.
 */
function classifyStep(from: string, to: string): string | undefined {
  const by = (to.codePointAt(0) ?? 0) - (from.codePointAt(0) ?? 0);
  if (by === 0) return 'same';
  if (by === 1 || by === -1) return `by ${by}`;
  if (NEXT_KEYS.has(from + to)) return 'keys';
  return NEXT_KEYS.has(to + from) ? 'keys back' : undefined;
}

/**
 * Counts pieces. A run is three characters with one step, or two that are the same; every other
 * character is a piece.
 */
function countPieces(text: string): number {
  const characters = [...text];
  let pieces = 0;
  let at = 0;
  while (at < characters.length) {
    pieces += 1;
    const from = characters[at] ?? '';
    const step = classifyStep(from, characters[at + 1] ?? '');
    let end = at + 1;
    while (end < characters.length && step !== undefined) {
      if (classifyStep(characters[end - 1] ?? '', characters[end] ?? '') !== step) break;
      end += 1;
    }
    const minRunLength = step === 'same' ? 2 : 3;
    at = end - at >= minRunLength ? end : at + 1;
  }
  return pieces;
}

/** Returns the shortest part that the text is a repetition of, or the text itself. */
function repeatedUnit(text: string): string {
  const characters = [...text];
  for (let size = 1; size <= Math.min(MAX_REPEAT_UNIT, characters.length / 2); size += 1) {
    if (characters.every((character, index) => character === characters[index % size])) {
      return characters.slice(0, size).join('');
    }
  }
  return text;
}

/**
 * Returns the words that identify the owner of an address: the address, its parts, and the first
 * part of the domain.
 */
function ownerWords(email: string): string[] {
  const address = normalizePassword(email.trim());
  const [local = '', domain = ''] = address.split('@');
  const parts = [address, local, domain.split('.')[0] ?? '', ...local.split(/[^\p{L}\p{N}]+/u)];
  return parts.filter((part) => part.length >= 3);
}

/** A private-use character stands for a word and continues nothing but itself. */
const WORD_MARKER = '\u{e000}';

export function isWeakPassword(password: string, email: string): boolean {
  const words = [...ownerWords(email), ...WORDS].sort((a, b) => b.length - a.length);
  const text = words.reduce(
    (remaining, word) => remaining.replaceAll(word, WORD_MARKER),
    normalizePassword(password),
  );
  return new Set(text).size < 4 || countPieces(repeatedUnit(text)) < MIN_PIECES;
}
