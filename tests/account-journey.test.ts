/**
 * The life of an account on the real stack with real email: sign-up, confirmation, password, reset,
 * authenticator app, recovery codes, change of email. Each link works once.
 */
import { randomBytes } from 'node:crypto';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleClient, createConsoleClient, signInAs } from './support/browser.ts';
import { type Mailbox, openMailbox } from './support/mailbox.ts';
import { waitForRateLimitWindow } from './support/rate-limit-windows.ts';
import { sharedStack } from './support/shared-stack.ts';
import { totpCode } from './support/totp.ts';

let stack: LocalStack;
let mailbox: Mailbox;

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  mailbox = openMailbox(stack);
}, 120_000);

function between(body: string, before: string, after: string): string {
  const from = body.indexOf(before);
  if (from === -1) throw new Error(`no ${before} in ${body}`);
  return body.slice(from + before.length, body.indexOf(after, from + before.length));
}

async function isSignedIn(client: ConsoleClient): Promise<boolean> {
  return (await client.get('/security')).status === 200;
}

describe('an account', () => {
  const email = `Ann-${randomBytes(4).toString('hex')}@example.com`;
  const newEmail = `anna-${randomBytes(4).toString('hex')}@example.com`;
  let password = randomBytes(12).toString('base64url');
  let mainClient: ConsoleClient;
  let laptopClient: ConsoleClient;
  let secret = '';
  let codes: readonly string[] = [];

  beforeAll(() => {
    mainClient = createConsoleClient(stack);
    laptopClient = createConsoleClient(stack);
  });

  it('is created once, by the link in the email together with the password', async () => {
    const sent = await mainClient.post('/sign-up', { email, password });
    expect(sent).toMatchObject({ status: 303, location: '/sign-up?done=sent' });
    const token = await mailbox.token(email, '/confirm');
    expect((await mainClient.post('/sign-in', { email, password })).status).toBe(422);

    const form = await mainClient.get(`/confirm?token=${token}`);
    expect(form.body).toContain(`name="token" value="${token}"`);
    const rejected = await mainClient.post('/confirm', { token, password: 'not what was chosen' });
    expect(rejected.status).toBe(422);
    expect(rejected.body).toContain('aria-invalid="true"');
    expect(rejected.body).not.toContain('not what was chosen');
    const accepted = await mainClient.post('/confirm', { token, password });
    expect(accepted.status).toBe(200);
    const [apiKey = ''] = /fbx_[0-9A-Za-z]{67}/.exec(accepted.body) ?? [];
    const keyStatus = await fetch(`${stack.gatewayUrl}/v1/key`, {
      headers: { authorization: `Bearer ${apiKey}` },
    });
    expect(keyStatus.status).toBe(200);
    const overview = await mainClient.get('/');
    expect(overview.body).toContain(email);
    // Nothing but the answer to the form shows the key.
    expect(overview.body).not.toContain(apiKey);

    const replayed = await createConsoleClient(stack).post('/confirm', { token, password });
    expect(replayed.status).toBe(422);
    expect(replayed.headers.getSetCookie()).toEqual([]);
  });

  it('lists its sessions and ends one of them or all others', async () => {
    const phone = createConsoleClient(stack);
    await signInAs(laptopClient, { email, password });
    await signInAs(phone, { email, password });
    await mailbox.waitForEmail(email, /new|another|browser/i);
    const page = await mainClient.get('/security');
    // Each session has a form for its name; those but the current one have one to end them.
    const ending = /action="\/security\/sessions\/end"><input[^>]*value="([0-9a-f]{16})"/g;
    const handles = [...page.body.matchAll(ending)];
    expect(handles).toHaveLength(2);
    await mainClient.post('/security/sessions/end', { session: handles[0]?.[1] ?? '' });
    const remaining = [await isSignedIn(laptopClient), await isSignedIn(phone)];
    expect(remaining.sort()).toEqual([false, true]);
    const ended = await mainClient.post('/security/sessions/end-others', {});
    expect((await mainClient.follow(ended)).body).toContain('All other sessions were ended.');
    expect([await isSignedIn(laptopClient), await isSignedIn(phone)]).toEqual([false, false]);
    expect(await isSignedIn(mainClient)).toBe(true);
  });

  it('ends every other session when its password changes', async () => {
    // A known browser: unknown ones have only five attempts per minute and address.
    await signInAs(laptopClient, { email, password });
    const next = randomBytes(12).toString('base64url');
    const rejected = await mainClient.post('/security/password', { current: next, password: next });
    expect(rejected.status).toBe(422);
    expect(rejected.body).not.toContain(next);
    const short = await mainClient.post('/security/password', {
      current: password,
      password: 'short',
    });
    expect(short.body).toContain('too short');
    const before = mainClient.cookies.get('__Host-session');
    const changed = await mainClient.post('/security/password', {
      current: password,
      password: next,
    });
    expect(changed.location).toBe('/security?done=password_changed');
    expect(mainClient.cookies.get('__Host-session')).not.toBe(before);
    expect(await isSignedIn(mainClient)).toBe(true);
    expect(await isSignedIn(laptopClient)).toBe(false);
    await mailbox.waitForEmail(email, /password/i);
    password = next;
  });

  it('is recovered by an emailed link when the password is forgotten', async () => {
    const stranger = createConsoleClient(stack, { network: '203.0.113.9' });
    const sent = await stranger.post('/forgot', { email });
    expect(sent.location).toBe('/forgot?done=sent');
    const token = await mailbox.token(email, '/reset');
    for (let loads = 0; loads < 2; loads += 1) await stranger.get(`/reset?token=${token}`);
    const weak = await stranger.post('/reset', { token, password: 'password1234' });
    expect(weak.status).toBe(422);
    expect(weak.body).toContain(`value="${token}"`);
    const next = randomBytes(12).toString('base64url');
    const reset = await stranger.post('/reset', { token, password: next });
    expect(reset.location).toBe('/sign-in?done=password_reset');
    expect(await isSignedIn(mainClient)).toBe(false);
    expect((await stranger.post('/reset', { token, password: 'a replayed link 12' })).status).toBe(
      422,
    );
    password = next;
    await signInAs(mainClient, { email, password });
  });

  it('accepts an authenticator app after its first code', async () => {
    const pendingTotp = await mainClient.post('/security/totp', {});
    secret = between(pendingTotp.body, '<code id="secret">', '</code>');
    expect(secret.replaceAll(' ', '')).toMatch(/^[A-Z2-7]{32}$/);
    expect(pendingTotp.body).toContain(`secret=${secret.replaceAll(' ', '')}`);
    expect(pendingTotp.body).toContain('role="img"');
    const rejected = await mainClient.post('/security/totp/confirm', {
      code: totpCode(secret, 40),
    });
    expect(rejected.status).toBe(422);
    expect(between(rejected.body, '<code id="secret">', '</code>')).toBe(secret);
    const confirmed = await mainClient.post('/security/totp/confirm', { code: totpCode(secret) });
    expect(confirmed.status).toBe(200);
    expect(confirmed.headers.get('cache-control')).toBe('no-store');
    codes = between(confirmed.body, '<pre id="codes">', '</pre>').split('\n');
    expect(codes).toHaveLength(10);
    const secondView = await mainClient.get('/security/recovery-codes');
    for (const code of codes) expect(secondView.body).not.toContain(code);
  });

  it('requires a second factor afterwards: a fresh code, or a recovery code once', async () => {
    await mainClient.post('/sign-out', {});
    const firstFactor = await mainClient.post('/sign-in', { email, password, next: '/keys' });
    expect(firstFactor.location).toBe('/sign-in/second?next=%2Fkeys');
    expect(mainClient.cookies.has('__Host-session')).toBe(false);
    expect(await isSignedIn(mainClient)).toBe(false);
    // The code of the next time step: the set-up has used the current one.
    const code = totpCode(secret, 1);
    const secondFactor = { kind: 'totp', code, next: '/keys' };
    expect(await mainClient.post('/sign-in/second', secondFactor)).toMatchObject({
      location: '/keys',
    });
    expect(mainClient.cookies.has('__Host-step')).toBe(false);
    // The list of sessions says what each was signed in with.
    expect((await mainClient.get('/security')).body).toContain(
      'Signed in with: password and second factor',
    );

    await mainClient.post('/sign-out', {});
    await mainClient.post('/sign-in', { email, password });
    const replayed = await mainClient.post('/sign-in/second', secondFactor);
    expect(replayed.status).toBe(422);
    const recovery = { kind: 'recovery_code', recovery_code: codes[0]?.toLowerCase() ?? '' };
    expect(await mainClient.post('/sign-in/second', recovery)).toMatchObject({ location: '/' });
    await mailbox.waitForEmail(email, /recovery code/i);

    await mainClient.post('/sign-out', {});
    await mainClient.post('/sign-in', { email, password });
    expect((await mainClient.post('/sign-in/second', recovery)).status).toBe(422);
    const other = { kind: 'recovery_code', recovery_code: codes[1] ?? '' };
    expect(await mainClient.post('/sign-in/second', other)).toMatchObject({ location: '/' });
  });

  it('replaces all recovery codes by new ones', async () => {
    const generated = await mainClient.post('/security/recovery-codes', {});
    const newCodes = between(generated.body, '<pre id="codes">', '</pre>').split('\n');
    expect(newCodes).toHaveLength(10);
    expect(newCodes.some((code) => codes.includes(code))).toBe(false);
    expect((await mainClient.get('/security')).body).toContain('10 remaining');
  });

  it('changes its email through the new mailbox and notifies the old one', async () => {
    const rejectedChange = await mainClient.post('/security/email', { email: 'not an address' });
    expect(rejectedChange.status).toBe(422);
    const sent = await mainClient.post('/security/email', { email: newEmail });
    expect(sent.location).toBe('/security?done=email_requested');
    const token = await mailbox.token(newEmail, '/confirm-email');
    const elsewhere = createConsoleClient(stack);
    await elsewhere.get(`/confirm-email?token=${token}`);
    expect((await mainClient.get('/security')).body).not.toContain(newEmail);
    const accepted = await elsewhere.post('/confirm-email', { token });
    expect(accepted.location).toBe('/confirm-email?done=changed');
    expect((await mainClient.get('/security')).body).toContain(newEmail);
    const changeNotice = await mailbox.waitForEmail(email, /a•••@e•••\.com/);
    expect(changeNotice).not.toContain(newEmail);
    expect((await elsewhere.post('/confirm-email', { token })).status).toBe(422);
    expect((await elsewhere.post('/sign-in', { email, password })).status).toBe(422);
    const firstFactor = await elsewhere.post('/sign-in', { email: newEmail, password });
    expect(firstFactor.location).toBe('/sign-in/second?next=%2F');
  });

  it('blocks code guessing after five attempts per password', async () => {
    const attacker = createConsoleClient(stack, { network: '203.0.113.77' });
    await waitForRateLimitWindow(10_000);
    const guess = () =>
      attacker.post('/sign-in/second', { kind: 'totp', code: totpCode(secret, 99) });
    for (let passwords = 0; passwords < 2; passwords += 1) {
      await attacker.post('/sign-in', { email: newEmail, password });
      for (let attempt = 0; attempt < 4; attempt += 1) expect((await guess()).status).toBe(422);
      // The fifth attempt ends the pending sign-in.
      expect(await guess()).toMatchObject({ location: '/sign-in?done=expired' });
    }
    await attacker.post('/sign-in', { email: newEmail, password });
    const blocked = await guess();
    expect(blocked.status).toBe(429);
    expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(blocked.body).toMatch(/Try again in \d+ minutes?/);
    // The owner's known browser has counters of its own.
    await mainClient.post('/sign-out', {});
    await mainClient.post('/sign-in', { email: newEmail, password });
    const ownAttempt = await mainClient.post('/sign-in/second', {
      kind: 'totp',
      code: totpCode(secret, 99),
    });
    expect(ownAttempt.status).toBe(422);
  });
});
