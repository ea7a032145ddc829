/** Every letter in every language; nothing a person wrote becomes a header, markup or a second line. */
import { LANGUAGES } from '@farebox/languages';
import { describe, expect, it } from 'vitest';
import {
  compose,
  isQueuedLetter,
  type Letter,
  type LetterFacts,
  type LetterKind,
  NEEDS_CONSENT,
  readUnsubscription,
} from './index.ts';

const stationery = {
  consoleUrl: new URL('https://console.example.com'),
  secret: new Uint8Array(32).fill(5),
};
const AT = '2026-11-24T12:00:00.000Z';
const TOKEN = 'tok-en_1';
const ACCOUNT = '0123456789abcdef';

const FACTS: LetterFacts = {
  confirm_sign_up: { token: TOKEN },
  already_signed_up: {},
  reset_password: { token: TOKEN },
  confirm_new_email: { token: TOKEN },
  email_changed: { masked: 'a•••@e•••.com' },
  password_changed: { at: AT },
  new_device: { at: AT },
  second_factor_changed: { at: AT },
  recovery_code_used: { left: 7 },
  low_balance: { balance: '4.20', threshold: '5.00' },
  dear_model: { keyName: 'my key', model: 'openai/o1-pro' },
  unusual_spending: { keyName: 'my key', spent: '31.07' },
  key_paused: { keyName: 'my key', spent: '31.07' },
  key_leaked: { keyName: 'my key', last4: 'x9Zq' },
  account_deleted: { at: AT },
};

/** Where each letter's one link leads. */
const PATHS: Readonly<Record<LetterKind, string | null>> = {
  confirm_sign_up: `/confirm?token=${TOKEN}`,
  already_signed_up: '/sign-in',
  reset_password: `/reset?token=${TOKEN}`,
  confirm_new_email: `/confirm-email?token=${TOKEN}`,
  email_changed: '/security',
  password_changed: '/security',
  new_device: '/security',
  second_factor_changed: '/security',
  recovery_code_used: '/security',
  low_balance: '/',
  dear_model: '/keys',
  unusual_spending: '/keys',
  key_paused: '/keys',
  key_leaked: '/keys',
  account_deleted: null,
};

function letter(kind: LetterKind, language: string, facts: object = FACTS[kind]): Letter {
  const made = { kind, facts, to: 'ann@example.com', language, account: ACCOUNT };
  const queued: unknown = { id: '0'.repeat(32), letter: made };
  if (!isQueuedLetter(queued)) throw new Error(`no letter: ${kind}`);
  return queued.letter;
}

const KINDS = Object.keys(FACTS).filter((kind): kind is LetterKind => kind in PATHS);

describe.each(LANGUAGES)('in %s', (language) => {
  it.each(KINDS)('%s says what it is about', (kind) => {
    const { subject, text, html } = compose(letter(kind, language), stationery);
    expect(subject.length).toBeGreaterThan(3);
    expect(subject).toMatch(/^[^\p{C}]{4,78}$/u);
    for (const fact of Object.entries(FACTS[kind])) {
      if (fact[0] === 'at') expect(text).toContain('2026');
      else expect(text).toContain(String(fact[1]));
    }
    expect(text).not.toMatch(/undefined|null|\[object/);
    expect(html).toContain(`<html lang="${language}">`);
    const urls = new Set(text.match(/https?:\/\/\S+/g) ?? []);
    const stop = [...urls].find((url) => url.includes('/unsubscribe?'));
    const path = PATHS[kind];
    const wanted = [
      ...(path === null ? [] : [`https://console.example.com${path}`]),
      ...(stop === undefined ? [] : [stop]),
    ];
    expect([...urls]).toEqual(wanted);
    expect(stop !== undefined).toBe(kind in NEEDS_CONSENT);
  });
});

it('speaks English where nobody wrote texts', () => {
  expect(compose(letter('new_device', 'fr'), stationery).subject).toBe(
    compose(letter('new_device', 'en'), stationery).subject,
  );
});

const NASTY =
  'a\r\nBcc: eve@example.com\r\n\r\n<img src=x onerror="alert(1)">\u202Egnp.\u0000\u2028&amp;';

it('lets no name of a key out of its line', () => {
  const { subject, text, html, headers } = compose(
    letter('dear_model', 'en', { keyName: NASTY, model: NASTY }),
    stationery,
  );
  for (const header of [subject, ...headers.flatMap(({ name, value }) => [name, value])]) {
    expect(header).toMatch(/^[ -~]+$/);
    expect(header).not.toContain('eve');
  }
  for (const part of ['\r', '\nBcc', '\u0000', '\u202E', '\u2028']) {
    expect(text).not.toContain(part);
  }
  expect(text).toContain('“a Bcc: eve@example.com <img');
  expect(html).not.toMatch(/<img|\u202E/);
  expect(html).toContain('&lt;img src=x onerror=&quot;alert(1)');
});

it('keeps names short', () => {
  const facts = { keyName: 'ж'.repeat(5_000), spent: '1.00' };
  expect(compose(letter('key_paused', 'ru', facts), stationery).text).not.toContain('ж'.repeat(65));
});

it('keeps a token inside its parameter', () => {
  const token = 'x&next=//evil.example#"><script>';
  const { text, html } = compose(letter('reset_password', 'en', { token }), stationery);
  const url = new URL(/https:\S+/.exec(text)?.[0] ?? '');
  expect(url.origin + url.pathname).toBe('https://console.example.com/reset');
  expect([...url.searchParams]).toEqual([['token', token]]);
  expect(html).not.toContain('<script');
});

describe('unsubscribing', () => {
  const headersOf = (kind: LetterKind) =>
    new Map(
      compose(letter(kind, 'en'), stationery).headers.map(({ name, value }) => [name, value]),
    );

  it('is offered as RFC 8058 says, on mail one can do without only', () => {
    for (const kind of KINDS) {
      const headers = headersOf(kind);
      if (!(kind in NEEDS_CONSENT)) expect(headers.size).toBe(0);
      else {
        expect(headers.get('List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click');
        expect(headers.get('List-Unsubscribe')).toMatch(/^<https:\/\/[!-;=?-~]+>$/);
      }
    }
  });

  it('reads its own links and no others', () => {
    const link = headersOf('low_balance').get('List-Unsubscribe')?.slice(1, -1) ?? '';
    const query = () => new URL(link).searchParams;
    const { secret } = stationery;
    expect(readUnsubscription(secret, query())).toEqual({ account: ACCOUNT, kind: 'balance' });
    const changed = (name: string, value: string) => {
      const other = query();
      other.set(name, value);
      return readUnsubscription(secret, other);
    };
    expect(changed('account', '0123456789abcdee')).toBeUndefined();
    expect(changed('kind', 'keys')).toBeUndefined();
    expect(changed('kind', 'everything')).toBeUndefined();
    expect(changed('mac', '0'.repeat(64))).toBeUndefined();
    expect(changed('mac', '')).toBeUndefined();
    expect(readUnsubscription(new Uint8Array(32), query())).toBeUndefined();
  });
});

it('believes nothing from the queue that is no letter', () => {
  const whole = { id: 'a'.repeat(32), letter: letter('reset_password', 'en') };
  expect(isQueuedLetter(whole)).toBe(true);
  const spoilt: unknown[] = [
    null,
    'x',
    { ...whole, id: 'A' },
    { ...whole, letter: { ...whole.letter, kind: 'toString' } },
    { ...whole, letter: { ...whole.letter, kind: 'spam' } },
    { ...whole, letter: { ...whole.letter, facts: {} } },
    { ...whole, letter: { ...whole.letter, facts: { token: 1 } } },
    { ...whole, letter: { ...whole.letter, to: null } },
    { ...whole, letter: { ...whole.letter, account: 1 } },
  ];
  expect(spoilt.filter(isQueuedLetter)).toEqual([]);
});
