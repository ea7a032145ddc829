/**
 * Account deletion, in steps that can each be repeated after a crash: close the account's rows
 * (sessions end, a receipt is written), close the account object (keys stop working), queue the
 * final email, erase the user's rows, wipe the object once Postgres has its last entry. The cron
 * repeats all steps for accounts that are closed and not wiped. The final email is queued before
 * the address is erased, under a fixed id, so a repeated erasure sends no second one.
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

/** The dependencies of a deletion. */
export type DeletionDeps = Pick<ConsoleDeps, 'identity'> &
  Readonly<{ accounts: Pick<ConsoleDeps['accounts'], 'close'>; mail: EmailQueue }>;

export type DeletionResult = Readonly<{
  receipt: string;
  /** Null where a step failed: the cron finishes the deletion within minutes. */
  closed: CloseResult | null;
}>;

/**
 * Starts the deletion, which is final. Throws only if the first step failed and nothing was
 * changed.
 */
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

/**
 * Queues the final email. If the queue is unavailable the email is dropped: erasing the address
 * matters more.
 */
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

/**
 * Finishes started deletions; called by the cron. A deletion that fails does not delay the others.
 */
export async function finishDeletions(deps: DeletionDeps): Promise<void> {
  for (const account of await listUnfinishedDeletions(deps.identity.db, MAX_DELETIONS_PER_RUN)) {
    await tryToFinish(deps, account);
  }
}
