/** The front of the mail room: letters out through Amazon SES, and what became of them. */
export {
  CONSENT_KINDS,
  type ConsentKind,
  type Letter,
  type LetterFacts,
  type LetterKind,
  NEEDS_CONSENT,
  type QueuedLetter,
} from './contract.ts';
