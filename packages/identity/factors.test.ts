/**
 * Second factors through the package's exports: apps, recovery codes and passkeys, and what each
 * rejects.
 */
import { connect } from '@farebox/database';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import fc from 'fast-check';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authenticator } from './authenticator.testing.ts';
import { IdentityHarness, onlyEmail } from './harness.testing.ts';
import {
  addPasskey,
  beginPasskeyAssertion,
  beginPasskeyReauth,
  beginPasskeyRegistration,
  beginTotp,
  confirmTotp,
  type FactorResponse,
  getFactorsStatus,
  getMfaFactors,
  purgeExpired,
  reauthenticate,
  regenerateRecoveryCodes,
  removePasskey,
  removeTotp,
  type SecondFactorResult,
  type SessionUser,
  type SignedIn,
  verifySecondFactor,
} from './index.ts';

const MINUTE_MS = 60_000;
const TIME_STEP_MS = 30_000;
const RP = { id: 'localhost', origin: 'http://localhost:8788', name: 'Farebox' };

let database: EmptyDatabase;
let harness: IdentityHarness;

beforeAll(async () => {
  database = await createEmptyDatabase();
  harness = new IdentityHarness(connect(database.url));
});
afterAll(async () => {
  await database.close();
});

type UserWithTotp = Readonly<{
  user: SessionUser;
  signedIn: SignedIn;
  secret: string;
  codes: readonly string[];
}>;

function codeAt(secret: string, now = harness.deps.now()): string {
  return generateSync({ secret, epoch: Math.floor(now / 1000) });
}

/** As a Chinese input method types letters, digits and hyphens. */
function toFullWidth(text: string): string {
  return text.replace(/[!-~]/g, (character) =>
    String.fromCharCode(character.charCodeAt(0) + 0xfee0),
  );
}

async function createUserWithTotp(): Promise<UserWithTotp> {
  const { user, signedIn } = await harness.createUser();
  const { secret } = await beginTotp(harness.deps, user);
  const confirmed = await confirmTotp(harness.deps, user, codeAt(secret));
  if (!confirmed.ok) throw new Error(confirmed.reason);
  harness.advance(TIME_STEP_MS);
  return { user, signedIn, secret, codes: confirmed.recoveryCodes };
}

/** Returns the cookie of a sign-in that waits for its second factor. */
async function startSignIn(email: string, device: string | null = null): Promise<string> {
  const answer = await harness.signIn(email, { clientIp: harness.newClientIp(), device });
  if (!answer.ok || !('mfaToken' in answer)) throw new Error('no step');
  return answer.mfaToken;
}

function submitFactor(
  mfaToken: string,
  factor: FactorResponse,
  device: string | null = null,
): Promise<SecondFactorResult> {
  return verifySecondFactor(harness.deps, RP, { mfaToken, factor, device });
}

const WRONG = { ok: false, reason: 'invalid_credentials' };
const MFA_TOKEN_INVALID = { ok: false, reason: 'mfa_token_invalid' };

describe('authenticator apps', () => {
  it('are active from their first code, come with recovery codes, and are reported by email', async () => {
    const { user } = await harness.createUser();
    const { deps } = harness;
    expect(await confirmTotp(deps, user, '123456')).toEqual({ ok: false, reason: 'not_pending' });
    const { secret, uri } = await beginTotp(deps, user);
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    expect(decodeURIComponent(new URL(uri).pathname)).toContain(user.email);
    // Until then sign-in asks for no second factor.
    expect(await harness.signIn(user.email)).toMatchObject({ ok: true, signedIn: {} });
    expect(await confirmTotp(deps, user, '000000x')).toEqual(WRONG);
    // A reloaded page shows the same code to scan.
    expect((await beginTotp(deps, user)).secret).toBe(secret);
    const confirmed = await confirmTotp(deps, user, codeAt(secret));
    if (!confirmed.ok) throw new Error(confirmed.reason);
    onlyEmail(confirmed.emails, 'second_factor_changed');
    expect(new Set(confirmed.recoveryCodes).size).toBe(10);
    for (const code of confirmed.recoveryCodes) {
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    }
    expect(await getFactorsStatus(deps, user)).toEqual({
      totp: true,
      passkeys: [],
      recoveryCodesLeft: 10,
    });
    // What is confirmed is not replaced by beginning again.
    const another = await beginTotp(deps, user);
    expect(await confirmTotp(deps, user, codeAt(another.secret))).toMatchObject({ ok: false });
    harness.advance(TIME_STEP_MS);
    const mfaToken = await startSignIn(user.email);
    expect(await submitFactor(mfaToken, { kind: 'totp', code: codeAt(secret) })).toMatchObject({
      ok: true,
    });
  });

  it('are required at sign-in, which consumes the MFA challenge', async () => {
    const { user, secret } = await createUserWithTotp();
    const mfaToken = await startSignIn(user.email);
    expect(await getMfaFactors(harness.deps, mfaToken)).toEqual({
      totp: true,
      passkey: false,
      recoveryCode: true,
    });
    expect(await beginPasskeyAssertion(harness.deps, RP, mfaToken)).toBeUndefined();
    const result = await submitFactor(mfaToken, { kind: 'totp', code: ` ${codeAt(secret)} ` });
    expect(result).toMatchObject({ ok: true, emails: [{ kind: 'new_device' }] });
    if (!result.ok) throw new Error(result.reason);
    expect((await harness.getUser(result.signedIn.session)).account).toBe(user.account);
    harness.advance(TIME_STEP_MS);
    const again = await submitFactor(mfaToken, { kind: 'totp', code: codeAt(secret) });
    expect(again).toEqual(MFA_TOKEN_INVALID);
    expect(await getMfaFactors(harness.deps, mfaToken)).toBeUndefined();
    const knownDeviceMfaToken = await startSignIn(user.email, result.signedIn.device);
    const factor = { kind: 'totp', code: codeAt(secret) } as const;
    const knownDeviceResult = await submitFactor(
      knownDeviceMfaToken,
      factor,
      result.signedIn.device,
    );
    expect(knownDeviceResult).toMatchObject({ ok: true, emails: [] });
  });

  it('accept a code once, at most one time step early or late', async () => {
    const { user, signedIn, secret } = await createUserWithTotp();
    const now = harness.deps.now();
    const tryCode = async (code: string) =>
      submitFactor(await startSignIn(user.email, signedIn.device), { kind: 'totp', code });
    for (const stepsOff of [-2, 2, 10]) {
      expect([stepsOff, await tryCode(codeAt(secret, now + stepsOff * TIME_STEP_MS))]).toEqual([
        stepsOff,
        WRONG,
      ]);
    }
    // Shown from a strange browser, so that the known one's token stays what it is.
    expect(await tryCode(codeAt(secret, now))).toMatchObject({ ok: true });
    expect(await tryCode(codeAt(secret, now))).toEqual(WRONG);
    expect(await tryCode(codeAt(secret, now - TIME_STEP_MS))).toEqual(WRONG);
    for (const stepsOff of [1, -1]) {
      harness.advance(2 * MINUTE_MS);
      const code = codeAt(secret, harness.deps.now() + stepsOff * TIME_STEP_MS);
      expect([stepsOff, await tryCode(toFullWidth(code))]).toMatchObject([stepsOff, { ok: true }]);
    }
  });

  it('admit one of two concurrent sign-ins with the same code', async () => {
    const { user, secret } = await createUserWithTotp();
    const mfaTokens = [await startSignIn(user.email), await startSignIn(user.email)];
    const factor = { kind: 'totp', code: codeAt(secret) } as const;
    const answers = await Promise.all(mfaTokens.map((mfaToken) => submitFactor(mfaToken, factor)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('limit guesses to five per sign-in and ten per quarter of an hour, without locking out the owner', async () => {
    const { user, signedIn, secret } = await createUserWithTotp();
    harness.advance(15 * MINUTE_MS);
    // A step is old after ten minutes whether or not it was tried.
    const old = await startSignIn(user.email);
    harness.advance(10 * MINUTE_MS);
    expect(await submitFactor(old, { kind: 'totp', code: codeAt(secret) })).toEqual(
      MFA_TOKEN_INVALID,
    );
    for (let round = 0; round < 2; round += 1) {
      const mfaToken = await startSignIn(user.email);
      for (let attempt = 0; attempt < 5; attempt += 1) {
        expect(await submitFactor(mfaToken, { kind: 'totp', code: '000000' })).toEqual(WRONG);
      }
      expect(await submitFactor(mfaToken, { kind: 'totp', code: codeAt(secret) })).toEqual(
        MFA_TOKEN_INVALID,
      );
      harness.advance(1000);
    }
    const mfaToken = await startSignIn(user.email);
    const correctFactor = { kind: 'totp', code: codeAt(secret) } as const;
    expect(await submitFactor(mfaToken, correctFactor)).toMatchObject({ reason: 'rate_limited' });
    const knownDeviceMfaToken = await startSignIn(user.email, signedIn.device);
    expect(await submitFactor(knownDeviceMfaToken, correctFactor, signedIn.device)).toMatchObject({
      ok: true,
    });
  });

  it('have a secret that is useless in the row of another account', async () => {
    const [one, two] = [await createUserWithTotp(), await createUserWithTotp()];
    const { db } = harness.deps;
    const stored = await db.execute<{ sealed_secret: string }>(
      `select sealed_secret from totp_factors where account_id = '${one.user.account}'`,
    );
    const sealed = stored.rows[0]?.sealed_secret ?? '';
    expect(sealed).not.toContain(one.secret);
    await db.execute(
      `update totp_factors set sealed_secret = '${sealed}' where account_id = '${two.user.account}'`,
    );
    const mfaToken = await startSignIn(two.user.email);
    await expect(
      submitFactor(mfaToken, { kind: 'totp', code: codeAt(one.secret) }),
    ).rejects.toThrow();
  });

  it('reauthenticate for a sensitive action, once per code', async () => {
    const { user, signedIn, secret } = await createUserWithTotp();
    const factor = { kind: 'totp', code: codeAt(secret) } as const;
    const submit = () => reauthenticate(harness.deps, RP, user, factor);
    expect(await submit()).toEqual({ ok: true, emails: [] });
    expect((await harness.getUser(signedIn.session)).lastAuthAt).toBe(harness.deps.now());
    expect(await submit()).toEqual(WRONG);
  });

  it('are deleted after a day when their enrollment was not confirmed', async () => {
    const { user } = await harness.createUser();
    await beginTotp(harness.deps, user);
    harness.advance(24 * 60 * MINUTE_MS);
    await purgeExpired(harness.deps);
    expect(await harness.rows('totp_factors', `account_id = '${user.account}'`)).toBe(0);
  });
});

describe('recovery codes', () => {
  it('work once each in any notation, and are reported by email', async () => {
    const { user, codes } = await createUserWithTotp();
    const [first = '', second = ''] = codes;
    const expected = { ok: true, emails: [{ kind: 'new_device' }, { kind: 'recovery_code_used' }] };
    const typedCode = toFullWidth(first.toLowerCase().replace('-', ' ').replaceAll('0', 'o'));
    const answer = await submitFactor(await startSignIn(user.email), {
      kind: 'recovery_code',
      code: typedCode,
    });
    expect(answer).toMatchObject(expected);
    if (!answer.ok) throw new Error(answer.reason);
    expect(answer.emails[1]?.facts).toEqual({ left: 9 });
    const mfaToken = await startSignIn(user.email);
    expect(await submitFactor(mfaToken, { kind: 'recovery_code', code: first })).toEqual(WRONG);
    expect(await submitFactor(mfaToken, { kind: 'recovery_code', code: '' })).toEqual(WRONG);
    const withDashes = second.replaceAll('-', '\u2013');
    expect(await submitFactor(mfaToken, { kind: 'recovery_code', code: withDashes })).toMatchObject(
      { ok: true },
    );
    expect(await harness.rows('recovery_codes', `code_hash = '${codes[2]}'`)).toBe(0);
  });

  it('work for one account only, and are replaced by new ones', async () => {
    const [one, two] = [await createUserWithTotp(), await createUserWithTotp()];
    const [code = '', old = ''] = one.codes;
    const otherUsersResponse = await submitFactor(await startSignIn(two.user.email), {
      kind: 'recovery_code',
      code,
    });
    expect(otherUsersResponse).toEqual(WRONG);
    const newCodes = await regenerateRecoveryCodes(harness.deps, one.user);
    expect(newCodes.codes).toHaveLength(10);
    onlyEmail(newCodes.emails, 'second_factor_changed');
    const mfaToken = await startSignIn(one.user.email);
    expect(await submitFactor(mfaToken, { kind: 'recovery_code', code: old })).toEqual(WRONG);
    const next = { kind: 'recovery_code', code: newCodes.codes[0] ?? '' } as const;
    expect(await submitFactor(mfaToken, next)).toMatchObject({ ok: true });
  });

  it('are deleted with the last factor, and not issued without one', async () => {
    const { user, codes } = await createUserWithTotp();
    onlyEmail((await removeTotp(harness.deps, user)).emails, 'second_factor_changed');
    expect(await removeTotp(harness.deps, user)).toEqual({ emails: [] });
    expect((await getFactorsStatus(harness.deps, user)).recoveryCodesLeft).toBe(0);
    expect(await regenerateRecoveryCodes(harness.deps, user)).toEqual({ codes: [], emails: [] });
    expect(codes).toHaveLength(10);
    expect(await harness.signIn(user.email)).toMatchObject({ ok: true, signedIn: {} });
  });
});

describe('passkeys', () => {
  async function createUserWithPasskey(): Promise<
    Readonly<{ user: SessionUser; signedIn: SignedIn; key: Authenticator }>
  > {
    const { user, signedIn } = await harness.createUser();
    const key = await Authenticator.create();
    const response = await key.register(await beginPasskeyRegistration(harness.deps, RP, user));
    const added = await addPasskey(harness.deps, RP, user, { name: ' My key ', response });
    if (!added.ok) throw new Error(added.reason);
    expect(added.recoveryCodes).toHaveLength(10);
    onlyEmail(added.emails, 'second_factor_changed');
    return { user, signedIn, key };
  }

  it('register with the minimum of data, and complete a sign-in', async () => {
    const { user, key } = await createUserWithPasskey();
    const status = await getFactorsStatus(harness.deps, user);
    expect(status.passkeys).toMatchObject([{ credentialId: key.id, name: 'My key', usedAt: null }]);
    const options = await beginPasskeyRegistration(harness.deps, RP, user);
    expect(options).toMatchObject({
      attestation: 'none',
      excludeCredentials: [{ id: key.id, transports: ['usb'] }],
      authenticatorSelection: { residentKey: 'discouraged', userVerification: 'preferred' },
    });
    const mfaToken = await startSignIn(user.email);
    const requestOptions = await beginPasskeyAssertion(harness.deps, RP, mfaToken);
    expect(requestOptions).toMatchObject({ allowCredentials: [{ id: key.id }], rpId: 'localhost' });
    const response = await key.authenticate(requestOptions);
    expect(await submitFactor(mfaToken, { kind: 'passkey', response })).toMatchObject({ ok: true });
    expect((await getFactorsStatus(harness.deps, user)).passkeys[0]?.usedAt).toBe(
      harness.deps.now(),
    );
    // The same assertion again, in another sign-in of the same account.
    const replayed = await submitFactor(await startSignIn(user.email), {
      kind: 'passkey',
      response,
    });
    expect(replayed).toEqual(WRONG);
  });

  it('are rejected for another site, challenge, purpose or account, and for an old counter', async () => {
    const { user, key } = await createUserWithPasskey();
    const other = await createUserWithPasskey();
    const { deps } = harness;
    const startAssertion = async () => {
      const mfaToken = await startSignIn(user.email);
      return { step: mfaToken, options: await beginPasskeyAssertion(deps, RP, mfaToken) };
    };
    const invalidOverrides = [
      { origin: 'http://localhost:1' },
      { rpId: 'evil.example' },
      { challenge: 'A'.repeat(43) },
      { type: 'webauthn.create' },
      { counter: 0 },
    ];
    const { step: first, options: good } = await startAssertion();
    const response = await key.authenticate(good);
    expect(await submitFactor(first, { kind: 'passkey', response })).toMatchObject({ ok: true });
    for (const overrides of invalidOverrides) {
      harness.advance(MINUTE_MS);
      const { step: mfaToken, options } = await startAssertion();
      const factor = {
        kind: 'passkey',
        response: await key.authenticate(options, overrides),
      } as const;
      expect([overrides, await submitFactor(mfaToken, factor)]).toEqual([overrides, WRONG]);
    }
    harness.advance(15 * MINUTE_MS);
    const { step: mfaToken, options } = await startAssertion();
    const otherUsersResponse = await other.key.authenticate(options);
    expect(await submitFactor(mfaToken, { kind: 'passkey', response: otherUsersResponse })).toEqual(
      WRONG,
    );
    const toProve = await key.authenticate(await beginPasskeyReauth(deps, RP, user));
    expect(await submitFactor(mfaToken, { kind: 'passkey', response: toProve })).toEqual(WRONG);
    const slow = await startAssertion();
    harness.advance(5 * MINUTE_MS);
    const late = await key.authenticate(slow.options);
    expect(await submitFactor(slow.step, { kind: 'passkey', response: late })).toEqual(WRONG);
    const factor = { kind: 'passkey' } as const;
    const proving = await key.authenticate(await beginPasskeyReauth(deps, RP, user));
    const proved = { ...factor, response: proving };
    expect(await reauthenticate(deps, RP, user, proved)).toMatchObject({
      ok: true,
    });
  });

  it('are rejected once the counter of a cloned key falls behind', async () => {
    const { user, key } = await createUserWithPasskey();
    const answerWith = async (counter: number) => {
      const mfaToken = await startSignIn(user.email);
      const response = await key.authenticate(
        await beginPasskeyAssertion(harness.deps, RP, mfaToken),
        { counter },
      );
      harness.advance(MINUTE_MS);
      return submitFactor(mfaToken, { kind: 'passkey', response });
    };
    expect(await answerWith(7)).toMatchObject({ ok: true });
    expect(await answerWith(7)).toEqual(WRONG);
    expect(await answerWith(6)).toEqual(WRONG);
    expect(await answerWith(8)).toMatchObject({ ok: true });
  });

  it('are accepted with a counter that is always zero', async () => {
    const { user, key } = await createUserWithPasskey();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const mfaToken = await startSignIn(user.email);
      const response = await key.authenticate(
        await beginPasskeyAssertion(harness.deps, RP, mfaToken),
        { counter: 0 },
      );
      expect(await submitFactor(mfaToken, { kind: 'passkey', response })).toMatchObject({
        ok: true,
      });
    }
  });

  it('register for one account, with its own challenge and a name of valid length', async () => {
    const { user, key } = await createUserWithPasskey();
    const { deps } = harness;
    const otherUser = (await harness.createUser()).user;
    const add = (owner: SessionUser, response: unknown, name = 'x') =>
      addPasskey(deps, RP, owner, { name, response });
    const stolen = await key.register(await beginPasskeyRegistration(deps, RP, otherUser));
    expect(await add(otherUser, stolen)).toEqual(WRONG);
    const secondKey = await Authenticator.create();
    const hers = await secondKey.register(await beginPasskeyRegistration(deps, RP, user));
    expect(await add(otherUser, hers)).toEqual(WRONG);
    expect(await add(user, hers)).toEqual(WRONG);
    const otherOrigin = { origin: 'http://localhost:1' };
    const framed = await secondKey.register(
      await beginPasskeyRegistration(deps, RP, user),
      otherOrigin,
    );
    expect(await add(user, framed)).toEqual(WRONG);
    const long = await secondKey.register(await beginPasskeyRegistration(deps, RP, user));
    expect(await add(user, long, 'x'.repeat(65))).toEqual({ ok: false, reason: 'too_long' });
    expect(await add(user, long)).toMatchObject({ ok: true, recoveryCodes: null });
    expect((await getFactorsStatus(deps, otherUser)).passkeys).toEqual([]);
  });

  it('delete the recovery codes only when the last factor is removed', async () => {
    const { user, key } = await createUserWithPasskey();
    const { deps } = harness;
    const { secret } = await beginTotp(deps, user);
    const app = await confirmTotp(deps, user, codeAt(secret));
    expect(app).toMatchObject({ ok: true, recoveryCodes: [] });
    const otherUser = (await harness.createUser()).user;
    expect(await removePasskey(deps, otherUser, key.id)).toEqual({ emails: [] });
    onlyEmail((await removePasskey(deps, user, key.id)).emails, 'second_factor_changed');
    expect(await getFactorsStatus(deps, user)).toEqual({
      totp: true,
      passkeys: [],
      recoveryCodesLeft: 10,
    });
    await removeTotp(deps, user);
    expect((await getFactorsStatus(deps, user)).recoveryCodesLeft).toBe(0);
    const owner = await createUserWithPasskey();
    const second = await Authenticator.create();
    const response = await second.register(await beginPasskeyRegistration(deps, RP, owner.user));
    await addPasskey(deps, RP, owner.user, { name: 'x', response });
    await removePasskey(deps, owner.user, owner.key.id);
    expect((await getFactorsStatus(deps, owner.user)).recoveryCodesLeft).toBe(10);
    await removePasskey(deps, owner.user, second.id);
    expect((await getFactorsStatus(deps, owner.user)).recoveryCodesLeft).toBe(0);
  });

  it('reject malformed responses without throwing', async () => {
    const { user } = await createUserWithPasskey();
    const mfaToken = await startSignIn(user.email);
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.string(), async (value, id) => {
        const nested = { id, rawId: id, type: 'public-key', response: value };
        for (const response of [value, nested]) {
          const added = await addPasskey(harness.deps, RP, user, { name: 'x', response });
          expect(added).toEqual(WRONG);
        }
      }),
      { numRuns: 100, seed: 20261124 },
    );
    const shaped = { clientDataJSON: 'e30', authenticatorData: 'AA', signature: 'AA' };
    const response = { id: 'x', rawId: 'x', type: 'public-key', response: shaped };
    expect(await submitFactor(mfaToken, { kind: 'passkey', response })).toEqual(WRONG);
  });
});
