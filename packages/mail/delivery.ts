/**
 * Sends queued emails. The queue delivers a message at least once, and a sent email isn't sent
 * again. A crash between SES's response and our row leads to a second email: a duplicate link does
 * no harm, a missing one locks the user out.
 */
import type { Database } from '@farebox/database';
import { findEmailToSend, markEmailNotSent, markEmailSent } from '@farebox/database/email';
import { listConsents } from '@farebox/database/privacy';
import { logEvent } from '@farebox/telemetry';
import { isConsentGiven } from './consents.ts';
import { type Email, type EmailKind, type QueuedEmail, REQUIRED_CONSENT } from './contract.ts';
import { mailboxHash } from './derived-ids.ts';
import { renderEmail } from './render.ts';
import { type HttpFetch, type SendResult, type SesSettings, sendThroughSes } from './ses.ts';

export type MailDeps = Readonly<{
  db: Database;
  /** 32 bytes. Each use derives a key of its own. */
  secret: Uint8Array;
  consoleUrl: URL;
  siteUrl: URL;
  ses: SesSettings;
  httpFetch: HttpFetch;
  now: () => number;
}>;

export type DeliveryOutcome = 'done' | Readonly<{ retryInSeconds: number }>;

/**
 * The queue's `max_retries` (workers/console/wrangler.toml); the attempt after them is the last.
 */
const MAX_RETRIES = 20;
const MAX_DELAY_SECONDS = 600;
const MINUTE_MS = 60_000;

/**
 * An email whose link has expired is not sent. The durations equal the lifetimes of tokens in
 * packages/identity.
 */
const LINK_TTL_MS: Readonly<Partial<Record<EmailKind, number>>> = {
  confirm_sign_up: 60 * MINUTE_MS,
  reset_password: 30 * MINUTE_MS,
  confirm_new_email: 30 * MINUTE_MS,
  confirm_refund: 60 * MINUTE_MS,
};

/**
 * Emails that SES accepted while the database was unavailable, so that this isolate doesn't send
 * them twice.
 */
const acceptedIds = new Map<string, string>();
const MAX_ACCEPTED_IDS = 1_000;

export function retryLater(attempt: number): DeliveryOutcome {
  return { retryInSeconds: Math.min(MAX_DELAY_SECONDS, 2 ** attempt) };
}

/**
 * `attempt` starts at 1. Throws when the database is unavailable; the queue then delivers the
 * message again.
 */
export async function sendQueuedEmail(
  deps: MailDeps,
  { id, email }: QueuedEmail,
  attempt: number,
): Promise<DeliveryOutcome> {
  const row = await findEmailToSend(deps.db, {
    id,
    mailboxHash: mailboxHash(deps.secret, email.to),
  });
  if (row === undefined || row.state !== 'queued') return 'done';
  const providerId = acceptedIds.get(id);
  if (providerId !== undefined) return markSent(deps, id, providerId);
  const age = deps.now() - row.queuedAt;
  if (age > (LINK_TTL_MS[email.kind] ?? Number.POSITIVE_INFINITY)) {
    return markFailed(deps, { id, email }, 'expired');
  }
  if (row.suppressed !== null) return markSuppressed(deps, id, row.suppressed);
  if (!(await isWanted(deps.db, email))) return markSuppressed(deps, id, 'no_consent');
  const rendered = renderEmail(email, deps);
  const result = await sendThroughSes(deps.ses, deps.httpFetch, { id, to: email.to, rendered });
  return handleSendResult(deps, { id, email }, result, attempt);
}

/** Reads the consent at the moment of sending, not when the email was queued. */
async function isWanted(db: Database, { kind, account }: Email): Promise<boolean> {
  const consent = REQUIRED_CONSENT[kind];
  if (consent === undefined) return true;
  return isConsentGiven(consent, account === null ? [] : await listConsents(db, account));
}

async function handleSendResult(
  deps: MailDeps,
  queued: QueuedEmail,
  result: SendResult,
  attempt: number,
): Promise<DeliveryOutcome> {
  const { id, email } = queued;
  if (result.ok) {
    if (acceptedIds.size >= MAX_ACCEPTED_IDS) acceptedIds.clear();
    acceptedIds.set(id, result.providerId);
    return markSent(deps, id, result.providerId);
  }
  if (result.retryable)
    return attempt > MAX_RETRIES ? markFailed(deps, queued, 'gave_up') : retryLater(attempt);
  const { reason } = result;
  await markEmailNotSent(deps.db, { id, state: 'rejected', reason, now: deps.now() });
  logEvent({ event: 'mail_failed', mail: id, kind: email.kind, reason });
  return 'done';
}

async function markSent(deps: MailDeps, id: string, providerId: string): Promise<DeliveryOutcome> {
  await markEmailSent(deps.db, { id, providerId: providerId || null, now: deps.now() });
  acceptedIds.delete(id);
  return 'done';
}

async function markSuppressed(
  deps: MailDeps,
  id: string,
  reason: string,
): Promise<DeliveryOutcome> {
  await markEmailNotSent(deps.db, { id, state: 'suppressed', reason, now: deps.now() });
  return 'done';
}

async function markFailed(
  deps: MailDeps,
  { id, email }: QueuedEmail,
  reason: 'expired' | 'gave_up',
): Promise<DeliveryOutcome> {
  await markEmailNotSent(deps.db, { id, state: 'failed', reason, now: deps.now() });
  logEvent({ event: 'mail_failed', mail: id, kind: email.kind, reason });
  return 'done';
}
