/**
 * Passwords that are long and yet no choice: runs, repeats, keyboard rows, and words that anybody
 * would try here first. Counted in pieces, where whatever continues by itself is one piece: seven
 * pieces are as many guesses as seven typed characters, which a throttled door withstands.
 */
import { normalizePassword } from './breach-hashes.ts';

const MIN_PIECES = 7;
/** Longer units are not what a person repeats to reach a length. */
const MAX_REPEAT_UNIT = 12;

/** Rows, and columns as fingers walk them, of the keyboards people here have; each also backwards. */
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

/** How `to` continues `from`: the same again, one on, one back, along a row of keys, or not at all. */
function classifyStep(from: string, to: string): string | undefined {
  const by = (to.codePointAt(0) ?? 0) - (from.codePointAt(0) ?? 0);
  if (by === 0) return 'same';
  if (by === 1 || by === -1) return `by ${by}`;
  if (NEXT_KEYS.has(from + to)) return 'keys';
  return NEXT_KEYS.has(to + from) ? 'keys back' : undefined;
}

/** A run is three characters in one step, or two the same; each other character is a piece. */
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

/** The shortest part that the whole is a repetition of; the whole where it is none. */
function repeatedUnit(text: string): string {
  const characters = [...text];
  for (let size = 1; size <= Math.min(MAX_REPEAT_UNIT, characters.length / 2); size += 1) {
    if (characters.every((character, index) => character === characters[index % size])) {
      return characters.slice(0, size).join('');
    }
  }
  return text;
}

/** The words that the owner of an address is known by: all of it, its parts, and the domain's first. */
function ownerWords(email: string): string[] {
  const address = normalizePassword(email.trim());
  const [local = '', domain = ''] = address.split('@');
  const parts = [address, local, domain.split('.')[0] ?? '', ...local.split(/[^\p{L}\p{N}]+/u)];
  return parts.filter((part) => part.length >= 3);
}

/** A private-use character stands for a word: it continues nothing but itself. */
const WORD_MARKER = '\u{e000}';

export function isWeakPassword(password: string, email: string): boolean {
  const words = [...ownerWords(email), ...WORDS].sort((a, b) => b.length - a.length);
  const text = words.reduce(
    (remaining, word) => remaining.replaceAll(word, WORD_MARKER),
    normalizePassword(password),
  );
  return new Set(text).size < 4 || countPieces(repeatedUnit(text)) < MIN_PIECES;
}
