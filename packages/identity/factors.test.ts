/** Second factors through the room's front: apps, recovery codes and passkeys, and what each refuses. */
import { connect } from '@farebox/database';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import fc from 'fast-check';
import { generateSync } from 'otplib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Authenticator } from './authenticator.testing.ts';
import {
  addPasskey,
  askPasskey,
  askPasskeyToProve,
  beginPasskey,
  beginTotp,
  confirmTotp,
  type FactorProof,
  factors,
  newRecoveryCodes,
  type Person,
  prove,
  proveSecondFactor,
  purgeExpired,
  removePasskey,
  removeTotp,
  type SecondFactorResult,
  type SignedIn,
  stepFactors,
} from './index.ts';
import { NETWORK, onlyLetter, Stage } from './stage.testing.ts';

const MINUTE = 60_000;
const STEP_MS = 30_000;
const RP = { id: 'localhost', origin: 'http://localhost:8788', name: 'Farebox' };

let database: EmptyDatabase;
let stage: Stage;

beforeAll(async () => {
  database = await emptyDatabase();
  stage = new Stage(connect(database.url));
});
afterAll(async () => {
  await database.close();
});

type WithApp = Readonly<{
  person: Person;
  signedIn: SignedIn;
  secret: string;
  codes: readonly string[];
}>;

function codeAt(secret: string, now = stage.house.now()): string {
  return generateSync({ secret, epoch: Math.floor(now / 1000) });
}

async function withApp(): Promise<WithApp> {
  const { person, signedIn } = await stage.join();
  const { secret } = await beginTotp(stage.house, person);
  const confirmed = await confirmTotp(stage.house, person, codeAt(secret));
  if (!confirmed.ok) throw new Error(confirmed.reason);
  stage.advance(STEP_MS);
  return { person, signedIn, secret, codes: confirmed.recoveryCodes };
}

/** The cookie of the half-open door. */
async function halfIn(email: string, device: string | null = null): Promise<string> {
  const answer = await stage.signIn(email, { network: stage.somewhere(), device });
  if (!answer.ok || !('step' in answer)) throw new Error('no step');
  return answer.step;
}

function show(
  step: string,
  proof: FactorProof,
  device: string | null = null,
): Promise<SecondFactorResult> {
  return proveSecondFactor(stage.house, RP, { step, proof, network: NETWORK, device });
}

const WRONG = { ok: false, reason: 'wrong' };
const STEP_INVALID = { ok: false, reason: 'step_invalid' };

describe('an authenticator app', () => {
  it('counts from its first code, comes with recovery codes, and is told by mail', async () => {
    const { person } = await stage.join();
    const { house } = stage;
    expect(await confirmTotp(house, person, '123456')).toEqual({ ok: false, reason: 'not_begun' });
    const { secret, uri } = await beginTotp(house, person);
    expect(new URL(uri).searchParams.get('secret')).toBe(secret);
    expect(decodeURIComponent(new URL(uri).pathname)).toContain(person.email);
    // Until then it asks for nothing at the door.
    expect(await stage.signIn(person.email)).toMatchObject({ ok: true, signedIn: {} });
    expect(await confirmTotp(house, person, '000000x')).toEqual(WRONG);
    // A reloaded page shows the same code to scan.
    expect((await beginTotp(house, person)).secret).toBe(secret);
    const confirmed = await confirmTotp(house, person, codeAt(secret));
    if (!confirmed.ok) throw new Error(confirmed.reason);
    onlyLetter(confirmed.letters, 'second_factor_changed');
    expect(new Set(confirmed.recoveryCodes).size).toBe(10);
    for (const code of confirmed.recoveryCodes) {
      expect(code).toMatch(/^([0-9A-HJKMNP-TV-Z]{4}-){3}[0-9A-HJKMNP-TV-Z]{4}$/);
    }
    expect(await factors(house, person)).toEqual({
      totp: true,
      passkeys: [],
      recoveryCodesLeft: 10,
    });
    // What is confirmed is not replaced by beginning again.
    const another = await beginTotp(house, person);
    expect(await confirmTotp(house, person, codeAt(another.secret))).toMatchObject({ ok: false });
    stage.advance(STEP_MS);
    const step = await halfIn(person.email);
    expect(await show(step, { kind: 'totp', code: codeAt(secret) })).toMatchObject({ ok: true });
  });

  it('is asked for at the door, and the step is spent by letting in', async () => {
    const { person, secret } = await withApp();
    const step = await halfIn(person.email);
    expect(await stepFactors(stage.house, step)).toEqual({
      totp: true,
      passkey: false,
      recoveryCode: true,
    });
    expect(await askPasskey(stage.house, RP, step)).toBeUndefined();
    const letIn = await show(step, { kind: 'totp', code: ` ${codeAt(secret)} ` });
    expect(letIn).toMatchObject({ ok: true, letters: [{ kind: 'new_device' }] });
    if (!letIn.ok) throw new Error(letIn.reason);
    expect((await stage.person(letIn.signedIn.session)).account).toBe(person.account);
    stage.advance(STEP_MS);
    const again = await show(step, { kind: 'totp', code: codeAt(secret) });
    expect(again).toEqual(STEP_INVALID);
    expect(await stepFactors(stage.house, step)).toBeUndefined();
    const known = await halfIn(person.email, letIn.signedIn.device);
    const proof = { kind: 'totp', code: codeAt(secret) } as const;
    const quiet = await show(known, proof, letIn.signedIn.device);
    expect(quiet).toMatchObject({ ok: true, letters: [] });
  });

  it('takes a code once, and one step early or late but no further', async () => {
    const { person, signedIn, secret } = await withApp();
    const now = stage.house.now();
    const tries = async (code: string) =>
      show(await halfIn(person.email, signedIn.device), { kind: 'totp', code });
    for (const away of [-2, 2, 10]) {
      expect([away, await tries(codeAt(secret, now + away * STEP_MS))]).toEqual([away, WRONG]);
    }
    // Shown from a strange browser, so that the known one's token stays what it is.
    expect(await tries(codeAt(secret, now))).toMatchObject({ ok: true });
    expect(await tries(codeAt(secret, now))).toEqual(WRONG);
    expect(await tries(codeAt(secret, now - STEP_MS))).toEqual(WRONG);
    for (const away of [1, -1]) {
      stage.advance(2 * MINUTE);
      const code = codeAt(secret, stage.house.now() + away * STEP_MS);
      expect([away, await tries(code)]).toMatchObject([away, { ok: true }]);
    }
  });

  it('lets one in where the same code is shown twice at the same time', async () => {
    const { person, secret } = await withApp();
    const steps = [await halfIn(person.email), await halfIn(person.email)];
    const proof = { kind: 'totp', code: codeAt(secret) } as const;
    const answers = await Promise.all(steps.map((step) => show(step, proof)));
    expect(answers.filter(({ ok }) => ok)).toHaveLength(1);
  });

  it('can’t be guessed: five tries a step, ten a quarter of an hour, and the owner gets past', async () => {
    const { person, signedIn, secret } = await withApp();
    stage.advance(15 * MINUTE);
    // A step is old after ten minutes whether or not it was tried.
    const old = await halfIn(person.email);
    stage.advance(10 * MINUTE);
    expect(await show(old, { kind: 'totp', code: codeAt(secret) })).toEqual(STEP_INVALID);
    for (let round = 0; round < 2; round += 1) {
      const step = await halfIn(person.email);
      for (let tries = 0; tries < 5; tries += 1) {
        expect(await show(step, { kind: 'totp', code: '000000' })).toEqual(WRONG);
      }
      expect(await show(step, { kind: 'totp', code: codeAt(secret) })).toEqual(STEP_INVALID);
      stage.advance(1000);
    }
    const step = await halfIn(person.email);
    const right = { kind: 'totp', code: codeAt(secret) } as const;
    expect(await show(step, right)).toMatchObject({ reason: 'throttled' });
    const known = await halfIn(person.email, signedIn.device);
    expect(await show(known, right, signedIn.device)).toMatchObject({ ok: true });
  });

  it('is sealed for its account: moved to another it opens nothing', async () => {
    const [one, two] = [await withApp(), await withApp()];
    const { db } = stage.house;
    const stored = await db.execute<{ sealed_secret: string }>(
      `select sealed_secret from totp_factors where account_id = '${one.person.account}'`,
    );
    const sealed = stored.rows[0]?.sealed_secret ?? '';
    expect(sealed).not.toContain(one.secret);
    await db.execute(
      `update totp_factors set sealed_secret = '${sealed}' where account_id = '${two.person.account}'`,
    );
    const step = await halfIn(two.person.email);
    await expect(show(step, { kind: 'totp', code: codeAt(one.secret) })).rejects.toThrow();
  });

  it('proves a dear action, once', async () => {
    const { person, signedIn, secret } = await withApp();
    const proof = { kind: 'totp', code: codeAt(secret) } as const;
    const ask = () => prove(stage.house, RP, person, signedIn.session, proof, NETWORK);
    expect(await ask()).toEqual({ ok: true, letters: [] });
    expect((await stage.person(signedIn.session)).provedAt).toBe(stage.house.now());
    expect(await ask()).toEqual(WRONG);
  });

  it('that was begun and forgotten is purged after a day', async () => {
    const { person } = await stage.join();
    await beginTotp(stage.house, person);
    stage.advance(24 * 60 * MINUTE);
    await purgeExpired(stage.house);
    expect(await stage.rows('totp_factors', `account_id = '${person.account}'`)).toBe(0);
  });
});

describe('recovery codes', () => {
  it('let in once each however they are written down, and say so by mail', async () => {
    const { person, codes } = await withApp();
    const [first = '', second = ''] = codes;
    const wanted = { ok: true, letters: [{ kind: 'new_device' }, { kind: 'recovery_code_used' }] };
    const shown = first.toLowerCase().replaceAll('-', ' ').replaceAll('0', 'o');
    const answer = await show(await halfIn(person.email), { kind: 'recovery_code', code: shown });
    expect(answer).toMatchObject(wanted);
    if (!answer.ok) throw new Error(answer.reason);
    expect(answer.letters[1]?.facts).toEqual({ left: 9 });
    const step = await halfIn(person.email);
    expect(await show(step, { kind: 'recovery_code', code: first })).toEqual(WRONG);
    expect(await show(step, { kind: 'recovery_code', code: '' })).toEqual(WRONG);
    expect(await show(step, { kind: 'recovery_code', code: second })).toMatchObject({ ok: true });
    expect(await stage.rows('recovery_codes', `code_hash = '${codes[2]}'`)).toBe(0);
  });

  it('are one account’s, and new ones replace the old', async () => {
    const [one, two] = [await withApp(), await withApp()];
    const [code = '', old = ''] = one.codes;
    const foreign = await show(await halfIn(two.person.email), { kind: 'recovery_code', code });
    expect(foreign).toEqual(WRONG);
    const fresh = await newRecoveryCodes(stage.house, one.person);
    expect(fresh.codes).toHaveLength(10);
    onlyLetter(fresh.letters, 'second_factor_changed');
    const step = await halfIn(one.person.email);
    expect(await show(step, { kind: 'recovery_code', code: old })).toEqual(WRONG);
    const next = { kind: 'recovery_code', code: fresh.codes[0] ?? '' } as const;
    expect(await show(step, next)).toMatchObject({ ok: true });
  });

  it('go with the last factor, and are none without one', async () => {
    const { person, codes } = await withApp();
    onlyLetter((await removeTotp(stage.house, person)).letters, 'second_factor_changed');
    expect(await removeTotp(stage.house, person)).toEqual({ letters: [] });
    expect((await factors(stage.house, person)).recoveryCodesLeft).toBe(0);
    expect(await newRecoveryCodes(stage.house, person)).toEqual({ codes: [], letters: [] });
    expect(codes).toHaveLength(10);
    expect(await stage.signIn(person.email)).toMatchObject({ ok: true, signedIn: {} });
  });
});

describe('a passkey', () => {
  async function withKey(): Promise<
    Readonly<{ person: Person; signedIn: SignedIn; key: Authenticator }>
  > {
    const { person, signedIn } = await stage.join();
    const key = await Authenticator.make();
    const response = await key.register(await beginPasskey(stage.house, RP, person));
    const added = await addPasskey(stage.house, RP, person, { name: ' My key ', response });
    if (!added.ok) throw new Error(added.reason);
    expect(added.recoveryCodes).toHaveLength(10);
    onlyLetter(added.letters, 'second_factor_changed');
    return { person, signedIn, key };
  }

  it('is registered with what little is needed, and lets in', async () => {
    const { person, key } = await withKey();
    const standing = await factors(stage.house, person);
    expect(standing.passkeys).toMatchObject([
      { credentialId: key.id, name: 'My key', usedAt: null },
    ]);
    const options = await beginPasskey(stage.house, RP, person);
    expect(options).toMatchObject({
      attestation: 'none',
      excludeCredentials: [{ id: key.id, transports: ['usb'] }],
      authenticatorSelection: { residentKey: 'discouraged', userVerification: 'preferred' },
    });
    const step = await halfIn(person.email);
    const asked = await askPasskey(stage.house, RP, step);
    expect(asked).toMatchObject({ allowCredentials: [{ id: key.id }], rpId: 'localhost' });
    const response = await key.answer(asked);
    expect(await show(step, { kind: 'passkey', response })).toMatchObject({ ok: true });
    expect((await factors(stage.house, person)).passkeys[0]?.usedAt).toBe(stage.house.now());
    // The same answer again, at another door of the same account.
    const replayed = await show(await halfIn(person.email), { kind: 'passkey', response });
    expect(replayed).toEqual(WRONG);
  });

  it('is refused for another site, another question, another purpose, another account, an old counter', async () => {
    const { person, signedIn, key } = await withKey();
    const other = await withKey();
    const { house } = stage;
    const ask = async () => {
      const step = await halfIn(person.email);
      return { step, options: await askPasskey(house, RP, step) };
    };
    const spoiled = [
      { origin: 'http://localhost:1' },
      { rpId: 'evil.example' },
      { challenge: 'A'.repeat(43) },
      { type: 'webauthn.create' },
      { counter: 0 },
    ];
    const { step: first, options: good } = await ask();
    const response = await key.answer(good);
    expect(await show(first, { kind: 'passkey', response })).toMatchObject({ ok: true });
    for (const wish of spoiled) {
      stage.advance(MINUTE);
      const { step, options } = await ask();
      const proof = { kind: 'passkey', response: await key.answer(options, wish) } as const;
      expect([wish, await show(step, proof)]).toEqual([wish, WRONG]);
    }
    stage.advance(15 * MINUTE);
    const { step, options } = await ask();
    const foreign = await other.key.answer(options);
    expect(await show(step, { kind: 'passkey', response: foreign })).toEqual(WRONG);
    const toProve = await key.answer(await askPasskeyToProve(house, RP, person));
    expect(await show(step, { kind: 'passkey', response: toProve })).toEqual(WRONG);
    const slow = await ask();
    stage.advance(5 * MINUTE);
    const late = await key.answer(slow.options);
    expect(await show(slow.step, { kind: 'passkey', response: late })).toEqual(WRONG);
    const proof = { kind: 'passkey' } as const;
    const proving = await key.answer(await askPasskeyToProve(house, RP, person));
    const proved = { ...proof, response: proving };
    expect(await prove(house, RP, person, signedIn.session, proved, NETWORK)).toMatchObject({
      ok: true,
    });
  });

  it('with a counter that was copied is refused the moment the copy falls behind', async () => {
    const { person, key } = await withKey();
    const answerWith = async (counter: number) => {
      const step = await halfIn(person.email);
      const response = await key.answer(await askPasskey(stage.house, RP, step), { counter });
      stage.advance(MINUTE);
      return show(step, { kind: 'passkey', response });
    };
    expect(await answerWith(7)).toMatchObject({ ok: true });
    expect(await answerWith(7)).toEqual(WRONG);
    expect(await answerWith(6)).toEqual(WRONG);
    expect(await answerWith(8)).toMatchObject({ ok: true });
  });

  it('whose counter never moves is good, as such keys are', async () => {
    const { person, key } = await withKey();
    for (let tries = 0; tries < 2; tries += 1) {
      const step = await halfIn(person.email);
      const response = await key.answer(await askPasskey(stage.house, RP, step), { counter: 0 });
      expect(await show(step, { kind: 'passkey', response })).toMatchObject({ ok: true });
    }
  });

  it('is registered by one account, by an answer to its own question, under a name that fits', async () => {
    const { person, key } = await withKey();
    const { house } = stage;
    const stranger = (await stage.join()).person;
    const add = (whose: Person, response: unknown, name = 'x') =>
      addPasskey(house, RP, whose, { name, response });
    const stolen = await key.register(await beginPasskey(house, RP, stranger));
    expect(await add(stranger, stolen)).toEqual(WRONG);
    const fresh = await Authenticator.make();
    const hers = await fresh.register(await beginPasskey(house, RP, person));
    expect(await add(stranger, hers)).toEqual(WRONG);
    expect(await add(person, hers)).toEqual(WRONG);
    const elsewhere = { origin: 'http://localhost:1' };
    const framed = await fresh.register(await beginPasskey(house, RP, person), elsewhere);
    expect(await add(person, framed)).toEqual(WRONG);
    const long = await fresh.register(await beginPasskey(house, RP, person));
    expect(await add(person, long, 'x'.repeat(65))).toEqual({ ok: false, reason: 'too_long' });
    expect(await add(person, long)).toMatchObject({ ok: true, recoveryCodes: null });
    expect((await factors(house, stranger)).passkeys).toEqual([]);
  });

  it('takes the recovery codes along only when it was the last factor', async () => {
    const { person, key } = await withKey();
    const { house } = stage;
    const { secret } = await beginTotp(house, person);
    const app = await confirmTotp(house, person, codeAt(secret));
    expect(app).toMatchObject({ ok: true, recoveryCodes: [] });
    const stranger = (await stage.join()).person;
    expect(await removePasskey(house, stranger, key.id)).toEqual({ letters: [] });
    onlyLetter((await removePasskey(house, person, key.id)).letters, 'second_factor_changed');
    expect(await factors(house, person)).toEqual({
      totp: true,
      passkeys: [],
      recoveryCodesLeft: 10,
    });
    await removeTotp(house, person);
    expect((await factors(house, person)).recoveryCodesLeft).toBe(0);
    const owner = await withKey();
    const second = await Authenticator.make();
    const response = await second.register(await beginPasskey(house, RP, owner.person));
    await addPasskey(house, RP, owner.person, { name: 'x', response });
    await removePasskey(house, owner.person, owner.key.id);
    expect((await factors(house, owner.person)).recoveryCodesLeft).toBe(10);
    await removePasskey(house, owner.person, second.id);
    expect((await factors(house, owner.person)).recoveryCodesLeft).toBe(0);
  });

  it('answers nonsense with no, never with an error', async () => {
    const { person } = await withKey();
    const step = await halfIn(person.email);
    await fc.assert(
      fc.asyncProperty(fc.anything(), fc.string(), async (thing, id) => {
        const nested = { id, rawId: id, type: 'public-key', response: thing };
        for (const response of [thing, nested]) {
          const added = await addPasskey(stage.house, RP, person, { name: 'x', response });
          expect(added).toEqual(WRONG);
        }
      }),
      { numRuns: 100, seed: 20261124 },
    );
    const shaped = { clientDataJSON: 'e30', authenticatorData: 'AA', signature: 'AA' };
    const response = { id: 'x', rawId: 'x', type: 'public-key', response: shaped };
    expect(await show(step, { kind: 'passkey', response })).toEqual(WRONG);
  });
});
