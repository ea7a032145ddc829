/**
 * Ids that mail derives from the secret, so that neither a mailbox nor a notification can be read
 * from them.
 */
import { deriveKey, keyedHash } from '@farebox/crypto';

/**
 * Returns the id of a mailbox in the suppression list: 64 hexadecimal characters. Letter case is
 * ignored, because in practice no mail host distinguishes it.
 */
export function mailboxHash(secret: Uint8Array, address: string): string {
  const key = deriveKey(secret, 'farebox mail: mailboxes');
  return keyedHash(key, [address.trim().toLowerCase()]);
}

/**
 * Returns the email id of a notification. It is the same for every delivery of the queue message.
 */
export function notificationEmailId(
  secret: Uint8Array,
  account: string,
  notificationId: string,
): string {
  const key = deriveKey(secret, 'farebox mail: notices');
  return keyedHash(key, [account, notificationId]).slice(0, 32);
}

/** Returns the email id of the announcement of a version of a legal text. */
export function legalEmailId(
  secret: Uint8Array,
  account: string,
  { document, version }: Readonly<{ document: string; version: number }>,
): string {
  const key = deriveKey(secret, 'farebox mail: legal texts');
  return keyedHash(key, [account, document, String(version)]).slice(0, 32);
}
