/**
 * Opens accounts: first the rows, then the account's Durable Object, then the mark that both exist.
 * A crash in between leaves an account that the same call, or the first sign-in, completes. There
 * is never an object without a row.
 */
import type { Database } from '@farebox/database';
import {
  findIdentity,
  type Identity,
  insertAccount,
  markAccountOpened,
} from '@farebox/database/users';
import type { AccountId, AccountsRpc, Instant } from '@farebox/ledger';
import type { Result } from '@farebox/result';
import { bytesToHex } from '@noble/hashes/utils.js';
import { type EmailAddress, parseEmailAddress } from './emails.ts';
import {
  hashPassword,
  type PasswordError,
  passwordError,
  SALT_BYTES,
  verifyPassword,
} from './passwords.ts';

export type OpenAccountRequest = Readonly<{
  email: string;
  password: string;
  /** A BCP 47 tag; the default is English. */
  language?: string;
  /** True if the mailbox is already known to be the user's. */
  verified: boolean;
  now: Instant;
  /** Returns that many bytes from a cryptographic source. */
  random: (bytes: number) => Uint8Array;
}>;

export type OpenAccountError = 'email_taken' | 'email_invalid' | 'language_invalid' | PasswordError;
export type OpenAccountResult = Result<{ accountId: AccountId }, OpenAccountError>;

/** The part of the ledger's RPC that opening an account needs. */
export type AccountOpener = Pick<AccountsRpc, 'open'>;

export const ACCOUNT_ID_BYTES = 8;

/**
 * Checks for a BCP 47 tag of the length the database accepts. Whether texts exist in it is checked
 * where they are chosen.
 */
export function isLanguageTag(text: string): boolean {
  return text.length <= 35 && /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$/.test(text);
}

/**
 * Opens one account per address. Repeating the call with the same password after a crash returns
 * the same account. A caller must not show `email_taken` to strangers, because it reveals who is a
 * customer.
 */
export async function openAccount(
  db: Database,
  accounts: AccountOpener,
  request: OpenAccountRequest,
): Promise<OpenAccountResult> {
  const email = parseEmailAddress(request.email);
  if (email === undefined) return { ok: false, reason: 'email_invalid' };
  const error = passwordError(request.password, email.address);
  if (error !== undefined) return { ok: false, reason: error };
  const language = request.language ?? 'en';
  if (!isLanguageTag(language)) return { ok: false, reason: 'language_invalid' };
  const existing = await findIdentity(db, email.key);
  if (existing !== undefined) return resumeOpening(db, accounts, existing, request);
  const accountId = await insertNewAccount(db, email, language, request);
  if (accountId === undefined) return { ok: false, reason: 'email_taken' };
  await ensureAccountOpened(db, accounts, accountId, request.now);
  return { ok: true, accountId };
}

async function insertNewAccount(
  db: Database,
  email: EmailAddress,
  language: string,
  request: OpenAccountRequest,
): Promise<AccountId | undefined> {
  const { verified, now } = request;
  const passwordHash = await hashPassword(request.password, request.random(SALT_BYTES));
  // Two ids of 64 random bits practically never collide; a third collision means a broken source of
  // randomness.
  for (let attempt = 0; attempt < 3; attempt += 1) {
    const accountId = bytesToHex(request.random(ACCOUNT_ID_BYTES));
    const row = { accountId, email: email.address, emailKey: email.key, passwordHash, language };
    const inserted = await insertAccount(db, { ...row, verified, now });
    if (inserted.ok) return accountId;
    if (inserted.reason === 'email_taken') return undefined;
  }
  throw new Error('Three random account ids were taken.');
}

/** Completes an account that was never opened, for a caller who knows its password. */
async function resumeOpening(
  db: Database,
  accounts: AccountOpener,
  existing: Identity,
  request: OpenAccountRequest,
): Promise<OpenAccountResult> {
  if (existing.opened) return { ok: false, reason: 'email_taken' };
  if (!(await verifyPassword(request.password, existing.passwordHash))) {
    return { ok: false, reason: 'email_taken' };
  }
  await ensureAccountOpened(db, accounts, existing.accountId, request.now);
  return { ok: true, accountId: existing.accountId };
}

/** Opens the Durable Object of an account that has its rows. Safe to repeat. */
export async function ensureAccountOpened(
  db: Database,
  accounts: AccountOpener,
  accountId: AccountId,
  now: Instant,
): Promise<void> {
  await accounts.open(accountId);
  await markAccountOpened(db, accountId, now);
}
