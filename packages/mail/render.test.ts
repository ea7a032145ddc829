/** Every email in every language. No text of a user becomes a header, markup or a second line. */
import { EMAIL_COLORS as COLORS, EMAIL_MARK, EMAIL_STYLES } from '@farebox/design/email';
import { LANGUAGES, messagesFor } from '@farebox/i18n';
import { describe, expect, it } from 'vitest';
import { BUDGET_NAMES } from './contract.ts';
import {
  type EmailKind,
  isQueuedEmail,
  parseUnsubscribeLink,
  REQUIRED_CONSENT,
  renderEmail,
} from './index.ts';
import {
  SAMPLE_ACCOUNT as ACCOUNT,
  buildEmail,
  SAMPLE_CONTEXT as context,
  SAMPLE_DATA as DATA_BY_KIND,
  SAMPLE_TOKEN as TOKEN,
} from './sample-emails.testing.ts';

/** The target of each email's link. */
const PATHS: Readonly<Record<EmailKind, string | null>> = {
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
  expensive_model: '/keys',
  unusual_spending: '/keys',
  key_paused: '/keys',
  budget_low: '/keys',
  budget_reached: '/keys',
  key_leaked: '/keys',
  confirm_refund: `/refunds/confirm?token=${TOKEN}`,
  refund_paid: '/refunds',
  refund_not_paid: '/refunds',
  bill_corrected: '/transactions',
  webhook_disabled: '/alerts/webhook',
  account_deleted: null,
  legal_text_changed: null,
};

const KINDS = Object.keys(DATA_BY_KIND).filter((kind): kind is EmailKind => kind in PATHS);

describe.each(LANGUAGES)('emails in %s', (language) => {
  it.each(KINDS)('render %s with its subject, text and link', (kind) => {
    const { subject, text, html } = renderEmail(buildEmail(kind, language), context);
    expect(subject.length).toBeGreaterThan(3);
    expect(subject).toMatch(/^[^\p{C}]{4,78}$/u);
    for (const fact of Object.entries(DATA_BY_KIND[kind])) {
      const budget = BUDGET_NAMES.find((name) => name === fact[1]);
      if (fact[0] === 'document') {
        const { documents } = messagesFor(language).emails.legal_text_changed;
        expect(text).toContain(documents.terms.name);
        expect(subject).toBe(documents.terms.subject);
      } else if (fact[0] === 'at' || fact[0] === 'from') expect(text).toContain('2026');
      else if (budget !== undefined)
        expect(text).toContain(messagesFor(language).keys.budgetNames[budget]);
      else if (fact[0] === 'reason')
        expect(text).toContain(messagesFor(language).refunds.reasons.ask_support);
      else expect(text).toContain(String(fact[1]));
    }
    expect(text).not.toMatch(/undefined|null|\[object|\.\./);
    expect(html).toContain(`<html lang="${language}">`);
    const urls = new Set(text.match(/https?:\/\/\S+/g) ?? []);
    const unsubscribeLink = [...urls].find((url) => url.includes('/unsubscribe?'));
    const path = PATHS[kind];
    const legalPath = language === 'en' ? '/terms' : `/${language}/terms`;
    const expectedUrls = [
      ...(path === null ? [] : [`https://console.example.com${path}`]),
      ...(kind === 'legal_text_changed' ? [`https://site.example.com${legalPath}`] : []),
      ...(unsubscribeLink === undefined ? [] : [unsubscribeLink]),
    ];
    expect([...urls]).toEqual(expectedUrls);
    expect(unsubscribeLink !== undefined).toBe(kind in REQUIRED_CONSENT);
  });
});

it('renders English for a language without texts', () => {
  expect(renderEmail(buildEmail('new_device', 'fr'), context).subject).toBe(
    renderEmail(buildEmail('new_device', 'en'), context).subject,
  );
});

const HOSTILE_TEXT =
  'a\r\nBcc: eve@example.com\r\n\r\n<img src=x onerror="alert(1)">\u202Egnp.\u0000\u2028&amp;';

it('keeps the name of a key within its line', () => {
  const { subject, text, html, headers } = renderEmail(
    buildEmail('expensive_model', 'en', { keyName: HOSTILE_TEXT, model: HOSTILE_TEXT }),
    context,
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

it('shortens long names', () => {
  const facts = { keyName: 'ж'.repeat(5_000), spent: '1.00' };
  expect(renderEmail(buildEmail('key_paused', 'ru', facts), context).text).not.toContain(
    'ж'.repeat(65),
  );
});

it('keeps a token within its query parameter', () => {
  const token = 'x&next=//evil.example#"><script>';
  const { text, html } = renderEmail(buildEmail('reset_password', 'en', { token }), context);
  const url = new URL(/https:\S+/.exec(text)?.[0] ?? '');
  expect(url.origin + url.pathname).toBe('https://console.example.com/reset');
  expect([...url.searchParams]).toEqual([['token', token]]);
  expect(html).not.toContain('<script');
});

it('shows the mark, in the colours of the site, and loads nothing', () => {
  for (const kind of KINDS) {
    const { html } = renderEmail(buildEmail(kind, 'en'), context);
    expect(html).toContain(EMAIL_MARK);
    expect(html).toContain(EMAIL_STYLES.card);
    expect(html).not.toMatch(/<(?:img|link|script|svg)|\burl\(|\bsrc=|@import/i);
    // The one stylesheet is that of the dark scheme.
    expect(html.match(/<style/gi)).toHaveLength(1);
  }
});

it('has the site’s dark colours where the client prefers the dark scheme', () => {
  for (const kind of KINDS) {
    const { html } = renderEmail(buildEmail(kind, 'en'), context);
    const dark = /@media \(prefers-color-scheme:dark\)\{(.*)\}<\/style>/.exec(html)?.[1] ?? '';
    const rules = new Map(
      [...dark.matchAll(/\.(\w+)\{(.*?)\}/g)].map(([, name, text]) => [name, text] as const),
    );
    expect(rules.get('body')).toContain(`background:${COLORS.ground.dark} !important`);
    expect(rules.get('body')).toContain(`color:${COLORS.ink.dark} !important`);
    expect(rules.get('card')).toContain(`background:${COLORS.surface.dark} !important`);
    // An element with a light colour of its own has a dark one.
    for (const [, name = '', style = ''] of html.matchAll(/class="(\w+)" style="([^"]*)"/g))
      expect([name, rules.has(name)]).toEqual([name, /#[0-9a-f]{6}/.test(style)]);
    expect(html).toContain('<meta name="color-scheme" content="light dark">');
  }
});

describe('unsubscribe links', () => {
  const headersByName = (kind: EmailKind) =>
    new Map(
      renderEmail(buildEmail(kind, 'en'), context).headers.map(({ name, value }) => [name, value]),
    );

  it('follow RFC 8058, and appear on optional emails only', () => {
    for (const kind of KINDS) {
      const headers = headersByName(kind);
      if (!(kind in REQUIRED_CONSENT)) expect(headers.size).toBe(0);
      else {
        expect(headers.get('List-Unsubscribe-Post')).toBe('List-Unsubscribe=One-Click');
        expect(headers.get('List-Unsubscribe')).toMatch(/^<https:\/\/[!-;=?-~]+>$/);
      }
    }
  });

  it('are accepted only with a valid MAC', () => {
    const link = headersByName('low_balance').get('List-Unsubscribe')?.slice(1, -1) ?? '';
    const query = () => new URL(link).searchParams;
    const { secret } = context;
    expect(parseUnsubscribeLink(secret, query())).toEqual({ account: ACCOUNT, kind: 'balance' });
    const withParam = (name: string, value: string) => {
      const other = query();
      other.set(name, value);
      return parseUnsubscribeLink(secret, other);
    };
    expect(withParam('account', '0123456789abcdee')).toBeUndefined();
    expect(withParam('kind', 'keys')).toBeUndefined();
    expect(withParam('kind', 'everything')).toBeUndefined();
    expect(withParam('mac', '0'.repeat(64))).toBeUndefined();
    expect(withParam('mac', '')).toBeUndefined();
    expect(parseUnsubscribeLink(new Uint8Array(32), query())).toBeUndefined();
  });
});

it('rejects queue messages that are not emails', () => {
  const valid = { id: 'a'.repeat(32), email: buildEmail('reset_password', 'en') };
  expect(isQueuedEmail(valid)).toBe(true);
  const malformed: unknown[] = [
    null,
    'x',
    { ...valid, id: 'A' },
    { ...valid, email: { ...valid.email, kind: 'toString' } },
    { ...valid, email: { ...valid.email, kind: 'spam' } },
    { ...valid, email: { ...valid.email, facts: {} } },
    { ...valid, email: { ...valid.email, facts: { token: 1 } } },
    { ...valid, email: { ...valid.email, to: null } },
    { ...valid, email: { ...valid.email, account: 1 } },
  ];
  expect(malformed.filter(isQueuedEmail)).toEqual([]);
});
