/**
 * A letter as it is sent: plain text, a small HTML alternative, and headers of our own making. What a
 * person wrote (a key's name) appears in bodies only, without control characters, bounded and escaped;
 * links lead to the console and nowhere else. Nothing here can put a line break into a header.
 */
import { languageOf, type Texts, textsFor } from '@farebox/languages';
import { type Letter, NEEDS_CONSENT } from './contract.ts';
import { unsubscribeUrl } from './unsubscribing.ts';

export type Header = Readonly<{ name: string; value: string }>;
export type Composed = Readonly<{
  subject: string;
  text: string;
  html: string;
  headers: readonly Header[];
}>;
export type Stationery = Readonly<{ consoleUrl: URL; secret: Uint8Array }>;

type Body = Readonly<{
  subject: string;
  lines: readonly string[];
  /** What the one link of the letter is called, and where in the console it leads. */
  link: Readonly<{ text: string; path: string }> | null;
}>;

const LONGEST_NAME = 64;

/** Unicode's category C holds the controls, and the marks that turn the direction of what follows. */
export function plainText(text: string): string {
  const plain = text.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').replace(/\s+/g, ' ');
  return [...plain.trim()].slice(0, LONGEST_NAME).join('');
}

/** UTC, in the words of the language; what is no time is not repeated. */
function timeText(at: string, language: string): string {
  const time = Date.parse(at);
  if (Number.isNaN(time)) return '–';
  const format = { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' } as const;
  return `${new Intl.DateTimeFormat(language, format).format(time)} UTC`;
}

function money(amount: string): string {
  return `${plainText(amount)} USD`;
}

function withToken(path: string, token: string): string {
  return `${path}?token=${encodeURIComponent(token)}`;
}

type Written = Readonly<{ subject: string; action: string }>;

function body({ subject, action }: Written, lines: readonly string[], path: string): Body {
  return { subject, lines, link: { text: action, path } };
}

/** Letters with a token in their link, and the one that goes instead of such a letter. */
function linkedBody(letter: Letter, texts: Texts): Body | undefined {
  const { letters } = texts;
  const mild = (written: Written & Readonly<{ lines: readonly string[] }>, path: string) =>
    body(written, [...written.lines, letters.notYou], path);
  switch (letter.kind) {
    case 'confirm_sign_up':
      return mild(letters.confirm_sign_up, withToken('/confirm', letter.facts.token));
    case 'already_signed_up':
      return mild(letters.already_signed_up, '/sign-in');
    case 'reset_password':
      return mild(letters.reset_password, withToken('/reset', letter.facts.token));
    case 'confirm_new_email':
      return mild(letters.confirm_new_email, withToken('/confirm-email', letter.facts.token));
    default:
      return undefined;
  }
}

/** Letters about who may sign in. */
function safetyBody(letter: Letter, texts: Texts, language: string): Body | undefined {
  const { letters } = texts;
  const grave = (written: Written, lines: readonly string[]) =>
    body(written, [...lines, letters.wasNotYou], '/security');
  switch (letter.kind) {
    case 'email_changed': {
      const lines = letters.email_changed.lines(plainText(letter.facts.masked));
      return body(letters.email_changed, lines, '/security');
    }
    case 'password_changed':
    case 'new_device':
    case 'second_factor_changed': {
      const written = letters[letter.kind];
      return grave(written, written.lines(timeText(letter.facts.at, language)));
    }
    case 'recovery_code_used': {
      const written = letters.recovery_code_used;
      return grave(written, written.lines(letter.facts.left));
    }
    case 'account_deleted': {
      const { subject, lines } = letters.account_deleted;
      return { subject, lines: lines(timeText(letter.facts.at, language)), link: null };
    }
    default:
      return undefined;
  }
}

/** Letters about keys and money. */
function accountBody(letter: Letter, texts: Texts): Body | undefined {
  const { letters } = texts;
  switch (letter.kind) {
    case 'low_balance': {
      const written = letters.low_balance;
      const { balance, threshold } = letter.facts;
      return body(written, written.lines(money(balance), money(threshold)), '/');
    }
    case 'dear_model': {
      const written = letters.dear_model;
      const { keyName, model } = letter.facts;
      return body(written, written.lines(plainText(keyName), plainText(model)), '/keys');
    }
    case 'unusual_spending':
    case 'key_paused': {
      const written = letters[letter.kind];
      const { keyName, spent } = letter.facts;
      return body(written, written.lines(plainText(keyName), money(spent)), '/keys');
    }
    case 'key_leaked': {
      const written = letters.key_leaked;
      const { keyName, last4 } = letter.facts;
      return body(written, written.lines(plainText(keyName), plainText(last4)), '/keys');
    }
    default:
      return undefined;
  }
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ESCAPES[character] ?? '');
}

function anchor(url: string, text: string): string {
  return `<a href="${escaped(url)}">${escaped(text)}</a>`;
}

/** A header's value is one line of printable ASCII, or the letter is a bug. */
function header(name: string, value: string): Header {
  if (!/^[ -~]*$/.test(value)) throw new Error(`The header ${name} is not printable.`);
  return { name, value };
}

function oneLine(subject: string): string {
  if (/[\p{C}\p{Zl}\p{Zp}]/u.test(subject)) throw new Error('The subject is not one line.');
  return subject;
}

function stopUrl(letter: Letter, { secret, consoleUrl }: Stationery): string | null {
  const kind = NEEDS_CONSENT[letter.kind];
  if (kind === undefined || letter.account === null) return null;
  return unsubscribeUrl(secret, consoleUrl, { account: letter.account, kind });
}

export function compose(letter: Letter, stationery: Stationery): Composed {
  const texts = textsFor(letter.language);
  const language = languageOf(letter.language) ?? 'en';
  const written =
    linkedBody(letter, texts) ?? safetyBody(letter, texts, language) ?? accountBody(letter, texts);
  if (written === undefined) throw new Error('There is no text for this kind of letter.');
  const { hello, sentBecause, stop } = texts.letters;
  const { lines } = written;
  const link = written.link && {
    text: written.link.text,
    url: new URL(written.link.path, stationery.consoleUrl).href,
  };
  const stopping = stopUrl(letter, stationery);
  const text = [
    hello,
    ...lines,
    ...(link === null ? [] : [`${link.text}:\n${link.url}`]),
    '-- ',
    sentBecause,
    ...(stopping === null ? [] : [`${stop}\n${stopping}`]),
  ].join('\n\n');
  const paragraph = (inner: string) => `<p>${inner}</p>\n`;
  const html = [
    `<!doctype html>\n<html lang="${language}">\n<head><meta charset="utf-8"><title>${escaped(written.subject)}</title></head>\n<body>\n`,
    ...[hello, ...lines].map((line) => paragraph(escaped(line))),
    ...(link === null
      ? []
      : [paragraph(anchor(link.url, link.text)), paragraph(escaped(link.url))]),
    '<hr>\n',
    paragraph(escaped(sentBecause)),
    ...(stopping === null ? [] : [paragraph(`${escaped(stop)} ${anchor(stopping, stopping)}`)]),
    '</body>\n</html>\n',
  ].join('');
  const headers =
    stopping === null
      ? []
      : [
          header('List-Unsubscribe', `<${stopping}>`),
          header('List-Unsubscribe-Post', 'List-Unsubscribe=One-Click'),
        ];
  return { subject: oneLine(written.subject), text: `${text}\n`, html, headers };
}
