/** Finds, lists and ends sessions. */
import {
  deleteOtherSessions,
  deleteSession,
  deleteSessionByToken,
  findSession,
  selectSessions,
} from '@farebox/database/users';
import type { IdentityDeps, SessionInfo, SessionUser, Token } from './contract.ts';
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

/** Ends one of the user's own sessions. A handle of another user has no effect. */
export function endSession(deps: IdentityDeps, user: SessionUser, handle: string): Promise<void> {
  return deleteSession(deps.db, user.account, handle);
}

export function endOtherSessions(deps: IdentityDeps, user: SessionUser): Promise<void> {
  return deleteOtherSessions(deps.db, user.account, user.session);
}
