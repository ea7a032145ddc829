/**
 * Makes, changes and ends keys. Made: Postgres first (pending, so that no key exists that its owner can't
 * see and revoke), then the object, then active; a crash between leaves a pending row that nobody holds
 * a key for. Changed and ended: the object first, so that it bites at once; the row only is what lists
 * show, and what is asked again writes it again. A key itself is returned once and kept nowhere.
 */
import {
  activateKey,
  changeKeyRow,
  insertPendingKey,
  markKeyRevoked,
  rollKeyRow,
} from '@farebox/database';
import { type MintedKey, mintApiKey, mintingSecret, parseApiKey } from '@farebox/identity/api-keys';
import {
  type AccountId,
  type ChangeKeyResult,
  DEFAULT_BRAKES,
  type KeyChange,
  type KeyId,
  type LeakedKeyResult,
  type MintRequest,
  type MintResult,
  type RevokeKeyResult,
  type RollKeyRequest,
  type RollKeyResult,
} from '@farebox/ledger';
import { signal } from '@farebox/signals';
import { accountStub, database, type Env, macSecrets } from './env.ts';
import { keyFlaw } from './key-flaws.ts';

/** Two random 32-bit numbers of one account meet once in some hundred million mintings. */
const TRIES = 3;

function freshKey(env: Env, account: AccountId, keyId: KeyId): MintedKey {
  const random = crypto.getRandomValues(new Uint8Array(24));
  return mintApiKey(mintingSecret(macSecrets(env)), account, keyId, random);
}

export async function mintKey(
  env: Env,
  account: AccountId,
  request: MintRequest,
  now: number,
): Promise<MintResult> {
  const flaw = keyFlaw(request);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const { limits, name, brakes = DEFAULT_BRAKES } = request;
  const db = database(env);
  for (let tried = 0; tried < TRIES; tried++) {
    const keyId = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
    const { apiKey, secretHash, last4 } = freshKey(env, account, keyId);
    const row = { accountId: account, keyId, name, last4, secretHash, limits, now };
    const inserted = await insertPendingKey(db, row);
    if (!inserted.ok && inserted.reason === 'account_unknown') {
      return { ok: false, reason: 'not_open' };
    }
    if (!inserted.ok) continue;
    const put = await accountStub(env, account).putKey({ keyId, secretHash, limits, brakes });
    if (put.ok) {
      await activateKey(db, account, keyId, now);
      return { ok: true, apiKey, keyId };
    }
    const { reason } = put;
    if (reason !== 'conflict') return { ok: false, reason };
  }
  throw new Error('no free key id');
}

/** The object has decided, and that is the answer, whatever becomes of the row. */
async function tryRow(where: string, write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch {
    signal({ event: 'unexpected', where, call: null });
  }
}

/** Where the row was not marked, asking again marks it, or the sweep within a day. */
export async function revokeKey(
  env: Env,
  account: AccountId,
  keyId: KeyId,
  now: number,
): Promise<RevokeKeyResult> {
  const revoked = await accountStub(env, account).revokeKey(keyId);
  if (!revoked.ok) return revoked;
  await tryRow('ledger.revoke_key', () => markKeyRevoked(database(env), account, keyId, now));
  return revoked;
}

/** A name is only the row's, so here a row that can't be written is a change that did not happen. */
export async function changeKey(
  env: Env,
  account: AccountId,
  keyId: KeyId,
  change: KeyChange,
): Promise<ChangeKeyResult> {
  const flaw = keyFlaw(change);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const { name, limits, brakes } = change;
  const changed = await accountStub(env, account).changeKey(keyId, {
    ...(limits === undefined ? {} : { limits }),
    ...(brakes === undefined ? {} : { brakes }),
  });
  if (changed.ok) {
    await changeKeyRow(database(env), account, keyId, {
      ...(name === undefined ? {} : { name }),
      ...(limits === undefined ? {} : { limits }),
    });
  }
  return changed;
}

const LONGEST_GRACE_SECONDS = 86_400;

/** A repetition, because the answer was lost, rolls once more; what opened before still does as long. */
export async function rollKey(
  env: Env,
  account: AccountId,
  request: RollKeyRequest,
  now: number,
): Promise<RollKeyResult> {
  const { keyId, graceSeconds } = request;
  const grace = Math.min(LONGEST_GRACE_SECONDS, Math.max(0, Math.floor(graceSeconds) || 0));
  const { apiKey, secretHash, last4 } = freshKey(env, account, keyId);
  const previousUntil = now + grace * 1000;
  const rolled = await accountStub(env, account).rollKey({ keyId, secretHash, previousUntil });
  if (!rolled.ok) return rolled;
  await tryRow('ledger.roll_key', () =>
    rollKeyRow(database(env), account, keyId, { secretHash, last4 }),
  );
  return { ok: true, apiKey };
}

const NOT_OURS: LeakedKeyResult = { ok: false, reason: 'not_ours' };

/** Whoever sends texts learns only whether one was a key of ours that they hold anyway. */
export async function revokeLeaked(env: Env, text: string, now: number): Promise<LeakedKeyResult> {
  const parsed = parseApiKey(text, macSecrets(env));
  if (!parsed.ok) return NOT_OURS;
  const { account, key } = parsed;
  const { keyId } = key;
  const revoked = await accountStub(env, account).revokeLeaked(key);
  if (revoked === null) return NOT_OURS;
  await tryRow('ledger.revoke_leaked', () => markKeyRevoked(database(env), account, keyId, now));
  return { ok: true, account, keyId, alreadyRevoked: revoked.alreadyRevoked };
}
