/**
 * Recovery codes: what lets somebody in whose app or key is gone. Ten of 80 random bits, each good
 * once, kept as keyed hashes. Shown when they are made and never again.
 */
import {
  countRecoveryCodes,
  findTotp,
  listPasskeys,
  type Mailbox,
  replaceRecoveryCodes,
  useRecoveryCode,
} from '@farebox/database';
import type {
  FactorsStanding,
  IdentityHouse,
  Letters,
  NewRecoveryCodes,
  Person,
} from './contract.ts';
import { addressed, keyedHash, subKey, timeOf } from './house.ts';

const CODES = 10;
const CODE_BYTES = 10;
/** Crockford's base 32: no letter that reads as a digit, none that makes a word with its neighbours. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Four groups of four, as `7K2M-9QXT-0ABC-DEFG`. */
function freshCode(house: IdentityHouse): string {
  let bits = 0n;
  for (const byte of house.random(CODE_BYTES)) bits = bits * 256n + BigInt(byte);
  let text = '';
  for (let digit = 0; digit < (CODE_BYTES * 8) / 5; digit += 1) {
    text = DIGITS.charAt(Number(bits % 32n)) + text;
    bits /= 32n;
  }
  return text.replace(/.{4}(?!$)/g, '$&-');
}

/** As a person may have written it down: any case, any grouping, and the letters that Crockford reads as digits. */
function canonical(code: string): string {
  return code.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
}

function hashOf(house: IdentityHouse, account: string, code: string): string {
  return keyedHash(subKey(house, 'recovery codes'), [account, canonical(code)]);
}

export type FreshCodes = Readonly<{ codes: readonly string[]; hashes: readonly string[] }>;

export function freshCodes(house: IdentityHouse, account: string): FreshCodes {
  const codes = Array.from({ length: CODES }, () => freshCode(house));
  return { codes, hashes: codes.map((code) => hashOf(house, account, code)) };
}

/** Undefined where it is none of theirs. Its owner is told, because they may not be who used it. */
export async function spendRecoveryCode(
  house: IdentityHouse,
  whose: Mailbox,
  code: string,
): Promise<Letters | undefined> {
  if (code.length > 64) return undefined;
  const hash = hashOf(house, whose.accountId, code);
  const left = await useRecoveryCode(house.db, whose.accountId, hash);
  if (left === undefined) return undefined;
  return { letters: [{ kind: 'recovery_code_used', facts: { left }, ...addressed(whose) }] };
}

/** Where the person has no factor there is nothing to recover, and the answer has no codes. */
export async function newRecoveryCodes(
  house: IdentityHouse,
  person: Person,
): Promise<NewRecoveryCodes> {
  const { codes, hashes } = freshCodes(house, person.account);
  const replaced = await replaceRecoveryCodes(house.db, person.account, hashes, house.now());
  return replaced ? { codes, ...factorChanged(house, person) } : { codes: [], letters: [] };
}

/** Each change of a factor is told to the account's address. */
export function factorChanged(house: IdentityHouse, person: Person): Letters {
  const { account, email, language } = person;
  const to = addressed({ accountId: account, email, language });
  return { letters: [{ kind: 'second_factor_changed', facts: { at: timeOf(house) }, ...to }] };
}

export async function factors(house: IdentityHouse, person: Person): Promise<FactorsStanding> {
  const [totp, passkeys, recoveryCodesLeft] = await Promise.all([
    findTotp(house.db, person.account),
    listPasskeys(house.db, person.account),
    countRecoveryCodes(house.db, person.account),
  ]);
  return {
    totp: totp?.confirmed ?? false,
    passkeys: passkeys.map(({ credentialId, name, createdAt, usedAt }) => {
      return { credentialId, name, createdAt, usedAt };
    }),
    recoveryCodesLeft,
  };
}
