/**
 * The ledger Worker. It has no public route: each entrypoint is exactly what one other Worker may
 * call (a binding to the Durable Object's namespace would expose every verb to a bug in any of
 * them).
 */
import { WorkerEntrypoint } from 'cloudflare:workers';
import type { CatalogRead, CatalogRpc } from '@farebox/catalog';
import { outlineStatement } from '@farebox/database/ledger';
import type * as C from '@farebox/ledger';
import { findArchivedCall } from './archived-calls.ts';
import { readCatalogFor } from './catalog.ts';
import { runDailyReconciliation } from './daily-reconciliation.ts';
import { forwarding } from './entrypoint.ts';
import { accountStub, database, type Env } from './env.ts';
import { mintKey, revokeKey, revokeLeaked, rollKey, updateKey } from './keys.ts';
import { runParity } from './parity.ts';
import { reconcileAccount } from './reconcile-account.ts';
import { consumeSettlements } from './settlement-consumer.ts';
import { listStatementKeys } from './statement-keys.ts';
import { readStatement } from './statements.ts';

export { Account } from './account.ts';

/** For the gateway. */
export class Calls
  extends forwarding<C.CallsRpc>()(
    'batch',
    'hold',
    'checkpoint',
    'settle',
    'credits',
    'key',
    'refuse',
    'countRefused',
  )
  implements C.CallsRpc
{
  async generation(
    account: C.AccountId,
    key: C.KeyCredential,
    id: C.CallId,
  ): Promise<C.Authenticated<C.Generation | null>> {
    const result = await accountStub(this.env, account).generation(key, id);
    if (!result.ok || result.value !== null) return result;
    return { ok: true, value: await findArchivedCall(this.env, account, id) };
  }
  async statementKeys(): Promise<C.StatementKeys> {
    return listStatementKeys(this.env);
  }
}

/** For the console. */
export class Accounts
  extends forwarding<C.AccountsRpc>()(
    'close',
    'status',
    'keys',
    'refusedCalls',
    'resumeKey',
    'setLowBalance',
    'listEntries',
    'bindAddress',
    'addresses',
    'refundable',
    'reserveRefund',
    'releaseRefund',
  )
  implements C.AccountsRpc
{
  async open(account: C.AccountId): Promise<void> {
    await accountStub(this.env, account).open(account);
  }
  async mintKey(account: C.AccountId, request: C.MintRequest): Promise<C.MintResult> {
    return mintKey(this.env, account, request, Date.now());
  }
  async revokeKey(account: C.AccountId, keyId: C.KeyId): Promise<C.RevokeKeyResult> {
    return revokeKey(this.env, account, keyId, Date.now());
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
  async outlineStatement(
    account: C.AccountId,
    period: C.StatementPeriod,
  ): Promise<C.StatementOutline> {
    return outlineStatement(database(this.env), account, period);
  }
  async readStatement(
    account: C.AccountId,
    request: C.StatementPageRequest,
  ): Promise<C.StatementPage> {
    return readStatement(this.env, account, request, Date.now());
  }
  async statementKeys(): Promise<C.StatementKeys> {
    return listStatementKeys(this.env);
  }
  async revokeLeaked(text: string): Promise<C.LeakedKeyResult> {
    return revokeLeaked(this.env, text, Date.now());
  }
}

/** For operators. */
export class Operators
  extends forwarding<C.OperatorsRpc>()('adjust', 'freeze', 'status', 'releaseRefund')
  implements C.OperatorsRpc
{
  async audit(account: C.AccountId): Promise<C.Audit> {
    return reconcileAccount(this.env, account);
  }
  async revokeKey(account: C.AccountId, keyId: C.KeyId): Promise<C.RevokeKeyResult> {
    return revokeKey(this.env, account, keyId, Date.now());
  }
}

/** For the deposits Worker. */
export class Credits
  extends forwarding<C.CreditsRpc>()('credit', 'payRefund')
  implements C.CreditsRpc {}

/** For the gateway and the console, read-only: what operators changed of the catalog. */
export class Catalog extends WorkerEntrypoint<Env> implements CatalogRpc {
  async read(knownVersion: number | null): Promise<CatalogRead> {
    return readCatalogFor(this.env, knownVersion, Date.now());
  }
}

export default {
  fetch: () => new Response(null, { status: 404 }),
  async scheduled(controller, env) {
    await runDailyReconciliation(env, controller.scheduledTime);
    await runParity(database(env), controller.scheduledTime);
  },
  async queue(batch, env) {
    await consumeSettlements(batch, env);
  },
} satisfies ExportedHandler<Env>;
