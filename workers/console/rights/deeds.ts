/**
 * What a person does by right, the same from a page and from the API: each leaves a receipt that names nobody
 * but the account, with a random id its owner can quote.
 */
import { chooseMail, insertReceipt, type Receipt } from '@farebox/database';
import { type Person, setLanguage } from '@farebox/identity';
import type { ConsentKind } from '@farebox/mail';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { House } from '../env.ts';

/** All that was asked for: one file, or twenty-odd tables, some times an hour. */
export const EXPORTS_AN_HOUR = { most: 60, seconds: 3_600 } as const;

function newId({ identity }: House): string {
  return bytesToHex(identity.random(16));
}

async function leaveReceipt(
  house: House,
  account: string,
  kind: string,
  about: string,
): Promise<Receipt> {
  const { db, now } = house.identity;
  const receipt = { id: newId(house), kind, about, actor: 'person', now: now() } as const;
  await insertReceipt(db, { ...receipt, account });
  return { ...receipt, at: receipt.now };
}

/** `about` is a table, or `all`. */
export function exported(house: House, person: Person, about: string): Promise<Receipt> {
  return leaveReceipt(house, person.account, 'data_exported', about);
}

export function corrected(
  house: House,
  account: string,
  about: 'email' | 'language',
): Promise<Receipt> {
  return leaveReceipt(house, account, 'data_corrected', about);
}

/** Undefined where nobody speaks that. */
export async function correctLanguage(
  house: House,
  person: Person,
  wanted: string,
): Promise<Receipt | undefined> {
  const set = await setLanguage(house.identity, person, wanted);
  return set.ok ? corrected(house, person.account, 'language') : undefined;
}

export async function chooseKind(
  house: House,
  person: Person,
  choice: Readonly<{ kind: ConsentKind; given: boolean }>,
): Promise<Receipt> {
  const { kind, given } = choice;
  const [id, at] = [newId(house), house.identity.now()];
  const { account } = person;
  await chooseMail(house.identity.db, { account, kind, given, receiptId: id, now: at });
  const word = given ? 'consent_given' : 'consent_withdrawn';
  return { id, kind: word, about: kind, actor: 'person', at };
}

/** Letter case and spaces at the ends are no reason to keep somebody. */
export function isOwnAddress(person: Person, typed: string): boolean {
  return typed.trim().toLowerCase() === person.email.toLowerCase();
}
