/**
 * What can be written to somebody, and what became of it. A letter is a closed kind with the few facts
 * its text needs; it travels through the mail queue and is kept nowhere else, because its facts may
 * hold a token. The text itself is made where it is sent, in the language it names.
 */

export const CONSENT_KINDS = ['balance', 'keys'] as const;
/** Kinds of mail a person may do without. Everything else is about their account's safety. */
export type ConsentKind = (typeof CONSENT_KINDS)[number];

/** Amounts are decimal USD texts such as `4.20`, times are ISO 8601, tokens go into links. */
export type EmailData = Readonly<{
  confirm_sign_up: { token: string };
  /** To the owner of an address somebody signed up with again. */
  already_signed_up: Record<never, never>;
  reset_password: { token: string };
  confirm_new_email: { token: string };
  /** To the address before. `masked` is the new one with most letters hidden. */
  email_changed: { masked: string };
  password_changed: { at: string };
  new_device: { at: string };
  second_factor_changed: { at: string };
  recovery_code_used: { left: number };
  low_balance: { balance: string; threshold: string };
  expensive_model: { keyName: string; model: string };
  unusual_spending: { keyName: string; spent: string };
  key_paused: { keyName: string; spent: string };
  key_leaked: { keyName: string; last4: string };
  account_deleted: { at: string };
}>;
export type EmailKind = keyof EmailData;

/** Letters that need a consent, and which. */
export const REQUIRED_CONSENT: Readonly<Partial<Record<EmailKind, ConsentKind>>> = {
  low_balance: 'balance',
  expensive_model: 'keys',
  unusual_spending: 'keys',
};

/** Where nothing was said: a person who asked to be told of something expects to be. */
export const DEFAULT_CONSENT: Readonly<Record<ConsentKind, boolean>> = {
  balance: true,
  keys: true,
};

export type Email = {
  [Kind in EmailKind]: Readonly<{
    kind: Kind;
    facts: EmailData[Kind];
    /** The address as its owner wrote it. */
    to: string;
    /** A BCP 47 tag; a language nobody wrote texts for is answered in English. */
    language: string;
    /** Null where there is no account (yet, or any more). */
    account: string | null;
  }>;
}[EmailKind];

/** What travels through the queue `farebox-mail`: the row `mails.id` exists when it is sent. */
export type QueuedEmail = Readonly<{ id: string; email: Email }>;
