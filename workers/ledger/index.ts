/**
 * The ledger: nobody knocks from outside. Each entrypoint is exactly what one other Worker may ask
 * (a binding of the object's namespace would expose every verb to a hole in any of them).
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { getAccountTotals, ingestEntries } from '@farebox/database/ledger';
import type * as C from '@farebox/ledger';
import { AccountObject, type AccountObjectDeps } from '@farebox/ledger/account-object';
import { findArchivedCall } from './archived-calls.ts';
import { runDailyReconciliation } from './daily-reconciliation.ts';
import { accountStub, database, type Env, notificationQueue } from './env.ts';
import { mintKey, revokeKey, revokeLeaked, rollKey, updateKey } from './keys.ts';
import { reconcileAccount } from './reconcile-account.ts';
import { consumeSettlement } from './settlement-consumer.ts';

const DEPS: AccountObjectDeps<Env> = {
  deliver: (env, account, entries) => ingestEntries(database(env), account, entries),
  lastDeliveredSeq: async (env, account) =>
    (await getAccountTotals(database(env), account)).lastSeq,
  // As values, not JSON, which knows no bigint.
  notify: async (env, notifications) => {
    await notificationQueue(env).sendBatch(
      notifications.map((body) => ({ body, contentType: 'v8' })),
    );
  },
};

export class Account extends AccountObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, DEPS);
  }
}

export class Calls extends WorkerEntrypoint<Env> implements C.CallsRpc {
  async hold(account: C.AccountId, request: C.HoldRequest): Promise<C.HoldResult> {
    return accountStub(this.env, account).hold(request);
  }
  async checkpoint(
    account: C.AccountId,
    request: C.CheckpointRequest,
  ): Promise<C.CheckpointResult> {
    return accountStub(this.env, account).checkpoint(request);
  }
  async settle(account: C.AccountId, request: C.SettleRequest): Promise<C.SettleResult> {
    return accountStub(this.env, account).settle(request);
  }
  async settleMany(
    account: C.AccountId,
    requests: readonly C.SettleRequest[],
  ): Promise<readonly C.SettleResult[]> {
    return accountStub(this.env, account).settleMany(requests);
  }
  async generation(
    account: C.AccountId,
    key: C.KeyCredential,
    id: C.CallId,
  ): Promise<C.Authenticated<C.Generation | null>> {
    const result = await accountStub(this.env, account).generation(key, id);
    if (!result.ok || result.value !== null) return result;
    return { ok: true, value: await findArchivedCall(this.env, account, id) };
  }
  async credits(account: C.AccountId, key: C.KeyCredential): Promise<C.Authenticated<C.Balance>> {
    return accountStub(this.env, account).credits(key);
  }
  async key(account: C.AccountId, key: C.KeyCredential): Promise<C.Authenticated<C.KeyStatus>> {
    return accountStub(this.env, account).key(key);
  }
}

export class Accounts extends WorkerEntrypoint<Env> implements C.AccountsRpc {
  async open(account: C.AccountId): Promise<void> {
    await accountStub(this.env, account).open(account);
  }
  async mintKey(account: C.AccountId, request: C.MintRequest): Promise<C.MintResult> {
    return mintKey(this.env, account, request, Date.now());
  }
  async revokeKey(account: C.AccountId, keyId: C.KeyId): Promise<C.RevokeKeyResult> {
    return revokeKey(this.env, account, keyId, Date.now());
  }
  async listEntries(
    account: C.AccountId,
    afterSeq: number,
    limit: number,
  ): Promise<readonly C.Entry[]> {
    return accountStub(this.env, account).listEntries(afterSeq, limit);
  }
  async status(account: C.AccountId): Promise<C.AccountStatus | null> {
    return accountStub(this.env, account).status();
  }
  async keys(account: C.AccountId): Promise<readonly C.KeyStatus[]> {
    return accountStub(this.env, account).keys();
  }
  async updateKey(
    account: C.AccountId,
    keyId: C.KeyId,
    update: C.KeyUpdate,
  ): Promise<C.UpdateKeyResult> {
    return updateKey(this.env, account, keyId, update);
  }
  async rollKey(account: C.AccountId, request: C.RollKeyRequest): Promise<C.RollKeyResult> {
    return rollKey(this.env, account, request, Date.now());
  }
  async resumeKey(account: C.AccountId, keyId: C.KeyId): Promise<C.UpdateKeyResult> {
    return accountStub(this.env, account).resumeKey(keyId);
  }
  async setLowBalance(account: C.AccountId, threshold: bigint | null): Promise<void> {
    await accountStub(this.env, account).setLowBalance(threshold);
  }
  async revokeLeaked(text: string): Promise<C.LeakedKeyResult> {
    return revokeLeaked(this.env, text, Date.now());
  }
  async bindAddress(account: C.AccountId, address: C.DepositAddress): Promise<C.BindAddressResult> {
    return accountStub(this.env, account).bindAddress(address);
  }
  async addresses(account: C.AccountId): Promise<readonly C.DepositAddress[]> {
    return accountStub(this.env, account).addresses();
  }
  async close(account: C.AccountId): Promise<C.CloseResult> {
    return accountStub(this.env, account).close();
  }
}

export class Operators extends WorkerEntrypoint<Env> implements C.OperatorsRpc {
  async adjust(account: C.AccountId, request: C.AdjustRequest): Promise<C.AdjustResult> {
    return accountStub(this.env, account).adjust(request);
  }
  async freeze(account: C.AccountId, frozen: boolean): Promise<void> {
    await accountStub(this.env, account).freeze(frozen);
  }
  async audit(account: C.AccountId): Promise<C.Audit> {
    return reconcileAccount(this.env, account);
  }
  async status(account: C.AccountId): Promise<C.AccountStatus | null> {
    return accountStub(this.env, account).status();
  }
}

export class Credits extends WorkerEntrypoint<Env> implements C.CreditsRpc {
  async credit(account: C.AccountId, request: C.CreditRequest): Promise<C.CreditResult> {
    return accountStub(this.env, account).credit(request);
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
  async scheduled(controller, env) {
    await runDailyReconciliation(env, controller.scheduledTime);
  },
  async queue(batch, env) {
    for (const message of batch.messages) await consumeSettlement(message, env);
  },
} satisfies ExportedHandler<Env>;
