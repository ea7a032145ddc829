/**
 * Recovery codes, for users who lost their authenticator app or security key: ten codes of 80
 * random bits, each valid once, stored as keyed hashes and shown only when they are generated.
 */

import { deriveKey, keyedHash } from '@farebox/crypto';
import {
  consumeRecoveryCode,
  countRecoveryCodes,
  type EmailRecipient,
  findTotp,
  listPasskeys,
  replaceRecoveryCodes,
} from '@farebox/database/users';
import type {
  EmailsToSend,
  FactorsStatus,
  IdentityDeps,
  NewRecoveryCodes,
  SessionUser,
} from './contract.ts';
import { isoNow, recipientFields } from './email-data.ts';

const KEY_LABEL = 'farebox identity: recovery codes';
const CODE_COUNT = 10;
const CODE_BYTES = 10;
/** Crockford's base 32: without I, L and O, which look like digits, and without U. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Returns four groups of four, such as `7K2M-9QXT-0ABC-DEFG`. */
function generateCode(deps: Pick<IdentityDeps, 'random'>): string {
  let bits = 0n;
  for (const byte of deps.random(CODE_BYTES)) bits = bits * 256n + BigInt(byte);
  let text = '';
  for (let digit = 0; digit < (CODE_BYTES * 8) / 5; digit += 1) {
    text = DIGITS.charAt(Number(bits % 32n)) + text;
    bits /= 32n;
  }
  return text.replace(/.{4}(?!$)/g, '$&-');
}

/**
 * Accepts any letter case, width and grouping, the dashes that editors make of hyphens, and the
 * letters that Crockford's base 32 reads as digits.
 */
function normalizeCode(code: string): string {
  const written = code.normalize('NFKC').toUpperCase();
  const ungrouped = written.replace(/[\s\p{Pd}\p{Cf}]/gu, '');
  return ungrouped.replaceAll('O', '0').replace(/[IL]/g, '1');
}

function hashCode(deps: Pick<IdentityDeps, 'secret'>, account: string, code: string): string {
  return keyedHash(deriveKey(deps.secret, KEY_LABEL), [account, normalizeCode(code)]);
}

export type GeneratedCodes = Readonly<{ codes: readonly string[]; hashes: readonly string[] }>;

export function generateCodes(
  deps: Pick<IdentityDeps, 'random' | 'secret'>,
  account: string,
): GeneratedCodes {
  const codes = Array.from({ length: CODE_COUNT }, () => generateCode(deps));
  return { codes, hashes: codes.map((code) => hashCode(deps, account, code)) };
}

/**
 * Returns undefined for an invalid code. The owner is notified, because someone else may have used
 * it.
 */
export async function redeemRecoveryCode(
  deps: IdentityDeps,
  owner: EmailRecipient,
  code: string,
): Promise<EmailsToSend | undefined> {
  if (code.length > 64) return undefined;
  const hash = hashCode(deps, owner.accountId, code);
  const left = await consumeRecoveryCode(deps.db, owner.accountId, hash);
  if (left === undefined) return undefined;
  return { emails: [{ kind: 'recovery_code_used', facts: { left }, ...recipientFields(owner) }] };
}

/** Returns no codes if the user has no second factor, because there would be nothing to recover. */
export async function regenerateRecoveryCodes(
  deps: IdentityDeps,
  user: SessionUser,
): Promise<NewRecoveryCodes> {
  const { codes, hashes } = generateCodes(deps, user.account);
  const replaced = await replaceRecoveryCodes(deps.db, user.account, hashes, deps.now());
  return replaced ? { codes, ...factorChangedEmails(deps, user) } : { codes: [], emails: [] };
}

/** Every change of a second factor is reported to the account's address. */
export function factorChangedEmails(deps: IdentityDeps, user: SessionUser): EmailsToSend {
  const { account, email, language } = user;
  const recipient = recipientFields({ accountId: account, email, language });
  return { emails: [{ kind: 'second_factor_changed', facts: { at: isoNow(deps) }, ...recipient }] };
}

export async function getFactorsStatus(
  deps: IdentityDeps,
  user: SessionUser,
): Promise<FactorsStatus> {
  const [totp, passkeys, recoveryCodesLeft] = await Promise.all([
    findTotp(deps.db, user.account),
    listPasskeys(deps.db, user.account),
    countRecoveryCodes(deps.db, user.account),
  ]);
  return {
    totp: totp?.confirmed ?? false,
    passkeys: passkeys.map(({ credentialId, name, createdAt, usedAt }) => {
      return { credentialId, name, createdAt, usedAt };
    }),
    recoveryCodesLeft,
  };
}
