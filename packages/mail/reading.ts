/** What a queue brings is believed only after its shape was looked at: a release ago it may have been another. */
import type { LetterKind, QueuedLetter } from './contract.ts';

/** Of each kind of letter, its facts; all texts but for counts. */
const FACTS: Readonly<Record<LetterKind, readonly string[]>> = {
  confirm_sign_up: ['token'],
  already_signed_up: [],
  reset_password: ['token'],
  confirm_new_email: ['token'],
  email_changed: ['masked'],
  password_changed: ['at'],
  new_device: ['at'],
  second_factor_changed: ['at'],
  recovery_code_used: ['left'],
  low_balance: ['balance', 'threshold'],
  dear_model: ['keyName', 'model'],
  unusual_spending: ['keyName', 'spent'],
  key_paused: ['keyName', 'spent'],
  key_leaked: ['keyName', 'last4'],
  account_deleted: ['at'],
};
const COUNTS: ReadonlySet<string> = new Set(['left']);

function at(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

export function isQueuedLetter(value: unknown): value is QueuedLetter {
  const id = at(value, 'id');
  const letter = at(value, 'letter');
  const kind = at(letter, 'kind');
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) return false;
  if (typeof kind !== 'string' || !Object.hasOwn(FACTS, kind)) return false;
  const account = at(letter, 'account');
  const addressed =
    typeof at(letter, 'to') === 'string' && typeof at(letter, 'language') === 'string';
  if (!addressed || (account !== null && typeof account !== 'string')) return false;
  const facts = at(letter, 'facts');
  const names = Object.entries(FACTS).find(([known]) => known === kind)?.[1] ?? [];
  return names.every((name) => typeof at(facts, name) === (COUNTS.has(name) ? 'number' : 'string'));
}
