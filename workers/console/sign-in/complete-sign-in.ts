/**
 * Gives the browser its new session. The session the browser had before ends, so that a planted
 * cookie or that of an earlier user is void (ASVS 5.0, 7.2.4).
 */
import { type SignedIn, signOut } from '@farebox/identity';
import type { Email } from '@farebox/mail';
import type { Context } from 'hono';
import { sendEmailsAfterResponse } from '../send-emails.ts';
import { localPath, type PublicEnv, setSessionCookies } from '../session.ts';

type NewSession = Readonly<{ signedIn: SignedIn; emails: readonly Email[] }>;

export async function beginSession(
  c: Context<PublicEnv>,
  { signedIn, emails }: NewSession,
): Promise<void> {
  const { deps, session } = c.var;
  if (session !== null) await signOut(deps.identity, session);
  setSessionCookies(c, signedIn);
  sendEmailsAfterResponse(c, emails);
}

export async function completeSignIn(
  c: Context<PublicEnv>,
  newSession: NewSession,
  next: string,
): Promise<Response> {
  await beginSession(c, newSession);
  return c.redirect(localPath(next), 303);
}
