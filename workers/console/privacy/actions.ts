/**
 * The privacy actions shared by the pages and the API. Each leaves a receipt with a random id,
 * which names only the account.
 */
import { insertReceipt, type Receipt, setConsents } from '@farebox/database/privacy';
import { type SessionUser, setLanguage } from '@farebox/identity';
import type { ConsentKind } from '@farebox/mail';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ConsoleDeps } from '../deps.ts';

/** Counts each file: an account has one JSON file or some twenty tables. */
export const EXPORTS_PER_HOUR = { maxAttempts: 60, seconds: 3_600 } as const;

function newReceiptId({ identity }: ConsoleDeps): string {
  return bytesToHex(identity.random(16));
}

async function recordReceipt(
  deps: ConsoleDeps,
  account: string,
  kind: string,
  about: string,
): Promise<Receipt> {
  const { db, now } = deps.identity;
  const receipt = { id: newReceiptId(deps), kind, about, actor: 'user', now: now() } as const;
  await insertReceipt(db, { ...receipt, account });
  return { ...receipt, at: receipt.now };
}

/** `about` is the name of a table, or `all`. */
export function recordExport(
  deps: ConsoleDeps,
  user: SessionUser,
  about: string,
): Promise<Receipt> {
  return recordReceipt(deps, user.account, 'data_exported', about);
}

export function recordCorrection(
  deps: ConsoleDeps,
  account: string,
  about: 'email' | 'language',
): Promise<Receipt> {
  return recordReceipt(deps, account, 'data_corrected', about);
}

/** Undefined where the language is not supported. */
export async function changeLanguage(
  deps: ConsoleDeps,
  user: SessionUser,
  requested: string,
): Promise<Receipt | undefined> {
  const result = await setLanguage(deps.identity, user, requested);
  return result.ok ? recordCorrection(deps, user.account, 'language') : undefined;
}

export type ConsentChoice = Readonly<{ kind: ConsentKind; given: boolean }>;

/** Records the choices, each with a receipt. */
export async function updateConsents(
  deps: ConsoleDeps,
  user: SessionUser,
  choices: readonly ConsentChoice[],
): Promise<readonly Receipt[]> {
  const at = deps.identity.now();
  const changes = choices.map((choice) => ({ ...choice, receiptId: newReceiptId(deps) }));
  await setConsents(deps.identity.db, user.account, changes, at);
  return changes.map(({ kind, given, receiptId: id }) => {
    const receiptKind = given ? 'consent_given' : 'consent_withdrawn';
    return { id, kind: receiptKind, about: kind, actor: 'user', at };
  });
}

/** Compares the typed address with the user's own, ignoring case and surrounding spaces. */
export function isOwnEmail(user: SessionUser, input: string): boolean {
  return input.trim().toLowerCase() === user.email.toLowerCase();
}
