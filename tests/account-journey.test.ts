/**
 * An account as its owner lives with it, on the real stack with real mail: sign-up, confirmation, password,
 * reset, authenticator app, recovery codes, another address. Each link is good once.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openConsole, signInAs, type Visitor } from './browser.ts';
import { type Mailbox, openMailbox } from './mailbox.ts';

let stack: LocalStack;
let mailbox: Mailbox;

beforeAll(async () => {
  stack = await startStack({ quiet: true });
  mailbox = openMailbox(stack);
}, 120_000);

afterAll(() => stack?.stop());

/** RFC 6238 with SHA-1, as an app works it out; written here so that nothing of ours checks itself. */
function codeOf(secret: string, steps = 0): string {
  const digits = [...secret.replaceAll(' ', '')].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'),
  );
  const key = Buffer.from((digits.join('').match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + steps));
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7f_ff_ff_ff) % 1_000_000).padStart(6, '0');
}

function between(body: string, before: string, after: string): string {
  const from = body.indexOf(before);
  if (from === -1) throw new Error(`no ${before} in ${body}`);
  return body.slice(from + before.length, body.indexOf(after, from + before.length));
}

async function isSignedIn(visitor: Visitor): Promise<boolean> {
  return (await visitor.get('/security')).status === 200;
}

describe('an account', () => {
  const email = `Ann-${randomBytes(4).toString('hex')}@example.com`;
  const newEmail = `anna-${randomBytes(4).toString('hex')}@example.com`;
  let password = randomBytes(12).toString('base64url');
  let browser: Visitor;
  let laptop: Visitor;
  let secret = '';
  let codes: readonly string[] = [];

  beforeAll(() => {
    browser = openConsole(stack);
    laptop = openConsole(stack);
  });

  it('is made by whoever reads its mailbox and knows the password, once', async () => {
    const asked = await browser.post('/sign-up', { email, password });
    expect(asked).toMatchObject({ status: 303, location: '/sign-up?done=sent' });
    const token = await mailbox.token(email, '/confirm');
    expect((await browser.post('/sign-in', { email, password })).status).toBe(422);

    const form = await browser.get(`/confirm?token=${token}`);
    expect(form.body).toContain(`name="token" value="${token}"`);
    const wrong = await browser.post('/confirm', { token, password: 'not what was chosen' });
    expect(wrong.status).toBe(422);
    expect(wrong.body).toContain('aria-invalid="true"');
    expect(wrong.body).not.toContain('not what was chosen');
    const done = await browser.post('/confirm', { token, password });
    expect(done).toMatchObject({ status: 303, location: '/' });
    const overview = await browser.get('/');
    expect(overview.body).toContain(email);

    const replayed = await openConsole(stack).post('/confirm', { token, password });
    expect(replayed.status).toBe(422);
    expect(replayed.headers.getSetCookie()).toEqual([]);
  });

  it('says where it is signed in, and ends one session or all others', async () => {
    const phone = openConsole(stack);
    await signInAs(laptop, { email, password });
    await signInAs(phone, { email, password });
    await mailbox.letter(email, /new|another|browser/i);
    const page = await browser.get('/security');
    const handles = [...page.body.matchAll(/name="session" value="([0-9a-f]{16})"/g)];
    expect(handles).toHaveLength(2);
    await browser.post('/security/sessions/end', { session: handles[0]?.[1] ?? '' });
    const left = [await isSignedIn(laptop), await isSignedIn(phone)];
    expect(left.sort()).toEqual([false, true]);
    const ended = await browser.post('/security/sessions/end-others', {});
    expect((await browser.follow(ended)).body).toContain('All other sessions are ended.');
    expect([await isSignedIn(laptop), await isSignedIn(phone)]).toEqual([false, false]);
    expect(await isSignedIn(browser)).toBe(true);
  });

  it('gets another password, which ends every other session', async () => {
    // A browser that was there before: strangers to the address are let try five times a minute only.
    await signInAs(laptop, { email, password });
    const next = randomBytes(12).toString('base64url');
    const wrong = await browser.post('/security/password', { current: next, password: next });
    expect(wrong.status).toBe(422);
    expect(wrong.body).not.toContain(next);
    const short = await browser.post('/security/password', {
      current: password,
      password: 'short',
    });
    expect(short.body).toContain('too short');
    const before = browser.cookies.get('__Host-session');
    const changed = await browser.post('/security/password', { current: password, password: next });
    expect(changed.location).toBe('/security?done=password');
    expect(browser.cookies.get('__Host-session')).not.toBe(before);
    expect(await isSignedIn(browser)).toBe(true);
    expect(await isSignedIn(laptop)).toBe(false);
    await mailbox.letter(email, /password/i);
    password = next;
  });

  it('is found again by mail when the password is forgotten', async () => {
    const stranger = openConsole(stack, { network: '203.0.113.9' });
    const asked = await stranger.post('/forgot', { email });
    expect(asked.location).toBe('/forgot?done=sent');
    const token = await mailbox.token(email, '/reset');
    for (let looks = 0; looks < 2; looks += 1) await stranger.get(`/reset?token=${token}`);
    const weak = await stranger.post('/reset', { token, password: 'password1234' });
    expect(weak.status).toBe(422);
    expect(weak.body).toContain(`value="${token}"`);
    const next = randomBytes(12).toString('base64url');
    const reset = await stranger.post('/reset', { token, password: next });
    expect(reset.location).toBe('/sign-in?done=reset');
    expect(await isSignedIn(browser)).toBe(false);
    expect((await stranger.post('/reset', { token, password: 'a replayed link 12' })).status).toBe(
      422,
    );
    password = next;
    await signInAs(browser, { email, password });
  });

  it('takes an authenticator app, after its first code', async () => {
    const offer = await browser.post('/security/totp', {});
    secret = between(offer.body, '<code id="secret">', '</code>');
    expect(secret.replaceAll(' ', '')).toMatch(/^[A-Z2-7]{32}$/);
    expect(offer.body).toContain(`secret=${secret.replaceAll(' ', '')}`);
    expect(offer.body).toContain('role="img"');
    const wrong = await browser.post('/security/totp/confirm', { code: codeOf(secret, 40) });
    expect(wrong.status).toBe(422);
    expect(between(wrong.body, '<code id="secret">', '</code>')).toBe(secret);
    const shown = await browser.post('/security/totp/confirm', { code: codeOf(secret) });
    expect(shown.status).toBe(200);
    expect(shown.headers.get('cache-control')).toBe('no-store');
    codes = between(shown.body, '<pre id="codes">', '</pre>').split('\n');
    expect(codes).toHaveLength(10);
    const again = await browser.get('/security/recovery-codes');
    for (const code of codes) expect(again.body).not.toContain(code);
  });

  it('asks for a second factor from then on: the next code, or a recovery code once', async () => {
    await browser.post('/sign-out', {});
    const half = await browser.post('/sign-in', { email, password, next: '/keys' });
    expect(half.location).toBe('/sign-in/second?next=%2Fkeys');
    expect(browser.cookies.has('__Host-session')).toBe(false);
    expect(await isSignedIn(browser)).toBe(false);
    // The app's code of a step ahead: the present one was used up by the set-up.
    const code = codeOf(secret, 1);
    const proof = { kind: 'totp', code, next: '/keys' };
    expect(await browser.post('/sign-in/second', proof)).toMatchObject({ location: '/keys' });
    expect(browser.cookies.has('__Host-step')).toBe(false);

    await browser.post('/sign-out', {});
    await browser.post('/sign-in', { email, password });
    const replayed = await browser.post('/sign-in/second', proof);
    expect(replayed.status).toBe(422);
    const recovery = { kind: 'recovery_code', recovery_code: codes[0]?.toLowerCase() ?? '' };
    expect(await browser.post('/sign-in/second', recovery)).toMatchObject({ location: '/' });
    await mailbox.letter(email, /recovery code/i);

    await browser.post('/sign-out', {});
    await browser.post('/sign-in', { email, password });
    expect((await browser.post('/sign-in/second', recovery)).status).toBe(422);
    const other = { kind: 'recovery_code', recovery_code: codes[1] ?? '' };
    expect(await browser.post('/sign-in/second', other)).toMatchObject({ location: '/' });
  });

  it('makes new recovery codes, which are worth all the old ones', async () => {
    const made = await browser.post('/security/recovery-codes', {});
    const fresh = between(made.body, '<pre id="codes">', '</pre>').split('\n');
    expect(fresh).toHaveLength(10);
    expect(fresh.some((code) => codes.includes(code))).toBe(false);
    expect((await browser.get('/security')).body).toContain('10 left');
  });

  it('moves to another address by its new mailbox, and tells the old one', async () => {
    const bad = await browser.post('/security/email', { email: 'not an address' });
    expect(bad.status).toBe(422);
    const asked = await browser.post('/security/email', { email: newEmail });
    expect(asked.location).toBe('/security?done=asked');
    const token = await mailbox.token(newEmail, '/confirm-email');
    const elsewhere = openConsole(stack);
    await elsewhere.get(`/confirm-email?token=${token}`);
    expect((await browser.get('/security')).body).not.toContain(newEmail);
    const done = await elsewhere.post('/confirm-email', { token });
    expect(done.location).toBe('/confirm-email?done=changed');
    expect((await browser.get('/security')).body).toContain(newEmail);
    const told = await mailbox.letter(email, /a•••@e•••\.com/);
    expect(told).not.toContain(newEmail);
    expect((await elsewhere.post('/confirm-email', { token })).status).toBe(422);
    expect((await elsewhere.post('/sign-in', { email, password })).status).toBe(422);
    const half = await elsewhere.post('/sign-in', { email: newEmail, password });
    expect(half.location).toBe('/sign-in/second?next=%2F');
  });

  it('lets nobody guess codes: five a password, then a pause', async () => {
    const guesser = openConsole(stack, { network: '203.0.113.77' });
    const guess = () => guesser.post('/sign-in/second', { kind: 'totp', code: codeOf(secret, 99) });
    for (let passwords = 0; passwords < 2; passwords += 1) {
      await guesser.post('/sign-in', { email: newEmail, password });
      for (let tries = 0; tries < 4; tries += 1) expect((await guess()).status).toBe(422);
      // The page that answers the fifth has no step to stand on any more.
      expect(await guess()).toMatchObject({ location: '/sign-in?done=expired' });
    }
    await guesser.post('/sign-in', { email: newEmail, password });
    const stopped = await guess();
    expect(stopped.status).toBe(429);
    expect(Number(stopped.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(stopped.body).toMatch(/wait \w+ minutes?/);
    // Its owner's browser is known, and counted by itself.
    await browser.post('/sign-out', {});
    await browser.post('/sign-in', { email: newEmail, password });
    const mine = await browser.post('/sign-in/second', { kind: 'totp', code: codeOf(secret, 99) });
    expect(mine.status).toBe(422);
  });
});
