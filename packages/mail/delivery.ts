/**
 * Out of the queue, which brings a letter at least once. One that was sent is not sent again; between
 * SES's yes and our row there is a moment, and what dies there errs towards a second letter: a link that
 * comes twice does no harm, one that never comes locks a person out.
 */
import { type Database, endMail, findMailToSend, markMailSent } from '@farebox/database';
import { signal } from '@farebox/signals';
import { compose } from './compose.ts';
import { GIVEN_BY_DEFAULT, type LetterKind, NEEDS_CONSENT, type QueuedLetter } from './contract.ts';
import { mailboxHash } from './secrets.ts';
import { type Ask, type Sent, type SesSettings, sendThroughSes } from './ses.ts';

export type MailHouse = Readonly<{
  db: Database;
  /** 32 bytes; every use has a sub-key of its own. */
  secret: Uint8Array;
  consoleUrl: URL;
  ses: SesSettings;
  ask: Ask;
  now: () => number;
}>;

export type Outcome = 'done' | Readonly<{ againInSeconds: number }>;

/** The queue's `max_retries` (workers/console/wrangler.toml): the attempt after them is the last. */
const MOST_RETRIES = 20;
const LONGEST_DELAY_SECONDS = 600;
const MINUTE = 60_000;

/** A link that has expired is not sent any more. As long as the tokens of packages/identity last. */
const USELESS_AFTER_MS: Readonly<Partial<Record<LetterKind, number>>> = {
  confirm_sign_up: 60 * MINUTE,
  reset_password: 30 * MINUTE,
  confirm_new_email: 30 * MINUTE,
};

/** Mails that SES took while our database did not answer, so that this isolate does not ask SES twice. */
const taken = new Map<string, string>();
const MOST_TAKEN = 1_000;

export function againIn(attempt: number): Outcome {
  return { againInSeconds: Math.min(LONGEST_DELAY_SECONDS, 2 ** attempt) };
}

/** `attempt` counts from 1. Throws where the database is away: then the queue brings it again. */
export async function deliverLetter(
  house: MailHouse,
  { id, letter }: QueuedLetter,
  attempt: number,
): Promise<Outcome> {
  const consent = NEEDS_CONSENT[letter.kind] ?? null;
  const mail = await findMailToSend(house.db, {
    id,
    mailboxHash: mailboxHash(house.secret, letter.to),
    consent,
  });
  if (mail === undefined || mail.state !== 'queued') return 'done';
  const before = taken.get(id);
  if (before !== undefined) return markSent(house, id, before);
  const age = house.now() - mail.queuedAt;
  if (age > (USELESS_AFTER_MS[letter.kind] ?? Number.POSITIVE_INFINITY)) {
    return giveUp(house, { id, letter }, 'expired');
  }
  if (mail.suppressed !== null) return suppress(house, id, mail.suppressed);
  if (consent !== null && !(mail.given ?? GIVEN_BY_DEFAULT[consent])) {
    return suppress(house, id, 'no_consent');
  }
  const composed = compose(letter, house);
  const sent = await sendThroughSes(house.ses, house.ask, { id, to: letter.to, composed });
  return conclude(house, { id, letter }, sent, attempt);
}

async function conclude(
  house: MailHouse,
  queued: QueuedLetter,
  sent: Sent,
  attempt: number,
): Promise<Outcome> {
  const { id, letter } = queued;
  if (sent.ok) {
    if (taken.size >= MOST_TAKEN) taken.clear();
    taken.set(id, sent.providerId);
    return markSent(house, id, sent.providerId);
  }
  if (sent.again)
    return attempt > MOST_RETRIES ? giveUp(house, queued, 'gave_up') : againIn(attempt);
  const { reason } = sent;
  await endMail(house.db, { id, state: 'rejected', reason, now: house.now() });
  signal({ event: 'mail_failed', mail: id, kind: letter.kind, reason });
  return 'done';
}

async function markSent(house: MailHouse, id: string, providerId: string): Promise<Outcome> {
  await markMailSent(house.db, { id, providerId: providerId || null, now: house.now() });
  taken.delete(id);
  return 'done';
}

async function suppress(house: MailHouse, id: string, reason: string): Promise<Outcome> {
  await endMail(house.db, { id, state: 'suppressed', reason, now: house.now() });
  return 'done';
}

async function giveUp(
  house: MailHouse,
  { id, letter }: QueuedLetter,
  reason: 'expired' | 'gave_up',
): Promise<Outcome> {
  await endMail(house.db, { id, state: 'failed', reason, now: house.now() });
  signal({ event: 'mail_failed', mail: id, kind: letter.kind, reason });
  return 'done';
}
