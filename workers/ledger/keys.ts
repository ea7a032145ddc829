/**
 * Makes and ends keys. Made: Postgres first (pending, so that no key exists that its owner can't see and
 * revoke), then the object, then active; a crash between leaves a pending row that nobody holds a key
 * for. Ended: the object first, so that it bites at once. The key itself is returned once, kept nowhere.
 */
import { activateKey, insertPendingKey, markKeyRevoked } from '@farebox/database';
import { mintApiKey } from '@farebox/identity/api-keys';
import type { AccountId, KeyId, MintRequest, MintResult, RevokeKeyResult } from '@farebox/ledger';
import { signal } from '@farebox/signals';
import { accountStub, database, type Env, mintingSecret } from './env.ts';

/** Two random 32-bit numbers of one account meet once in some hundred million mintings. */
const TRIES = 3;

export async function mintKey(
  env: Env,
  account: AccountId,
  request: MintRequest,
  now: number,
): Promise<MintResult> {
  const { limits, name } = request;
  const db = database(env);
  for (let tried = 0; tried < TRIES; tried++) {
    const keyId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const random = crypto.getRandomValues(new Uint8Array(24));
    const minted = mintApiKey(mintingSecret(env), account, keyId, random);
    const { secretHash, last4 } = minted;
    const row = { accountId: account, keyId, name, last4, secretHash, limits, now };
    const inserted = await insertPendingKey(db, row);
    if (!inserted.ok && inserted.reason === 'account_unknown') {
      return { ok: false, reason: 'not_open' };
    }
    if (!inserted.ok) continue;
    const put = await accountStub(env, account).putKey({ keyId, secretHash, limits });
    if (put.ok) {
      await activateKey(db, account, keyId, now);
      return { ok: true, apiKey: minted.apiKey, keyId };
    }
    const { reason } = put;
    if (reason !== 'conflict') return { ok: false, reason };
  }
  throw new Error('no free key id');
}

/**
 * Once the object refuses a key it is dead, and that is the answer, whatever becomes of its row: the row
 * is only what a list shows, and asking again marks it.
 */
export async function revokeKey(
  env: Env,
  account: AccountId,
  keyId: KeyId,
  now: number,
): Promise<RevokeKeyResult> {
  const revoked = await accountStub(env, account).revokeKey(keyId);
  if (!revoked.ok) return revoked;
  try {
    await markKeyRevoked(database(env), account, keyId, now);
  } catch {
    signal({ event: 'unexpected', where: 'ledger.revoke_key', call: null });
  }
  return revoked;
}
