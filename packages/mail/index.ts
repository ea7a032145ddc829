/** The front of the mail room: letters out through Amazon SES, and what became of them. */
export { type Composed, compose, type Stationery } from './compose.ts';
export {
  CONSENT_KINDS,
  type ConsentKind,
  GIVEN_BY_DEFAULT,
  type Letter,
  type LetterFacts,
  type LetterKind,
  NEEDS_CONSENT,
  type QueuedLetter,
} from './contract.ts';
export { againIn, deliverLetter, type MailHouse, type Outcome } from './delivery.ts';
export { recordSesEvent, type Told } from './events.ts';
export { type Hand, type LetterQueue, queueLetters } from './posting.ts';
export { isQueuedLetter } from './reading.ts';
export { mailboxHash, noticeMailId } from './secrets.ts';
export { type Ask, type SesSettings, sendThroughSes } from './ses.ts';
export {
  Certificates,
  confirmSubscription,
  readSns,
  type SnsFlaw,
  type SnsMessage,
  type SnsSettings,
  type SnsVerdict,
} from './sns.ts';
export { readUnsubscription, type Unsubscription, unsubscribeUrl } from './unsubscribing.ts';
