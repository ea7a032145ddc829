/**
 * The ledger: nobody knocks from outside. Each entrypoint is exactly what one other Worker may ask
 * (a binding of the object's namespace would expose every verb to a hole in any of them).
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import { accountTotals, deliverEntries } from '@farebox/database';
import type * as C from '@farebox/ledger';
import { AccountObject, type House } from '@farebox/ledger/account';
import { accountStub, database, type Env, noticeQueue } from './env.ts';
import { changeKey, mintKey, revokeKey, revokeLeaked, rollKey } from './keys.ts';
import { pastCall } from './past-calls.ts';
import { settleQueued } from './queued.ts';
import { auditBoth } from './reconciliation.ts';
import { sweep } from './sweep.ts';

const HOUSE: House<Env> = {
  deliver: (env, account, entries) => deliverEntries(database(env), account, entries),
  lastDelivered: async (env, account) => (await accountTotals(database(env), account)).lastSeq,
  // As values, not JSON, which knows no bigint.
  notify: async (env, notices) => {
    await noticeQueue(env).sendBatch(notices.map((body) => ({ body, contentType: 'v8' })));
  },
};

export class Account extends AccountObject<Env> {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env, HOUSE);
  }
}

export class Calls extends WorkerEntrypoint<Env> implements C.CallsDoor {
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
    key: C.KeyProof,
    id: C.CallId,
  ): Promise<C.Proven<C.Generation | null>> {
    const found = await accountStub(this.env, account).generation(key, id);
    if (!found.ok || found.value !== null) return found;
    return { ok: true, value: await pastCall(this.env, account, id) };
  }
  async credits(account: C.AccountId, key: C.KeyProof): Promise<C.Proven<C.Credits>> {
    return accountStub(this.env, account).credits(key);
  }
  async key(account: C.AccountId, key: C.KeyProof): Promise<C.Proven<C.KeyStanding>> {
    return accountStub(this.env, account).key(key);
  }
}

export class Accounts extends WorkerEntrypoint<Env> implements C.AccountsDoor {
  async open(account: C.AccountId): Promise<void> {
    await accountStub(this.env, account).open(account);
  }
  async mintKey(account: C.AccountId, request: C.MintRequest): Promise<C.MintResult> {
    return mintKey(this.env, account, request, Date.now());
  }
  async revokeKey(account: C.AccountId, keyId: C.KeyId): Promise<C.RevokeKeyResult> {
    return revokeKey(this.env, account, keyId, Date.now());
  }
  async statement(
    account: C.AccountId,
    afterSeq: number,
    most: number,
  ): Promise<readonly C.Entry[]> {
    return accountStub(this.env, account).statement(afterSeq, most);
  }
  async standing(account: C.AccountId): Promise<C.AccountStanding | null> {
    return accountStub(this.env, account).standing();
  }
  async keys(account: C.AccountId): Promise<readonly C.KeyStanding[]> {
    return accountStub(this.env, account).keys();
  }
  async changeKey(
    account: C.AccountId,
    keyId: C.KeyId,
    change: C.KeyChange,
  ): Promise<C.ChangeKeyResult> {
    return changeKey(this.env, account, keyId, change);
  }
  async rollKey(account: C.AccountId, request: C.RollKeyRequest): Promise<C.RollKeyResult> {
    return rollKey(this.env, account, request, Date.now());
  }
  async resumeKey(account: C.AccountId, keyId: C.KeyId): Promise<C.ChangeKeyResult> {
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

export class Operators extends WorkerEntrypoint<Env> implements C.OperatorsDoor {
  async adjust(account: C.AccountId, request: C.AdjustRequest): Promise<C.AdjustResult> {
    return accountStub(this.env, account).adjust(request);
  }
  async freeze(account: C.AccountId, frozen: boolean): Promise<void> {
    await accountStub(this.env, account).freeze(frozen);
  }
  async audit(account: C.AccountId): Promise<C.Audit> {
    return auditBoth(this.env, account);
  }
  async standing(account: C.AccountId): Promise<C.AccountStanding | null> {
    return accountStub(this.env, account).standing();
  }
}

export class Credits extends WorkerEntrypoint<Env> implements C.CreditsDoor {
  async credit(account: C.AccountId, request: C.CreditRequest): Promise<C.CreditResult> {
    return accountStub(this.env, account).credit(request);
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
  async scheduled(controller, env) {
    await sweep(env, controller.scheduledTime);
  },
  async queue(batch, env) {
    for (const message of batch.messages) await settleQueued(message, env);
  },
} satisfies ExportedHandler<Env>;
