/**
 * Passkeys and security keys as second factors (WebAuthn level 3). No attestation is asked for: which
 * maker's key somebody has is none of our business. Each question is put once, to one account, for one
 * purpose, and is gone with the first answer, good or bad.
 */
import {
  type ChallengePurpose,
  insertChallenge,
  insertPasskey,
  listPasskeys,
  type Passkey,
  removePasskey as removeRow,
  spendChallenge,
  usePasskey,
} from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { hexToBytes } from '@noble/hashes/utils.js';
import {
  type AuthenticationResponseJSON,
  generateAuthenticationOptions,
  generateRegistrationOptions,
  type RegistrationResponseJSON,
  verifyAuthenticationResponse,
  verifyRegistrationResponse,
} from '@simplewebauthn/server';
import type {
  AddPasskeyRequest,
  AddPasskeyResult,
  IdentityHouse,
  Letters,
  Person,
  RelyingParty,
} from './contract.ts';
import { fromBase64Url, LASTS, toBase64Url, tokenHash } from './house.ts';
import { factorChanged, freshCodes } from './recovery-codes.ts';

/** EdDSA, ES256, RS256 (RFC 9053, RFC 8812): what keys in use have. */
const ALGORITHMS = [-8, -7, -257];
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];
const MOST_PASSKEYS = 20;
const LONGEST_NAME = 64;
const LONGEST_CREDENTIAL_ID = 1364;
const LONGEST_PUBLIC_KEY = 1024;

/** Options for `navigator.credentials.create`, as JSON. */
export async function beginPasskey(
  house: IdentityHouse,
  rp: RelyingParty,
  person: Person,
): Promise<unknown> {
  const known = await listPasskeys(house.db, person.account);
  const challenge = await askQuestion(house, person.account, 'register');
  return generateRegistrationOptions({
    rpName: rp.name,
    rpID: rp.id,
    userName: person.email,
    userDisplayName: person.email,
    userID: new Uint8Array(hexToBytes(person.account)),
    challenge,
    timeout: LASTS.challenge,
    attestationType: 'none',
    excludeCredentials: known.map(descriptorOf),
    authenticatorSelection: { residentKey: 'discouraged', userVerification: 'preferred' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

export async function addPasskey(
  house: IdentityHouse,
  rp: RelyingParty,
  person: Person,
  request: AddPasskeyRequest,
): Promise<AddPasskeyResult> {
  const { account } = person;
  const name = request.name.trim() || 'Passkey';
  if (name.length > LONGEST_NAME) return { ok: false, reason: 'too_long' };
  const { response } = request;
  const answer = await answerOf(house, account, 'register', response);
  if (answer === undefined || !isRegistration(response)) return { ok: false, reason: 'wrong' };
  const key = await registeredKey(rp, response, answer);
  if (key === undefined) return { ok: false, reason: 'wrong' };
  const { codes, hashes } = freshCodes(house, account);
  const row = { ...key, accountId: account, name, now: house.now() };
  const added = await insertPasskey(house.db, row, hashes, MOST_PASSKEYS);
  if (!added.added) return { ok: false, reason: 'wrong' };
  const recoveryCodes = added.codesKept ? codes : null;
  return { ok: true, recoveryCodes, ...factorChanged(house, person) };
}

type RegisteredKey = Pick<Passkey, 'credentialId' | 'publicKey' | 'counter' | 'transports'>;

async function registeredKey(
  rp: RelyingParty,
  response: RegistrationResponseJSON,
  challenge: string,
): Promise<RegisteredKey | undefined> {
  const verified = await unlessRefused(() =>
    verifyRegistrationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserVerification: false,
      supportedAlgorithmIDs: ALGORITHMS,
    }),
  );
  if (verified === undefined || !verified.verified) return undefined;
  const { id, publicKey, counter, transports } = verified.registrationInfo.credential;
  const key = toBase64Url(publicKey);
  if (id.length > LONGEST_CREDENTIAL_ID || key.length > LONGEST_PUBLIC_KEY) return undefined;
  const told = Array.isArray(transports) ? transports : [];
  return {
    credentialId: id,
    publicKey: key,
    counter,
    transports: TRANSPORTS.filter((transport) => told.includes(transport)),
  };
}

export async function removePasskey(
  house: IdentityHouse,
  person: Person,
  credentialId: string,
): Promise<Letters> {
  const removed = await removeRow(house.db, person.account, credentialId);
  return removed ? factorChanged(house, person) : { letters: [] };
}

/** Options for `navigator.credentials.get`, as JSON; undefined where the account has no passkey. */
export async function askToAnswer(
  house: IdentityHouse,
  rp: RelyingParty,
  account: AccountId,
  purpose: 'sign_in' | 'prove',
): Promise<unknown> {
  const known = await listPasskeys(house.db, account);
  if (known.length === 0) return undefined;
  return generateAuthenticationOptions({
    rpID: rp.id,
    allowCredentials: known.map(descriptorOf),
    challenge: await askQuestion(house, account, purpose),
    timeout: LASTS.challenge,
    userVerification: 'preferred',
  });
}

/** Whether one of the account's passkeys answered, with a counter that only ever grows. */
export async function verifyAnswer(
  house: IdentityHouse,
  rp: RelyingParty,
  account: AccountId,
  purpose: 'sign_in' | 'prove',
  response: unknown,
): Promise<boolean> {
  const challenge = await answerOf(house, account, purpose, response);
  if (challenge === undefined || !isAuthentication(response)) return false;
  const known = await listPasskeys(house.db, account);
  const passkey = known.find(({ credentialId }) => credentialId === response.id);
  const publicKey = passkey === undefined ? undefined : fromBase64Url(passkey.publicKey);
  if (passkey === undefined || publicKey === undefined) return false;
  const { credentialId, counter } = passkey;
  const verified = await unlessRefused(() =>
    verifyAuthenticationResponse({
      response,
      expectedChallenge: challenge,
      expectedOrigin: rp.origin,
      expectedRPID: rp.id,
      requireUserVerification: false,
      credential: { id: credentialId, publicKey, counter },
    }),
  );
  if (verified === undefined || !verified.verified) return false;
  const used = {
    accountId: account,
    credentialId,
    counter: verified.authenticationInfo.newCounter,
  };
  return usePasskey(house.db, { ...used, now: house.now() });
}

async function askQuestion(
  house: IdentityHouse,
  account: AccountId,
  purpose: ChallengePurpose,
): Promise<Uint8Array<ArrayBuffer>> {
  const challenge = new Uint8Array(house.random(32));
  const challengeHash = tokenHash(toBase64Url(challenge));
  const asked = { challengeHash, accountId: account, purpose };
  await insertChallenge(house.db, asked, house.now() + LASTS.challenge);
  return challenge;
}

/** The challenge that was answered, which is spent by this; undefined where it was none of ours. */
async function answerOf(
  house: IdentityHouse,
  account: AccountId,
  purpose: ChallengePurpose,
  response: unknown,
): Promise<string | undefined> {
  const client = clientDataOf(response);
  // From a page that another site framed: not ours to answer (and our pages can't be framed).
  if (client === undefined || client.crossOrigin === true) return undefined;
  const { challenge } = client;
  if (typeof challenge !== 'string' || challenge.length > 128) return undefined;
  const spent = { challengeHash: tokenHash(challenge), accountId: account, purpose };
  return (await spendChallenge(house.db, spent, house.now())) ? challenge : undefined;
}

type ClientData = Readonly<{ challenge?: unknown; crossOrigin?: unknown }>;

function clientDataOf(response: unknown): ClientData | undefined {
  if (!isAnswer(response)) return undefined;
  const bytes = fromBase64Url(response.response.clientDataJSON);
  if (bytes === undefined) return undefined;
  try {
    const read: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof read === 'object' && read !== null ? read : undefined;
  } catch {
    return undefined;
  }
}

type Answer = { id: string; response: { clientDataJSON: string } };

/** As much of the browser's JSON as is read here; the rest the verifier reads and refuses itself. */
function isAnswer(answer: unknown): answer is Answer {
  if (typeof answer !== 'object' || answer === null) return false;
  if (!('id' in answer) || typeof answer.id !== 'string' || !('response' in answer)) return false;
  const { response } = answer;
  if (typeof response !== 'object' || response === null) return false;
  return 'clientDataJSON' in response && typeof response.clientDataJSON === 'string';
}

function isRegistration(answer: unknown): answer is RegistrationResponseJSON {
  if (!isAnswer(answer)) return false;
  return 'attestationObject' in answer.response;
}

function isAuthentication(answer: unknown): answer is AuthenticationResponseJSON {
  if (!isAnswer(answer)) return false;
  return 'authenticatorData' in answer.response && 'signature' in answer.response;
}

/**
 * The verifier says no by throwing, for anything from a wrong signature to a byte too few. It touches
 * nothing but its arguments, so whatever it throws is a no.
 */
async function unlessRefused<T>(verify: () => Promise<T>): Promise<T | undefined> {
  try {
    return await verify();
  } catch {
    return undefined;
  }
}

function descriptorOf({ credentialId, transports }: Passkey) {
  return { id: credentialId, transports: [...transports] };
}
