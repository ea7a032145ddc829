/**
 * The only reader of the ledger Worker's bindings: checks each at first use, and fails loudly, naming
 * the missing one and never showing a value.
 */
import { connect, type Database } from '@farebox/database';
import { type MacSecrets, readMacSecrets } from '@farebox/identity/api-keys';
import type { Notice } from '@farebox/ledger';
import { signal } from '@farebox/signals';
import type { Account } from './index.ts';

export type Env = Readonly<{
  ACCOUNT?: DurableObjectNamespace<Account>;
  DATABASE_URL?: string;
  KEY_MAC_SECRETS?: string;
  NOTICES?: Queue<Notice>;
}>;

/** Carries a binding's name and nothing else. */
export class BindingMissing extends Error {
  constructor(name: string) {
    super(`binding missing or unreadable: ${name}`);
  }
}

function needed<T>(value: T | undefined, name: string): T {
  if (value !== undefined && value !== '') return value;
  signal({ event: 'binding_missing', name });
  throw new BindingMissing(name);
}

const OBJECTS_REMEMBERED = 10_000;
const objects = new Map<string, DurableObjectId>();

/** An object's id is worked out from the account's by hashing, the same each time. */
function objectOf(namespace: DurableObjectNamespace<Account>, account: string): DurableObjectId {
  const known = objects.get(account);
  if (known !== undefined) return known;
  if (objects.size >= OBJECTS_REMEMBERED) objects.clear();
  const id = namespace.idFromName(account);
  objects.set(account, id);
  return id;
}

/** A fresh stub each time: one that has thrown stays broken. */
export function accountStub(env: Env, account: string) {
  const namespace = needed(env.ACCOUNT, 'ACCOUNT');
  return namespace.get(objectOf(namespace, account));
}

const opened = new WeakMap<Env, Database>();

export function database(env: Env): Database {
  const known = opened.get(env);
  if (known !== undefined) return known;
  const made = connect(needed(env.DATABASE_URL, 'DATABASE_URL'));
  opened.set(env, made);
  return made;
}

/** The newest version mints, all of them verify. */
export function macSecrets(env: Env): MacSecrets {
  return needed(readMacSecrets(needed(env.KEY_MAC_SECRETS, 'KEY_MAC_SECRETS')), 'KEY_MAC_SECRETS');
}

/** Where what accounts' objects noticed goes: the console's queue. */
export function noticeQueue(env: Env): Queue<Notice> {
  return needed(env.NOTICES, 'NOTICES');
}
