/**
 * The end of an account, in steps any two of which a crash may part: closed (no session of it opens anything,
 * and there is a receipt), its object closed (no key opens anything), the farewell queued, its owner's rows
 * erased, its object wiped once Postgres has its last line. Each may be taken again without harm, and the
 * cron takes all of them again for whoever is closed and not wiped. The farewell goes before the address
 * does, under an id that is the same each time: written to once, also where erasing has to be repeated.
 */
import { insertEmails, markEmailNotSent } from '@farebox/database/email';
import {
  beginDeletion,
  findEmailRecipient,
  listUnfinishedDeletions,
  markWiped,
} from '@farebox/database/privacy';
import { eraseIdentity } from '@farebox/identity';
import type { AccountId, CloseResult } from '@farebox/ledger';
import { type Email, type EmailQueue, notificationEmailId } from '@farebox/mail';
import { logEvent } from '@farebox/telemetry';
import { bytesToHex } from '@noble/hashes/utils.js';
import type { ConsoleDeps } from './deps.ts';

/** What the verbs below work with. */
export type DeletionDeps = Pick<ConsoleDeps, 'identity'> &
  Readonly<{ accounts: Pick<ConsoleDeps['accounts'], 'close'>; mail: EmailQueue }>;

export type DeletionResult = Readonly<{
  receipt: string;
  /** Null where a step failed: the cron goes on from there within minutes. */
  closed: CloseResult | null;
}>;

/** From here on there is no way back. Throws only where nothing has begun. */
export async function deleteAccount(
  deps: DeletionDeps,
  account: AccountId,
): Promise<DeletionResult> {
  const { identity } = deps;
  const receipt = await beginDeletion(identity.db, {
    account,
    receiptId: bytesToHex(identity.random(16)),
    now: identity.now(),
  });
  return { receipt, closed: await tryToFinish(deps, account) };
}

async function tryToFinish(deps: DeletionDeps, account: AccountId): Promise<CloseResult | null> {
  try {
    return await finishDeletion(deps, account);
  } catch {
    logEvent({ event: 'unexpected', where: 'console.account-deletion', call: null });
    return null;
  }
}

async function finishDeletion(deps: DeletionDeps, account: AccountId): Promise<CloseResult> {
  const closed = await deps.accounts.close(account);
  await sendDeletionEmail(deps, account);
  await eraseIdentity(deps.identity, account);
  if (closed.wiped) await markWiped(deps.identity.db, account, deps.identity.now());
  return closed;
}

/** Losing it must not keep the address: where the queue is away the letter is given up. */
async function sendDeletionEmail(
  { identity, mail }: DeletionDeps,
  account: AccountId,
): Promise<void> {
  const { db, secret, now } = identity;
  const owner = await findEmailRecipient(db, account);
  if (owner === undefined) return;
  const id = notificationEmailId(secret, account, 'account_deleted');
  const email: Email = {
    kind: 'account_deleted',
    facts: { at: new Date(now()).toISOString() },
    to: owner.email,
    language: owner.language,
    account: null,
  };
  await insertEmails(db, [{ id, accountId: null, kind: email.kind }], now());
  try {
    await mail.sendBatch([{ body: { id, email } }]);
  } catch {
    logEvent({ event: 'mail_failed', mail: id, kind: email.kind, reason: 'not_queued' });
    await markEmailNotSent(db, { id, state: 'failed', reason: 'not_queued', now: now() });
  }
}

const MAX_DELETIONS_PER_RUN = 50;

/** The cron's. One that fails keeps none of the others waiting. */
export async function finishDeletions(deps: DeletionDeps): Promise<void> {
  for (const account of await listUnfinishedDeletions(deps.identity.db, MAX_DELETIONS_PER_RUN)) {
    await tryToFinish(deps, account);
  }
}
