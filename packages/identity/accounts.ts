/**
 * Opening an account: rows first, then the object, then the mark that both are there. A crash between
 * any two leaves an account that the same call again, or `reopenAccount`, completes; there is never an
 * object that no row knows of.
 */
import {
  type Database,
  findIdentity,
  type Identity,
  insertAccount,
  markAccountOpened,
} from '@farebox/database';
import type { AccountId, AccountsDoor, Instant } from '@farebox/ledger';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type Email, readEmail } from './emails.ts';
import {
  hashPassword,
  type PasswordFlaw,
  passwordFlaw,
  SALT_BYTES,
  verifyPassword,
} from './passwords.ts';

export type NewAccount = Readonly<{
  email: string;
  password: string;
  /** A BCP 47 tag; English where nothing is known. */
  language?: string;
  /** Whether the mailbox is already known to be theirs. */
  verified: boolean;
  now: Instant;
  /** That many bytes from a cryptographic source. */
  random: (bytes: number) => Uint8Array;
}>;

export type OpenAccountRefusal =
  | 'email_taken'
  | 'email_invalid'
  | 'language_invalid'
  | PasswordFlaw;
export type OpenAccountResult =
  | Readonly<{ ok: true; accountId: AccountId }>
  | Readonly<{ ok: false; reason: OpenAccountRefusal }>;

/** All that opening needs of the ledger's door. */
export type Opener = Pick<AccountsDoor, 'open'>;

export const ACCOUNT_ID_BYTES = 8;

/** A BCP 47 tag, as the database takes one. Which ones have texts is for the texts to know. */
export function isLanguage(text: string): boolean {
  return text.length <= 35 && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(text);
}

/**
 * One account for one address. Repeating it with the same password after a crash gives the same account;
 * `email_taken` is for the caller to word, because saying it aloud tells strangers who is a customer.
 */
export async function openAccount(
  db: Database,
  accounts: Opener,
  wanted: NewAccount,
): Promise<OpenAccountResult> {
  const email = readEmail(wanted.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const flaw = passwordFlaw(wanted.password, email.address);
  if (flaw !== undefined) return { ok: false, reason: flaw };
  const language = wanted.language ?? 'en';
  if (!isLanguage(language)) return { ok: false, reason: 'language_invalid' };
  const known = await findIdentity(db, email.key);
  if (known !== undefined) return resume(db, accounts, known, wanted);
  const accountId = await insertNew(db, email, language, wanted);
  if (accountId === undefined) return { ok: false, reason: 'email_taken' };
  await reopenAccount(db, accounts, accountId, wanted.now);
  return { ok: true, accountId };
}

async function insertNew(
  db: Database,
  email: Email,
  language: string,
  wanted: NewAccount,
): Promise<AccountId | undefined> {
  const { verified, now } = wanted;
  const passwordHash = await hashPassword(wanted.password, wanted.random(SALT_BYTES));
  // Two ids of 64 random bits meet about never; a third time is a broken source of randomness.
  for (let tries = 0; tries < 3; tries += 1) {
    const accountId = bytesToHex(wanted.random(ACCOUNT_ID_BYTES));
    const row = { accountId, email: email.address, emailKey: email.key, passwordHash, language };
    const inserted = await insertAccount(db, { ...row, verified, now });
    if (inserted.ok) return accountId;
    if (inserted.reason === 'email_taken') return undefined;
  }
  throw new Error('Three random account ids were taken.');
}

/** Only an account that was never opened can be completed by whoever knows its password. */
async function resume(
  db: Database,
  accounts: Opener,
  known: Identity,
  wanted: NewAccount,
): Promise<OpenAccountResult> {
  if (known.opened) return { ok: false, reason: 'email_taken' };
  if (!(await verifyPassword(wanted.password, known.passwordHash))) {
    return { ok: false, reason: 'email_taken' };
  }
  await reopenAccount(db, accounts, known.accountId, wanted.now);
  return { ok: true, accountId: known.accountId };
}

/** Opens the object of an account that has its rows; as often as it takes. */
export async function reopenAccount(
  db: Database,
  accounts: Opener,
  accountId: AccountId,
  now: Instant,
): Promise<void> {
  await accounts.open(accountId);
  await markAccountOpened(db, accountId, now);
}
