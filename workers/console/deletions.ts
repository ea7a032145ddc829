/**
 * The end of an account, in steps any two of which a crash may part: closed (no session of it opens anything,
 * and there is a receipt), its object closed (no key opens anything), the farewell queued, its owner's rows
 * erased, its object wiped once Postgres has its last line. Each may be taken again without harm, and the
 * cron takes all of them again for whoever is closed and not wiped. The farewell goes before the address
 * does, under an id that is the same each time: written to once, also where erasing has to be repeated.
 */
import {
  addressOf,
  beginDeletion,
  endMail,
  insertMails,
  markWiped,
  unfinishedDeletions,
} from '@farebox/database';
import { eraseIdentity } from '@farebox/identity';
import type { AccountId, CloseResult } from '@farebox/ledger';
import { type Letter, type LetterQueue, noticeMailId } from '@farebox/mail';
import { signal } from '@farebox/signals';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { House } from './env.ts';

/** What the verbs below work with. */
export type DeletionHouse = Pick<House, 'identity'> &
  Readonly<{ accounts: Pick<House['accounts'], 'close'>; mail: LetterQueue }>;

export type Deleted = Readonly<{
  receipt: string;
  /** Null where a step failed: the cron goes on from there within minutes. */
  closed: CloseResult | null;
}>;

/** From here on there is no way back. Throws only where nothing has begun. */
export async function deleteAccount(house: DeletionHouse, account: AccountId): Promise<Deleted> {
  const { identity } = house;
  const receipt = await beginDeletion(identity.db, {
    account,
    receiptId: bytesToHex(identity.random(16)),
    now: identity.now(),
  });
  return { receipt, closed: await tryToFinish(house, account) };
}

async function tryToFinish(house: DeletionHouse, account: AccountId): Promise<CloseResult | null> {
  try {
    return await finishDeletion(house, account);
  } catch {
    signal({ event: 'unexpected', where: 'console.deletions', call: null });
    return null;
  }
}

async function finishDeletion(house: DeletionHouse, account: AccountId): Promise<CloseResult> {
  const closed = await house.accounts.close(account);
  await sayFarewell(house, account);
  await eraseIdentity(house.identity, account);
  if (closed.wiped) await markWiped(house.identity.db, account, house.identity.now());
  return closed;
}

/** Losing it must not keep the address: where the queue is away the letter is given up. */
async function sayFarewell({ identity, mail }: DeletionHouse, account: AccountId): Promise<void> {
  const { db, secret, now } = identity;
  const owner = await addressOf(db, account);
  if (owner === undefined) return;
  const id = noticeMailId(secret, account, 'account_deleted');
  const letter: Letter = {
    kind: 'account_deleted',
    facts: { at: new Date(now()).toISOString() },
    to: owner.email,
    language: owner.language,
    account: null,
  };
  await insertMails(db, [{ id, accountId: null, kind: letter.kind }], now());
  try {
    await mail.sendBatch([{ body: { id, letter } }]);
  } catch {
    signal({ event: 'mail_failed', mail: id, kind: letter.kind, reason: 'not_queued' });
    await endMail(db, { id, state: 'failed', reason: 'not_queued', now: now() });
  }
}

const AT_ONCE = 50;

/** The cron's. One that fails keeps none of the others waiting. */
export async function finishDeletions(house: DeletionHouse): Promise<void> {
  for (const account of await unfinishedDeletions(house.identity.db, AT_ONCE)) {
    await tryToFinish(house, account);
  }
}
