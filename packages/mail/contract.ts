/**
 * The emails we send. An email is one of a closed list of kinds with the data its text needs. It
 * travels through the mail queue and is stored nowhere else, because its data may hold a token. The
 * text is rendered at sending, in the language the email names.
 */
import type { LegalDocument } from '@farebox/i18n';

/** Groups of optional emails. Unsubscribe links name them and don't expire. */
export const CONSENT_GROUPS = ['balance', 'keys'] as const;
export type ConsentGroup = (typeof CONSENT_GROUPS)[number];

/** What a user can consent to: a group of emails, or one kind of a group that has several. */
export const CONSENT_KINDS = [
  ...CONSENT_GROUPS,
  'expensive_model',
  'unusual_spending',
  'budget_low',
  'budget_reached',
] as const;
export type ConsentKind = (typeof CONSENT_KINDS)[number];

export const CONSENT_GROUP: Readonly<Record<ConsentKind, ConsentGroup>> = {
  balance: 'balance',
  keys: 'keys',
  expensive_model: 'keys',
  unusual_spending: 'keys',
  budget_low: 'keys',
  budget_reached: 'keys',
};

/** A budget of a key, by its period; `whole` is the one of its whole life. */
export const BUDGET_NAMES = ['day', 'week', 'month', 'whole'] as const;
export type BudgetName = (typeof BUDGET_NAMES)[number];

/** Amounts are decimal USD such as `4.20`, times are ISO 8601, tokens are for links. */
export type EmailData = Readonly<{
  confirm_sign_up: { token: string };
  /** To the owner of an address that was used for another sign-up. */
  already_signed_up: Record<never, never>;
  reset_password: { token: string };
  confirm_new_email: { token: string };
  /** To the previous address. `masked` is the new one, masked. */
  email_changed: { masked: string };
  password_changed: { at: string };
  new_device: { at: string };
  second_factor_changed: { at: string };
  recovery_code_used: { left: number };
  low_balance: { balance: string; threshold: string };
  expensive_model: { keyName: string; model: string };
  unusual_spending: { keyName: string; spent: string };
  key_paused: { keyName: string; spent: string };
  budget_low: { keyName: string; spent: string; budget: BudgetName };
  budget_reached: { keyName: string; spent: string; budget: BudgetName };
  key_leaked: { keyName: string; last4: string };
  /** The address as wallets write it, the network by its name. */
  confirm_refund: { token: string; amount: string; network: string; address: string };
  refund_paid: { amount: string; transaction: string };
  /** `reason` is a word: why it was declined, or that it expired. */
  refund_not_paid: { amount: string; reason: string };
  /** Bills of `calls` calls to `model` were too high; `amount` was given back. */
  bill_corrected: { calls: number; amount: string; model: string };
  /** `events` in a row could not be delivered to the webhook at `host`. */
  webhook_disabled: { host: string; events: number };
  account_deleted: { at: string };
  /** `from` is the day from which the version is in effect, `2026-11-26`. */
  legal_text_changed: { document: LegalDocument; version: number; from: string };
}>;
export type EmailKind = keyof EmailData;

/**
 * The consent that a kind of email requires. All other kinds concern the security of the account or
 * what was agreed.
 */
export const REQUIRED_CONSENT: Readonly<Partial<Record<EmailKind, ConsentKind>>> = {
  low_balance: 'balance',
  expensive_model: 'expensive_model',
  unusual_spending: 'unusual_spending',
  budget_low: 'budget_low',
  budget_reached: 'budget_reached',
};

export type Email = {
  [Kind in EmailKind]: Readonly<{
    kind: Kind;
    facts: EmailData[Kind];
    /** The address as its owner typed it. */
    to: string;
    /** A BCP 47 tag; English is used for a language without texts. */
    language: string;
    /** Null if there is no account, or no longer one. */
    account: string | null;
  }>;
}[EmailKind];

/** A message of the queue `farebox-mail`. The row `mails.id` exists before it is sent. */
export type QueuedEmail = Readonly<{ id: string; email: Email }>;
