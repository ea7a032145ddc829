/**
 * Passkeys and security keys as second factors (WebAuthn level 3). No attestation is requested: the
 * make of a key doesn't matter here. A challenge is for one account and one purpose, and is
 * consumed by the first response, valid or not.
 */

import { base64url } from '@farebox/crypto';
import {
  type ChallengePurpose,
  consumeChallenge,
  deletePasskey,
  insertPasskey,
  insertPasskeyChallenge,
  listPasskeys,
  type Passkey,
  recordPasskeyUse,
} from '@farebox/database/users';
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
  EmailsToSend,
  IdentityDeps,
  RelyingParty,
  SessionUser,
} from './contract.ts';
import { markFactorShown } from './create-session.ts';
import { TTL } from './lifetimes.ts';
import { factorChangedEmails, generateCodes } from './recovery-codes.ts';
import { hashToken } from './tokens.ts';

/** EdDSA, ES256 and RS256 (RFC 9053, RFC 8812), which cover the keys in use. */
const ALGORITHMS = [-8, -7, -257];
const TRANSPORTS = ['ble', 'cable', 'hybrid', 'internal', 'nfc', 'smart-card', 'usb'];
const MAX_PASSKEYS = 20;
const MAX_NAME_LENGTH = 64;
const MAX_CREDENTIAL_ID_LENGTH = 1364;
const MAX_PUBLIC_KEY_LENGTH = 1024;

/** Returns the options for `navigator.credentials.create`, as JSON. */
export async function beginPasskeyRegistration(
  deps: IdentityDeps,
  rp: RelyingParty,
  user: SessionUser,
): Promise<unknown> {
  const passkeys = await listPasskeys(deps.db, user.account);
  const challenge = await createChallenge(deps, user.account, 'register');
  return generateRegistrationOptions({
    rpName: rp.name,
    rpID: rp.id,
    userName: user.email,
    userDisplayName: user.email,
    userID: new Uint8Array(hexToBytes(user.account)),
    challenge,
    timeout: TTL.challenge,
    attestationType: 'none',
    excludeCredentials: passkeys.map(toDescriptor),
    authenticatorSelection: { residentKey: 'discouraged', userVerification: 'preferred' },
    supportedAlgorithmIDs: ALGORITHMS,
  });
}

export async function addPasskey(
  deps: IdentityDeps,
  rp: RelyingParty,
  user: SessionUser,
  request: AddPasskeyRequest,
): Promise<AddPasskeyResult> {
  const { account } = user;
  const name = request.name.trim() || 'Passkey';
  if (name.length > MAX_NAME_LENGTH) return { ok: false, reason: 'too_long' };
  const { response } = request;
  const challenge = await consumeAnsweredChallenge(deps, account, 'register', response);
  if (challenge === undefined || !isRegistrationResponse(response))
    return { ok: false, reason: 'invalid_credentials' };
  const key = await verifyRegistration(rp, response, challenge);
  if (key === undefined) return { ok: false, reason: 'invalid_credentials' };
  const { codes, hashes } = generateCodes(deps, account);
  const row = { ...key, accountId: account, name, now: deps.now() };
  const added = await insertPasskey(deps.db, row, hashes, MAX_PASSKEYS);
  if (!added.added) return { ok: false, reason: 'invalid_credentials' };
  await markFactorShown(deps, user);
  const recoveryCodes = added.codesStored ? codes : null;
  return { ok: true, recoveryCodes, ...factorChangedEmails(deps, user) };
}

type RegisteredKey = Pick<Passkey, 'credentialId' | 'publicKey' | 'counter' | 'transports'>;

async function verifyRegistration(
  rp: RelyingParty,
  response: RegistrationResponseJSON,
  challenge: string,
): Promise<RegisteredKey | undefined> {
  const verified = await undefinedIfRejected(() =>
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
  const key = base64url.encode(publicKey);
  if (id.length > MAX_CREDENTIAL_ID_LENGTH || key.length > MAX_PUBLIC_KEY_LENGTH) return undefined;
  const reportedTransports = Array.isArray(transports) ? transports : [];
  return {
    credentialId: id,
    publicKey: key,
    counter,
    transports: TRANSPORTS.filter((transport) => reportedTransports.includes(transport)),
  };
}

export async function removePasskey(
  deps: IdentityDeps,
  user: SessionUser,
  credentialId: string,
): Promise<EmailsToSend> {
  const removed = await deletePasskey(deps.db, user.account, credentialId);
  return removed ? factorChangedEmails(deps, user) : { emails: [] };
}

/**
 * Returns the options for `navigator.credentials.get`, as JSON; undefined if the account has no
 * passkey.
 */
export async function assertionOptions(
  deps: IdentityDeps,
  rp: RelyingParty,
  account: AccountId,
  purpose: 'sign_in' | 'reauthenticate',
): Promise<unknown> {
  const passkeys = await listPasskeys(deps.db, account);
  if (passkeys.length === 0) return undefined;
  return generateAuthenticationOptions({
    rpID: rp.id,
    allowCredentials: passkeys.map(toDescriptor),
    challenge: await createChallenge(deps, account, purpose),
    timeout: TTL.challenge,
    userVerification: 'preferred',
  });
}

/**
 * Checks that the response comes from one of the account's passkeys and that the key's counter has
 * grown.
 */
export async function verifyAssertion(
  deps: IdentityDeps,
  rp: RelyingParty,
  account: AccountId,
  purpose: 'sign_in' | 'reauthenticate',
  response: unknown,
): Promise<boolean> {
  const challenge = await consumeAnsweredChallenge(deps, account, purpose, response);
  if (challenge === undefined || !isAuthenticationResponse(response)) return false;
  const passkeys = await listPasskeys(deps.db, account);
  const passkey = passkeys.find(({ credentialId }) => credentialId === response.id);
  const publicKey = passkey === undefined ? undefined : base64url.decode(passkey.publicKey);
  if (passkey === undefined || publicKey === undefined) return false;
  const { credentialId, counter } = passkey;
  const verified = await undefinedIfRejected(() =>
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
  const use = {
    accountId: account,
    credentialId,
    counter: verified.authenticationInfo.newCounter,
  };
  return recordPasskeyUse(deps.db, { ...use, now: deps.now() });
}

async function createChallenge(
  deps: IdentityDeps,
  account: AccountId,
  purpose: ChallengePurpose,
): Promise<Uint8Array<ArrayBuffer>> {
  const challenge = new Uint8Array(deps.random(32));
  const challengeHash = hashToken(base64url.encode(challenge));
  const row = { challengeHash, accountId: account, purpose };
  await insertPasskeyChallenge(deps.db, row, deps.now() + TTL.challenge);
  return challenge;
}

/**
 * Consumes and returns the challenge that was answered; returns undefined if it isn't one of ours.
 */
async function consumeAnsweredChallenge(
  deps: IdentityDeps,
  account: AccountId,
  purpose: ChallengePurpose,
  response: unknown,
): Promise<string | undefined> {
  const clientData = parseClientData(response);
  // The response comes from a page framed by another site; our pages can't be framed.
  if (clientData === undefined || clientData.crossOrigin === true) return undefined;
  const { challenge } = clientData;
  if (typeof challenge !== 'string' || challenge.length > 128) return undefined;
  const row = { challengeHash: hashToken(challenge), accountId: account, purpose };
  return (await consumeChallenge(deps.db, row, deps.now())) ? challenge : undefined;
}

type ClientData = Readonly<{ challenge?: unknown; crossOrigin?: unknown }>;

function parseClientData(response: unknown): ClientData | undefined {
  if (!isAuthenticatorResponse(response)) return undefined;
  const bytes = base64url.decode(response.response.clientDataJSON);
  if (bytes === undefined) return undefined;
  try {
    const parsed: unknown = JSON.parse(new TextDecoder().decode(bytes));
    return typeof parsed === 'object' && parsed !== null ? parsed : undefined;
  } catch {
    return undefined;
  }
}

type AuthenticatorResponse = { id: string; response: { clientDataJSON: string } };

/** Checks the fields of the browser's JSON that are read here. The verifier checks the rest. */
function isAuthenticatorResponse(value: unknown): value is AuthenticatorResponse {
  if (typeof value !== 'object' || value === null) return false;
  if (!('id' in value) || typeof value.id !== 'string' || !('response' in value)) return false;
  const { response } = value;
  if (typeof response !== 'object' || response === null) return false;
  return 'clientDataJSON' in response && typeof response.clientDataJSON === 'string';
}

function isRegistrationResponse(value: unknown): value is RegistrationResponseJSON {
  if (!isAuthenticatorResponse(value)) return false;
  return 'attestationObject' in value.response;
}

function isAuthenticationResponse(value: unknown): value is AuthenticationResponseJSON {
  if (!isAuthenticatorResponse(value)) return false;
  return 'authenticatorData' in value.response && 'signature' in value.response;
}

/**
 * The verifier reports every failure by throwing, from a wrong signature to a missing byte. It has
 * no side effects, so any exception means that the response is invalid.
 */
async function undefinedIfRejected<T>(verify: () => Promise<T>): Promise<T | undefined> {
  try {
    return await verify();
  } catch {
    return undefined;
  }
}

function toDescriptor({ credentialId, transports }: Passkey) {
  return { id: credentialId, transports: [...transports] };
}
