/**
 * What may happen once, asked for many times at the same moment, on a real PostgreSQL: PGlite has one
 * connection and can't show what two statements come to.
 */
import { connect } from '@farebox/database';
import {
  type EmptyDatabase,
  emptyDatabase,
  startPostgres,
  type TemporaryPostgres,
} from '@farebox/local';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  beginTotp,
  confirmEmailChange,
  confirmSignUp,
  confirmTotp,
  proveSecondFactor,
  requestEmailChange,
  requestReset,
  resetPassword,
} from './index.ts';
import { NETWORK, onlyLetter, PASSWORD, Stage } from './stage.testing.ts';

const TIMES = 8;
const RP = { id: 'localhost', origin: 'http://localhost:8788', name: 'Farebox' };

const postgres: TemporaryPostgres | null = await startPostgres();
if (postgres === null) process.stdout.write('No PostgreSQL on this machine: no races.\n');

describe.skipIf(postgres === null)('at the same moment', () => {
  let database: EmptyDatabase;
  let stage: Stage;

  beforeAll(async () => {
    database = await emptyDatabase({ postgres: postgres?.connectionString ?? '' });
    stage = new Stage(connect(database.url));
  });
  afterAll(async () => {
    await database.close();
    await postgres?.stop();
  });

  async function howMany(ask: (index: number) => Promise<Readonly<{ ok: boolean }>>) {
    const answers = await Promise.all(Array.from({ length: TIMES }, (_, index) => ask(index)));
    return answers.filter(({ ok }) => ok).length;
  }

  it('a sign-up is confirmed once', async () => {
    const email = stage.someone();
    const token = await stage.signUp(email);
    const request = () => ({ token, password: PASSWORD, network: stage.somewhere() });
    expect(await howMany(() => confirmSignUp(stage.house, request()))).toBe(1);
    expect(await stage.rows('identities', `email_key = '${email}'`)).toBe(1);
  });

  it('two sign-ups of one address make one account', async () => {
    const email = stage.someone();
    const tokens = [await stage.signUp(email), await stage.signUp(email)];
    const confirm = (index: number) => {
      const token = tokens[index % 2] ?? '';
      return confirmSignUp(stage.house, { token, password: PASSWORD, network: stage.somewhere() });
    };
    expect(await howMany(confirm)).toBe(1);
    expect(await stage.rows('sign_ups', `email_key = '${email}'`)).toBe(0);
  });

  it('a reset link sets one password', async () => {
    const { person } = await stage.join();
    const asked = await requestReset(stage.house, { email: person.email, network: NETWORK });
    if (!asked.ok) throw new Error(asked.reason);
    const { token } = onlyLetter(asked.letters, 'reset_password').facts;
    const reset = (index: number) => {
      const password = `good choice number ${index}`;
      return resetPassword(stage.house, { token, password, network: stage.somewhere() });
    };
    expect(await howMany(reset)).toBe(1);
  });

  it('an address goes to one of those who want it', async () => {
    const email = stage.someone();
    const tokens: string[] = [];
    for (let count = 0; count < TIMES; count += 1) {
      const { person } = await stage.join();
      const wish = { email, network: stage.somewhere() };
      const asked = await requestEmailChange(stage.house, person, wish);
      if (!asked.ok) throw new Error(asked.reason);
      tokens.push(onlyLetter(asked.letters, 'confirm_new_email').facts.token);
    }
    const confirm = (index: number) =>
      confirmEmailChange(stage.house, { token: tokens[index] ?? '' });
    expect(await howMany(confirm)).toBe(1);
    expect(await stage.rows('identities', `email_key = '${email}'`)).toBe(1);
  });

  it('a code of an app, a recovery code and a step count once', async () => {
    const { person, signedIn } = await stage.join();
    const { secret } = await beginTotp(stage.house, person);
    const epoch = () => Math.floor(stage.house.now() / 1000);
    const code = () => generateSync({ secret, epoch: epoch() });
    const confirmed = await confirmTotp(stage.house, person, code());
    if (!confirmed.ok) throw new Error(confirmed.reason);
    stage.advance(30_000);
    const { device } = signedIn;
    const steps: string[] = [];
    for (let count = 0; count < TIMES; count += 1) {
      const half = await stage.signIn(person.email, { device });
      if (half.ok && 'step' in half) steps.push(half.step);
    }
    const recovery = confirmed.recoveryCodes[0] ?? '';
    const show = (
      step: string,
      proof: Readonly<{ kind: 'totp' | 'recovery_code'; code: string }>,
    ) => proveSecondFactor(stage.house, RP, { step, proof, network: NETWORK, device: null });
    const now = code();
    expect(await howMany((at) => show(steps[at] ?? '', { kind: 'totp', code: now }))).toBe(1);
    const proof = { kind: 'recovery_code', code: recovery } as const;
    expect(await howMany((at) => show(steps[at] ?? '', proof))).toBe(1);
    const half = await stage.signIn(person.email, { device });
    if (!half.ok || !('step' in half)) throw new Error('no step');
    const next = confirmed.recoveryCodes.slice(1);
    const one = (at: number) => show(half.step, { kind: 'recovery_code', code: next[at] ?? '' });
    expect(await howMany(one)).toBe(1);
  });

  it('a throttle lets through exactly as many as it says', async () => {
    for (let round = 0; round < 5; round += 1) {
      const email = stage.someone();
      const before = stage.hashes;
      await Promise.all(Array.from({ length: 40 }, () => stage.signIn(email)));
      expect(stage.hashes - before).toBe(5);
      stage.advance(15 * 60_000);
    }
  });
});
