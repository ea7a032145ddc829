/**
 * Records what Amazon SES reports about an email: a state, a reason, and a suppression where the
 * mailbox doesn't exist or its owner complained. Only words of closed lists are stored; addresses,
 * subjects and headers that an event repeats are dropped here. Events arrive in any order, and none
 * moves an email back to an earlier state.
 * https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html
 */
import type { Database } from '@farebox/database';
import { type EmailEvent, recordEmailEvent } from '@farebox/database/email';
import { logEvent } from '@farebox/telemetry';
import * as v from 'valibot';
import { mailboxHash } from './derived-ids.ts';
import { MAIL_TAG } from './ses.ts';

type StateChange = NonNullable<EmailEvent['change']>;
type ParsedEvent = Readonly<{
  kind: string;
  change: EmailEvent['change'];
  suppress: 'bounced' | 'complained' | null;
}>;

const UNDETERMINED = 'Undetermined';
const BOUNCE_TYPES = ['Permanent', 'Transient', UNDETERMINED];
const BOUNCE_SUBTYPES = [
  UNDETERMINED,
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
  UNDETERMINED,
  'SendingDeferral',
];

/** Accepts the words of the list; anything else reads as `Undetermined`. */
function closedWord(words: readonly string[]) {
  return v.fallback(v.picklist(words), UNDETERMINED);
}

/** The first element of an array of strings; anything else reads as null. */
const FIRST_STRING = v.fallback(
  v.nullable(
    v.pipe(
      v.looseTuple([v.string()]),
      v.transform(([first]) => first),
    ),
  ),
  null,
);

const BOUNCE = v.object({
  bounceType: closedWord(BOUNCE_TYPES),
  bounceSubType: closedWord(BOUNCE_SUBTYPES),
});
const COMPLAINT = v.object({
  complaintFeedbackType: v.fallback(v.nullable(v.picklist(COMPLAINT_TYPES)), null),
});
const DELAY = v.object({ delayType: closedWord(DELAY_TYPES) });

/**
 * Details that are missing or unknown don't invalidate an event: its type alone is worth recording.
 */
const EVENT = v.variant('eventType', [
  v.object({ eventType: v.picklist(['Send', 'Delivery', 'Reject']) }),
  v.object({ eventType: v.literal('DeliveryDelay'), deliveryDelay: orEmpty(DELAY) }),
  v.object({ eventType: v.literal('Bounce'), bounce: orEmpty(BOUNCE) }),
  v.object({ eventType: v.literal('Complaint'), complaint: orEmpty(COMPLAINT) }),
]);
type SesEvent = v.InferOutput<typeof EVENT>;

/** Replaces a missing or malformed object by the output of an empty one. */
function orEmpty<Schema extends typeof BOUNCE | typeof COMPLAINT | typeof DELAY>(schema: Schema) {
  return v.fallback(schema, v.parse(schema, {}));
}

/**
 * `destination` has the recipient as sent; a bounce's own address may be one it was forwarded to.
 */
const MAIL = v.object({
  mail: v.object({
    messageId: v.pipe(v.string(), v.regex(/^[!-~]{1,128}$/)),
    destination: FIRST_STRING,
    tags: v.fallback(v.object({ [MAIL_TAG]: FIRST_STRING }), { [MAIL_TAG]: null }),
  }),
});

const JSON_OBJECT = v.pipe(v.string(), v.parseJson(), v.looseObject({}));

/** `failed` may be overtaken, because SES may have accepted an email whose sending timed out. */
const UNSENT = ['queued', 'failed'] as const;
const IN_TRANSIT = [...UNSENT, 'sent', 'delayed'] as const;

function stateChanged(kind: string, change: StateChange): ParsedEvent {
  return { kind, change, suppress: null };
}

function toBounce({ bounceType, bounceSubType }: v.InferOutput<typeof BOUNCE>): ParsedEvent {
  const permanent = bounceType === 'Permanent';
  const change: StateChange = {
    state: 'bounced',
    reason: `${bounceType}-${bounceSubType}`,
    isFinal: true,
    // An out-of-office reply arrives as a transient bounce of an email that was delivered.
    from: permanent ? [...IN_TRANSIT, 'delivered'] : IN_TRANSIT,
  };
  return { kind: 'bounce', change, suppress: permanent ? 'bounced' : null };
}

function toComplaint({ complaintFeedbackType }: v.InferOutput<typeof COMPLAINT>): ParsedEvent {
  // The recipient moved the email out of the junk folder: the opposite of a complaint.
  if (complaintFeedbackType === 'not-spam')
    return { kind: 'complaint', change: null, suppress: null };
  const change: StateChange = {
    state: 'complained',
    reason: complaintFeedbackType ?? 'unspecified',
    isFinal: true,
    from: [...IN_TRANSIT, 'delivered', 'bounced'],
  };
  return { kind: 'complaint', change, suppress: 'complained' };
}

function parseEvent(event: SesEvent): ParsedEvent {
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
    case 'DeliveryDelay':
      return stateChanged('delivery_delay', {
        state: 'delayed',
        reason: event.deliveryDelay.delayType,
        isFinal: false,
        from: [...UNSENT, 'sent'],
      });
    case 'Reject':
      return stateChanged('reject', {
        state: 'rejected',
        reason: 'content',
        isFinal: true,
        from: [...UNSENT, 'sent'],
      });
    case 'Bounce':
      return toBounce(event.bounce);
    case 'Complaint':
      return toComplaint(event.complaint);
  }
}

/** Returns the bare address of `Name <address>`. */
function bareAddress(text: string | null): string | null {
  return text === null ? null : (/<([^<>]*)>\s*$/.exec(text)?.[1] ?? text);
}

export type SesNotification = Readonly<{ id: string; at: number; text: string }>;

/**
 * Records the event of a verified SNS message. An event that can't be used is counted in the log
 * and not an error, because SNS would only repeat it. Throws when the database is unavailable.
 */
export async function recordSesEvent(
  { db, secret }: Readonly<{ db: Database; secret: Uint8Array }>,
  message: SesNotification,
): Promise<void> {
  const json = v.safeParse(JSON_OBJECT, message.text);
  if (!json.success) return logUnusable('unreadable');
  const event = v.safeParse(EVENT, json.output);
  if (!event.success) return logUnusable('kind');
  const parsed = v.safeParse(MAIL, json.output);
  if (!parsed.success) return logUnusable('unreadable');
  const { messageId: providerId, destination, tags } = parsed.output.mail;
  const tag = tags[MAIL_TAG];
  const address = bareAddress(destination);
  const { kind, change, suppress } = parseEvent(event.output);
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
