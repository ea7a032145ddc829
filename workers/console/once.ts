/**
 * What may happen once, or only so often. A form that makes a key carries a ticket: sent again (a reload, a
 * second press), it makes no second one. Tickets and counts are told apart by keyed hashes under a sub-key
 * of the console's own, and a used ticket is a counter like any other, gone when it could not count anyway.
 */
import { type Bucket, countAttempt } from '@farebox/database';
import type { IdentityHouse, Throttled } from '@farebox/identity';
import type { AccountId } from '@farebox/ledger';
import { hkdf } from '@noble/hashes/hkdf.js';
import { hmac } from '@noble/hashes/hmac.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';

const TICKET_LASTS_MS = 60 * 60_000;
const TICKET = /^(\d{13})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;

const derived = new WeakMap<Uint8Array, Uint8Array>();

function subKey(secret: Uint8Array): Uint8Array {
  const known = derived.get(secret);
  if (known !== undefined) return known;
  const key = hkdf(sha256, secret, undefined, utf8ToBytes('farebox console: once'), 32);
  derived.set(secret, key);
  return key;
}

function keyedHash(house: IdentityHouse, texts: readonly string[]): string {
  return bytesToHex(hmac(sha256, subKey(house.secret), utf8ToBytes(JSON.stringify(texts))));
}

/** For one form of one account: `what` it does. */
export function offerTicket(house: IdentityHouse, account: AccountId, what: string): string {
  const until = String(house.now() + TICKET_LASTS_MS);
  const nonce = bytesToHex(house.random(16));
  return `${until}.${nonce}.${keyedHash(house, ['ticket', account, what, until, nonce])}`;
}

/** Whether it is this form's, still good, and was not used before. */
export async function useTicket(
  house: IdentityHouse,
  account: AccountId,
  what: string,
  ticket: string,
): Promise<boolean> {
  const [, until = '', nonce = '', mac = ''] = TICKET.exec(ticket) ?? [];
  // What a comparison's time tells is of a MAC that is worth nothing to anybody but this session.
  if (mac !== keyedHash(house, ['ticket', account, what, until, nonce])) return false;
  const resetsAt = Number(until);
  if (resetsAt <= house.now()) return false;
  const bucket = { bucket: keyedHash(house, ['used', mac]), most: 1, resetsAt };
  return (await countAttempt(house.db, [bucket], house.now())) === undefined;
}

/** Counts one more `what` of the account; undefined where there was room for it. */
export async function countOne(
  house: IdentityHouse,
  account: AccountId,
  what: string,
  limit: Readonly<{ most: number; seconds: number }>,
): Promise<Throttled | undefined> {
  const now = house.now();
  const window = Math.floor(now / (limit.seconds * 1000));
  const bucket: Bucket = {
    bucket: keyedHash(house, ['count', what, String(limit.seconds), String(window), account]),
    most: limit.most,
    resetsAt: (window + 1) * limit.seconds * 1000,
  };
  const fullUntil = await countAttempt(house.db, [bucket], now);
  if (fullUntil === undefined) return undefined;
  const retryAfterSeconds = Math.max(1, Math.ceil((fullUntil - now) / 1000));
  return { ok: false, reason: 'throttled', retryAfterSeconds };
}
