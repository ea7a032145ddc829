/**
 * Actions that may succeed once, requested many times at the same moment, on a real PostgreSQL:
 * PGlite has one connection and can't run two statements concurrently.
 */
import { connect } from '@farebox/database';
import {
  createEmptyDatabase,
  type EmptyDatabase,
  startPostgres,
  type TemporaryPostgres,
} from '@farebox/local';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CLIENT_IP, IdentityHarness, onlyEmail, PASSWORD } from './harness.testing.ts';
import {
  beginTotp,
  confirmEmailChange,
  confirmSignUp,
  confirmTotp,
  requestEmailChange,
  requestPasswordReset,
  resetPassword,
  verifySecondFactor,
} from './index.ts';

const CONCURRENCY = 8;
const RP = { id: 'localhost', origin: 'http://localhost:8788', name: 'Farebox' };

const postgres: TemporaryPostgres | null = await startPostgres();
if (postgres === null)
  process.stdout.write('No PostgreSQL is installed: the concurrency tests are skipped.\n');

describe.skipIf(postgres === null)('concurrent requests', () => {
  let database: EmptyDatabase;
  let harness: IdentityHarness;

  beforeAll(async () => {
    database = await createEmptyDatabase({ postgres: postgres?.connectionString ?? '' });
    harness = new IdentityHarness(connect(database.url));
  });
  afterAll(async () => {
    await database.close();
    await postgres?.stop();
  });

  async function countSucceeded(action: (index: number) => Promise<Readonly<{ ok: boolean }>>) {
    const answers = await Promise.all(
      Array.from({ length: CONCURRENCY }, (_, index) => action(index)),
    );
    return answers.filter(({ ok }) => ok).length;
  }

  it('confirm a sign-up once', async () => {
    const email = harness.newEmail();
    const token = await harness.signUp(email);
    const request = () => ({ token, password: PASSWORD, clientIp: harness.newClientIp() });
    expect(await countSucceeded(() => confirmSignUp(harness.deps, request()))).toBe(1);
    expect(await harness.rows('identities', `email_key = '${email}'`)).toBe(1);
  });

  it('create one account for two sign-ups with one address', async () => {
    const email = harness.newEmail();
    const tokens = [await harness.signUp(email), await harness.signUp(email)];
    const confirm = (index: number) => {
      const token = tokens[index % 2] ?? '';
      return confirmSignUp(harness.deps, {
        token,
        password: PASSWORD,
        clientIp: harness.newClientIp(),
      });
    };
    expect(await countSucceeded(confirm)).toBe(1);
    expect(await harness.rows('sign_ups', `email_key = '${email}'`)).toBe(0);
  });

  it('set one password with one reset link', async () => {
    const { user } = await harness.createUser();
    const result = await requestPasswordReset(harness.deps, {
      email: user.email,
      clientIp: CLIENT_IP,
    });
    if (!result.ok) throw new Error(result.reason);
    const { token } = onlyEmail(result.emails, 'reset_password').facts;
    const reset = (index: number) => {
      const password = `good choice number ${index}`;
      return resetPassword(harness.deps, { token, password, clientIp: harness.newClientIp() });
    };
    expect(await countSucceeded(reset)).toBe(1);
  });

  it('give an email address to one of the accounts that request it', async () => {
    const email = harness.newEmail();
    const tokens: string[] = [];
    for (let count = 0; count < CONCURRENCY; count += 1) {
      const { user } = await harness.createUser();
      const request = { email, clientIp: harness.newClientIp() };
      const result = await requestEmailChange(harness.deps, user, request);
      if (!result.ok) throw new Error(result.reason);
      tokens.push(onlyEmail(result.emails, 'confirm_new_email').facts.token);
    }
    const confirm = (index: number) =>
      confirmEmailChange(harness.deps, { token: tokens[index] ?? '', clientIp: CLIENT_IP });
    expect(await countSucceeded(confirm)).toBe(1);
    expect(await harness.rows('identities', `email_key = '${email}'`)).toBe(1);
  });

  it('accept a TOTP code, a recovery code and an MFA challenge once', async () => {
    const { user, signedIn } = await harness.createUser();
    const { secret } = await beginTotp(harness.deps, user);
    const epoch = () => Math.floor(harness.deps.now() / 1000);
    const code = () => generateSync({ secret, epoch: epoch() });
    const confirmed = await confirmTotp(harness.deps, user, code());
    if (!confirmed.ok) throw new Error(confirmed.reason);
    harness.advance(30_000);
    const { device } = signedIn;
    const mfaTokens: string[] = [];
    for (let count = 0; count < CONCURRENCY; count += 1) {
      const signInResult = await harness.signIn(user.email, { device });
      if (signInResult.ok && 'mfaToken' in signInResult) mfaTokens.push(signInResult.mfaToken);
    }
    const recovery = confirmed.recoveryCodes[0] ?? '';
    const submitFactor = (
      mfaToken: string,
      factor: Readonly<{ kind: 'totp' | 'recovery_code'; code: string }>,
    ) => verifySecondFactor(harness.deps, RP, { mfaToken, factor, device: null });
    const now = code();
    expect(
      await countSucceeded((index) =>
        submitFactor(mfaTokens[index] ?? '', { kind: 'totp', code: now }),
      ),
    ).toBe(1);
    const factor = { kind: 'recovery_code', code: recovery } as const;
    expect(await countSucceeded((index) => submitFactor(mfaTokens[index] ?? '', factor))).toBe(1);
    const signInResult = await harness.signIn(user.email, { device });
    if (!signInResult.ok || !('mfaToken' in signInResult)) throw new Error('no step');
    const next = confirmed.recoveryCodes.slice(1);
    const attempt = (index: number) =>
      submitFactor(signInResult.mfaToken, { kind: 'recovery_code', code: next[index] ?? '' });
    expect(await countSucceeded(attempt)).toBe(1);
  });

  it('admit exactly the number of attempts that a rate limit allows', async () => {
    for (let round = 0; round < 5; round += 1) {
      const email = harness.newEmail();
      const before = harness.hashes;
      await Promise.all(Array.from({ length: 40 }, () => harness.signIn(email)));
      expect(harness.hashes - before).toBe(5);
      harness.advance(15 * 60_000);
    }
  });
});
