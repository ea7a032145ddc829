/**
 * Checks the messages of the mail queue: an older release with another format may have written
 * them.
 */
import { LEGAL_DOCUMENTS } from '@farebox/i18n';
import * as v from 'valibot';
import { BUDGET_NAMES, type EmailData, type EmailKind, type QueuedEmail } from './contract.ts';

const TIME = v.object({ at: v.string() });
const TOKEN = v.object({ token: v.string() });
const BUDGET = v.object({
  keyName: v.string(),
  spent: v.string(),
  budget: v.picklist(BUDGET_NAMES),
});
const KEY_SPENDING = v.object({ keyName: v.string(), spent: v.string() });

const FACTS: Readonly<{ [Kind in EmailKind]: v.GenericSchema<unknown, EmailData[Kind]> }> = {
  confirm_sign_up: TOKEN,
  already_signed_up: v.looseObject({}),
  reset_password: TOKEN,
  confirm_new_email: TOKEN,
  email_changed: v.object({ masked: v.string() }),
  password_changed: TIME,
  new_device: TIME,
  second_factor_changed: TIME,
  recovery_code_used: v.object({ left: v.number() }),
  low_balance: v.object({ balance: v.string(), threshold: v.string() }),
  expensive_model: v.object({ keyName: v.string(), model: v.string() }),
  unusual_spending: KEY_SPENDING,
  key_paused: KEY_SPENDING,
  budget_low: BUDGET,
  budget_reached: BUDGET,
  key_leaked: v.object({ keyName: v.string(), last4: v.string() }),
  confirm_refund: v.object({
    token: v.string(),
    amount: v.string(),
    network: v.string(),
    address: v.string(),
  }),
  refund_paid: v.object({ amount: v.string(), transaction: v.string() }),
  refund_not_paid: v.object({ amount: v.string(), reason: v.string() }),
  bill_corrected: v.object({ calls: v.number(), amount: v.string(), model: v.string() }),
  webhook_disabled: v.object({ host: v.string(), events: v.number() }),
  account_deleted: TIME,
  legal_text_changed: v.object({
    document: v.picklist(LEGAL_DOCUMENTS),
    version: v.number(),
    from: v.string(),
  }),
};

function isEmailKind(value: unknown): value is EmailKind {
  return typeof value === 'string' && Object.hasOwn(FACTS, value);
}

const QUEUED_EMAIL = v.object({
  id: v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/)),
  email: v.object({
    kind: v.custom<EmailKind>(isEmailKind),
    to: v.string(),
    language: v.string(),
    account: v.nullable(v.string()),
    facts: v.unknown(),
  }),
});

export function isQueuedEmail(value: unknown): value is QueuedEmail {
  return v.is(QUEUED_EMAIL, value) && v.is(FACTS[value.email.kind], value.email.facts);
}
