/**
 * How far the announcement of each version of a legal text has come. Accounts are visited in the
 * order of their ids, so that one row per version is enough.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { type RawRow, toTimestamp } from '../connection/raw-sql.ts';

export type LegalVersionKey = Readonly<{ document: string; version: number }>;
export type AnnouncementRecipient = Readonly<{
  account: AccountId;
  email: string;
  language: string;
}>;

/**
 * Lists the next accounts that were created before `createdBefore`; undefined if the announcement
 * has reached them all.
 */
export async function listAnnouncementRecipients(
  db: Database,
  query: LegalVersionKey & Readonly<{ createdBefore: Instant; limit: number }>,
): Promise<readonly AnnouncementRecipient[] | undefined> {
  const { document, version } = query;
  const [progress, recipients] = await queryOrThrow(
    db.batch([
      db.execute<RawRow & { finished: boolean }>(sql`select finished_at is not null as finished
        from legal_announcements where document = ${document} and version = ${version}`),
      db.execute<RawRow & { account: string; email: string; language: string }>(sql`
        select i.account_id as account, i.email, i.language
        from identities i join accounts a on a.id = i.account_id
        where a.created_at < ${toTimestamp(query.createdBefore)}
          and i.account_id > coalesce((select last_account from legal_announcements
            where document = ${document} and version = ${version}), '')
        order by i.account_id limit ${query.limit}::int`),
    ]),
  );
  if (progress.rows[0]?.finished === true) return undefined;
  return recipients.rows.map(({ account, email, language }) => ({ account, email, language }));
}

/** `lastAccount` is the last that was announced to; null where there was none left. */
export async function recordAnnouncementProgress(
  db: Database,
  progress: LegalVersionKey &
    Readonly<{ lastAccount: AccountId | null; isFinished: boolean; now: Instant }>,
): Promise<void> {
  const { document, version, lastAccount } = progress;
  const finishedAt = progress.isFinished ? toTimestamp(progress.now) : sql`null`;
  await queryOrThrow(
    db.execute(sql`insert into legal_announcements (document, version, last_account, finished_at)
      values (${document}, ${version}, ${lastAccount ?? ''}, ${finishedAt})
      on conflict (document, version) do update set
        last_account = greatest(legal_announcements.last_account, excluded.last_account),
        finished_at = coalesce(legal_announcements.finished_at, excluded.finished_at)`),
  );
}
