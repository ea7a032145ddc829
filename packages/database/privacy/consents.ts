/**
 * Consents to optional email. Each change is written together with its receipt, in one transaction
 * or one statement, so that neither exists without the other.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toTimestamp } from '../connection/raw-sql.ts';
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

export async function setConsent(
  db: Database,
  consent: Readonly<{
    account: AccountId;
    kind: string;
    given: boolean;
    /** 32 hexadecimal digits. */
    receiptId: string;
    now: Instant;
  }>,
): Promise<void> {
  const { account: accountId, kind, given, receiptId } = consent;
  const now = new Date(consent.now);
  await queryOrThrow(
    db.batch([
      db
        .insert(consents)
        .values({ accountId, kind, given, since: now })
        .onConflictDoUpdate({
          target: [consents.accountId, consents.kind],
          set: { given, since: now },
        }),
      db.insert(receipts).values({
        id: receiptId,
        accountId,
        kind: given ? 'consent_given' : 'consent_withdrawn',
        about: kind,
        actor: 'user',
        at: now,
      }),
    ]),
  );
}

/**
 * Withdraws a consent by a link from an email. A repetition changes nothing and writes no second
 * receipt; an account without an owner has no consents.
 */
export async function withdrawConsentByLink(
  db: Database,
  withdrawal: Readonly<{ accountId: AccountId; kind: string; receiptId: string; now: Instant }>,
): Promise<'withdrawn' | 'already_withdrawn' | 'no_owner'> {
  const { accountId, kind, receiptId } = withdrawal;
  const now = toTimestamp(withdrawal.now);
  const row = await firstRow<RawRow & { has_owner: boolean; changed: boolean }>(
    db,
    sql`
    with owner as (
      select account_id from identities where account_id = ${accountId}
    ), changed as (
      insert into consents as c (account_id, kind, given, since)
      select account_id, ${kind}, false, ${now} from owner
      on conflict (account_id, kind) do update set given = false, since = ${now} where c.given
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
