/**
 * Codes from an authenticator app (RFC 6238): SHA-1, six digits, thirty seconds, which is what every
 * app reads from a QR code. The secret must be readable to check a code, so it is sealed: AES-256-GCM
 * under a sub-key, bound to its account, so that a row moved to another account opens nothing.
 */
import {
  beginTotp as beginRow,
  confirmTotp as confirmRow,
  findTotp,
  removeTotp as removeRow,
  useTotpStep,
} from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import { utf8ToBytes } from '@noble/hashes/utils.js';
import { generateURI, ScureBase32Plugin, verifySync } from 'otplib';
import type { ConfirmTotpResult, IdentityHouse, Letters, Person, TotpOffer } from './contract.ts';
import { fromBase64Url, LASTS, subKey, toBase64Url } from './house.ts';
import { factorChanged, freshCodes } from './recovery-codes.ts';

/** RFC 4226 section 4 recommends 160 bits. */
const SECRET_BYTES = 20;
const IV_BYTES = 12;
const PERIOD_SECONDS = 30;
/** One step either way: RFC 6238 section 5.2 recommends no more, for clocks that differ. */
const TOLERANCE_SECONDS = 30;

const base32 = new ScureBase32Plugin();

/**
 * The offer that was begun a moment ago is made again, so that a mistyped code doesn't make a QR code
 * worthless that was scanned already. Where there is a confirmed factor the offer can't be confirmed.
 */
export async function beginTotp(house: IdentityHouse, person: Person): Promise<TotpOffer> {
  const now = house.now();
  const begun = await findTotp(house.db, person.account);
  if (begun !== undefined && !begun.confirmed && begun.createdAt > now - LASTS.totpOffer) {
    const secret = await unseal(house, person.account, begun.sealedSecret);
    if (secret !== undefined) return offer(person, secret);
  }
  const secret = house.random(SECRET_BYTES);
  await beginRow(house.db, person.account, await seal(house, person.account, secret), now);
  return offer(person, secret);
}

function offer(person: Person, secretBytes: Uint8Array): TotpOffer {
  const secret = base32.encode(secretBytes);
  return { secret, uri: generateURI({ issuer: 'Farebox', label: person.email, secret }) };
}

/** The first code proves that the app has the secret. Codes come with the first factor: none where there are some. */
export async function confirmTotp(
  house: IdentityHouse,
  person: Person,
  code: string,
): Promise<ConfirmTotpResult> {
  const { account } = person;
  const begun = await findTotp(house.db, account);
  if (begun === undefined || begun.confirmed) return { ok: false, reason: 'not_begun' };
  const { sealedSecret } = begun;
  const step = await stepOf(house, account, sealedSecret, code);
  if (step === undefined) return { ok: false, reason: 'wrong' };
  const { codes, hashes } = freshCodes(house, account);
  const now = house.now();
  const added = await confirmRow(house.db, account, { sealedSecret, step }, hashes, now);
  if (!added.added) return { ok: false, reason: 'not_begun' };
  const recoveryCodes = added.codesKept ? codes : [];
  return { ok: true, recoveryCodes, ...factorChanged(house, person) };
}

export async function removeTotp(house: IdentityHouse, person: Person): Promise<Letters> {
  const removed = await removeRow(house.db, person.account);
  return removed ? factorChanged(house, person) : { letters: [] };
}

/** Whether a code is good now and did not count before. */
export async function verifyTotp(
  house: IdentityHouse,
  account: AccountId,
  code: string,
): Promise<boolean> {
  const factor = await findTotp(house.db, account);
  if (factor === undefined || !factor.confirmed) return false;
  const step = await stepOf(house, account, factor.sealedSecret, code);
  return step !== undefined && useTotpStep(house.db, account, step);
}

/** Which time step a code is of; undefined where it is of none that is near. */
async function stepOf(
  house: IdentityHouse,
  account: AccountId,
  sealedSecret: string,
  code: string,
): Promise<number | undefined> {
  // Apps show `123 456`.
  const token = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(token)) return undefined;
  const secret = await unseal(house, account, sealedSecret);
  if (secret === undefined) throw new Error('A sealed TOTP secret does not open.');
  const epoch = Math.floor(house.now() / 1000);
  const answer = verifySync({
    secret,
    token,
    algorithm: 'sha1',
    digits: 6,
    period: PERIOD_SECONDS,
    epoch,
    epochTolerance: TOLERANCE_SECONDS,
  });
  return answer.valid ? Math.floor(epoch / PERIOD_SECONDS) + answer.delta : undefined;
}

function sealingKey(house: IdentityHouse): Promise<CryptoKey> {
  const raw = new Uint8Array(subKey(house, 'totp secrets'));
  return crypto.subtle.importKey('raw', raw, 'AES-GCM', false, ['encrypt', 'decrypt']);
}

function sealing(account: AccountId, iv: Uint8Array<ArrayBuffer>) {
  return { name: 'AES-GCM', iv, additionalData: new Uint8Array(utf8ToBytes(account)) };
}

async function seal(house: IdentityHouse, account: AccountId, secret: Uint8Array): Promise<string> {
  const iv = new Uint8Array(house.random(IV_BYTES));
  const key = await sealingKey(house);
  const sealed = await crypto.subtle.encrypt(sealing(account, iv), key, new Uint8Array(secret));
  return toBase64Url(new Uint8Array([...iv, ...new Uint8Array(sealed)]));
}

/** Undefined where it was sealed under another secret, or for another account. */
async function unseal(
  house: IdentityHouse,
  account: AccountId,
  sealed: string,
): Promise<Uint8Array | undefined> {
  const bytes = fromBase64Url(sealed);
  if (bytes === undefined) return undefined;
  const iv = bytes.slice(0, IV_BYTES);
  const key = await sealingKey(house);
  try {
    const secret = crypto.subtle.decrypt(sealing(account, iv), key, bytes.slice(IV_BYTES));
    return new Uint8Array(await secret);
  } catch {
    return undefined;
  }
}
