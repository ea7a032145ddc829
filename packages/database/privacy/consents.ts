/** A consent withdrawn from a mail, by its link alone: the receipt is written in the same statement. */
import type { AccountId, Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import type { Database } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp } from '../connection/raw-sql.ts';

/** A second time changes nothing and makes no second receipt; an account without an owner has no choices. */
export async function withdrawConsentByLink(
  db: Database,
  withdrawal: Readonly<{ accountId: AccountId; kind: string; receiptId: string; now: Instant }>,
): Promise<'withdrawn' | 'withdrawn_before' | 'nobody'> {
  const { accountId, kind, receiptId } = withdrawal;
  const now = toTimestamp(withdrawal.now);
  const row = await firstRow<RawRow & { person: boolean; changed: boolean }>(
    db,
    sql`
    with person as (
      select account_id from identities where account_id = ${accountId}
    ), changed as (
      insert into consents as c (account_id, kind, given, since)
      select account_id, ${kind}, false, ${now} from person
      on conflict (account_id, kind) do update set given = false, since = ${now} where c.given
      returning account_id
    ), receipt as (
      insert into receipts (id, account_id, kind, about, actor, at)
      select ${receiptId}, account_id, 'consent_withdrawn', ${kind}, 'link', ${now} from changed
    )
    select exists (select 1 from person) as person, exists (select 1 from changed) as changed`,
  );
  if (row?.person !== true) return 'nobody';
  return row.changed ? 'withdrawn' : 'withdrawn_before';
}
