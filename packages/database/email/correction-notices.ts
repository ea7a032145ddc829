/**
 * Which owners to tell that bills of theirs were corrected: one row per account and finished
 * correction. Each correction stores the last account that was told, so an interrupted run goes on
 * behind it.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { type RawRow, toTimestamp } from '../connection/raw-sql.ts';

/** What a finished correction gave back to one account. */
export type CorrectedAccount = Readonly<{
  correction: string;
  account: AccountId;
  calls: number;
  amount: NanoUsd;
  /** Of the calls; a correction of a price rule has one. */
  model: string;
  /** Null where the account was deleted. */
  recipient: Readonly<{ email: string; language: string }> | null;
}>;

type Row = RawRow &
  Readonly<{
    correction: string;
    account: string;
    calls: string;
    amount: string;
    model: string | null;
    email: string | null;
    language: string | null;
  }>;

function toCorrectedAccount(row: Row): CorrectedAccount {
  const { correction, account, model, email, language } = row;
  return {
    ...{ correction, account, calls: Number(row.calls), amount: BigInt(row.amount) },
    model: model ?? '–',
    recipient: email === null ? null : { email, language: language ?? 'en' },
  };
}

/** Lists the accounts of finished corrections whose owners were not told, in the order to tell them. */
export async function listCorrectedAccounts(
  db: Database,
  limit: number,
): Promise<readonly CorrectedAccount[]> {
  const { rows } = await queryOrThrow(
    db.execute<Row>(sql`
      select given.correction_id as correction, given.account_id as account,
        count(*)::text as calls, sum(given.amount)::text as amount, min(calls.model) as model,
        min(i.email) as email, min(i.language) as language
      from corrections c
      join correction_calls given on given.correction_id = c.id and given.state = 'applied'
      left join calls on calls.account_id = given.account_id and calls.id = given.call_id
      left join identities i on i.account_id = given.account_id
      where c.state = 'applied' and c.notified_at is null
        and given.account_id > coalesce(c.notified_account, '')
      group by c.proposed_at, given.correction_id, given.account_id
      order by c.proposed_at, given.correction_id, given.account_id limit ${limit}::int`),
  );
  return rows.map(toCorrectedAccount);
}

/** Records that the owners up to this account were told. Idempotent. */
export async function markOwnersTold(
  db: Database,
  { correction, account }: Pick<CorrectedAccount, 'correction' | 'account'>,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update corrections set notified_account = ${account}
      where id = ${correction} and coalesce(notified_account, '') < ${account}`),
  );
}

/** Closes the finished corrections of which every owner was told. */
export async function closeToldCorrections(db: Database, now: Instant): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update corrections c set notified_at = ${toTimestamp(now)}
      where c.state = 'applied' and c.notified_at is null and not exists (
        select 1 from correction_calls given
        where given.correction_id = c.id and given.state = 'applied'
          and given.account_id > coalesce(c.notified_account, ''))`),
  );
}
