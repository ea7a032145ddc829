/**
 * Consents to optional email. Each change is written together with its receipt, in one transaction
 * or one statement, so that neither exists without the other.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';
import { consents, receipts } from '../schema/privacy.ts';

export type EmailConsent = Readonly<{ kind: string; given: boolean; since: Instant }>;

/** Lists recorded choices; a kind without a choice has no row. */
export async function listConsents(
  db: Database,
  account: AccountId,
): Promise<readonly EmailConsent[]> {
  const rows = await queryOrThrow(
    db.select().from(consents).where(eq(consents.accountId, account)),
  );
  return rows.map(({ kind, given, since }) => ({ kind, given, since: since.getTime() }));
}

/** A choice that is to be recorded. `receiptId` has 32 hexadecimal digits. */
export type ConsentChange = Readonly<{ kind: string; given: boolean; receiptId: string }>;

/** Records choices about different kinds, all or none. */
export async function setConsents(
  db: Database,
  accountId: AccountId,
  changes: readonly ConsentChange[],
  now: Instant,
): Promise<void> {
  if (changes.length === 0) return;
  const since = new Date(now);
  await queryOrThrow(
    db.batch([
      db
        .insert(consents)
        .values(changes.map(({ kind, given }) => ({ accountId, kind, given, since })))
        .onConflictDoUpdate({
          target: [consents.accountId, consents.kind],
          set: { given: sql`excluded.given`, since },
        }),
      db.insert(receipts).values(
        changes.map(({ kind, given, receiptId }) => ({
          id: receiptId,
          accountId,
          kind: given ? 'consent_given' : 'consent_withdrawn',
          about: kind,
          actor: 'user',
          at: since,
        })),
      ),
    ]),
  );
}

/**
 * Withdraws the consent to a group of emails by a link from an email. A repetition changes nothing
 * and writes no second receipt, unless the user consented to one of `kindsInGroup` since; an account
 * without an owner has no consents.
 */
export async function withdrawConsentByLink(
  db: Database,
  withdrawal: Readonly<{
    accountId: AccountId;
    kind: string;
    kindsInGroup: readonly string[];
    receiptId: string;
    now: Instant;
  }>,
): Promise<'withdrawn' | 'already_withdrawn' | 'no_owner'> {
  const { accountId, kind, kindsInGroup, receiptId } = withdrawal;
  const now = toTimestamp(withdrawal.now);
  const row = await firstRow<RawRow & { has_owner: boolean; changed: boolean }>(
    db,
    sql`
    with owner as (
      select account_id from identities where account_id = ${accountId}
    ), changed as (
      insert into consents as c (account_id, kind, given, since)
      select account_id, ${kind}, false, ${now} from owner
      on conflict (account_id, kind) do update set given = false, since = ${now}
        where c.given or exists (
          select 1 from consents other
          where other.account_id = c.account_id and other.given and other.since > c.since
            and other.kind in (select value from ${unnestTexts(kindsInGroup)}))
      returning account_id
    ), receipt as (
      insert into receipts (id, account_id, kind, about, actor, at)
      select ${receiptId}, account_id, 'consent_withdrawn', ${kind}, 'link', ${now} from changed
    )
    select exists (select 1 from owner) as has_owner, exists (select 1 from changed) as changed`,
  );
  if (row?.has_owner !== true) return 'no_owner';
  return row.changed ? 'withdrawn' : 'already_withdrawn';
}
