/** People through the room's front: signing up, in and out, and what a stranger is told. */
import { connect, findIdentity } from '@farebox/database';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  confirmSignUp,
  endOtherSessions,
  endSession,
  findPerson,
  listSessions,
  openAccount,
  PROOF_LASTS_MS,
  prove,
  signOut,
  signUp,
} from './index.ts';
import { NETWORK, PASSWORD, Stage } from './stage.testing.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const RP = { id: 'localhost', origin: 'http://localhost:8788', name: 'Farebox' };
const OTHER = 'another good choice';

let database: EmptyDatabase;
let stage: Stage;

beforeAll(async () => {
  database = await emptyDatabase();
  stage = new Stage(connect(database.url));
});
afterAll(async () => {
  await database.close();
});

describe('signing up', () => {
  it('makes no account until the mailbox and the password have confirmed it', async () => {
    const email = 'Ada.New@Example.com';
    const key = email.toLowerCase();
    const token = await stage.signUp(email);
    expect(await findIdentity(stage.house.db, key)).toBeUndefined();
    expect(await stage.signIn(email)).toEqual({ ok: false, reason: 'wrong' });
    const strangers = { token, password: OTHER, network: NETWORK };
    expect(await confirmSignUp(stage.house, strangers)).toEqual({
      ok: false,
      reason: 'wrong_password',
    });
    const confirmed = await confirmSignUp(stage.house, { ...strangers, password: PASSWORD });
    if (!confirmed.ok) throw new Error(confirmed.reason);
    expect(stage.opened).toContain(confirmed.signedIn.account);
    expect(await findIdentity(stage.house.db, key)).toMatchObject({ verified: true, opened: true });
    const person = await findPerson(stage.house, confirmed.signedIn.session);
    expect(person).toMatchObject({ email, language: 'en', account: confirmed.signedIn.account });
    // Once: neither again, nor under any other token.
    for (const used of [token, '', 'x'.repeat(43)]) {
      const again = { token: used, password: PASSWORD, network: NETWORK };
      const refused = await confirmSignUp(stage.house, again);
      expect(refused).toEqual({ ok: false, reason: 'token_invalid' });
    }
  });

  it('is confirmed once however many follow the link at the same time', async () => {
    const token = await stage.signUp(stage.someone());
    const request = { token, password: PASSWORD, network: stage.somewhere() };
    const answers = await Promise.all([1, 2, 3].map(() => confirmSignUp(stage.house, request)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('expires after an hour', async () => {
    const token = await stage.signUp(stage.someone());
    stage.advance(60 * MINUTE);
    const late = { token, password: PASSWORD, network: NETWORK };
    expect(await confirmSignUp(stage.house, late)).toEqual({ ok: false, reason: 'token_invalid' });
  });

  it('says the same whether or not the address has an account, at the same cost', async () => {
    const { person } = await stage.join();
    const costs: number[] = [];
    for (const email of [person.email.toUpperCase(), stage.someone()]) {
      const before = stage.hashes;
      const network = stage.somewhere();
      const wish = { email, password: OTHER, language: 'ru', network };
      const answer = await signUp(stage.house, wish);
      expect(answer).toMatchObject({ ok: true });
      costs.push(stage.hashes - before);
      if (email !== person.email.toUpperCase() || !answer.ok) continue;
      // The mailbox learns it, in its owner's language, and nothing waits to be confirmed.
      const { email: to, language, account } = person;
      expect(answer.letters).toEqual([
        { kind: 'already_signed_up', facts: {}, to, language, account },
      ]);
      expect(await stage.rows('sign_ups', `email_key = '${to.toLowerCase()}'`)).toBe(0);
      // A decoy was written in its place.
      expect(await stage.rows('throttle_counters', 'count = 0')).toBe(1);
    }
    expect(costs).toEqual([1, 1]);
  });

  it('does not give an address away that got an account by another way meanwhile', async () => {
    const email = stage.someone();
    const token = await stage.signUp(email);
    const { house } = stage;
    const { random } = house;
    const wish = { email, password: OTHER, verified: true, now: house.now(), random };
    expect(await openAccount(house.db, house.accounts, wish)).toMatchObject({ ok: true });
    const request = { token, password: PASSWORD, network: NETWORK };
    expect(await confirmSignUp(house, request)).toEqual({ ok: false, reason: 'token_invalid' });
    expect(await stage.signIn(email)).toEqual({ ok: false, reason: 'wrong' });
  });

  it('survives a crash between its rows and the object: the first sign-in opens it', async () => {
    const email = stage.someone();
    const token = await stage.signUp(email);
    stage.ledgerAway = true;
    const request = { token, password: PASSWORD, network: stage.somewhere() };
    await expect(confirmSignUp(stage.house, request)).rejects.toThrow();
    stage.ledgerAway = false;
    const count = stage.opened.length;
    expect(await stage.signIn(email, { network: stage.somewhere() })).toMatchObject({ ok: true });
    expect(stage.opened).toHaveLength(count + 1);
    expect(await findIdentity(stage.house.db, email)).toMatchObject({ opened: true });
  });

  it('refuses bad wishes before it hashes or counts anything', async () => {
    const before = [stage.hashes, await stage.rows('throttle_counters')];
    const wish = { email: 'x@example.com', password: PASSWORD, language: 'en', network: NETWORK };
    const bad = [
      [{ email: 'x@example.com\r\nbcc: y@example.com' }, 'email_invalid'],
      [{ language: 'en"><script>' }, 'language_invalid'],
      [{ password: 'short' }, 'password_too_short'],
      [{ password: 'iloveyou1234' }, 'password_breached'],
      [{ password: 'x@example.com!' }, 'password_trivial'],
    ] as const;
    for (const [change, reason] of bad) {
      expect(await signUp(stage.house, { ...wish, ...change })).toEqual({ ok: false, reason });
    }
    expect([stage.hashes, await stage.rows('throttle_counters')]).toEqual(before);
  });
});

describe('signing in', () => {
  it('costs one hash and says the same for a wrong password and an unknown address', async () => {
    const { person } = await stage.join();
    const answers = [];
    for (const email of [person.email, stage.someone(), 'no address']) {
      const before = stage.hashes;
      const answer = await stage.signIn(email, { password: OTHER, network: stage.somewhere() });
      answers.push({ answer, hashes: stage.hashes - before });
    }
    const same = { answer: { ok: false, reason: 'wrong' }, hashes: 1 };
    expect(answers).toEqual([same, same, same]);
  });

  it('gives fresh tokens each time, and a letter where the browser is new', async () => {
    const { person, signedIn } = await stage.join();
    const known = await stage.signIn(person.email, { device: signedIn.device });
    if (!known.ok || !('signedIn' in known)) throw new Error('not in');
    expect(known.letters).toEqual([]);
    const planted = 'A'.repeat(43);
    const strange = await stage.signIn(person.email, { device: planted });
    if (!strange.ok || !('signedIn' in strange)) throw new Error('not in');
    expect(strange.letters.map(({ kind }) => kind)).toEqual(['new_device']);
    const tokens = [signedIn, known.signedIn, strange.signedIn].flatMap((one) => [
      one.session,
      one.device,
    ]);
    expect(new Set([...tokens, planted]).size).toBe(7);
    // The device's old token was replaced, and a device of somebody else's is none here.
    const other = await stage.join();
    for (const device of [signedIn.device, other.signedIn.device]) {
      const again = await stage.signIn(person.email, { device });
      expect(again).toMatchObject({ letters: [{ kind: 'new_device' }] });
    }
    expect(await stage.rows('sessions', `token_hash = '${signedIn.session}'`)).toBe(0);
  });

  it('stops guesses from one place before they are hashed, in a while lets them try again', async () => {
    const { person } = await stage.join();
    const network = stage.somewhere();
    stage.advance(15 * MINUTE);
    for (let tries = 0; tries < 10; tries += 1) {
      // Slower than the address's own slow-down.
      if (tries === 5) stage.advance(MINUTE);
      const answer = await stage.signIn(person.email, { password: OTHER, network });
      expect(answer).toEqual({ ok: false, reason: 'wrong' });
    }
    stage.advance(MINUTE);
    const before = stage.hashes;
    const stopped = await stage.signIn(person.email, { network });
    expect(stopped).toMatchObject({ ok: false, reason: 'throttled' });
    expect(stage.hashes).toBe(before);
    if (stopped.ok || stopped.reason !== 'throttled') throw new Error('not throttled');
    expect(stopped.retryAfterSeconds).toBeGreaterThan(0);
    // From elsewhere it is the owner's own door as before.
    expect(await stage.signIn(person.email, { network: stage.somewhere() })).toMatchObject({
      ok: true,
    });
    stage.advance(stopped.retryAfterSeconds * 1000);
    expect(await stage.signIn(person.email, { network })).toMatchObject({ ok: true });
  });

  it('lets no stranger lock anybody out: a known browser gets past what they filled', async () => {
    const { person, signedIn } = await stage.join();
    stage.advance(MINUTE);
    for (let tries = 0; tries < 5; tries += 1) {
      await stage.signIn(person.email, { password: OTHER, network: stage.somewhere() });
    }
    const strange = await stage.signIn(person.email, { network: stage.somewhere() });
    expect(strange).toMatchObject({ reason: 'throttled' });
    const known = { network: stage.somewhere(), device: signedIn.device };
    expect(await stage.signIn(person.email, known)).toMatchObject({ ok: true });
    // Whoever holds no device waits a minute and no more.
    stage.advance(MINUTE);
    expect(await stage.signIn(person.email, { network: stage.somewhere() })).toMatchObject({
      ok: true,
    });
  });

  it('lets exactly as many through as there is room for, at whatever speed they come', async () => {
    const email = stage.someone();
    stage.advance(15 * MINUTE);
    const before = stage.hashes;
    const tries = Array.from({ length: 20 }, () => stage.signIn(email));
    const answers = await Promise.all(tries);
    expect(answers.filter((answer) => !answer.ok && answer.reason === 'wrong')).toHaveLength(5);
    expect(stage.hashes - before).toBe(5);
  });

  it('counts what it refuses nowhere, so that one full bucket fills no other', async () => {
    const { person } = await stage.join();
    const network = stage.somewhere();
    const guessed = stage.someone();
    stage.advance(15 * MINUTE);
    // More than the network has room for, had they counted.
    for (let tries = 0; tries < 120; tries += 1) await stage.signIn(guessed, { network });
    expect(await stage.signIn(person.email, { network })).toMatchObject({ ok: true });
  });

  it('keeps neither address nor network where it counts', async () => {
    const { rows } = await stage.house.db.execute<{ bucket: string }>(
      'select bucket from throttle_counters',
    );
    expect(rows.length).toBeGreaterThan(10);
    for (const { bucket } of rows) expect(bucket).toMatch(/^[0-9a-f]{64}$/);
  });
});

describe('a session', () => {
  it('ends unused after 14 days and in use after 90', async () => {
    const { signedIn } = await stage.join();
    for (let days = 0; days < 84; days += 12) {
      expect(await findPerson(stage.house, signedIn.session)).toBeDefined();
      stage.advance(12 * DAY);
    }
    expect(await findPerson(stage.house, signedIn.session)).toBeDefined();
    stage.advance(6 * DAY);
    expect(await findPerson(stage.house, signedIn.session)).toBeUndefined();
    const unused = await stage.join();
    stage.advance(14 * DAY);
    expect(await findPerson(stage.house, unused.signedIn.session)).toBeUndefined();
  });

  it('is listed, and ends one at a time, all others, or by its own cookie; never anybody else’s', async () => {
    const { person, signedIn } = await stage.join();
    const stranger = await stage.join();
    const more = [];
    for (let count = 0; count < 3; count += 1) {
      const again = await stage.signIn(person.email, { network: stage.somewhere() });
      if (again.ok && 'signedIn' in again) more.push(again.signedIn);
    }
    const listed = await listSessions(stage.house, person);
    expect(listed).toHaveLength(4);
    expect(listed.filter(({ current }) => current).map(({ handle }) => handle)).toEqual([
      person.session,
    ]);
    await endSession(
      stage.house,
      stranger.person,
      listed.find(({ current }) => !current)?.handle ?? '',
    );
    await endOtherSessions(stage.house, stranger.person);
    expect(await listSessions(stage.house, person)).toHaveLength(4);
    const [one, two] = more;
    const ended = await stage.person(one?.session ?? '');
    await endSession(stage.house, person, ended.session);
    expect(await findPerson(stage.house, one?.session ?? '')).toBeUndefined();
    expect(await findPerson(stage.house, two?.session ?? '')).toBeDefined();
    await endOtherSessions(stage.house, person);
    expect(await listSessions(stage.house, person)).toHaveLength(1);
    await signOut(stage.house, signedIn.session);
    expect(await findPerson(stage.house, signedIn.session)).toBeUndefined();
    expect(await findPerson(stage.house, stranger.signedIn.session)).toBeDefined();
  });

  it('remembers when its holder last proved who they are, and lets nobody guess', async () => {
    const { person, signedIn } = await stage.join();
    stage.advance(PROOF_LASTS_MS);
    const { house } = stage;
    const show = (password: string) =>
      prove(house, RP, person, signedIn.session, { password }, NETWORK);
    expect(await show(OTHER)).toEqual({ ok: false, reason: 'wrong' });
    expect((await stage.person(signedIn.session)).provedAt).toBe(person.provedAt);
    expect(await show(PASSWORD)).toEqual({ ok: true, letters: [] });
    expect((await stage.person(signedIn.session)).provedAt).toBe(house.now());
    for (let tries = 2; tries < 10; tries += 1) await show(OTHER);
    const before = stage.hashes;
    expect(await show(PASSWORD)).toMatchObject({ reason: 'throttled' });
    expect(stage.hashes).toBe(before);
  });
});
