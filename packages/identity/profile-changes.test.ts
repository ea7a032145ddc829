/** Changes that users make to their own profile, and erasure, through the package's exports. */
import { connect } from '@farebox/database';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_IP, IdentityHarness, onlyEmail, PASSWORD } from './harness.testing.ts';
import {
  changePassword,
  confirmEmailChange,
  eraseIdentity,
  findSessionUser,
  listSessions,
  purgeExpired,
  requestEmailChange,
  requestPasswordReset,
  resetPassword,
  setLanguage,
} from './index.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
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

describe('password changes', () => {
  async function resetToken(email: string): Promise<string> {
    const requested = await requestPasswordReset(harness.deps, {
      email,
      clientIp: harness.newClientIp(),
    });
    if (!requested.ok) throw new Error(requested.reason);
    return onlyEmail(requested.emails, 'reset_password').facts.token;
  }

  it('by email answer alike, work once, and end all existing sessions', async () => {
    const { user, signedIn } = await harness.createUser();
    const { deps } = harness;
    const clientIp = harness.newClientIp();
    const before = harness.hashes;
    const unknownEmailResult = await requestPasswordReset(deps, {
      email: harness.newEmail(),
      clientIp,
    });
    expect(unknownEmailResult).toEqual({ ok: true, emails: [], delayMs: 0 });
    // As many rows as for a known address, so that response times reveal nothing.
    expect(await harness.rows('rate_limit_counters', 'count = 0')).toBe(1);
    const [token, other] = [await resetToken(user.email), await resetToken(user.email)];
    expect(harness.hashes).toBe(before);
    const weakRequest = { token, password: `${user.email}1`, clientIp };
    expect(await resetPassword(deps, weakRequest)).toMatchObject({ reason: 'password_too_simple' });
    const result = await resetPassword(deps, { token, password: OTHER_PASSWORD, clientIp });
    if (!result.ok) throw new Error(result.reason);
    onlyEmail(result.emails, 'password_changed');
    for (const used of [token, other]) {
      const again = await resetPassword(deps, { token: used, password: OTHER_PASSWORD, clientIp });
      expect(again).toEqual({ ok: false, reason: 'token_invalid' });
    }
    expect(await findSessionUser(deps, signedIn.session)).toBeUndefined();
    expect(await harness.signIn(user.email)).toEqual({ ok: false, reason: 'invalid_credentials' });
    const request = { password: OTHER_PASSWORD, device: signedIn.device };
    // The device is unknown again: the reset may come from another person.
    expect(await harness.signIn(user.email, request)).toMatchObject({
      emails: [{ kind: 'new_device' }],
    });
  });

  it('by email expire after half an hour, and accept no link of another purpose', async () => {
    const { user } = await harness.createUser();
    const { deps } = harness;
    const reset = await resetToken(user.email);
    expect(await confirmEmailChange(deps, { token: reset, clientIp: CLIENT_IP })).toMatchObject({
      ok: false,
    });
    const clientIp = harness.newClientIp();
    const requested = await requestEmailChange(deps, user, { email: harness.newEmail(), clientIp });
    if (!requested.ok) throw new Error(requested.reason);
    const change = onlyEmail(requested.emails, 'confirm_new_email').facts.token;
    const sent = await harness.signUp(harness.newEmail());
    for (const token of [change, sent]) {
      const result = await resetPassword(deps, { token, password: OTHER_PASSWORD, clientIp });
      expect(result).toEqual({ ok: false, reason: 'token_invalid' });
    }
    harness.advance(30 * MINUTE_MS);
    const late = await resetPassword(deps, { token: reset, password: OTHER_PASSWORD, clientIp });
    expect(late).toEqual({ ok: false, reason: 'token_invalid' });
    expect(await confirmEmailChange(deps, { token: change, clientIp: CLIENT_IP })).toMatchObject({
      ok: false,
    });
  });

  it('by email are sent three times and not a fourth, for known and unknown addresses', async () => {
    const { user } = await harness.createUser();
    for (const email of [user.email, harness.newEmail()]) {
      const clientIp = harness.newClientIp();
      const answers = [];
      for (let attempt = 0; attempt < 4; attempt += 1) {
        const answer = await requestPasswordReset(harness.deps, { email, clientIp });
        answers.push(answer.ok ? 'ok' : answer.reason);
      }
      expect(answers).toEqual(['ok', 'ok', 'ok', 'rate_limited']);
    }
  });

  it('with the current password end all other sessions and start a new one', async () => {
    const { user, signedIn } = await harness.createUser();
    const { deps } = harness;
    const request = { current: OTHER_PASSWORD, next: 'a third good choice' };
    expect(await changePassword(deps, user, request)).toEqual({
      ok: false,
      reason: 'invalid_credentials',
    });
    const result = await changePassword(deps, user, { ...request, current: PASSWORD });
    if (!result.ok) throw new Error(result.reason);
    onlyEmail(result.emails, 'password_changed');
    expect(await findSessionUser(deps, signedIn.session)).toBeUndefined();
    expect(await listSessions(deps, await harness.getUser(result.signedIn.session))).toHaveLength(
      1,
    );
    expect(await harness.signIn(user.email)).toEqual({ ok: false, reason: 'invalid_credentials' });
    const signInRequest = { password: request.next, device: result.signedIn.device };
    expect(await harness.signIn(user.email, signInRequest)).toMatchObject({ ok: true, emails: [] });
  });
});

describe('profile changes', () => {
  it('change the email address when the new mailbox confirms, and notify the old one', async () => {
    const { user, signedIn } = await harness.createUser();
    const { deps } = harness;
    const email = `new.${user.email}`;
    const requested = await requestEmailChange(deps, user, { email, clientIp: CLIENT_IP });
    if (!requested.ok) throw new Error(requested.reason);
    expect(requested.emails).toMatchObject([{ to: email, account: user.account }]);
    const { token } = onlyEmail(requested.emails, 'confirm_new_email').facts;
    expect((await harness.getUser(signedIn.session)).email).toBe(user.email);
    const clientIp = harness.newClientIp();
    const reset = await requestPasswordReset(deps, { email: user.email, clientIp });
    if (!reset.ok) throw new Error(reset.reason);
    const result = await confirmEmailChange(deps, { token, clientIp: CLIENT_IP });
    expect(result).toEqual({
      ok: true,
      account: user.account,
      emails: [
        {
          kind: 'email_changed',
          facts: { masked: 'n•••@e•••.com' },
          to: user.email,
          language: 'en',
          account: user.account,
        },
      ],
    });
    expect((await harness.getUser(signedIn.session)).email).toBe(email);
    expect(await confirmEmailChange(deps, { token, clientIp: CLIENT_IP })).toMatchObject({
      reason: 'token_invalid',
    });
    // What the old mailbox still holds opens nothing.
    const old = onlyEmail(reset.emails, 'reset_password').facts.token;
    const tried = await resetPassword(deps, { token: old, password: OTHER_PASSWORD, clientIp });
    expect(tried).toEqual({ ok: false, reason: 'token_invalid' });
    expect(await harness.signIn(email)).toMatchObject({ ok: true });
  });

  it('reject an email address that another user has, and notify only that user', async () => {
    const { user } = await harness.createUser();
    const other = await harness.createUser();
    const { deps } = harness;
    const clientIp = harness.newClientIp();
    const taken = { email: other.user.email, clientIp };
    const requested = await requestEmailChange(deps, user, taken);
    if (!requested.ok) throw new Error(requested.reason);
    onlyEmail(requested.emails, 'already_signed_up');
    expect(requested.emails).toMatchObject([{ to: other.user.email, account: other.user.account }]);
    // Another account may also take it between request and confirmation.
    const email = harness.newEmail();
    const early = await requestEmailChange(deps, user, { email, clientIp });
    if (!early.ok) throw new Error(early.reason);
    await harness.createUser(email);
    const { token } = onlyEmail(early.emails, 'confirm_new_email').facts;
    expect(await confirmEmailChange(deps, { token, clientIp: CLIENT_IP })).toEqual({
      ok: false,
      reason: 'token_invalid',
    });
  });

  it('accept a language tag and nothing else', async () => {
    const { user, signedIn } = await harness.createUser();
    expect(await setLanguage(harness.deps, user, 'zh-Hant')).toEqual({ ok: true });
    expect((await harness.getUser(signedIn.session)).language).toBe('zh-Hant');
    const result = await setLanguage(harness.deps, user, "en'; drop table");
    expect(result).toEqual({ ok: false, reason: 'language_invalid' });
  });
});

describe('erasure', () => {
  it('leaves no row that identifies the user, and frees the address', async () => {
    const { user, signedIn } = await harness.createUser();
    const { deps } = harness;
    const { account, email } = user;
    await requestPasswordReset(deps, { email, clientIp: harness.newClientIp() });
    const accountSql = `'${account}'`;
    await deps.db.execute(
      `insert into emails (id, account_id, kind, state, queued_at) values ('${'a'.repeat(32)}', ${accountSql}, 'new_device', 'sent', now())`,
    );
    await deps.db.execute(
      `insert into email_events (id, email_id, kind, at) values ('e1', '${'a'.repeat(32)}', 'send', now())`,
    );
    await deps.db.execute(
      `insert into consents (account_id, kind, given, since) values (${accountSql}, 'balance', true, now())`,
    );
    await deps.db.execute(
      `insert into receipts (id, account_id, kind, actor, at) values ('${'b'.repeat(32)}', ${accountSql}, 'consent', 'user', now())`,
    );
    expect(await eraseIdentity(deps, account)).toEqual({ email, language: 'en' });
    const { rows } = await deps.db.execute<{ table_name: string }>(
      "select table_name from information_schema.columns where column_name = 'account_id' and table_schema = 'public'",
    );
    const exempt = [
      'ledger_entries',
      'calls',
      'usage_days',
      'receipts',
      'adjustments',
      'correction_calls',
    ];
    const tablesWithRows = [];
    for (const { table_name: table } of rows) {
      if ((await harness.rows(table, `account_id = ${accountSql}`)) > 0) tablesWithRows.push(table);
    }
    expect(tablesWithRows.filter((table) => !exempt.includes(table))).toEqual([]);
    expect(tablesWithRows).toEqual(['receipts']);
    expect(await harness.rows('email_events', "id = 'e1'")).toBe(0);
    expect(await harness.rows('accounts', `id = ${accountSql} and closed_at is not null`)).toBe(1);
    expect(await findSessionUser(deps, signedIn.session)).toBeUndefined();
    expect(await harness.signIn(email)).toEqual({ ok: false, reason: 'invalid_credentials' });
    expect(await eraseIdentity(deps, account)).toBeUndefined();
    expect((await harness.createUser(email)).user.account).not.toBe(account);
  });

  it('of expired rows keeps every row that is still valid', async () => {
    const { deps } = harness;
    harness.advance(400 * DAY_MS);
    while ((await purgeExpired(deps)) > 0);
    for (const table of [
      'sign_ups',
      'email_tokens',
      'sessions',
      'known_devices',
      'rate_limit_counters',
    ]) {
      expect([table, await harness.rows(table)]).toEqual([table, 0]);
    }
    const { user, signedIn } = await harness.createUser();
    await requestPasswordReset(deps, { email: user.email, clientIp: CLIENT_IP });
    await harness.signUp(harness.newEmail());
    expect(await purgeExpired(deps)).toBe(0);
    expect(await findSessionUser(deps, signedIn.session)).toBeDefined();
    harness.advance(31 * MINUTE_MS);
    expect(await purgeExpired(deps)).toBeGreaterThan(0);
    expect(await harness.rows('email_tokens')).toBe(0);
    expect(await harness.rows('sign_ups')).toBe(1);
  });
});
