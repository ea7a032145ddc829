/** What a queue brings is believed only after its shape was looked at: a release ago it may have been another. */
import type { EmailKind, QueuedEmail } from './contract.ts';

/** Of each kind of letter, its facts; all texts but for counts. */
const FIELDS_BY_KIND: Readonly<Record<EmailKind, readonly string[]>> = {
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
  expensive_model: ['keyName', 'model'],
  unusual_spending: ['keyName', 'spent'],
  key_paused: ['keyName', 'spent'],
  key_leaked: ['keyName', 'last4'],
  account_deleted: ['at'],
};
const NUMERIC_FIELDS: ReadonlySet<string> = new Set(['left']);

function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

export function isQueuedEmail(value: unknown): value is QueuedEmail {
  const id = getField(value, 'id');
  const email = getField(value, 'email');
  const kind = getField(email, 'kind');
  if (typeof id !== 'string' || !/^[0-9a-f]{32}$/.test(id)) return false;
  if (typeof kind !== 'string' || !Object.hasOwn(FIELDS_BY_KIND, kind)) return false;
  const account = getField(email, 'account');
  const hasRecipient =
    typeof getField(email, 'to') === 'string' && typeof getField(email, 'language') === 'string';
  if (!hasRecipient || (account !== null && typeof account !== 'string')) return false;
  const facts = getField(email, 'facts');
  const names = Object.entries(FIELDS_BY_KIND).find(([known]) => known === kind)?.[1] ?? [];
  return names.every(
    (name) => typeof getField(facts, name) === (NUMERIC_FIELDS.has(name) ? 'number' : 'string'),
  );
}
