/** Email through Amazon SES: queueing, rendering, sending, and the events SES reports. */

export { findChoice, isConsentGiven, listKindsInGroup } from './consents.ts';
export {
  CONSENT_GROUPS,
  CONSENT_KINDS,
  type ConsentKind,
  type Email,
  type EmailData,
  type EmailKind,
  type QueuedEmail,
  REQUIRED_CONSENT,
} from './contract.ts';
export { type DeliveryOutcome, type MailDeps, retryLater, sendQueuedEmail } from './delivery.ts';
export { legalEmailId, mailboxHash, notificationEmailId } from './derived-ids.ts';
export { type EmailQueue, enqueueEmails, type IdSource } from './enqueue.ts';
export { isQueuedEmail } from './parse-queued-email.ts';
export { type EmailContext, type RenderedEmail, renderEmail } from './render.ts';
export { type HttpFetch, type SesSettings, sendThroughSes } from './ses.ts';
export { recordSesEvent, type SesNotification } from './ses-events.ts';
export {
  CertificateCache,
  confirmSubscription,
  type SnsError,
  type SnsMessage,
  type SnsResult,
  type SnsSettings,
  verifySnsMessage,
} from './sns.ts';
export { parseUnsubscribeLink, type Unsubscription, unsubscribeUrl } from './unsubscribe-link.ts';
