/**
 * Ledger entries as they are stored, with the call that each one bills and its hash in the chain.
 * They read back exactly as the account object made them: a statement's lines are made of both.
 */
import type { AccountId, CallMetadata, Entry, StatementLink } from '@farebox/ledger';
import { NOT_REPORTED } from '@farebox/ledger/call-columns';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { calls, ledgerEntries } from '../schema/ledger.ts';
import { toCallMetadata } from './calls.ts';

const KINDS: readonly Entry['kind'][] = ['credit', 'charge', 'adjustment', 'refund'];

type EntryRow = typeof ledgerEntries.$inferSelect;
type CallRow = typeof calls.$inferSelect;

/**
 * The bill of a call as its expiry left it, before the late settlement that wrote its row: expiry has
 * no report, and charges the floor or nothing.
 */
function toExpiredCall(row: CallRow, { delta, at }: EntryRow): CallMetadata {
  const charged = -delta;
  return {
    ...toCallMetadata(row),
    ...NOT_REPORTED,
    status: charged === 0n ? 'void' : 'settled',
    reason: charged === 0n ? 'expired_unsettled' : 'expired_at_checkpoint',
    charged,
    shortfall: 0n,
    settledAt: at.getTime(),
  };
}

function toCall(entry: EntryRow, call: CallRow | null): CallMetadata | null {
  if (entry.kind !== 'charge') return null;
  if (call === null) throw new RangeError('a stored charge has no call');
  return call.seq === entry.seq ? toCallMetadata(call) : toExpiredCall(call, entry);
}

function toEntry({ entry, call }: Readonly<{ entry: EntryRow; call: CallRow | null }>): Entry {
  const kind = KINDS.find((known) => known === entry.kind);
  if (kind === undefined) throw new RangeError('unknown kind of entry');
  const { seq, id, delta, postedAfter, at, hash } = entry;
  return {
    seq,
    id,
    kind,
    delta,
    postedAfter,
    at: at.getTime(),
    call: toCall(entry, call),
    ...(hash === null ? {} : { hash }),
  };
}

/** Lists stored entries after the sequence number `after`, oldest first. */
export async function listEntries(
  db: Database,
  account: AccountId,
  after: number,
  limit: number,
): Promise<readonly Entry[]> {
  const rows = await queryOrThrow(
    db
      .select({ entry: ledgerEntries, call: calls })
      .from(ledgerEntries)
      // The id of a charge is its call's, or that with `:late`.
      .leftJoin(
        calls,
        and(
          eq(calls.accountId, ledgerEntries.accountId),
          eq(calls.id, sql`split_part(${ledgerEntries.id}, ':', 1)`),
        ),
      )
      .where(and(eq(ledgerEntries.accountId, account), gt(ledgerEntries.seq, after)))
      .orderBy(asc(ledgerEntries.seq))
      .limit(limit),
  );
  return rows.map(toEntry);
}

/** Stores the hashes of entries that have none. A hash that is stored never changes. */
export async function storeHashes(
  db: Database,
  account: AccountId,
  links: readonly StatementLink[],
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`
      update ledger_entries e set hash = s.hash
      from jsonb_to_recordset(${JSON.stringify(links)}::jsonb) as s(seq bigint, hash text)
      where e.account_id = ${account} and e.seq = s.seq and e.hash is null`),
  );
}
