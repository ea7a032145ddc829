/**
 * The moment a browser gets its session. Whatever session it brought ends there: a cookie that was planted,
 * or of whoever used this browser before, is worth nothing afterwards (ASVS 5.0, 7.2.4).
 */
import { type SignedIn, signOut } from '@farebox/identity';
import type { Letter } from '@farebox/mail';
import type { Context } from 'hono';
import { postLetters } from '../letters.ts';
import { type Anybody, keepSession, localPath } from '../visitor.ts';

export async function enter(
  c: Context<Anybody>,
  { signedIn, letters }: Readonly<{ signedIn: SignedIn; letters: readonly Letter[] }>,
  next: string,
): Promise<Response> {
  const { house, session } = c.var;
  if (session !== null) await signOut(house.identity, session);
  keepSession(c, signedIn);
  postLetters(c, letters);
  return c.redirect(localPath(next), 303);
}
