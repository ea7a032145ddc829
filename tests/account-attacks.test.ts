/**
 * Attacks on the account screens of the real stack: forged forms, planted cookies, expired links,
 * open redirects, markup in every text that a user can set, and account enumeration.
 */
import { randomBytes } from 'node:crypto';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import { mailboxHash } from '@farebox/mail';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConsoleClient,
  createConsoleClient,
  type PageResponse,
  signInAs,
} from './support/browser.ts';
import { HAS_BROWSER, openBrowser, warnIfNoBrowser } from './support/chromium.ts';
import { type Mailbox, openMailbox } from './support/mailbox.ts';

warnIfNoBrowser();

const CONSOLE_SECRET = randomBytes(32).toString('hex');
const MARKUP = '"><script>alert(1)</script>\'';
const PASSWORD = 'a password of no account';

let stack: LocalStack;
let mailbox: Mailbox;
let account: LocalAccount;
let owner: ConsoleClient;

beforeAll(async () => {
  stack = await startStack({ quiet: true, consoleBindings: { CONSOLE_SECRET } });
  mailbox = openMailbox(stack);
  account = await stack.createAccount({ creditUsd: '0' });
  owner = createConsoleClient(stack, { network: '192.0.2.1' });
  await signInAs(owner, account);
}, 120_000);

afterAll(() => stack?.stop());

/** Runs one statement against Postgres, for states that otherwise only time brings. */
async function sql(query: string, ...params: readonly string[]): Promise<void> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', body });
  if (response.status !== 200) throw new Error(await response.text());
}

async function isSignedIn(client: ConsoleClient): Promise<boolean> {
  return (await client.get('/security')).status === 200;
}

describe('a cross-site form', () => {
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

  it.each(paths)('is rejected at %s and changes nothing', async (path) => {
    for (const headers of origins) {
      const response = await owner.post(
        path,
        { email: account.email, password: PASSWORD },
        headers,
      );
      expect(response.status).toBe(403);
      expect(response.headers.getSetCookie()).toEqual([]);
    }
    expect(await isSignedIn(owner)).toBe(true);
  });

  it('is rejected when it has no origin', async () => {
    const cookie = [...owner.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${stack.consoleUrl}/sign-out`, {
      method: 'POST',
      headers: { cookie },
    });
    expect(response.status).toBe(403);
    expect(await isSignedIn(owner)).toBe(true);
  });

  it('has no GET counterpart: loading a page changes nothing', async () => {
    for (const path of paths) await owner.get(path);
    expect(await isSignedIn(owner)).toBe(true);
  });
});

describe('a session cookie planted by an attacker', () => {
  // An account of its own: unknown browsers have five attempts per minute and address.
  let account: LocalAccount;

  beforeAll(async () => {
    account = await stack.createAccount({ creditUsd: '0' });
  });

  it('is replaced at sign-in', async () => {
    const victim = createConsoleClient(stack, { network: '192.0.2.2' });
    const plantedToken = randomBytes(32).toString('base64url');
    for (const name of ['session', 'device', 'step'])
      victim.cookies.set(`__Host-${name}`, plantedToken);
    await signInAs(victim, account);
    expect([...victim.cookies.values()]).not.toContain(plantedToken);
    const attacker = createConsoleClient(stack);
    attacker.cookies.set('__Host-session', plantedToken);
    expect(await isSignedIn(attacker)).toBe(false);
  });

  it('loses its session when the victim signs in', async () => {
    const shared = createConsoleClient(stack, { network: '192.0.2.3' });
    await signInAs(shared, account);
    const stolen = createConsoleClient(stack);
    stolen.cookies.set('__Host-session', shared.cookies.get('__Host-session') ?? '');
    expect(await isSignedIn(stolen)).toBe(true);
    await signInAs(shared, account);
    expect(await isSignedIn(stolen)).toBe(false);
    expect(await isSignedIn(shared)).toBe(true);
  });

  it('is invalid after sign-out', async () => {
    const client = createConsoleClient(stack, { network: '192.0.2.4' });
    await signInAs(client, account);
    const session = client.cookies.get('__Host-session') ?? '';
    expect(await client.post('/sign-out', {})).toMatchObject({
      location: '/sign-in?done=signed_out',
    });
    client.cookies.set('__Host-session', session);
    expect(await isSignedIn(client)).toBe(false);
  });
});

describe('account enumeration', () => {
  const unknown = `unknown-${randomBytes(4).toString('hex')}@example.com`;

  /** Everything of a response that an attacker sees, except for the submitted values. */
  function toComparable({ status, location, headers, body }: PageResponse, email: string) {
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
      const client = createConsoleClient(stack, { network: `192.0.2.${10 + answers.length}` });
      const response = await client.post(path, { email, ...fields });
      const after = await client.follow(response);
      answers.push({ first: toComparable(response, email), after: toComparable(after, email) });
      expect(client.cookies.size).toBe(0);
    }
    expect(answers[0]).toEqual(answers[1]);
  });

  it('is impossible by sign-up: only the mailbox learns that an account exists', async () => {
    await mailbox.token(unknown, '/confirm');
    await mailbox.token(account.email, '/reset');
    expect(await mailbox.count(unknown)).toBe(1);
  });
});

describe('an expired email link', () => {
  async function expire(table: string): Promise<void> {
    await sql(`update ${table} set expires_at = now() - interval '1 second'`);
  }

  it('does not confirm a sign-up', async () => {
    const email = `late-${randomBytes(4).toString('hex')}@example.com`;
    const client = createConsoleClient(stack, { network: '192.0.2.20' });
    await client.post('/sign-up', { email, password: PASSWORD });
    const token = await mailbox.token(email, '/confirm');
    await expire('sign_ups');
    const expiredConfirm = await client.post('/confirm', { token, password: PASSWORD });
    expect(expiredConfirm.status).toBe(422);
    expect(client.cookies.size).toBe(0);
  });

  it('neither resets a password nor changes an email address', async () => {
    const client = createConsoleClient(stack, { network: '192.0.2.21' });
    await client.post('/forgot', { email: account.email });
    const reset = await mailbox.token(account.email, '/reset');
    const email = `moved-${randomBytes(4).toString('hex')}@example.com`;
    await owner.post('/security/email', { email });
    const change = await mailbox.token(email, '/confirm-email');
    await expire('email_tokens');
    expect((await client.post('/reset', { token: reset, password: PASSWORD })).status).toBe(422);
    expect((await client.post('/confirm-email', { token: change })).status).toBe(422);
    expect((await owner.get('/security')).body).toContain(account.email);
  });

  it.each(['/confirm', '/reset', '/confirm-email'])(
    'nor does one we never sent, at %s',
    async (path) => {
      const client = createConsoleClient(stack, { network: '192.0.2.22' });
      for (const token of [
        '',
        'x',
        randomBytes(32).toString('base64url'),
        '\u0000',
        'é'.repeat(3000),
      ]) {
        expect((await client.post(path, { token, password: PASSWORD })).status).toBe(422);
      }
    },
  );
});

/** All targets of a page: its links, its forms, and the field with the next path. */
function listTargets(page: string): string[] {
  const links = page.matchAll(/ (?:href|action|formaction)="([^"]*)"/g);
  const next = page.matchAll(/name="next" value="([^"]*)"/g);
  return [...links, ...next].map(([, target = '']) => target);
}

describe('the redirect after sign-in', () => {
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
  ])('never leads to %j', async (next) => {
    const client = createConsoleClient(stack, { network: '192.0.2.30' });
    const encoded = encodeURIComponent(next);
    const signInTargets = listTargets((await client.get(`/sign-in?next=${encoded}`)).body);
    expect(signInTargets.length).toBeGreaterThan(3);
    expect(signInTargets.filter((target) => target.includes('evil.example'))).toEqual([]);
    expect((await owner.get(`/sign-in?next=${encoded}`)).location).toBe('/');
    const reauthTargets = listTargets((await owner.get(`/prove?next=${encoded}`)).body);
    expect(reauthTargets.filter((target) => target.includes('evil.example'))).toEqual([]);
    expect((await owner.post('/language', { language: 'en', back: next })).location).toBe('/');
    const reauthenticated = await owner.post('/prove', {
      kind: 'password',
      password: account.password,
      next,
    });
    expect(reauthenticated.location).toBe('/');
  });

  it('leads to a page of the console', async () => {
    const { email, password } = await stack.createAccount({ creditUsd: '0' });
    const client = createConsoleClient(stack, { network: '192.0.2.31' });
    const redirected = await client.post('/sign-in', { email, password, next: '//evil.example' });
    expect(redirected.location).toBe('/');
    expect((await client.get('/sign-in?next=%2Fkeys')).location).toBe('/keys');
    const signInRedirect = await createConsoleClient(stack).get('/security/email');
    expect(signInRedirect.location).toBe('/sign-in?next=%2Fsecurity%2Femail');
  });
});

describe('markup in user input', () => {
  it('is shown as text when the page repeats a form field', async () => {
    const client = createConsoleClient(stack, { network: '192.0.2.40' });
    const encoded = encodeURIComponent(MARKUP);
    const pages = [
      await client.post('/sign-up', { email: MARKUP, password: PASSWORD }),
      await client.post('/sign-in', { email: MARKUP, password: PASSWORD, next: `/${MARKUP}` }),
      await client.post('/forgot', { email: MARKUP }),
      await client.get(`/sign-in?next=/${encoded}&done=${encoded}`),
      await client.get(`/confirm?token=${encoded}`),
      await client.get(`/reset?token=${encoded}`),
      await client.get(`/confirm-email?token=${encoded}`),
      await client.post('/reset', { token: MARKUP, password: 'short' }),
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

  it('can’t choose a message through the query string', async () => {
    for (const doneCode of ['constructor', '__proto__', 'toString']) {
      const { body } = await owner.get(`/security?done=${doneCode}`);
      expect(body).not.toContain('role="status"');
    }
  });
});

describe("another account's sessions, factors and devices", () => {
  it('can’t be ended or removed by their ids', async () => {
    const otherClient = createConsoleClient(stack, { network: '192.0.2.50' });
    await signInAs(otherClient, await stack.createAccount({ creditUsd: '0' }));
    const second = createConsoleClient(stack, { network: '192.0.2.51' });
    second.cookies.set('__Host-device', owner.cookies.get('__Host-device') ?? '');
    await signInAs(second, account);
    const page = await owner.get('/security');
    const handles = [...page.body.matchAll(/name="session" value="([0-9a-f]{16})"/g)];
    expect(handles.length).toBeGreaterThan(0);
    for (const [, session = ''] of handles)
      await otherClient.post('/security/sessions/end', { session });
    expect(await isSignedIn(second)).toBe(true);
    expect(await isSignedIn(owner)).toBe(true);
  });
});

describe('a sensitive action', () => {
  const sensitivePaths = [
    '/security/email',
    '/security/totp',
    '/security/passkeys',
    '/security/recovery-codes',
  ];

  it('requires recent authentication, for POST too', async () => {
    const staleClient = createConsoleClient(stack, { network: '192.0.2.60' });
    const ownAccount = await stack.createAccount({ creditUsd: '0' });
    await signInAs(staleClient, ownAccount);
    await sql(`update sessions set last_auth_at = now() - interval '16 minutes'
      where account_id = '${ownAccount.accountId}'`);
    for (const path of [...sensitivePaths, '/security/totp/remove', '/security/passkeys/remove']) {
      const reauthPath = `/prove?next=${encodeURIComponent(path)}`;
      expect((await staleClient.get(path)).location).toBe(reauthPath);
      expect((await staleClient.post(path, { email: 'thief@example.com' })).location).toBe(
        reauthPath,
      );
    }
    const credentials = { kind: 'password', next: '/security/totp/remove' };
    const wrong = await staleClient.post('/prove', { ...credentials, password: PASSWORD });
    expect(wrong.status).toBe(422);
    expect(wrong.body).not.toContain(PASSWORD);
    const accepted = await staleClient.post('/prove', {
      ...credentials,
      password: ownAccount.password,
    });
    expect(accepted.location).toBe('/security/totp/remove');
    expect((await staleClient.follow(accepted)).status).toBe(200);
    expect(await mailbox.count('thief@example.com')).toBe(0);
  });
});

describe('an email address that bounced', () => {
  it('is reported on the owner’s page in the owner’s language', async () => {
    const ownAccount = await stack.createAccount({ creditUsd: '0' });
    const client = createConsoleClient(stack, { network: '192.0.2.70' });
    await signInAs(client, ownAccount);
    expect((await client.get('/security')).body).not.toContain('bounced on');
    const hash = mailboxHash(Buffer.from(CONSOLE_SECRET, 'hex'), ownAccount.email);
    await sql(`insert into suppressions values ('${hash}', 'bounced', now())`);
    expect((await client.get('/security')).body).toContain('Our email to this address bounced on');
    await client.post('/language', { language: 'ru', back: '/security' });
    expect((await client.get('/security')).body).toContain(
      'Наше письмо на этот адрес не доставлено',
    );
  });
});

describe.skipIf(!HAS_BROWSER)('a passkey in a real browser', () => {
  it('is added under any name, requested at sign-in, and removed', async () => {
    const ownAccount = await stack.createAccount({ creditUsd: '0' });
    // Browsers refuse to create a passkey for an IP address.
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
      await page.fill('input[name=email]', ownAccount.email);
      await page.fill('input[name=password]', ownAccount.password);
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
    await page.click('form[action="/sign-out"] button');
    await signIn();
    await page.waitForURL(/\/sign-in\/second/);
    await page.click('form[action="/sign-in/second/passkey"] button');
    await page.waitForURL(`${origin}/`);
    await page.goto(`${origin}/security/passkeys`);
    await page.click('form[action="/security/passkeys/remove"] button');
    await page.waitForURL(/done=passkey_removed/);
    await page.click('form[action="/sign-out"] button');
    await signIn();
    await page.waitForURL(`${origin}/`);
    await browser.close();
  }, 60_000);
});
