/**
 * Creates, changes and revokes keys. Creation inserts a pending row in Postgres (so that every key
 * can be seen and revoked by its owner), puts the key into the account object, then activates the
 * row; a crash in between leaves a pending row without a key. Changes and revocations go to the
 * object first, so that they take effect at once; the row is only what lists show, and repeating
 * the request writes it again. The key itself is returned once and stored nowhere.
 */
import {
  activateKey,
  insertPendingKey,
  markKeyRevoked,
  rollKeyRow,
  updateKeyRow,
} from '@farebox/database/ledger';
import {
  currentMacSecret,
  type MintedKey,
  mintApiKey,
  parseApiKey,
} from '@farebox/identity/api-keys';
import {
  type AccountId,
  DEFAULT_SPEND_GUARD,
  type KeyId,
  type KeyUpdate,
  type LeakedKeyResult,
  type MintRequest,
  type MintResult,
  type RevokeKeyResult,
  type RollKeyRequest,
  type RollKeyResult,
  type UpdateKeyResult,
} from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { accountStub, database, type Env, macSecrets } from './env.ts';
import { validateKey } from './validate-key.ts';

/** Two random 32-bit ids of one account collide about once in a hundred million keys. */
const MAX_ATTEMPTS = 3;

function generateKey(env: Env, account: AccountId, keyId: KeyId): MintedKey {
  const random = crypto.getRandomValues(new Uint8Array(24));
  return mintApiKey(currentMacSecret(macSecrets(env)), account, keyId, random);
}

export async function mintKey(
  env: Env,
  account: AccountId,
  request: MintRequest,
  now: number,
): Promise<MintResult> {
  const error = validateKey(request);
  if (error !== undefined) return { ok: false, reason: error };
  const { limits, name, spendGuard = DEFAULT_SPEND_GUARD } = request;
  const db = database(env);
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const keyId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const { apiKey, secretHash, last4 } = generateKey(env, account, keyId);
    const row = { accountId: account, keyId, name, last4, secretHash, limits, now };
    const inserted = await insertPendingKey(db, row);
    if (!inserted.ok && inserted.reason === 'account_unknown') {
      return { ok: false, reason: 'not_open' };
    }
    if (!inserted.ok) continue;
    const result = await accountStub(env, account).putKey({
      keyId,
      secretHash,
      limits,
      spendGuard,
    });
    if (result.ok) {
      await activateKey(db, account, keyId, now);
      return { ok: true, apiKey, keyId };
    }
    const { reason } = result;
    if (reason !== 'conflict') return { ok: false, reason };
  }
  throw new Error('no free key id');
}

/** Writes the row; the object's decision stands even if that fails. */
async function updateRowBestEffort(where: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch {
    logEvent({ event: 'unexpected', where, call: null });
  }
}

/** If the row can't be marked, repeating marks it, or the daily reconciliation does. */
export async function revokeKey(
  env: Env,
  account: AccountId,
  keyId: KeyId,
  now: number,
): Promise<RevokeKeyResult> {
  const revoked = await accountStub(env, account).revokeKey(keyId);
  if (!revoked.ok) return revoked;
  await updateRowBestEffort('ledger.revoke_key', () =>
    markKeyRevoked(database(env), account, keyId, now),
  );
  return revoked;
}

/** Only the row has the name, so a row that can't be written is a failed change. */
export async function updateKey(
  env: Env,
  account: AccountId,
  keyId: KeyId,
  update: KeyUpdate,
): Promise<UpdateKeyResult> {
  const error = validateKey(update);
  if (error !== undefined) return { ok: false, reason: error };
  const { name, limits, spendGuard } = update;
  const changed = await accountStub(env, account).updateKey(keyId, {
    ...(limits === undefined ? {} : { limits }),
    ...(spendGuard === undefined ? {} : { spendGuard }),
  });
  if (changed.ok) {
    await updateKeyRow(database(env), account, keyId, {
      ...(name === undefined ? {} : { name }),
      ...(limits === undefined ? {} : { limits }),
    });
  }
  return changed;
}

const MAX_GRACE_SECONDS = 86_400;

/**
 * A repetition, because the answer was lost, rolls once more; what opened before still does as
 * long.
 */
export async function rollKey(
  env: Env,
  account: AccountId,
  request: RollKeyRequest,
  now: number,
): Promise<RollKeyResult> {
  const { keyId, graceSeconds } = request;
  const boundedGraceSeconds = Math.min(
    MAX_GRACE_SECONDS,
    Math.max(0, Math.floor(graceSeconds) || 0),
  );
  const { apiKey, secretHash, last4 } = generateKey(env, account, keyId);
  const previousExpiresAt = now + boundedGraceSeconds * 1000;
  const rolled = await accountStub(env, account).rollKey({ keyId, secretHash, previousExpiresAt });
  if (!rolled.ok) return rolled;
  await updateRowBestEffort('ledger.roll_key', () =>
    rollKeyRow(database(env), account, keyId, { secretHash, last4 }),
  );
  return { ok: true, apiKey };
}

const NOT_OURS: LeakedKeyResult = { ok: false, reason: 'not_ours' };

/** Reveals only whether the text is one of our keys, which the sender already has. */
export async function revokeLeaked(env: Env, text: string, now: number): Promise<LeakedKeyResult> {
  const parsed = parseApiKey(text, macSecrets(env));
  if (!parsed.ok) return NOT_OURS;
  const { account, key } = parsed;
  const { keyId } = key;
  const revoked = await accountStub(env, account).revokeLeaked(key);
  if (revoked === null) return NOT_OURS;
  await updateRowBestEffort('ledger.revoke_leaked', () =>
    markKeyRevoked(database(env), account, keyId, now),
  );
  return { ok: true, account, keyId, alreadyRevoked: revoked.alreadyRevoked };
}
