/**
 * Renders an email: plain text, a small HTML alternative, and the headers. Text that a user wrote
 * (a key's name) appears in bodies only, escaped, bounded and without control characters. Links
 * lead to the console and to our legal texts only. No input can put a line break into a header.
 */
import { EMAIL_MARK, EMAIL_SCHEMES, emailStyle } from '@farebox/design/email';
import { findLanguage, type Messages, messagesFor } from '@farebox/i18n';
import { CONSENT_GROUP, type Email, REQUIRED_CONSENT } from './contract.ts';
import { unsubscribeUrl } from './unsubscribe-link.ts';

export type Header = Readonly<{ name: string; value: string }>;
export type RenderedEmail = Readonly<{
  subject: string;
  text: string;
  html: string;
  headers: readonly Header[];
}>;
export type EmailContext = Readonly<{ consoleUrl: URL; siteUrl: URL; secret: Uint8Array }>;

type EmailBody = Readonly<{
  subject: string;
  lines: readonly string[];
  /** The label of the email's only link and its path in the console, or on the site. */
  link: Readonly<{ text: string; path: string; isOnSite?: boolean }> | null;
}>;

const MAX_NAME_LENGTH = 64;

/** Unicode's category C holds control characters and the marks that change text direction. */
export function plainText(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').replace(/\s+/g, ' ');
  return [...plain.trim()].slice(0, MAX_NAME_LENGTH).join('');
}

/** Formats a time in UTC for the language. Malformed input isn't repeated. */
function formatTime(at: string, language: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return '–';
  const format = { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' } as const;
  return `${new Intl.DateTimeFormat(language, format).format(time)} UTC`;
}

function formatUsd(amount: string): string {
  return `${plainText(amount)} USD`;
}

function withToken(path: string, token: string): string {
  return `${path}?token=${encodeURIComponent(token)}`;
}

type EmailText = Readonly<{ subject: string; action: string }>;

function buildBody(
  { subject, action }: EmailText,
  lines: readonly string[],
  path: string,
): EmailBody {
  return { subject, lines, link: { text: action, path } };
}

/** Emails with a token in their link, and the email sent in place of one. */
function signUpOrLinkBody(email: Email, messages: Messages): EmailBody | undefined {
  const { emails } = messages;
  const withIgnoreNote = (
    content: EmailText & Readonly<{ lines: readonly string[] }>,
    path: string,
  ) => buildBody(content, [...content.lines, emails.ignoreIfNotYou], path);
  switch (email.kind) {
    case 'confirm_sign_up':
      return withIgnoreNote(emails.confirm_sign_up, withToken('/confirm', email.facts.token));
    case 'already_signed_up':
      return withIgnoreNote(emails.already_signed_up, '/sign-in');
    case 'reset_password':
      return withIgnoreNote(emails.reset_password, withToken('/reset', email.facts.token));
    case 'confirm_new_email':
      return withIgnoreNote(
        emails.confirm_new_email,
        withToken('/confirm-email', email.facts.token),
      );
    default:
      return undefined;
  }
}

/** Emails about authentication. */
function securityBody(email: Email, messages: Messages, language: string): EmailBody | undefined {
  const { emails } = messages;
  const withSecurityNote = (content: EmailText, lines: readonly string[]) =>
    buildBody(content, [...lines, emails.actIfNotYou], '/security');
  switch (email.kind) {
    case 'email_changed': {
      const lines = emails.email_changed.lines(plainText(email.facts.masked));
      return buildBody(emails.email_changed, lines, '/security');
    }
    case 'password_changed':
    case 'new_device':
    case 'second_factor_changed': {
      const content = emails[email.kind];
      return withSecurityNote(content, content.lines(formatTime(email.facts.at, language)));
    }
    case 'recovery_code_used': {
      const content = emails.recovery_code_used;
      return withSecurityNote(content, content.lines(email.facts.left));
    }
    case 'account_deleted': {
      const { subject, lines } = emails.account_deleted;
      return { subject, lines: lines(formatTime(email.facts.at, language)), link: null };
    }
    default:
      return undefined;
  }
}

/** Emails about keys and credits. */
function accountBody(email: Email, messages: Messages): EmailBody | undefined {
  const { emails } = messages;
  switch (email.kind) {
    case 'low_balance': {
      const content = emails.low_balance;
      const { balance, threshold } = email.facts;
      return buildBody(content, content.lines(formatUsd(balance), formatUsd(threshold)), '/');
    }
    case 'expensive_model': {
      const content = emails.expensive_model;
      const { keyName, model } = email.facts;
      return buildBody(content, content.lines(plainText(keyName), plainText(model)), '/keys');
    }
    case 'unusual_spending':
    case 'key_paused': {
      const content = emails[email.kind];
      const { keyName, spent } = email.facts;
      return buildBody(content, content.lines(plainText(keyName), formatUsd(spent)), '/keys');
    }
    case 'budget_low':
    case 'budget_reached': {
      const content = emails[email.kind];
      const { keyName, spent, budget } = email.facts;
      const name = messages.keys.budgetNames[budget];
      return buildBody(content, content.lines(plainText(keyName), formatUsd(spent), name), '/keys');
    }
    case 'bill_corrected': {
      const content = emails.bill_corrected;
      const { calls, amount, model } = email.facts;
      // A model's name is longer than a key's.
      const name = /^[!-~–]{1,128}$/.test(model) ? model : '–';
      return buildBody(content, content.lines(calls, formatUsd(amount), name), '/transactions');
    }
    case 'webhook_disabled': {
      const content = emails.webhook_disabled;
      // A host is longer than a name; URL has made it ASCII.
      const host = /^[0-9a-z.:[\]_-]{1,255}$/.test(email.facts.host) ? email.facts.host : '–';
      return buildBody(content, content.lines(host, email.facts.events), '/alerts/webhook');
    }
    case 'key_leaked': {
      const content = emails.key_leaked;
      const { keyName, last4 } = email.facts;
      return buildBody(content, content.lines(plainText(keyName), plainText(last4)), '/keys');
    }
    default:
      return undefined;
  }
}

/** Emails about refunds. */
function refundBody(email: Email, messages: Messages): EmailBody | undefined {
  const { emails, refunds } = messages;
  switch (email.kind) {
    case 'confirm_refund': {
      const { token, amount, network, address } = email.facts;
      const content = emails.confirm_refund;
      const lines = content.lines(formatUsd(amount), plainText(network), plainText(address));
      return buildBody(
        content,
        [...lines, emails.actIfNotYou],
        withToken('/refunds/confirm', token),
      );
    }
    case 'refund_paid': {
      const { amount, transaction } = email.facts;
      const content = emails.refund_paid;
      // A hash is longer than a name; TRON's has no 0x.
      const hash = /^(0x)?[0-9a-f]{64}$/.test(transaction) ? transaction : '–';
      return buildBody(content, content.lines(formatUsd(amount), hash), '/refunds');
    }
    case 'refund_not_paid': {
      const { amount, reason } = email.facts;
      const content = emails.refund_not_paid;
      const why = Object.entries(refunds.reasons).find(([word]) => word === reason)?.[1] ?? '–';
      return buildBody(content, content.lines(formatUsd(amount), why), '/refunds');
    }
    default:
      return undefined;
  }
}

function formatDay(day: string, language: string): string {
  const time = Date.parse(day);
  if (Number.isNaN(time)) return '–';
  return new Intl.DateTimeFormat(language, { dateStyle: 'long', timeZone: 'UTC' }).format(time);
}

/** The announcement of a legal text, with a link to the page in the reader's language. */
function legalBody(email: Email, messages: Messages, language: string): EmailBody | undefined {
  if (email.kind !== 'legal_text_changed') return undefined;
  const { lines, action, documents } = messages.emails.legal_text_changed;
  const { document, version, from } = email.facts;
  const { subject, name } = documents[document];
  const path = language === 'en' ? `/${document}` : `/${language}/${document}`;
  return {
    subject,
    lines: lines(name, version, formatDay(from, language)),
    link: { text: action, path, isOnSite: true },
  };
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

function anchor(url: string, text: string, style: 'link' | 'button' = 'link'): string {
  return `<a ${emailStyle(style)} href="${escapeHtml(url)}">${escapeHtml(text)}</a>`;
}

type HtmlContent = Readonly<{
  language: string;
  subject: string;
  /** Plain text, one paragraph each. */
  lines: readonly string[];
  link: Readonly<{ text: string; url: string }> | null;
  recipientReason: string;
  unsubscribe: Readonly<{ text: string; url: string }> | null;
}>;

/** The HTML alternative: the same text with the site's mark and colours, and nothing to load. */
function renderHtml({ language, subject, lines, link, ...footer }: HtmlContent): string {
  const { recipientReason, unsubscribe } = footer;
  const paragraph = (inner: string, style: 'paragraph' | 'quiet' = 'paragraph') =>
    `<p ${emailStyle(style)}>${inner}</p>\n`;
  return [
    `<!doctype html>\n<html lang="${language}">\n<head><meta charset="utf-8">${EMAIL_SCHEMES}<title>${escapeHtml(subject)}</title></head>\n`,
    `<body ${emailStyle('body')}>\n<div ${emailStyle('card')}>\n${EMAIL_MARK}\n`,
    `<p ${emailStyle('name')}>Farebox</p>\n`,
    ...lines.map((line) => paragraph(escapeHtml(line))),
    ...(link === null
      ? []
      : [
          paragraph(anchor(link.url, link.text, 'button')),
          paragraph(escapeHtml(link.url), 'quiet'),
        ]),
    `<hr ${emailStyle('rule')}>\n`,
    paragraph(escapeHtml(recipientReason), 'quiet'),
    ...(unsubscribe === null
      ? []
      : [
          paragraph(
            `${escapeHtml(unsubscribe.text)} ${anchor(unsubscribe.url, unsubscribe.url)}`,
            'quiet',
          ),
        ]),
    '</div>\n</body>\n</html>\n',
  ].join('');
}

/** A header value is one line of printable ASCII; anything else is a bug. */
function header(name: string, value: string): Header {
  if (!/^[ -~]*$/.test(value)) throw new Error(`The header ${name} is not printable.`);
  return { name, value };
}

function assertOneLine(subject: string): string {
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(subject)) throw new Error('The subject is not one line.');
  return subject;
}

function getUnsubscribeUrl(email: Email, { secret, consoleUrl }: EmailContext): string | null {
  const consent = REQUIRED_CONSENT[email.kind];
  if (consent === undefined || email.account === null) return null;
  const unsubscription = { account: email.account, kind: CONSENT_GROUP[consent] };
  return unsubscribeUrl(secret, consoleUrl, unsubscription);
}

export function renderEmail(email: Email, context: EmailContext): RenderedEmail {
  const messages = messagesFor(email.language);
  const language = findLanguage(email.language) ?? 'en';
  const content =
    signUpOrLinkBody(email, messages) ??
    securityBody(email, messages, language) ??
    accountBody(email, messages) ??
    refundBody(email, messages) ??
    legalBody(email, messages, language);
  if (content === undefined) throw new Error('There is no text for this kind of email.');
  const { greeting, recipientReason, unsubscribe } = messages.emails;
  const { lines } = content;
  const link = content.link && {
    text: content.link.text,
    url: new URL(
      content.link.path,
      content.link.isOnSite === true ? context.siteUrl : context.consoleUrl,
    ).href,
  };
  const unsubscribeHref = getUnsubscribeUrl(email, context);
  const text = [
    greeting,
    ...lines,
    ...(link === null ? [] : [`${link.text}:\n${link.url}`]),
    '-- ',
    recipientReason,
    ...(unsubscribeHref === null ? [] : [`${unsubscribe}\n${unsubscribeHref}`]),
  ].join('\n\n');
  const html = renderHtml({
    language,
    subject: content.subject,
    lines: [greeting, ...lines],
    link,
    recipientReason,
    unsubscribe: unsubscribeHref === null ? null : { text: unsubscribe, url: unsubscribeHref },
  });
  const headers =
    unsubscribeHref === null
      ? []
      : [
          header('List-Unsubscribe', `<${unsubscribeHref}>`),
          header('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'),
        ];
  return { subject: assertOneLine(content.subject), text: `${text}\n`, html, headers };
}
