/**
 * What Amazon SES tells of a mail, reduced to closed words: a state, a reason and, where the mailbox is
 * no good or its owner complained, an end to all mail for it. Addresses, subjects and headers that an
 * event repeats are dropped here. Events come in any order; none moves a mail back.
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
 */
import { type Database, type MailEvent, recordMailEvent } from '@farebox/database';
import { signal } from '@farebox/signals';
import { mailboxHash } from './secrets.ts';
import { MAIL_TAG } from './ses.ts';

type Change = NonNullable<MailEvent['change']>;
type Understood = Readonly<{
  kind: string;
  change: MailEvent['change'];
  suppress: 'bounced' | 'complained' | null;
}>;
type Fields = Readonly<Record<string, unknown>>;

const BOUNCE_TYPES = ['Permanent', 'Transient', 'Undetermined'];
const BOUNCE_SUBTYPES = [
  'Undetermined',
  'General',
  'NoEmail',
  'Suppressed',
  'OnAccountSuppressionList',
  'UnsubscribedRecipient',
  'MailboxFull',
  'MessageTooLarge',
  'CustomTimeoutExceeded',
  'ContentRejected',
  'AttachmentRejected',
];
const COMPLAINTS = ['abuse', 'auth-failure', 'fraud', 'not-spam', 'other', 'virus'];
const DELAYS = [
  'InternalFailure',
  'General',
  'MailboxFull',
  'SpamDetected',
  'RecipientServerError',
  'IPFailure',
  'TransientCommunicationFailure',
  'BYOIPHostNameLookupUnavailable',
  'Undetermined',
  'SendingDeferral',
];

/** How far each state is; `failed` may be overtaken, because SES may have taken what we gave up. */
const UNSENT = ['queued', 'failed'] as const;
const UNDERWAY = [...UNSENT, 'sent', 'delayed'] as const;

/** A word of the list, or null. */
function word(value: unknown, list: readonly string[]): string | null {
  return list.find((known) => known === value) ?? null;
}

function under(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function moved(kind: string, change: Change): Understood {
  return { kind, change, suppress: null };
}

function bounced(event: Fields): Understood {
  const type = word(under(event.bounce, 'bounceType'), BOUNCE_TYPES) ?? 'Undetermined';
  const subtype = word(under(event.bounce, 'bounceSubType'), BOUNCE_SUBTYPES) ?? 'Undetermined';
  const permanent = type === 'Permanent';
  const change: Change = {
    state: 'bounced',
    reason: `${type}-${subtype}`,
    ends: true,
    // Answers of absent people arrive as transient bounces of mail that was delivered.
    from: permanent ? [...UNDERWAY, 'delivered'] : UNDERWAY,
  };
  return { kind: 'bounce', change, suppress: permanent ? 'bounced' : null };
}

function complained(event: Fields): Understood {
  const type = word(under(event.complaint, 'complaintFeedbackType'), COMPLAINTS);
  // Somebody took it out of the junk: the opposite of a complaint.
  if (type === 'not-spam') return { kind: 'complaint', change: null, suppress: null };
  const change: Change = {
    state: 'complained',
    reason: type ?? 'unsaid',
    ends: true,
    from: [...UNDERWAY, 'delivered', 'bounced'],
  };
  return { kind: 'complaint', change, suppress: 'complained' };
}

function understand(event: Fields): Understood | undefined {
  switch (event.eventType) {
    case 'Send':
      return moved('send', { state: 'sent', reason: null, ends: false, from: UNSENT });
    case 'Delivery':
      return moved('delivery', { state: 'delivered', reason: null, ends: true, from: UNDERWAY });
    case 'DeliveryDelay': {
      const reason = word(under(event.deliveryDelay, 'delayType'), DELAYS) ?? 'Undetermined';
      const change: Change = { state: 'delayed', reason, ends: false, from: [...UNSENT, 'sent'] };
      return moved('delivery_delay', change);
    }
    case 'Reject': {
      const from = [...UNSENT, 'sent'] as const;
      return moved('reject', { state: 'rejected', reason: 'content', ends: true, from });
    }
    case 'Bounce':
      return bounced(event);
    case 'Complaint':
      return complained(event);
    default:
      return undefined;
  }
}

function parsed(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function firstText(value: unknown): string | null {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === 'string' ? first : null;
}

/** Where it was sent to, as we sent it: a bounce's own address may be where it was forwarded. */
function mailboxOf(mail: unknown): string | null {
  const address = firstText(under(mail, 'destination'));
  return address === null ? null : (/<([^<>]*)>\s*$/.exec(address)?.[1] ?? address);
}

export type Told = Readonly<{ id: string; at: number; text: string }>;

/** Everything that SNS vouched for is taken; what we can't use is counted. Throws where the database is away. */
export async function recordSesEvent(
  { db, secret }: Readonly<{ db: Database; secret: Uint8Array }>,
  told: Told,
): Promise<void> {
  const event = parsed(told.text);
  if (event === undefined) return unusable('unreadable');
  const understood = understand(event);
  if (understood === undefined) return unusable('kind');
  const providerId = under(event.mail, 'messageId');
  if (typeof providerId !== 'string' || !/^[!-~]{1,128}$/.test(providerId))
    return unusable('unreadable');
  const tag = firstText(under(under(event.mail, 'tags'), MAIL_TAG));
  const mailbox = mailboxOf(event.mail);
  const { kind, change, suppress } = understood;
  const recorded = await recordMailEvent(db, {
    id: told.id,
    mailId: tag !== null && /^[0-9a-f]{32}$/.test(tag) ? tag : null,
    providerId,
    kind,
    at: told.at,
    change,
    suppress:
      suppress === null || mailbox === null
        ? null
        : { mailboxHash: mailboxHash(secret, mailbox), reason: suppress },
  });
  if (recorded === 'unknown_mail') unusable('mail');
}

function unusable(what: 'unreadable' | 'kind' | 'mail'): void {
  signal({ event: 'mail_event_unknown', what });
}
