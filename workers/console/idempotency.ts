/**
 * Form tokens: a form that creates something carries a token that works once, so that a reload or a
 * second press of the button creates nothing more. A redeemed token is stored as a rate limit of
 * one attempt that expires with the token.
 */
import { deriveKey, keyedHash } from '@farebox/crypto';
import { countAttempt } from '@farebox/database/rate-limits';
import type { IdentityDeps } from '@farebox/identity';
import type { AccountId } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';

const FORM_TOKEN_TTL_MS = 60 * 60_000;
const FORM_TOKEN = /^(\d{13})\.([0-9a-f]{32})\.([0-9a-f]{64})$/;

function formTokenKey(deps: IdentityDeps): Uint8Array {
  return deriveKey(deps.secret, 'farebox console: once');
}

/** Issues a token for one submission of `action` by `account`. */
export function issueFormToken(deps: IdentityDeps, account: AccountId, action: string): string {
  const expiresAt = String(deps.now() + FORM_TOKEN_TTL_MS);
  const nonce = bytesToHex(deps.random(16));
  return `${expiresAt}.${nonce}.${keyedHash(formTokenKey(deps), ['ticket', account, action, expiresAt, nonce])}`;
}

/**
 * Returns true once for a token that was issued for this account and action and has not expired.
 */
export async function redeemFormToken(
  deps: IdentityDeps,
  account: AccountId,
  action: string,
  formToken: string,
): Promise<boolean> {
  const [, expiresAt = '', nonce = '', mac = ''] = FORM_TOKEN.exec(formToken) ?? [];
  // Not constant-time: a guessed MAC would only let this session submit its own form again.
  if (mac !== keyedHash(formTokenKey(deps), ['ticket', account, action, expiresAt, nonce]))
    return false;
  const resetsAt = Number(expiresAt);
  if (resetsAt <= deps.now()) return false;
  const bucket = { bucket: keyedHash(formTokenKey(deps), ['used', mac]), maxAttempts: 1, resetsAt };
  return (await countAttempt(deps.db, [bucket], deps.now())).length === 0;
}
