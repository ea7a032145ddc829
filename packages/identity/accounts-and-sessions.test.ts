/** Sign-up, sign-in and sessions through the package's exports, and what a stranger can learn. */
import { connect } from '@farebox/database';
import { findIdentity } from '@farebox/database/users';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_IP, IdentityHarness, PASSWORD } from './harness.testing.ts';
import {
  confirmSignUp,
  endOtherSessions,
  endSession,
  findSessionUser,
  listSessions,
  nameSession,
  openAccount,
  REAUTH_TTL_MS,
  reauthenticate,
  signOut,
  signUp,
} from './index.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const RP = { id: 'localhost', origin: 'http://localhost:8788', name: 'Farebox' };
const OTHER_PASSWORD = 'another good choice';

let database: EmptyDatabase;
let harness: IdentityHarness;

beforeAll(async () => {
  database = await createEmptyDatabase();
  harness = new IdentityHarness(connect(database.url));
});
afterAll(async () => {
  await database.close();
});

describe('sign-up', () => {
  it('creates no account until the link and the password confirm it', async () => {
    const email = 'Ada.New@Example.com';
    const key = email.toLowerCase();
    const token = await harness.signUp(email);
    expect(await findIdentity(harness.deps.db, key)).toBeUndefined();
    expect(await harness.signIn(email)).toEqual({ ok: false, reason: 'invalid_credentials' });
    const wrongPasswordRequest = { token, password: OTHER_PASSWORD, clientIp: CLIENT_IP };
    expect(await confirmSignUp(harness.deps, wrongPasswordRequest)).toEqual({
      ok: false,
      reason: 'incorrect_password',
    });
    const confirmed = await confirmSignUp(harness.deps, {
      ...wrongPasswordRequest,
      password: PASSWORD,
    });
    if (!confirmed.ok) throw new Error(confirmed.reason);
    expect(harness.opened).toContain(confirmed.signedIn.account);
    expect(await findIdentity(harness.deps.db, key)).toMatchObject({
      verified: true,
      opened: true,
    });
    const user = await findSessionUser(harness.deps, confirmed.signedIn.session);
    expect(user).toMatchObject({ email, language: 'en', account: confirmed.signedIn.account });
    // Once: neither again, nor under any other token.
    for (const used of [token, '', 'x'.repeat(43)]) {
      const again = { token: used, password: PASSWORD, clientIp: CLIENT_IP };
      const result = await confirmSignUp(harness.deps, again);
      expect(result).toEqual({ ok: false, reason: 'token_invalid' });
    }
  });

  it('confirms once when the link is opened several times at the same moment', async () => {
    const token = await harness.signUp(harness.newEmail());
    const request = { token, password: PASSWORD, clientIp: harness.newClientIp() };
    const answers = await Promise.all([1, 2, 3].map(() => confirmSignUp(harness.deps, request)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('rejects a sign-up link after an hour', async () => {
    const token = await harness.signUp(harness.newEmail());
    harness.advance(60 * MINUTE_MS);
    const late = { token, password: PASSWORD, clientIp: CLIENT_IP };
    expect(await confirmSignUp(harness.deps, late)).toEqual({ ok: false, reason: 'token_invalid' });
  });

  it('answers the same, at the same cost, whether or not the address has an account', async () => {
    const { user } = await harness.createUser();
    const costs: number[] = [];
    for (const email of [user.email.toUpperCase(), harness.newEmail()]) {
      const before = harness.hashes;
      const clientIp = harness.newClientIp();
      const request = { email, password: OTHER_PASSWORD, language: 'ru', clientIp };
      const answer = await signUp(harness.deps, request);
      expect(answer).toMatchObject({ ok: true });
      costs.push(harness.hashes - before);
      if (email !== user.email.toUpperCase() || !answer.ok) continue;
      // The mailbox learns it, in its owner's language, and nothing waits to be confirmed.
      const { email: to, language, account } = user;
      expect(answer.emails).toEqual([
        { kind: 'already_signed_up', facts: {}, to, language, account },
      ]);
      expect(await harness.rows('sign_ups', `email_key = '${to.toLowerCase()}'`)).toBe(0);
      // A decoy was written in its place.
      expect(await harness.rows('rate_limit_counters', 'count = 0')).toBe(1);
    }
    expect(costs).toEqual([1, 1]);
  });

  it('does not reveal that the address got an account in the meantime', async () => {
    const email = harness.newEmail();
    const token = await harness.signUp(email);
    const { deps } = harness;
    const { random } = deps;
    const newAccount = { email, password: OTHER_PASSWORD, verified: true, now: deps.now(), random };
    expect(await openAccount(deps.db, deps.accounts, newAccount)).toMatchObject({ ok: true });
    const request = { token, password: PASSWORD, clientIp: CLIENT_IP };
    expect(await confirmSignUp(deps, request)).toEqual({ ok: false, reason: 'token_invalid' });
    expect(await harness.signIn(email)).toEqual({ ok: false, reason: 'invalid_credentials' });
  });

  it('opens the account object at the first sign-in after a crash before it was opened', async () => {
    const email = harness.newEmail();
    const token = await harness.signUp(email);
    harness.ledgerUnavailable = true;
    const request = { token, password: PASSWORD, clientIp: harness.newClientIp() };
    await expect(confirmSignUp(harness.deps, request)).rejects.toThrow();
    harness.ledgerUnavailable = false;
    const count = harness.opened.length;
    expect(await harness.signIn(email, { clientIp: harness.newClientIp() })).toMatchObject({
      ok: true,
    });
    expect(harness.opened).toHaveLength(count + 1);
    expect(await findIdentity(harness.deps.db, email)).toMatchObject({ opened: true });
  });

  it('rejects invalid input before it hashes or counts anything', async () => {
    const before = [harness.hashes, await harness.rows('rate_limit_counters')];
    const request = {
      email: 'x@example.com',
      password: PASSWORD,
      language: 'en',
      clientIp: CLIENT_IP,
    };
    const bad = [
      [{ email: 'x@example.com\r\nbcc: y@example.com' }, 'email_invalid'],
      [{ language: 'en"><script>' }, 'language_invalid'],
      [{ password: 'short' }, 'password_too_short'],
      [{ password: 'iloveyou1234' }, 'password_breached'],
      [{ password: 'x@example.com!' }, 'password_too_simple'],
    ] as const;
    for (const [change, reason] of bad) {
      expect(await signUp(harness.deps, { ...request, ...change })).toEqual({ ok: false, reason });
    }
    expect([harness.hashes, await harness.rows('rate_limit_counters')]).toEqual(before);
  });
});

describe('sign-in', () => {
  it('costs one hash and answers the same for a wrong password and an unknown address', async () => {
    const { user } = await harness.createUser();
    const answers = [];
    for (const email of [user.email, harness.newEmail(), 'no address']) {
      const before = harness.hashes;
      const answer = await harness.signIn(email, {
        password: OTHER_PASSWORD,
        clientIp: harness.newClientIp(),
      });
      answers.push({ answer, hashes: harness.hashes - before });
    }
    const same = { answer: { ok: false, reason: 'invalid_credentials' }, hashes: 1 };
    expect(answers).toEqual([same, same, same]);
  });

  it('issues new tokens each time, and an email when the browser is new', async () => {
    const { user, signedIn } = await harness.createUser();
    const knownDeviceResult = await harness.signIn(user.email, { device: signedIn.device });
    if (!knownDeviceResult.ok || !('signedIn' in knownDeviceResult)) throw new Error('not in');
    expect(knownDeviceResult.emails).toEqual([]);
    const planted = 'A'.repeat(43);
    const unknownDeviceResult = await harness.signIn(user.email, { device: planted });
    if (!unknownDeviceResult.ok || !('signedIn' in unknownDeviceResult)) throw new Error('not in');
    expect(unknownDeviceResult.emails.map(({ kind }) => kind)).toEqual(['new_device']);
    const tokens = [signedIn, knownDeviceResult.signedIn, unknownDeviceResult.signedIn].flatMap(
      (one) => [one.session, one.device],
    );
    expect(new Set([...tokens, planted]).size).toBe(7);
    // The device's old token was replaced, and another account's device is unknown here.
    const other = await harness.createUser();
    for (const device of [signedIn.device, other.signedIn.device]) {
      const again = await harness.signIn(user.email, { device });
      expect(again).toMatchObject({ emails: [{ kind: 'new_device' }] });
    }
    expect(await harness.rows('sessions', `token_hash = '${signedIn.session}'`)).toBe(0);
  });

  it('limits guesses from one place before hashing them, and allows more after the window', async () => {
    const { user } = await harness.createUser();
    const clientIp = harness.newClientIp();
    harness.advance(15 * MINUTE_MS);
    for (let attempt = 0; attempt < 10; attempt += 1) {
      // Slower than the address's own slow-down.
      if (attempt === 5) harness.advance(MINUTE_MS);
      const answer = await harness.signIn(user.email, { password: OTHER_PASSWORD, clientIp });
      expect(answer).toEqual({ ok: false, reason: 'invalid_credentials' });
    }
    harness.advance(MINUTE_MS);
    const before = harness.hashes;
    const limitedResult = await harness.signIn(user.email, { clientIp });
    expect(limitedResult).toMatchObject({ ok: false, reason: 'rate_limited' });
    expect(harness.hashes).toBe(before);
    if (limitedResult.ok || limitedResult.reason !== 'rate_limited')
      throw new Error('not throttled');
    expect(limitedResult.retryAfterSeconds).toBeGreaterThan(0);
    // From another network the owner still signs in.
    expect(await harness.signIn(user.email, { clientIp: harness.newClientIp() })).toMatchObject({
      ok: true,
    });
    harness.advance(limitedResult.retryAfterSeconds * 1000);
    expect(await harness.signIn(user.email, { clientIp })).toMatchObject({ ok: true });
  });

  it('admits a known browser after strangers have exhausted the limits of its account', async () => {
    const { user, signedIn } = await harness.createUser();
    harness.advance(MINUTE_MS);
    for (let attempt = 0; attempt < 5; attempt += 1) {
      await harness.signIn(user.email, {
        password: OTHER_PASSWORD,
        clientIp: harness.newClientIp(),
      });
    }
    const unknownDeviceResult = await harness.signIn(user.email, {
      clientIp: harness.newClientIp(),
    });
    expect(unknownDeviceResult).toMatchObject({ reason: 'challenge_required' });
    const knownDevice = { clientIp: harness.newClientIp(), device: signedIn.device };
    expect(await harness.signIn(user.email, knownDevice)).toMatchObject({ ok: true });
    // A caller without a device token waits a minute at most.
    harness.advance(MINUTE_MS);
    expect(await harness.signIn(user.email, { clientIp: harness.newClientIp() })).toMatchObject({
      ok: true,
    });
  });

  it('admits exactly the allowed number of concurrent attempts', async () => {
    const email = harness.newEmail();
    harness.advance(15 * MINUTE_MS);
    const before = harness.hashes;
    const attempts = Array.from({ length: 20 }, () => harness.signIn(email));
    const answers = await Promise.all(attempts);
    expect(
      answers.filter((answer) => !answer.ok && answer.reason === 'invalid_credentials'),
    ).toHaveLength(5);
    expect(harness.hashes - before).toBe(5);
  });

  it('counts a rejected attempt in no bucket, so that one full bucket fills no other', async () => {
    const { user } = await harness.createUser();
    const clientIp = harness.newClientIp();
    const otherEmail = harness.newEmail();
    harness.advance(15 * MINUTE_MS);
    // More than the network has room for, had they counted.
    for (let attempt = 0; attempt < 120; attempt += 1)
      await harness.signIn(otherEmail, { clientIp });
    expect(await harness.signIn(user.email, { clientIp })).toMatchObject({ ok: true });
  });

  it('stores neither email address nor network in its rate limit counters', async () => {
    const { rows } = await harness.deps.db.execute<{ bucket: string }>(
      'select bucket from rate_limit_counters',
    );
    expect(rows.length).toBeGreaterThan(10);
    for (const { bucket } of rows) expect(bucket).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('sessions', () => {
  it('end after 14 days without use and after 90 days in use', async () => {
    const { signedIn } = await harness.createUser();
    for (let days = 0; days < 84; days += 12) {
      expect(await findSessionUser(harness.deps, signedIn.session)).toBeDefined();
      harness.advance(12 * DAY_MS);
    }
    expect(await findSessionUser(harness.deps, signedIn.session)).toBeDefined();
    harness.advance(6 * DAY_MS);
    expect(await findSessionUser(harness.deps, signedIn.session)).toBeUndefined();
    const unused = await harness.createUser();
    harness.advance(14 * DAY_MS);
    expect(await findSessionUser(harness.deps, unused.signedIn.session)).toBeUndefined();
  });

  it('have the name that their owner gives them, and no other user can give or take it', async () => {
    const { user } = await harness.createUser();
    const otherUser = await harness.createUser();
    const getName = async () => (await listSessions(harness.deps, user))[0]?.name;
    expect(await getName()).toBeNull();
    const handle = user.session;
    expect(await nameSession(harness.deps, user, { handle, name: ' Work\u0000\nlaptop ' })).toEqual(
      {
        ok: true,
      },
    );
    expect(await getName()).toBe('Work laptop');
    await nameSession(harness.deps, otherUser.user, { handle, name: 'mine' });
    expect(await nameSession(harness.deps, user, { handle, name: 'x'.repeat(65) })).toEqual({
      ok: false,
      reason: 'too_long',
    });
    expect(await getName()).toBe('Work laptop');
    await nameSession(harness.deps, user, { handle, name: '  ' });
    expect(await getName()).toBeNull();
  });

  it('are listed, and end one at a time, all others at once or by their own cookie, never those of another user', async () => {
    const { user, signedIn } = await harness.createUser();
    const otherUser = await harness.createUser();
    const more = [];
    for (let count = 0; count < 3; count += 1) {
      const again = await harness.signIn(user.email, { clientIp: harness.newClientIp() });
      if (again.ok && 'signedIn' in again) more.push(again.signedIn);
    }
    const listed = await listSessions(harness.deps, user);
    expect(listed).toHaveLength(4);
    expect(listed.filter(({ current }) => current).map(({ handle }) => handle)).toEqual([
      user.session,
    ]);
    await endSession(
      harness.deps,
      otherUser.user,
      listed.find(({ current }) => !current)?.handle ?? '',
    );
    await endOtherSessions(harness.deps, otherUser.user);
    expect(await listSessions(harness.deps, user)).toHaveLength(4);
    const [one, two] = more;
    const ended = await harness.getUser(one?.session ?? '');
    await endSession(harness.deps, user, ended.session);
    expect(await findSessionUser(harness.deps, one?.session ?? '')).toBeUndefined();
    expect(await findSessionUser(harness.deps, two?.session ?? '')).toBeDefined();
    await endOtherSessions(harness.deps, user);
    expect(await listSessions(harness.deps, user)).toHaveLength(1);
    await signOut(harness.deps, signedIn.session);
    expect(await findSessionUser(harness.deps, signedIn.session)).toBeUndefined();
    expect(await findSessionUser(harness.deps, otherUser.signedIn.session)).toBeDefined();
  });

  it('record the time of the last authentication, and limit guesses at the password', async () => {
    const { user, signedIn } = await harness.createUser();
    harness.advance(REAUTH_TTL_MS);
    const { deps } = harness;
    const submitPassword = (password: string) => reauthenticate(deps, RP, user, { password });
    expect(await submitPassword(OTHER_PASSWORD)).toEqual({
      ok: false,
      reason: 'invalid_credentials',
    });
    expect((await harness.getUser(signedIn.session)).lastAuthAt).toBe(user.lastAuthAt);
    expect(await submitPassword(PASSWORD)).toEqual({ ok: true, emails: [] });
    expect((await harness.getUser(signedIn.session)).lastAuthAt).toBe(deps.now());
    for (let attempt = 2; attempt < 10; attempt += 1) await submitPassword(OTHER_PASSWORD);
    const before = harness.hashes;
    expect(await submitPassword(PASSWORD)).toMatchObject({ reason: 'rate_limited' });
    expect(harness.hashes).toBe(before);
  });
});
