/** What a person may change about themselves, and how they leave, through the room's front. */
import { connect } from '@farebox/database';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  changePassword,
  confirmEmailChange,
  eraseIdentity,
  findPerson,
  listSessions,
  purgeExpired,
  requestEmailChange,
  requestReset,
  resetPassword,
  setLanguage,
} from './index.ts';
import { NETWORK, onlyLetter, PASSWORD, Stage } from './stage.testing.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
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

describe('a new password', () => {
  async function resetToken(email: string): Promise<string> {
    const asked = await requestReset(stage.house, { email, network: stage.somewhere() });
    if (!asked.ok) throw new Error(asked.reason);
    return onlyLetter(asked.letters, 'reset_password').facts.token;
  }

  it('by mail answers alike, works once, and ends all that the old one had opened', async () => {
    const { person, signedIn } = await stage.join();
    const { house } = stage;
    const network = stage.somewhere();
    const before = stage.hashes;
    const nobody = await requestReset(house, { email: stage.someone(), network });
    expect(nobody).toEqual({ ok: true, letters: [] });
    // As many rows as for somebody: what is written must not be told by the time it takes.
    expect(await stage.rows('throttle_counters', 'count = 0')).toBe(1);
    const [token, other] = [await resetToken(person.email), await resetToken(person.email)];
    expect(stage.hashes).toBe(before);
    const flawed = { token, password: `${person.email}1`, network };
    expect(await resetPassword(house, flawed)).toMatchObject({ reason: 'password_trivial' });
    const done = await resetPassword(house, { token, password: OTHER, network });
    if (!done.ok) throw new Error(done.reason);
    onlyLetter(done.letters, 'password_changed');
    for (const used of [token, other]) {
      const again = await resetPassword(house, { token: used, password: OTHER, network });
      expect(again).toEqual({ ok: false, reason: 'token_invalid' });
    }
    expect(await findPerson(house, signedIn.session)).toBeUndefined();
    expect(await stage.signIn(person.email)).toEqual({ ok: false, reason: 'wrong' });
    const wish = { password: OTHER, device: signedIn.device };
    // The device is a stranger again: whoever reset may not be who used it.
    expect(await stage.signIn(person.email, wish)).toMatchObject({
      letters: [{ kind: 'new_device' }],
    });
  });

  it('by mail expires after half an hour, and a link for one thing does nothing else', async () => {
    const { person } = await stage.join();
    const { house } = stage;
    const reset = await resetToken(person.email);
    expect(await confirmEmailChange(house, { token: reset })).toMatchObject({ ok: false });
    const network = stage.somewhere();
    const asked = await requestEmailChange(house, person, { email: stage.someone(), network });
    if (!asked.ok) throw new Error(asked.reason);
    const change = onlyLetter(asked.letters, 'confirm_new_email').facts.token;
    const sent = await stage.signUp(stage.someone());
    for (const token of [change, sent]) {
      const crossed = await resetPassword(house, { token, password: OTHER, network });
      expect(crossed).toEqual({ ok: false, reason: 'token_invalid' });
    }
    stage.advance(30 * MINUTE);
    const late = await resetPassword(house, { token: reset, password: OTHER, network });
    expect(late).toEqual({ ok: false, reason: 'token_invalid' });
    expect(await confirmEmailChange(house, { token: change })).toMatchObject({ ok: false });
  });

  it('by mail is sent three times and not a fourth, whether or not there is anybody', async () => {
    const { person } = await stage.join();
    for (const email of [person.email, stage.someone()]) {
      const network = stage.somewhere();
      const answers = [];
      for (let tries = 0; tries < 4; tries += 1) {
        const answer = await requestReset(stage.house, { email, network });
        answers.push(answer.ok ? 'ok' : answer.reason);
      }
      expect(answers).toEqual(['ok', 'ok', 'ok', 'throttled']);
    }
  });

  it('by the old one ends all other sessions and gives a fresh one', async () => {
    const { person, signedIn } = await stage.join();
    const { house } = stage;
    const wish = { current: OTHER, next: 'a third good choice', network: NETWORK };
    expect(await changePassword(house, person, wish)).toEqual({ ok: false, reason: 'wrong' });
    const done = await changePassword(house, person, { ...wish, current: PASSWORD });
    if (!done.ok) throw new Error(done.reason);
    onlyLetter(done.letters, 'password_changed');
    expect(await findPerson(house, signedIn.session)).toBeUndefined();
    expect(await listSessions(house, await stage.person(done.signedIn.session))).toHaveLength(1);
    expect(await stage.signIn(person.email)).toEqual({ ok: false, reason: 'wrong' });
    const known = { password: wish.next, device: done.signedIn.device };
    expect(await stage.signIn(person.email, known)).toMatchObject({ ok: true, letters: [] });
  });
});

describe('a correction', () => {
  it('of the address waits for the new mailbox and tells the old one', async () => {
    const { person, signedIn } = await stage.join();
    const { house } = stage;
    const email = `new.${person.email}`;
    const asked = await requestEmailChange(house, person, { email, network: NETWORK });
    if (!asked.ok) throw new Error(asked.reason);
    expect(asked.letters).toMatchObject([{ to: email, account: person.account }]);
    const { token } = onlyLetter(asked.letters, 'confirm_new_email').facts;
    expect((await stage.person(signedIn.session)).email).toBe(person.email);
    const network = stage.somewhere();
    const reset = await requestReset(house, { email: person.email, network });
    if (!reset.ok) throw new Error(reset.reason);
    const done = await confirmEmailChange(house, { token });
    expect(done).toEqual({
      ok: true,
      account: person.account,
      letters: [
        {
          kind: 'email_changed',
          facts: { masked: 'n•••@e•••.com' },
          to: person.email,
          language: 'en',
          account: person.account,
        },
      ],
    });
    expect((await stage.person(signedIn.session)).email).toBe(email);
    expect(await confirmEmailChange(house, { token })).toMatchObject({ reason: 'token_invalid' });
    // What the old mailbox still holds opens nothing.
    const old = onlyLetter(reset.letters, 'reset_password').facts.token;
    const tried = await resetPassword(house, { token: old, password: OTHER, network });
    expect(tried).toEqual({ ok: false, reason: 'token_invalid' });
    expect(await stage.signIn(email)).toMatchObject({ ok: true });
  });

  it('of the address never takes one that somebody has, and only they are told', async () => {
    const { person } = await stage.join();
    const other = await stage.join();
    const { house } = stage;
    const network = stage.somewhere();
    const taken = { email: other.person.email, network };
    const asked = await requestEmailChange(house, person, taken);
    if (!asked.ok) throw new Error(asked.reason);
    onlyLetter(asked.letters, 'already_signed_up');
    expect(asked.letters).toMatchObject([
      { to: other.person.email, account: other.person.account },
    ]);
    // Somebody may also get it between asking and confirming.
    const email = stage.someone();
    const early = await requestEmailChange(house, person, { email, network });
    if (!early.ok) throw new Error(early.reason);
    await stage.join(email);
    const { token } = onlyLetter(early.letters, 'confirm_new_email').facts;
    expect(await confirmEmailChange(house, { token })).toEqual({
      ok: false,
      reason: 'token_invalid',
    });
  });

  it('of the language takes a tag and nothing else', async () => {
    const { person, signedIn } = await stage.join();
    expect(await setLanguage(stage.house, person, 'zh-Hant')).toEqual({ ok: true });
    expect((await stage.person(signedIn.session)).language).toBe('zh-Hant');
    const refused = await setLanguage(stage.house, person, "en'; drop table");
    expect(refused).toEqual({ ok: false, reason: 'language_invalid' });
  });
});

describe('leaving', () => {
  it('leaves no row that names the person, and frees the address', async () => {
    const { person, signedIn } = await stage.join();
    const { house } = stage;
    const { account, email } = person;
    await requestReset(house, { email, network: stage.somewhere() });
    const mail = `'${account}'`;
    await house.db.execute(
      `insert into mails (id, account_id, kind, state, queued_at) values ('${'a'.repeat(32)}', ${mail}, 'new_device', 'sent', now())`,
    );
    await house.db.execute(
      `insert into mail_events (id, mail_id, kind, at) values ('e1', '${'a'.repeat(32)}', 'send', now())`,
    );
    await house.db.execute(
      `insert into consents (account_id, kind, given, since) values (${mail}, 'balance', true, now())`,
    );
    await house.db.execute(
      `insert into receipts (id, account_id, kind, actor, at) values ('${'b'.repeat(32)}', ${mail}, 'consent', 'person', now())`,
    );
    expect(await eraseIdentity(house, account)).toEqual({ email, language: 'en' });
    const { rows } = await house.db.execute<{ table_name: string }>(
      "select table_name from information_schema.columns where column_name = 'account_id' and table_schema = 'public'",
    );
    const kept = ['ledger_entries', 'calls', 'usage_days', 'receipts', 'adjustments'];
    const held = [];
    for (const { table_name: table } of rows) {
      if ((await stage.rows(table, `account_id = ${mail}`)) > 0) held.push(table);
    }
    expect(held.filter((table) => !kept.includes(table))).toEqual([]);
    expect(held).toEqual(['receipts']);
    expect(await stage.rows('mail_events', "id = 'e1'")).toBe(0);
    expect(await stage.rows('accounts', `id = ${mail} and closed_at is not null`)).toBe(1);
    expect(await findPerson(house, signedIn.session)).toBeUndefined();
    expect(await stage.signIn(email)).toEqual({ ok: false, reason: 'wrong' });
    expect(await eraseIdentity(house, account)).toBeUndefined();
    expect((await stage.join(email)).person.account).not.toBe(account);
  });

  it('of what is over happens by itself, and touches nothing that lives', async () => {
    const { house } = stage;
    stage.advance(400 * DAY);
    while ((await purgeExpired(house)) > 0);
    for (const table of [
      'sign_ups',
      'mail_tokens',
      'sessions',
      'known_devices',
      'throttle_counters',
    ]) {
      expect([table, await stage.rows(table)]).toEqual([table, 0]);
    }
    const { person, signedIn } = await stage.join();
    await requestReset(house, { email: person.email, network: NETWORK });
    await stage.signUp(stage.someone());
    expect(await purgeExpired(house)).toBe(0);
    expect(await findPerson(house, signedIn.session)).toBeDefined();
    stage.advance(31 * MINUTE);
    expect(await purgeExpired(house)).toBeGreaterThan(0);
    expect(await stage.rows('mail_tokens')).toBe(0);
    expect(await stage.rows('sign_ups')).toBe(1);
  });
});
