/**
 * The only reader of the ledger Worker's bindings. Checks each at first use; an error names the
 * binding and never its value.
 */
import { requireBinding } from '@farebox/bindings';
import { connect, type Database } from '@farebox/database';
import { type MacSecrets, parseMacSecrets } from '@farebox/identity/api-keys';
import type { Notification } from '@farebox/ledger';
import type { AccountObject } from '@farebox/ledger/account-object';
import { type ConsumerSettings, parseDeadLetterDelay } from '@farebox/queues';

export type Env = Readonly<{
  ACCOUNT?: DurableObjectNamespace<AccountObject>;
  DATABASE_URL?: string;
  KEY_MAC_SECRETS?: string;
  /** The keys that sign statements: `version:hex[,version:hex]`, 32 bytes each. */
  STATEMENT_SECRETS?: string;
  NOTICES?: Queue<Notification>;
  /** The dead-letter queue of `farebox-settlements`. */
  SETTLEMENTS_DLQ?: Queue<unknown>;
  /** Seconds between two replays of a dead letter; docs/operators.md has the default. */
  DEAD_LETTER_RETRY_SECONDS?: string;
}>;

/** RFC 8032, section 5.1.5. */
const ED25519_SEED_BYTES = 32;
const MAX_CACHED_IDS = 10_000;
const objectIds = new Map<string, DurableObjectId>();

/** Returns the object's id, cached: it is a hash of the account id, always the same. */
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

/** Returns a new stub each time: one that has thrown stays broken. */
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

/** Returns the secrets of all key versions: the newest mints, all verify. */
export function macSecrets(env: Env): MacSecrets {
  return requireBinding(
    parseMacSecrets(requireBinding(env.KEY_MAC_SECRETS, 'KEY_MAC_SECRETS')),
    'KEY_MAC_SECRETS',
  );
}

/** Returns the seeds of all signing keys by version: the newest signs, all are published. */
export function statementSecrets(env: Env): MacSecrets {
  const secrets = requireBinding(
    parseMacSecrets(requireBinding(env.STATEMENT_SECRETS, 'STATEMENT_SECRETS')),
    'STATEMENT_SECRETS',
  );
  const isEverySeed = [...secrets.values()].every(({ length }) => length === ED25519_SEED_BYTES);
  return requireBinding(isEverySeed ? secrets : undefined, 'STATEMENT_SECRETS');
}

/** The console's queue of notifications. */
export function notificationQueue(env: Env): Queue<Notification> {
  return requireBinding(env.NOTICES, 'NOTICES');
}

export function deadLetterSettings(
  env: Env,
): Pick<ConsumerSettings, 'deadLetterQueue' | 'deadLetterDelaySeconds'> {
  return {
    deadLetterQueue: requireBinding(env.SETTLEMENTS_DLQ, 'SETTLEMENTS_DLQ'),
    deadLetterDelaySeconds: parseDeadLetterDelay(env.DEAD_LETTER_RETRY_SECONDS),
  };
}
