/** Finds, lists and ends sessions. */
import {
  deleteOtherSessions,
  deleteSession,
  deleteSessionByToken,
  findSession,
  selectSessions,
  updateSessionName,
} from '@farebox/database/users';
import type {
  IdentityDeps,
  NameSessionResult,
  SessionInfo,
  SessionUser,
  Token,
} from './contract.ts';
import { SESSION_TOUCH_INTERVAL_MS, TTL } from './lifetimes.ts';
import { hashToken } from './tokens.ts';

export async function findSessionUser(
  deps: IdentityDeps,
  session: Token,
): Promise<SessionUser | undefined> {
  const timeouts = { idleMs: TTL.sessionUnused, touchIntervalMs: SESSION_TOUCH_INTERVAL_MS };
  const row = await findSession(deps.db, hashToken(session), deps.now(), timeouts);
  if (row === undefined) return undefined;
  const { accountId, email, language, handle, lastAuthAt, lastFactorAt } = row;
  return { account: accountId, email, language, session: handle, lastAuthAt, lastFactorAt };
}

export function signOut(deps: IdentityDeps, session: Token): Promise<void> {
  return deleteSessionByToken(deps.db, hashToken(session));
}

export async function listSessions(
  deps: IdentityDeps,
  user: SessionUser,
): Promise<readonly SessionInfo[]> {
  const rows = await selectSessions(deps.db, user.account, deps.now(), TTL.sessionUnused);
  return rows.map((row) => ({ ...row, current: row.handle === user.session }));
}

export const MAX_SESSION_NAME_LENGTH = 64;

/**
 * Names one of the user's own sessions; an empty name takes it away. Control characters count as
 * spaces. A handle of another user has no effect.
 */
export async function nameSession(
  deps: IdentityDeps,
  user: SessionUser,
  session: Readonly<{ handle: string; name: string }>,
): Promise<NameSessionResult> {
  const name = session.name.replace(/[\p{Cc}\p{Zs}]+/gu, ' ').trim();
  if (name.length > MAX_SESSION_NAME_LENGTH) return { ok: false, reason: 'too_long' };
  await updateSessionName(deps.db, user.account, session.handle, name === '' ? null : name);
  return { ok: true };
}

/** Ends one of the user's own sessions. A handle of another user has no effect. */
export function endSession(deps: IdentityDeps, user: SessionUser, handle: string): Promise<void> {
  return deleteSession(deps.db, user.account, handle);
}

export function endOtherSessions(deps: IdentityDeps, user: SessionUser): Promise<void> {
  return deleteOtherSessions(deps.db, user.account, user.session);
}
