/** One email of each kind with sample data, for tests. */
import type { Email, EmailData, EmailKind } from './contract.ts';
import { isQueuedEmail } from './parse-queued-email.ts';
import { type RenderedEmail, renderEmail } from './render.ts';

export const SAMPLE_CONTEXT = {
  consoleUrl: new URL('https://console.example.com'),
  siteUrl: new URL('https://site.example.com'),
  secret: new Uint8Array(32).fill(5),
};
const AT = '2026-11-24T12:00:00.000Z';
export const SAMPLE_TOKEN = 'tok-en_1';
export const SAMPLE_ACCOUNT = '0123456789abcdef';

export const SAMPLE_DATA: EmailData = {
  confirm_sign_up: { token: SAMPLE_TOKEN },
  already_signed_up: {},
  reset_password: { token: SAMPLE_TOKEN },
  confirm_new_email: { token: SAMPLE_TOKEN },
  email_changed: { masked: 'a•••@e•••.com' },
  password_changed: { at: AT },
  new_device: { at: AT },
  second_factor_changed: { at: AT },
  recovery_code_used: { left: 7 },
  low_balance: { balance: '4.20', threshold: '5.00' },
  expensive_model: { keyName: 'my key', model: 'openai/o1-pro' },
  unusual_spending: { keyName: 'my key', spent: '31.07' },
  key_paused: { keyName: 'my key', spent: '31.07' },
  budget_low: { keyName: 'my key', spent: '8.05', budget: 'day' },
  budget_reached: { keyName: 'my key', spent: '10.00', budget: 'whole' },
  key_leaked: { keyName: 'my key', last4: 'x9Zq' },
  confirm_refund: { token: SAMPLE_TOKEN, amount: '20.00', network: 'Polygon PoS', address: '0xAb' },
  refund_paid: { amount: '20.00', transaction: `0x${'a'.repeat(64)}` },
  refund_not_paid: { amount: '20.00', reason: 'ask_support' },
  webhook_disabled: { host: 'hooks.example.com', events: 5 },
  bill_corrected: { calls: 12, amount: '0.0042', model: 'openai/gpt-6-luna' },
  account_deleted: { at: AT },
  legal_text_changed: { document: 'terms', version: 2, from: '2026-12-24' },
};

export function buildEmail(
  kind: EmailKind,
  language: string,
  facts: object = SAMPLE_DATA[kind],
): Email {
  const candidate = { kind, facts, to: 'ann@example.com', language, account: SAMPLE_ACCOUNT };
  const queued: unknown = { id: '0'.repeat(32), email: candidate };
  if (!isQueuedEmail(queued)) throw new Error(`no email: ${kind}`);
  return queued.email;
}

/** Every kind, rendered in one language. */
export function renderSampleEmails(language: string): readonly RenderedEmail[] {
  const kinds = Object.keys(SAMPLE_DATA).filter((kind): kind is EmailKind => kind in SAMPLE_DATA);
  return kinds.map((kind) => renderEmail(buildEmail(kind, language), SAMPLE_CONTEXT));
}
