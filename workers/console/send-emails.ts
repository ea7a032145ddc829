/**
 * Queues emails after the response was sent, so that the response time doesn't reveal whether there
 * was an email to send (no user enumeration by timing).
 */
import { type Email, enqueueEmails } from '@farebox/mail';
import type { Context } from 'hono';
import type { PageVariables } from './session.ts';

/** The emails are sent after `delayMs`. */
export function sendEmailsAfterResponse<E extends { Variables: PageVariables }>(
  c: Context<E>,
  emails: readonly Email[],
  delayMs = 0,
): void {
  const { identity, mail } = c.var.deps;
  c.executionCtx.waitUntil(enqueueEmails(identity.db, mail, emails, identity, delayMs));
}
