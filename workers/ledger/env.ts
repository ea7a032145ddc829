/**
 * The only reader of the ledger Worker's bindings: checks each at first use, and fails loudly, naming
 * the missing one and never showing a value.
 */
import { requireBinding } from '@farebox/bindings';
import { connect, type Database } from '@farebox/database';
import { type MacSecrets, parseMacSecrets } from '@farebox/identity/api-keys';
import type { Notification } from '@farebox/ledger';
import type { AccountObject } from '@farebox/ledger/account-object';

export type Env = Readonly<{
  ACCOUNT?: DurableObjectNamespace<AccountObject>;
  DATABASE_URL?: string;
  KEY_MAC_SECRETS?: string;
  NOTICES?: Queue<Notification>;
}>;

const MAX_CACHED_IDS = 10_000;
const objectIds = new Map<string, DurableObjectId>();

/** An object's id is worked out from the account's by hashing, the same each time. */
function getObjectId(
  namespace: DurableObjectNamespace<AccountObject>,
  account: string,
): DurableObjectId {
  const cached = objectIds.get(account);
  if (cached !== undefined) return cached;
  if (objectIds.size >= MAX_CACHED_IDS) objectIds.clear();
  const id = namespace.idFromName(account);
  objectIds.set(account, id);
  return id;
}

/** A fresh stub each time: one that has thrown stays broken. */
export function accountStub(env: Env, account: string) {
  const namespace = requireBinding(env.ACCOUNT, 'ACCOUNT');
  return namespace.get(getObjectId(namespace, account));
}

const databases = new WeakMap<Env, Database>();

export function database(env: Env): Database {
  const cached = databases.get(env);
  if (cached !== undefined) return cached;
  const created = connect(requireBinding(env.DATABASE_URL, 'DATABASE_URL'));
  databases.set(env, created);
  return created;
}

/** The newest version mints, all of them verify. */
export function macSecrets(env: Env): MacSecrets {
  return requireBinding(
    parseMacSecrets(requireBinding(env.KEY_MAC_SECRETS, 'KEY_MAC_SECRETS')),
    'KEY_MAC_SECRETS',
  );
}

/** Where what accounts' objects noticed goes: the console's queue. */
export function notificationQueue(env: Env): Queue<Notification> {
  return requireBinding(env.NOTICES, 'NOTICES');
}
