/**
 * What a refund's row asks of the ledger and of its owner's mailbox. Each step can be repeated after
 * a crash: the ledger's verbs are idempotent by the refund's id, and the id of an email is derived
 * from it. The cron repeats them.
 */
import { insertEmails } from '@farebox/database/email';
import { findEmailRecipient } from '@farebox/database/privacy';
import {
  claimUnfinishedRefunds,
  findRefund,
  markNotified,
  markReleased,
  moveRefund,
  type Refund,
} from '@farebox/database/refunds';
import { DAY_MS } from '@farebox/ledger';
import { type Email, type EmailQueue, notificationEmailId } from '@farebox/mail';
import { logEvent } from '@farebox/telemetry';
import type { ConsoleDeps } from '../../deps.ts';
import { formatExactUsd } from '../../mail/notifications.ts';
import { formatTransactionHash } from '../../top-up/networks.ts';

export const REFUND_LINK_MS = 60 * 60_000;
/** What operators have not decided by then is released. */
const MAX_UNDECIDED_MS = 30 * DAY_MS;
const REFUNDS_PER_RUN = 100;

export type RefundDeps = Pick<ConsoleDeps, 'identity'> &
  Readonly<{
    mail: EmailQueue;
    accounts: Pick<ConsoleDeps['accounts'], 'reserveRefund' | 'releaseRefund'>;
  }>;

/**
 * Reserves a confirmed refund. Returns false where its amount is not there any more. The request and
 * the cron may do it at once, and get different answers: the row that is moved first decides.
 */
export async function reserveConfirmed(deps: RefundDeps, refund: Refund): Promise<boolean> {
  const { db, now } = deps.identity;
  const { id, account, amount } = refund;
  const reserved = await deps.accounts.reserveRefund(account, { id, amount });
  const step = { id, from: ['confirmed'], now: now() } as const;
  const moved = await (reserved.ok
    ? moveRefund(db, { ...step, to: 'reserved' })
    : moveRefund(db, { ...step, to: 'cancelled', reason: 'insufficient' }));
  const current = moved ?? (await findRefund(db, id));
  if (current?.state !== 'cancelled') return true;
  // Its release may have come before this reservation, and found nothing.
  if (reserved.ok) await releaseEnded(deps, current);
  return false;
}

/** Frees what an ended refund had reserved. What was never reserved is unknown to the ledger. */
export async function releaseEnded(deps: RefundDeps, { id, account }: Refund): Promise<void> {
  const released = await deps.accounts.releaseRefund(account, id);
  if (!released.ok && released.reason === 'paid')
    throw new Error('A paid refund can’t be released.');
  await markReleased(deps.identity.db, id, deps.identity.now());
}

function buildEmail(refund: Refund, to: Readonly<{ email: string; language: string }>): Email {
  const { amount, fee, account, state, reason, txHash, chain } = refund;
  const recipient = { to: to.email, language: to.language, account };
  if (state === 'paid') {
    const transaction = formatTransactionHash({ name: chain }, txHash ?? '');
    const facts = { amount: formatExactUsd(amount - fee), transaction };
    return { kind: 'refund_paid', facts, ...recipient };
  }
  const facts = { amount: formatExactUsd(amount), reason: reason ?? state };
  return { kind: 'refund_not_paid', facts, ...recipient };
}

/** Tells the owner about a refund that ended without them. */
async function notifyEnd(deps: RefundDeps, refund: Refund): Promise<void> {
  const { db, secret, now } = deps.identity;
  const owner = await findEmailRecipient(db, refund.account);
  const isOwnDoing = refund.state === 'cancelled' || refund.confirmedAt === null;
  if (owner !== undefined && !isOwnDoing) {
    const id = notificationEmailId(secret, refund.account, `refund:${refund.id}`);
    const email = buildEmail(refund, owner);
    await insertEmails(db, [{ id, accountId: refund.account, kind: email.kind }], now());
    await deps.mail.sendBatch([{ body: { id, email } }]);
  }
  await markNotified(db, refund.id, now());
}

async function finishRefund(deps: RefundDeps, refund: Refund): Promise<void> {
  const { db, now } = deps.identity;
  if (refund.state === 'confirmed') return void (await reserveConfirmed(deps, refund));
  const ended =
    refund.endedAt === null
      ? await moveRefund(db, { id: refund.id, to: 'expired', now: now() })
      : refund;
  if (ended === undefined) return;
  if (ended.releasedAt === null) await releaseEnded(deps, ended);
  if (ended.notifiedAt === null) await notifyEnd(deps, ended);
}

/** Called by the cron. A refund that fails does not delay the others. */
export async function finishRefunds(deps: RefundDeps): Promise<void> {
  const { db, now } = deps.identity;
  const before = { requested: now() - REFUND_LINK_MS, reserved: now() - MAX_UNDECIDED_MS };
  for (const refund of await claimUnfinishedRefunds(db, before, now(), REFUNDS_PER_RUN)) {
    try {
      await finishRefund(deps, refund);
    } catch {
      logEvent({ event: 'unexpected', where: 'console.refunds', call: null });
    }
  }
}
