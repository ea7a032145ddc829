/**
 * The only reader of the ledger Worker's bindings: checks each at first use, and fails loudly, naming
 * the missing one and never showing a value.
 */
import { connect, type Database } from '@farebox/database';
import { readMacSecrets } from '@farebox/identity/api-keys';
import { signal } from '@farebox/signals';
import type { Account } from './index.ts';

export type Env = Readonly<{
  ACCOUNT?: DurableObjectNamespace<Account>;
  DATABASE_URL?: string;
  KEY_MAC_SECRETS?: string;
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

/** The newest version mints; the others only verify. */
export function mintingSecret(env: Env): Readonly<{ version: number; secret: Uint8Array }> {
  const text = needed(env.KEY_MAC_SECRETS, 'KEY_MAC_SECRETS');
  const secrets = needed(readMacSecrets(text), 'KEY_MAC_SECRETS');
  const version = Math.max(...secrets.keys());
  return { version, secret: needed(secrets.get(version), 'KEY_MAC_SECRETS') };
}
