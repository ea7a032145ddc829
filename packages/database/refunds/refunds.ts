/**
 * Refunds from the request to the payment. Each step is one conditional statement, so that a
 * repeated or concurrent one changes nothing; which step may follow which is in refund-states.ts.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, asc, desc, eq, inArray, isNull, lt, not, or, type SQL, sql } from 'drizzle-orm';
import { type Database, DatabaseError, queryOrThrow, tryQuery } from '../connection/connection.ts';
import { toTimestamp } from '../connection/raw-sql.ts';
import { type RefundState, refunds } from '../schema/refunds.ts';
import { isEndState, parseRefundState, statesBefore } from './refund-states.ts';

/** Why a refund was declined, as its owner reads it. */
export const DECLINE_REASONS = ['address_screened', 'under_review', 'ask_support'] as const;
export type DeclineReason = (typeof DECLINE_REASONS)[number];

export type Refund = Readonly<{
  id: string;
  account: AccountId;
  chain: string;
  address: string;
  /** What leaves the balance, and the network's fee, which the transfer leaves out. */
  amount: NanoUsd;
  fee: NanoUsd;
  state: RefundState;
  requestedAt: Instant;
  confirmedAt: Instant | null;
  approvedBy: string | null;
  decidedBy: string | null;
  reason: string | null;
  attempt: number;
  exportedAt: Instant | null;
  exportedBy: string | null;
  failureReportedBy: string | null;
  txHash: string | null;
  endedAt: Instant | null;
  releasedAt: Instant | null;
  notifiedAt: Instant | null;
}>;

type Row = typeof refunds.$inferSelect;

function toRefund(row: Row): Refund {
  const { confirmationHash: _, decidedAt: __, checkedAt: ___, checks: ____, ...shown } = row;
  const { accountId, ...columns } = shown;
  return {
    ...columns,
    account: accountId,
    state: parseRefundState(row.state),
    requestedAt: row.requestedAt.getTime(),
    confirmedAt: row.confirmedAt?.getTime() ?? null,
    exportedAt: row.exportedAt?.getTime() ?? null,
    endedAt: row.endedAt?.getTime() ?? null,
    releasedAt: row.releasedAt?.getTime() ?? null,
    notifiedAt: row.notifiedAt?.getTime() ?? null,
  };
}

export type RefundRequest = Readonly<{
  id: string;
  account: AccountId;
  chain: string;
  address: string;
  amount: NanoUsd;
  fee: NanoUsd;
  confirmationHash: string;
  now: Instant;
}>;

/**
 * Stores a request in place of one that is not confirmed. Returns false while another refund of the
 * account is open.
 */
export async function insertRefund(db: Database, request: RefundRequest): Promise<boolean> {
  const { account, now, ...columns } = request;
  const values = { ...columns, accountId: account, state: 'requested', requestedAt: new Date(now) };
  const inserted = await tryQuery(
    db.batch([
      db
        .update(refunds)
        .set({
          state: 'cancelled',
          confirmationHash: null,
          ...endedNow(now),
          notifiedAt: new Date(now),
        })
        .where(and(eq(refunds.accountId, account), eq(refunds.state, 'requested'))),
      db.insert(refunds).values(values),
    ]),
  );
  if (inserted.ok) return true;
  const { error } = inserted;
  if (error.kind === 'refused' && error.constraint === 'refunds_open') return false;
  throw new DatabaseError(error);
}

/** What a cron did for a refund in its former state says nothing of the next. */
const UNCHECKED = { checkedAt: null, checks: 0 } as const;

function endedNow(now: Instant) {
  return { endedAt: new Date(now), releasedAt: null } as const;
}

async function update(
  db: Database,
  where: SQL | undefined,
  set: Partial<typeof refunds.$inferInsert>,
): Promise<readonly Refund[]> {
  const rows = await queryOrThrow(db.update(refunds).set(set).where(where).returning());
  return rows.map(toRefund);
}

export async function findRefund(db: Database, id: string): Promise<Refund | undefined> {
  const [row] = await queryOrThrow(db.select().from(refunds).where(eq(refunds.id, id)));
  return row === undefined ? undefined : toRefund(row);
}

/** A link in an email: the hash of its token, and the time before which its request is too old. */
export type RefundLink = Readonly<{ confirmationHash: string; requestedAfter: Instant }>;

function isLinked({ confirmationHash, requestedAfter }: RefundLink): SQL | undefined {
  return and(
    eq(refunds.confirmationHash, confirmationHash),
    eq(refunds.state, 'requested'),
    sql`${refunds.requestedAt} > ${toTimestamp(requestedAfter)}`,
  );
}

/** Finds the request of a valid link without using the link. */
export async function findLinkedRefund(
  db: Database,
  link: RefundLink,
): Promise<Refund | undefined> {
  const [row] = await queryOrThrow(db.select().from(refunds).where(isLinked(link)));
  return row === undefined ? undefined : toRefund(row);
}

/** Uses the link: the request is confirmed, once. */
export async function confirmRefund(
  db: Database,
  link: RefundLink,
  now: Instant,
): Promise<Refund | undefined> {
  const set = { state: 'confirmed', confirmationHash: null, confirmedAt: new Date(now) };
  return (await update(db, isLinked(link), set))[0];
}

export type RefundStep = Readonly<{
  id: string;
  /** Only these of the states that may come before `to`; all of them where it is absent. */
  from?: readonly RefundState[];
  to: RefundState;
  now: Instant;
  account?: AccountId;
  reason?: string;
  by?: string;
}>;

/**
 * Moves a refund to `to`, from a state that may come before. Returns undefined where it is in
 * another state, also in `to` already.
 */
export async function moveRefund(db: Database, step: RefundStep): Promise<Refund | undefined> {
  const { id, from, to, now, account, reason, by } = step;
  const where = and(
    eq(refunds.id, id),
    inArray(
      refunds.state,
      statesBefore(to).filter((state) => from === undefined || from.includes(state)),
    ),
    account === undefined ? undefined : eq(refunds.accountId, account),
  );
  const [moved] = await update(db, where, {
    state: to,
    ...UNCHECKED,
    ...(isEndState(to) ? { ...endedNow(now), confirmationHash: null } : {}),
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { decidedBy: by, decidedAt: new Date(now) }),
    // A paid refund has nothing to release.
    ...(to === 'paid' ? { releasedAt: new Date(now) } : {}),
    ...(to === 'exported' ? { txHash: null } : {}),
  });
  return moved;
}

/** The amounts that one operator may approve alone within a day, as for adjustments. */
export type RefundLimits = Readonly<{ account: NanoUsd; operator: NanoUsd }>;

/**
 * Approves a refund, or half of it where its sum needs a second operator. What was approved alone
 * within a day counts toward the limits, on the account and by the operator; the locks make
 * concurrent approvals count each other.
 */
export async function approveRefund(
  db: Database,
  approval: Readonly<{ refund: Refund; by: string; now: Instant; limits: RefundLimits }>,
): Promise<Refund | 'own_approval' | undefined> {
  const { refund, by, limits } = approval;
  const now = toTimestamp(approval.now);
  await queryOrThrow(
    db.batch([
      db.execute(sql`select pg_advisory_xact_lock(hashtextextended(${refund.account}, 0))`),
      db.execute(sql`select pg_advisory_xact_lock(hashtextextended(lower(${by}), 1))`),
      db.execute(sql`
        update refunds r set approved_by = coalesce(r.approved_by, ${by}),
          state = case when r.state = 'half_approved' or v.alone then 'approved' else 'half_approved' end,
          decided_by = case when r.state = 'half_approved' or v.alone then ${by} end,
          decided_at = case when r.state = 'half_approved' or v.alone then ${now} end,
          attempt = case when r.state = 'half_approved' or v.alone then 1 else 0 end
        from (
          select ${refund.amount.toString()}::numeric
              + coalesce(sum(a.amount) filter (where a.account_id = ${refund.account}), 0)
              <= ${limits.account.toString()}::numeric
            and ${refund.amount.toString()}::numeric
              + coalesce(sum(a.amount) filter (where lower(a.decided_by) = lower(${by})), 0)
              <= ${limits.operator.toString()}::numeric as alone
          from refunds a
          where a.decided_at > ${now} - interval '1 day' and lower(a.approved_by) = lower(a.decided_by)
            and a.state not in ('declined', 'cancelled', 'expired')
        ) v
        where r.id = ${refund.id} and (r.state = 'reserved'
          or (r.state = 'half_approved' and lower(r.approved_by) <> lower(${by})))`),
    ]),
  );
  const after = await findRefund(db, refund.id);
  if (after?.state === 'half_approved' && refund.state === 'half_approved') return 'own_approval';
  const isApproved = after?.state === 'approved' || after?.state === 'half_approved';
  return isApproved ? after : undefined;
}

/** Puts all approved refunds of a chain into one file of the treasury. */
export async function exportApproved(
  db: Database,
  file: Readonly<{ chain: string; by: string; now: Instant }>,
): Promise<readonly Refund[]> {
  const { chain, by, now } = file;
  const where = and(eq(refunds.chain, chain), eq(refunds.state, 'approved'));
  return update(db, where, { state: 'exported', exportedAt: new Date(now), exportedBy: by });
}

/** The refunds of a file that are not reported yet. */
export async function listExported(
  db: Database,
  chain: string,
  exportedAt: Instant,
): Promise<readonly Refund[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(refunds)
      .where(
        and(
          eq(refunds.chain, chain),
          eq(refunds.state, 'exported'),
          eq(refunds.exportedAt, new Date(exportedAt)),
        ),
      )
      .orderBy(asc(refunds.id)),
  );
  return rows.map(toRefund);
}

/**
 * Records who says that the payment of this attempt failed for good, also where its transaction was
 * reported: that one can no longer be confirmed then. The last report counts, so that two operators
 * are always enough. Returns undefined where the refund is in no file, or is paid.
 */
export async function reportFailedPayment(
  db: Database,
  report: Readonly<{ id: string; attempt: number; by: string }>,
): Promise<Refund | undefined> {
  const where = isInState(report, ['exported', 'sent']);
  const failed = { state: 'exported', txHash: null, failureReportedBy: report.by } as const;
  return (await update(db, where, failed))[0];
}

function isInState(
  { id, attempt }: Readonly<{ id: string; attempt: number }>,
  states: readonly RefundState[],
): SQL | undefined {
  return and(eq(refunds.id, id), inArray(refunds.state, states), eq(refunds.attempt, attempt));
}

/**
 * Releases a refund for another payment, under the next number, after its payment was reported as
 * failed. `own_report` where the same operator reported that, or made the file: one operator alone
 * could otherwise have a refund paid twice. `not_reported` where nobody reported it.
 */
export async function retryRefund(
  db: Database,
  release: Readonly<{ refund: Refund; by: string }>,
): Promise<Refund | 'own_report' | 'not_reported' | undefined> {
  const { id, attempt } = release.refund;
  const by = sql`lower(${release.by})`;
  const rows = await queryOrThrow(
    db
      .update(refunds)
      .set({
        state: 'approved',
        exportedAt: null,
        exportedBy: null,
        failureReportedBy: null,
        attempt: sql`${refunds.attempt} + 1`,
      })
      .where(
        and(
          isInState(release.refund, ['exported']),
          sql`lower(${refunds.failureReportedBy}) <> ${by}`,
          sql`lower(coalesce(${refunds.exportedBy}, '')) <> ${by}`,
        ),
      )
      .returning(),
  );
  if (rows[0] !== undefined) return toRefund(rows[0]);
  const after = await findRefund(db, id);
  const isWaiting = after?.state === 'exported' || after?.state === 'sent';
  if (!isWaiting || after.attempt !== attempt) return undefined;
  return after.failureReportedBy === null ? 'not_reported' : 'own_report';
}

export type SentRefund = Readonly<{ id: string; chain: string; txHash: string }>;

/**
 * Records the treasury's report. Idempotent; `unknown` where a line fits no exported refund, or its
 * transaction is another refund's.
 */
export async function recordSentRefunds(
  db: Database,
  sent: readonly SentRefund[],
): Promise<'recorded' | 'unknown'> {
  let isKnown = true;
  for (const { id, chain, txHash } of sent) {
    const isTaken = sql`exists (select 1 from refunds as other
      where other.chain = ${chain} and other.tx_hash = ${txHash} and other.id <> ${id})`;
    const isExported = and(eq(refunds.id, id), eq(refunds.state, 'exported'));
    const where = and(isExported, eq(refunds.chain, chain), not(isTaken));
    const [moved] = await update(db, where, {
      state: 'sent',
      txHash,
      failureReportedBy: null,
      ...UNCHECKED,
    });
    const known = moved ?? (await findRefund(db, id));
    if (known?.txHash !== txHash) isKnown = false;
  }
  return isKnown ? 'recorded' : 'unknown';
}

async function listWhere(
  db: Database,
  where: SQL | undefined,
  limit: number,
  order = asc(refunds.requestedAt),
): Promise<readonly Refund[]> {
  const rows = await queryOrThrow(
    db.select().from(refunds).where(where).orderBy(order).limit(limit),
  );
  return rows.map(toRefund);
}

/** Marks refunds as checked now and returns them, the least recently checked ones. */
async function claim(
  db: Database,
  where: SQL | undefined,
  now: Instant,
  limit: number,
): Promise<readonly Refund[]> {
  const next = db
    .select({ id: refunds.id })
    .from(refunds)
    .where(where)
    .orderBy(sql`${refunds.checkedAt} asc nulls first`, asc(refunds.requestedAt), asc(refunds.id))
    .limit(limit);
  const rows = await queryOrThrow(
    db
      .update(refunds)
      .set({
        checkedAt: new Date(now),
        checks: sql`least(${refunds.checks} + 1, ${MAX_COUNTED_CHECKS})`,
      })
      .where(inArray(refunds.id, next))
      .returning(),
  );
  return rows.map(toRefund);
}

/** More checks than that no longer lengthen the wait. */
const MAX_COUNTED_CHECKS = 7;

/**
 * How long a reported refund waits for its next check: after the first one a run of the cron, then
 * twice as long each time, up to 53 minutes. A little below a minute, because a run may come early.
 */
const CHECK_WAIT = sql`power(2, ${refunds.checks} - 1) * interval '50 seconds'`;

/**
 * Takes the reported refunds of a chain that the providers have to be asked about now. They count as
 * asked whatever becomes of it, so that those that are never confirmed delay no other.
 */
export function claimSentRefunds(
  db: Database,
  chain: string,
  now: Instant,
  limit: number,
): Promise<readonly Refund[]> {
  const isDue = sql`${refunds.checkedAt} + ${CHECK_WAIT} <= ${toTimestamp(now)}`;
  const isSent = and(eq(refunds.chain, chain), eq(refunds.state, 'sent'));
  return claim(db, and(isSent, or(isNull(refunds.checkedAt), isDue)), now, limit);
}

/** The refunds that operators have to do with, oldest first. */
export function listOpenRefunds(db: Database, limit: number): Promise<readonly Refund[]> {
  const states = ['reserved', 'half_approved', 'approved', 'exported', 'sent'];
  return listWhere(db, inArray(refunds.state, states), limit);
}

/** The refunds of an account, newest first. */
export function listRefunds(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly Refund[]> {
  return listWhere(db, eq(refunds.accountId, account), limit, desc(refunds.requestedAt));
}

/**
 * Takes what a cron has to finish: `confirmed`, too old, or ended and not released or not notified.
 * Those that it can't finish delay no other.
 */
export function claimUnfinishedRefunds(
  db: Database,
  before: Readonly<{ requested: Instant; reserved: Instant }>,
  now: Instant,
  limit: number,
): Promise<readonly Refund[]> {
  const where = or(
    eq(refunds.state, 'confirmed'),
    and(eq(refunds.state, 'requested'), lt(refunds.requestedAt, new Date(before.requested))),
    and(
      inArray(refunds.state, ['reserved', 'half_approved']),
      lt(refunds.requestedAt, new Date(before.reserved)),
    ),
    and(
      sql`${refunds.endedAt} is not null`,
      or(isNull(refunds.releasedAt), isNull(refunds.notifiedAt)),
    ),
  );
  return claim(db, where, now, limit);
}

/** Records that the account object has freed the amount. */
export async function markReleased(db: Database, id: string, now: Instant): Promise<void> {
  await update(db, and(eq(refunds.id, id), isNull(refunds.releasedAt)), {
    releasedAt: new Date(now),
  });
}

/** Records that its owner was told about its end. */
export async function markNotified(db: Database, id: string, now: Instant): Promise<void> {
  await update(db, and(eq(refunds.id, id), isNull(refunds.notifiedAt)), {
    notifiedAt: new Date(now),
  });
}

/** The networks on which the account has credited deposits. */
export async function listDepositNetworks(
  db: Database,
  account: AccountId,
): Promise<readonly string[]> {
  const { rows } = await queryOrThrow(
    db.execute<{ chain: string }>(sql`select distinct chain from deposits
      where account_id = ${account} and state = 'credited' order by chain`),
  );
  return rows.map(({ chain }) => chain);
}

/** Whether an address is a deposit address of ours, of any family, or one that sweeps go to. */
export async function isOwnAddress(db: Database, address: string): Promise<boolean> {
  const { rows } = await queryOrThrow(
    db.execute(sql`select 1 from deposit_addresses where family in ('evm', 'tron') and address = ${address}
      union all select 1 from swept_deposits where destination = ${address} limit 1`),
  );
  return rows.length > 0;
}
