/** The account Durable Object as this Worker deploys it: connected to Postgres and to the queue. */
import {
  getAccountTotals,
  ingestEntries,
  listEntries,
  storeHashes,
} from '@farebox/database/ledger';
import { AccountObject, type AccountObjectDeps } from '@farebox/ledger/account-object';
import { database, type Env, notificationQueue } from './env.ts';

function createDeps(env: Env): AccountObjectDeps {
  return {
    deliver: (account, entries) => ingestEntries(database(env), account, entries),
    lastDeliveredSeq: async (account) => (await getAccountTotals(database(env), account)).lastSeq,
    storedEntries: (account, after, limit) => listEntries(database(env), account, after, limit),
    storeHashes: (account, links) => storeHashes(database(env), account, links),
    // As structured clones: JSON has no bigint.
    notify: async (notifications) => {
      await notificationQueue(env).sendBatch(
        notifications.map((body) => ({ body, contentType: 'v8' })),
      );
    },
  };
}

/** The class name is bound in wrangler.toml: renaming it needs a `renamed_classes` migration. */
export class Account extends AccountObject {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, createDeps(env));
  }
}
