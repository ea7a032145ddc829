/**
 * Letters on their way out of a page. They are queued after the answer was given, so that whether there
 * was one to write shows in nothing the asker can measure.
 */
import { type Email, enqueueEmails } from '@farebox/mail';
import type { Context } from 'hono';
import type { PageVariables } from './session.ts';

export function sendEmailsAfterResponse<E extends { Variables: PageVariables }>(
  c: Context<E>,
  emails: readonly Email[],
): void {
  const { identity, mail } = c.var.deps;
  c.executionCtx.waitUntil(enqueueEmails(identity.db, mail, emails, identity));
}
