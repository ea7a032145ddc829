/**
 * What Amazon SES tells of a mail, reduced to closed words: a state, a reason and, where the mailbox is
 * no good or its owner complained, an end to all mail for it. Addresses, subjects and headers that an
 * event repeats are dropped here. Events come in any order; none moves a mail back.
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
 */
import type { Database } from '@farebox/database';
import { type EmailEvent, recordEmailEvent } from '@farebox/database/email';
import { logEvent } from '@farebox/telemetry';
import { mailboxHash } from './derived-ids.ts';
import { MAIL_TAG } from './ses.ts';

type StateChange = NonNullable<EmailEvent['change']>;
type ParsedEvent = Readonly<{
  kind: string;
  change: EmailEvent['change'];
  suppress: 'bounced' | 'complained' | null;
}>;
type JsonObject = Readonly<Record<string, unknown>>;

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
const COMPLAINT_TYPES = ['abuse', 'auth-failure', 'fraud', 'not-spam', 'other', 'virus'];
const DELAY_TYPES = [
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
const IN_TRANSIT = [...UNSENT, 'sent', 'delayed'] as const;

/** A word of the list, or null. */
function knownWord(value: unknown, list: readonly string[]): string | null {
  return list.find((known) => known === value) ?? null;
}

function getField(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function stateChanged(kind: string, change: StateChange): ParsedEvent {
  return { kind, change, suppress: null };
}

function parseBounce(event: JsonObject): ParsedEvent {
  const type = knownWord(getField(event.bounce, 'bounceType'), BOUNCE_TYPES) ?? 'Undetermined';
  const subtype =
    knownWord(getField(event.bounce, 'bounceSubType'), BOUNCE_SUBTYPES) ?? 'Undetermined';
  const permanent = type === 'Permanent';
  const change: StateChange = {
    state: 'bounced',
    reason: `${type}-${subtype}`,
    isFinal: true,
    // Answers of absent people arrive as transient bounces of mail that was delivered.
    from: permanent ? [...IN_TRANSIT, 'delivered'] : IN_TRANSIT,
  };
  return { kind: 'bounce', change, suppress: permanent ? 'bounced' : null };
}

function parseComplaint(event: JsonObject): ParsedEvent {
  const type = knownWord(getField(event.complaint, 'complaintFeedbackType'), COMPLAINT_TYPES);
  // Somebody took it out of the junk: the opposite of a complaint.
  if (type === 'not-spam') return { kind: 'complaint', change: null, suppress: null };
  const change: StateChange = {
    state: 'complained',
    reason: type ?? 'unspecified',
    isFinal: true,
    from: [...IN_TRANSIT, 'delivered', 'bounced'],
  };
  return { kind: 'complaint', change, suppress: 'complained' };
}

function parseEvent(event: JsonObject): ParsedEvent | undefined {
  switch (event.eventType) {
    case 'Send':
      return stateChanged('send', { state: 'sent', reason: null, isFinal: false, from: UNSENT });
    case 'Delivery':
      return stateChanged('delivery', {
        state: 'delivered',
        reason: null,
        isFinal: true,
        from: IN_TRANSIT,
      });
    case 'DeliveryDelay': {
      const reason =
        knownWord(getField(event.deliveryDelay, 'delayType'), DELAY_TYPES) ?? 'Undetermined';
      const change: StateChange = {
        state: 'delayed',
        reason,
        isFinal: false,
        from: [...UNSENT, 'sent'],
      };
      return stateChanged('delivery_delay', change);
    }
    case 'Reject': {
      const from = [...UNSENT, 'sent'] as const;
      return stateChanged('reject', { state: 'rejected', reason: 'content', isFinal: true, from });
    }
    case 'Bounce':
      return parseBounce(event);
    case 'Complaint':
      return parseComplaint(event);
    default:
      return undefined;
  }
}

function parseJson(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function firstString(value: unknown): string | null {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  return typeof first === 'string' ? first : null;
}

/** Where it was sent to, as we sent it: a bounce's own address may be where it was forwarded. */
function recipientAddress(mail: unknown): string | null {
  const address = firstString(getField(mail, 'destination'));
  return address === null ? null : (/<([^<>]*)>\s*$/.exec(address)?.[1] ?? address);
}

export type SesNotification = Readonly<{ id: string; at: number; text: string }>;

/** Everything that SNS vouched for is taken; what we can't use is counted. Throws where the database is away. */
export async function recordSesEvent(
  { db, secret }: Readonly<{ db: Database; secret: Uint8Array }>,
  message: SesNotification,
): Promise<void> {
  const event = parseJson(message.text);
  if (event === undefined) return logUnusable('unreadable');
  const parsedEvent = parseEvent(event);
  if (parsedEvent === undefined) return logUnusable('kind');
  const providerId = getField(event.mail, 'messageId');
  if (typeof providerId !== 'string' || !/^[!-~]{1,128}$/.test(providerId))
    return logUnusable('unreadable');
  const tag = firstString(getField(getField(event.mail, 'tags'), MAIL_TAG));
  const address = recipientAddress(event.mail);
  const { kind, change, suppress } = parsedEvent;
  const recorded = await recordEmailEvent(db, {
    id: message.id,
    emailId: tag !== null && /^[0-9a-f]{32}$/.test(tag) ? tag : null,
    providerId,
    kind,
    at: message.at,
    change,
    suppress:
      suppress === null || address === null
        ? null
        : { mailboxHash: mailboxHash(secret, address), reason: suppress },
  });
  if (recorded === 'unknown_mail') logUnusable('mail');
}

function logUnusable(what: 'unreadable' | 'kind' | 'mail'): void {
  logEvent({ event: 'mail_event_unknown', what });
}
