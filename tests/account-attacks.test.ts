/**
 * What strangers try at the account screens, on the real stack: forged forms, planted cookies, old links,
 * redirects elsewhere, markup in every text a person can set, and questions about who has an account.
 */
import { randomBytes } from 'node:crypto';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import { mailboxHash } from '@farebox/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, openConsole, signInAs, type Visitor } from './browser.ts';
import { HAS_BROWSER, openBrowser, sayWhyNot } from './chromium.ts';
import { type Mailbox, openMailbox } from './mailbox.ts';

sayWhyNot();

const CONSOLE_SECRET = randomBytes(32).toString('hex');
const MARKUP = '"><script>alert(1)</script>\'';
const PASSWORD = 'a password nobody has';

let stack: LocalStack;
let mailbox: Mailbox;
let account: LocalAccount;
let owner: Visitor;

beforeAll(async () => {
  stack = await startStack({ quiet: true, consoleBindings: { CONSOLE_SECRET } });
  mailbox = openMailbox(stack);
  account = await stack.createAccount({ creditUsd: '0' });
  owner = openConsole(stack, { network: '192.0.2.1' });
  await signInAs(owner, account);
}, 120_000);

afterAll(() => stack?.stop());

/** One statement straight at Postgres, for what only time would bring. */
async function sql(query: string, ...params: readonly string[]): Promise<void> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', body });
  if (response.status !== 200) throw new Error(await response.text());
}

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.get('/security')).status === 200;
}

describe('a form from another page', () => {
  const paths = [
    '/sign-up',
    '/confirm',
    '/sign-in',
    '/sign-in/second',
    '/sign-in/second/passkey',
    '/sign-out',
    '/forgot',
    '/reset',
    '/confirm-email',
    '/prove',
    '/prove/passkey',
    '/security/sessions/end',
    '/security/sessions/end-others',
    '/security/password',
    '/security/email',
    '/security/totp',
    '/security/totp/confirm',
    '/security/totp/remove',
    '/security/passkeys',
    '/security/passkeys/add',
    '/security/passkeys/remove',
    '/security/recovery-codes',
    '/language',
  ];
  const origins: readonly Readonly<Record<string, string>>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
  ];

  it.each(paths)('is refused at %s, and changes nothing', async (path) => {
    for (const headers of origins) {
      const answer = await owner.post(path, { email: account.email, password: PASSWORD }, headers);
      expect(answer.status).toBe(403);
      expect(answer.headers.getSetCookie()).toEqual([]);
    }
    expect(await isSignedIn(owner)).toBe(true);
  });

  it('is refused where it does not say where it comes from', async () => {
    const cookie = [...owner.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(`${stack.consoleUrl}/sign-out`, {
      method: 'POST',
      headers: { cookie },
    });
    expect(answer.status).toBe(403);
    expect(await isSignedIn(owner)).toBe(true);
  });

  it('is nothing by GET: looking at any page changes nothing', async () => {
    for (const path of paths) await owner.get(path);
    expect(await isSignedIn(owner)).toBe(true);
  });
});

describe('a cookie that was planted', () => {
  // Of its own: strangers to an address are let try five times a minute.
  let account: LocalAccount;

  beforeAll(async () => {
    account = await stack.createAccount({ creditUsd: '0' });
  });

  it('is not what somebody is signed in with afterwards', async () => {
    const victim = openConsole(stack, { network: '192.0.2.2' });
    const planted = randomBytes(32).toString('base64url');
    for (const name of ['session', 'device', 'step']) victim.cookies.set(`__Host-${name}`, planted);
    await signInAs(victim, account);
    expect([...victim.cookies.values()]).not.toContain(planted);
    const attacker = openConsole(stack);
    attacker.cookies.set('__Host-session', planted);
    expect(await isSignedIn(attacker)).toBe(false);
  });

  it('of a session that somebody else holds ends with the next sign-in', async () => {
    const shared = openConsole(stack, { network: '192.0.2.3' });
    await signInAs(shared, account);
    const kept = openConsole(stack);
    kept.cookies.set('__Host-session', shared.cookies.get('__Host-session') ?? '');
    expect(await isSignedIn(kept)).toBe(true);
    await signInAs(shared, account);
    expect(await isSignedIn(kept)).toBe(false);
    expect(await isSignedIn(shared)).toBe(true);
  });

  it('is worth nothing after signing out', async () => {
    const visitor = openConsole(stack, { network: '192.0.2.4' });
    await signInAs(visitor, account);
    const session = visitor.cookies.get('__Host-session') ?? '';
    expect(await visitor.post('/sign-out', {})).toMatchObject({ location: '/sign-in?done=out' });
    visitor.cookies.set('__Host-session', session);
    expect(await isSignedIn(visitor)).toBe(false);
  });
});

describe('who has an account', () => {
  const unknown = `nobody-${randomBytes(4).toString('hex')}@example.com`;

  /** All of an answer that a stranger sees, but for what they typed. */
  function seen({ status, location, headers, body }: Answer, email: string) {
    const names = [...headers.keys()].filter((name) => name !== 'date').sort();
    return { status, location, names, body: body.replaceAll(email, '') };
  }

  it.each([
    ['/sign-up', { password: PASSWORD }],
    ['/forgot', {}],
    ['/sign-in', { password: PASSWORD }],
  ] as const)('does not show at %s', async (path, fields) => {
    const answers = [];
    for (const email of [account.email, unknown]) {
      const visitor = openConsole(stack, { network: `192.0.2.${10 + answers.length}` });
      const answer = await visitor.post(path, { email, ...fields });
      const after = await visitor.follow(answer);
      answers.push({ first: seen(answer, email), after: seen(after, email) });
      expect(visitor.cookies.size).toBe(0);
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it('is said to its own mailbox alone', async () => {
    await mailbox.token(unknown, '/confirm');
    await mailbox.token(account.email, '/reset');
    expect(await mailbox.count(unknown)).toBe(1);
  });
});

describe('a link that has expired', () => {
  async function expire(table: string): Promise<void> {
    await sql(`update ${table} set expires_at = now() - interval '1 second'`);
  }

  it('confirms no sign-up', async () => {
    const email = `late-${randomBytes(4).toString('hex')}@example.com`;
    const visitor = openConsole(stack, { network: '192.0.2.20' });
    await visitor.post('/sign-up', { email, password: PASSWORD });
    const token = await mailbox.token(email, '/confirm');
    await expire('sign_ups');
    const late = await visitor.post('/confirm', { token, password: PASSWORD });
    expect(late.status).toBe(422);
    expect(visitor.cookies.size).toBe(0);
  });

  it('resets no password and changes no address', async () => {
    const visitor = openConsole(stack, { network: '192.0.2.21' });
    await visitor.post('/forgot', { email: account.email });
    const reset = await mailbox.token(account.email, '/reset');
    const email = `moved-${randomBytes(4).toString('hex')}@example.com`;
    await owner.post('/security/email', { email });
    const change = await mailbox.token(email, '/confirm-email');
    await expire('mail_tokens');
    expect((await visitor.post('/reset', { token: reset, password: PASSWORD })).status).toBe(422);
    expect((await visitor.post('/confirm-email', { token: change })).status).toBe(422);
    expect((await owner.get('/security')).body).toContain(account.email);
  });

  it.each(['/confirm', '/reset', '/confirm-email'])(
    'nor does one we never sent, at %s',
    async (path) => {
      const visitor = openConsole(stack, { network: '192.0.2.22' });
      for (const token of [
        '',
        'x',
        randomBytes(32).toString('base64url'),
        '\u0000',
        'é'.repeat(3000),
      ]) {
        expect((await visitor.post(path, { token, password: PASSWORD })).status).toBe(422);
      }
    },
  );
});

/** Everywhere a page could lead: its links, its forms, and the field that says where to go on. */
function waysOut(page: string): string[] {
  const links = page.matchAll(/ (?:href|action|formaction)="([^"]*)"/g);
  const next = page.matchAll(/name="next" value="([^"]*)"/g);
  return [...links, ...next].map(([, way = '']) => way);
}

describe('where one is led afterwards', () => {
  it.each([
    'https://evil.example/',
    '//evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '/\t/evil.example',
    ' //evil.example',
    'javascript:alert(1)',
    'data:text/html,x',
    '/x\r\nset-cookie: a=b',
  ])('is never %j', async (next) => {
    const visitor = openConsole(stack, { network: '192.0.2.30' });
    const encoded = encodeURIComponent(next);
    const signIn = waysOut((await visitor.get(`/sign-in?next=${encoded}`)).body);
    expect(signIn.length).toBeGreaterThan(3);
    expect(signIn.filter((way) => way.includes('evil.example'))).toEqual([]);
    expect((await owner.get(`/sign-in?next=${encoded}`)).location).toBe('/');
    const prove = waysOut((await owner.get(`/prove?next=${encoded}`)).body);
    expect(prove.filter((way) => way.includes('evil.example'))).toEqual([]);
    expect((await owner.post('/language', { language: 'en', back: next })).location).toBe('/');
    const shown = await owner.post('/prove', {
      kind: 'password',
      password: account.password,
      next,
    });
    expect(shown.location).toBe('/');
  });

  it('after signing in is a page of ours', async () => {
    const { email, password } = await stack.createAccount({ creditUsd: '0' });
    const visitor = openConsole(stack, { network: '192.0.2.31' });
    const away = await visitor.post('/sign-in', { email, password, next: '//evil.example' });
    expect(away.location).toBe('/');
    expect((await visitor.get('/sign-in?next=%2Fkeys')).location).toBe('/keys');
    const asked = await openConsole(stack).get('/security/email');
    expect(asked.location).toBe('/sign-in?next=%2Fsecurity%2Femail');
  });
});

describe('markup', () => {
  it('in what somebody types is text when the page shows it again', async () => {
    const visitor = openConsole(stack, { network: '192.0.2.40' });
    const encoded = encodeURIComponent(MARKUP);
    const pages = [
      await visitor.post('/sign-up', { email: MARKUP, password: PASSWORD }),
      await visitor.post('/sign-in', { email: MARKUP, password: PASSWORD, next: `/${MARKUP}` }),
      await visitor.post('/forgot', { email: MARKUP }),
      await visitor.get(`/sign-in?next=/${encoded}&done=${encoded}`),
      await visitor.get(`/confirm?token=${encoded}`),
      await visitor.get(`/reset?token=${encoded}`),
      await visitor.get(`/confirm-email?token=${encoded}`),
      await visitor.post('/reset', { token: MARKUP, password: 'short' }),
      await owner.post('/security/email', { email: MARKUP }),
      await owner.post('/security/passkeys/add', { name: MARKUP, response: MARKUP }),
      await owner.post('/security/passkeys', { name: MARKUP }),
      await owner.get(`/security?done=${encoded}`),
      await owner.get(`/prove?next=/${encoded}`),
    ];
    for (const { body } of pages) {
      expect(body).toContain('<main');
      expect(body).not.toContain('<script>alert');
      expect(body).not.toContain('value=""><script');
      expect(body).not.toContain(PASSWORD);
    }
  });

  it('has no say in which words of ours are shown', async () => {
    for (const word of ['constructor', '__proto__', 'toString']) {
      const { body } = await owner.get(`/security?done=${word}`);
      expect(body).not.toContain('role="status"');
    }
  });
});

describe("another account's things", () => {
  it('are not ended or removed by their names', async () => {
    const other = openConsole(stack, { network: '192.0.2.50' });
    await signInAs(other, await stack.createAccount({ creditUsd: '0' }));
    const second = openConsole(stack, { network: '192.0.2.51' });
    second.cookies.set('__Host-device', owner.cookies.get('__Host-device') ?? '');
    await signInAs(second, account);
    const page = await owner.get('/security');
    const handles = [...page.body.matchAll(/name="session" value="([0-9a-f]{16})"/g)];
    expect(handles.length).toBeGreaterThan(0);
    for (const [, session = ''] of handles) await other.post('/security/sessions/end', { session });
    expect(await isSignedIn(second)).toBe(true);
    expect(await isSignedIn(owner)).toBe(true);
  });
});

describe('what is dear', () => {
  const dear = [
    '/security/email',
    '/security/totp',
    '/security/passkeys',
    '/security/recovery-codes',
  ];

  it('asks who has not proven themselves lately, also by POST', async () => {
    const late = openConsole(stack, { network: '192.0.2.60' });
    const mine = await stack.createAccount({ creditUsd: '0' });
    await signInAs(late, mine);
    await sql(`update sessions set proved_at = now() - interval '16 minutes'
      where account_id = '${mine.accountId}'`);
    for (const path of [...dear, '/security/totp/remove', '/security/passkeys/remove']) {
      const asked = `/prove?next=${encodeURIComponent(path)}`;
      expect((await late.get(path)).location).toBe(asked);
      expect((await late.post(path, { email: 'thief@example.com' })).location).toBe(asked);
    }
    const proof = { kind: 'password', next: '/security/totp/remove' };
    const wrong = await late.post('/prove', { ...proof, password: PASSWORD });
    expect(wrong.status).toBe(422);
    expect(wrong.body).not.toContain(PASSWORD);
    const shown = await late.post('/prove', { ...proof, password: mine.password });
    expect(shown.location).toBe('/security/totp/remove');
    expect((await late.follow(shown)).status).toBe(200);
    expect(await mailbox.count('thief@example.com')).toBe(0);
  });
});

describe('an address that mail does not reach', () => {
  it('is shown to its owner, in their language', async () => {
    const mine = await stack.createAccount({ creditUsd: '0' });
    const visitor = openConsole(stack, { network: '192.0.2.70' });
    await signInAs(visitor, mine);
    expect((await visitor.get('/security')).body).not.toContain('could not reach');
    const hash = mailboxHash(Buffer.from(CONSOLE_SECRET, 'hex'), mine.email);
    await sql(`insert into suppressions values ('${hash}', 'bounced', now())`);
    expect((await visitor.get('/security')).body).toContain('could not reach this address');
    await visitor.post('/language', { language: 'ru', back: '/security' });
    expect((await visitor.get('/security')).body).toContain('До этого адреса не дошла почта');
  });
});

describe.skipIf(!HAS_BROWSER)('a passkey, in a real browser', () => {
  it('is added under any name, asked for at sign-in, and removed', async () => {
    const mine = await stack.createAccount({ creditUsd: '0' });
    // No browser makes a passkey for an IP address.
    const origin = stack.consoleUrl.replace('127.0.0.1', 'localhost');
    const browser = await openBrowser();
    const page = await browser.newPage();
    const cdp = await page.context().newCDPSession(page);
    await cdp.send('WebAuthn.enable');
    await cdp.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'usb',
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
    const signIn = async () => {
      await page.goto(`${origin}/sign-in`);
      await page.fill('input[name=email]', mine.email);
      await page.fill('input[name=password]', mine.password);
      await page.click('main button[type=submit]');
    };
    await signIn();
    await page.goto(`${origin}/security/passkeys`);
    await page.fill('input[name=name]', MARKUP);
    await page.click('form[action="/security/passkeys"] button');
    await page.waitForSelector('#codes');
    await page.goto(`${origin}/security/passkeys`);
    expect(await page.textContent('main li strong')).toBe(MARKUP);
    expect(await page.locator('main script').count()).toBe(0);
    await page.click('header form button');
    await signIn();
    await page.waitForURL(/\/sign-in\/second/);
    await page.click('form[action="/sign-in/second/passkey"] button');
    await page.waitForURL(`${origin}/`);
    await page.goto(`${origin}/security/passkeys`);
    await page.click('form[action="/security/passkeys/remove"] button');
    await page.waitForURL(/done=passkey_removed/);
    await page.click('header form button');
    await signIn();
    await page.waitForURL(`${origin}/`);
    await browser.close();
  }, 60_000);
});
