/**
 * The daily audit: recorded transfers and sweeps per address, and credited deposits against ledger
 * entries per account. A difference stays open until a later audit finds none.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';

export type AddressRecord = Readonly<{ recorded: bigint; swept: bigint }>;

/**
 * Sums the recorded transfers and the confirmed sweeps of each address, in the token's units; never
 * null.
 */
export async function getAddressRecords(
  db: Database,
  chain: string,
  addresses: readonly string[],
): Promise<ReadonlyMap<string, AddressRecord>> {
  const { rows } = await queryOrThrow(
    db.execute<{ value: string; recorded: string; swept: string }>(sql`select value,
        (select coalesce(sum(units), 0) from deposits
          where chain = ${chain} and recipient = value)::text as recorded,
        (select coalesce(sum(units), 0) from swept_deposits
          where chain = ${chain} and address = value and state = 'confirmed')::text as swept
      from ${unnestTexts(addresses)}`),
  );
  return new Map(
    rows.map(({ value, recorded, swept }) => [
      value,
      { recorded: BigInt(recorded), swept: BigInt(swept) },
    ]),
  );
}

export type LedgerDifference = Readonly<{ account: AccountId; credited: bigint; posted: bigint }>;

/**
 * Finds accounts whose credited deposits and ledger entries of one chain differ, compared one by
 * one, with the sums of the differing ones in nano-USD. Entries younger than `before` are left out:
 * they may not have reached Postgres.
 */
export async function findLedgerDifferences(
  db: Database,
  { chain, chainId }: Readonly<{ chain: string; chainId: number }>,
  accounts: readonly AccountId[],
  before: Instant,
): Promise<readonly LedgerDifference[]> {
  const prefix = `${chainId}:`;
  const { rows } = await queryOrThrow(
    db.execute<{ account_id: string; credited: string; booked: string }>(sql`
      with credited as (
        select account_id, ${prefix} || tx_hash || ':' || log_index as id, amount
        from deposits join ${unnestTexts(accounts)} on account_id = r.value
        where chain = ${chain} and state = 'credited' and credited_at < ${toTimestamp(before)}
      ), booked as (
        select account_id, id, delta from ledger_entries join ${unnestTexts(accounts)} on account_id = r.value
        where kind <> 'charge' and kind = 'credit' and id like ${`${prefix}0x%`} and at < ${toTimestamp(before)}
      )
      select account_id, coalesce(sum(amount), 0)::text as credited, coalesce(sum(delta), 0)::text as booked
      from credited full join booked using (account_id, id)
      where amount is distinct from delta group by account_id`),
  );
  return rows.map(({ account_id, credited, booked }) => ({
    account: account_id,
    credited: BigInt(credited),
    posted: BigInt(booked),
  }));
}

export type DifferenceKind = 'balance' | 'ledger' | 'frozen';
export type Difference = Readonly<{
  address: string;
  kind: DifferenceKind;
  held: bigint;
  swept: bigint;
  recorded: bigint;
}>;

/**
 * Opens differences that are not open yet and updates those that are. `restartRescan`: their blocks
 * are rescanned from the newest.
 */
export async function recordDifferences(
  db: Database,
  chain: string,
  differences: readonly Difference[],
  now: Instant,
  { restartRescan = false }: Readonly<{ restartRescan?: boolean }> = {},
): Promise<void> {
  if (differences.length === 0) return;
  const json = JSON.stringify(
    differences.map(({ address, kind, held, swept, recorded }) => ({
      address,
      kind,
      held: held.toString(),
      swept: swept.toString(),
      recorded: recorded.toString(),
    })),
  );
  await queryOrThrow(
    db.execute(sql`insert into deposit_differences
        (chain, address, kind, audited_at, held, swept, recorded)
      select ${chain}, address, kind, ${toTimestamp(now)}, held, swept, recorded
      from jsonb_to_recordset(${json}::jsonb)
        as r(address text, kind text, held numeric, swept numeric, recorded numeric)
      on conflict (chain, address, kind) where resolved_at is null do update
        set held = excluded.held, swept = excluded.swept, recorded = excluded.recorded,
          rescan_below = case when ${restartRescan} then null else deposit_differences.rescan_below end`),
  );
}

/** Resolves differences that a later audit did not find. */
export async function resolveDifferences(
  db: Database,
  chain: string,
  kind: DifferenceKind,
  addresses: readonly string[],
  now: Instant,
): Promise<void> {
  if (addresses.length === 0) return;
  await queryOrThrow(
    db.execute(sql`update deposit_differences set resolved_at = ${toTimestamp(now)}
      where chain = ${chain} and kind = ${kind} and resolved_at is null
        and address in (select value from ${unnestTexts(addresses)})`),
  );
}

export type OpenDifference = Difference &
  Readonly<{ chain: string; since: Instant; rescanBelow: number | null }>;

type DifferenceRow = {
  chain: string;
  address: string;
  kind: DifferenceKind;
  since: string | number;
  held: string;
  swept: string;
  recorded: string;
  rescan_below: string | number | null;
};

/** Lists the open differences of one chain or of all, oldest first. */
export async function listOpenDifferences(
  db: Database,
  chain: string | null,
  limit: number,
): Promise<readonly OpenDifference[]> {
  const chainFilter: SQL = chain === null ? sql`` : sql`and chain = ${chain}`;
  const { rows } = await queryOrThrow(
    db.execute<DifferenceRow>(sql`select chain, address, kind, ${toEpochMs(sql`audited_at`)} as since,
        held::text, swept::text, recorded::text, rescan_below
      from deposit_differences where resolved_at is null ${chainFilter}
      order by audited_at, chain, address, kind limit ${limit}`),
  );
  return rows.map((row) => ({
    chain: row.chain,
    address: row.address,
    kind: row.kind,
    since: Number(row.since),
    held: BigInt(row.held),
    swept: BigInt(row.swept),
    recorded: BigInt(row.recorded),
    rescanBelow: row.rescan_below === null ? null : Number(row.rescan_below),
  }));
}

/** Records how far back the blocks of an address were rescanned. */
export async function recordDifferenceRescan(
  db: Database,
  chain: string,
  address: string,
  below: number,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update deposit_differences set rescan_below = ${below}
      where chain = ${chain} and address = ${address} and kind = 'balance' and resolved_at is null`),
  );
}

/** The last audited address, null while no audit is running; and when the previous audit ended. */
export type AuditProgress = Readonly<{ after: string | null; endedAt: Instant | null }>;

export async function readAuditProgress(db: Database, chain: string): Promise<AuditProgress> {
  const row = await firstRow<{ audit_after: string | null; audit_at: string | number | null }>(
    db,
    sql`select audit_after, ${toEpochMs(sql`audit_at`)} as audit_at
      from chain_cursors where chain = ${chain}`,
  );
  const endedAt = row?.audit_at ?? null;
  return {
    after: row?.audit_after ?? null,
    endedAt: endedAt === null ? null : Number(endedAt),
  };
}

/** Records the audit's progress; `after` null means that it ended. */
export async function recordAuditProgress(
  db: Database,
  chain: string,
  after: string | null,
  now: Instant,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update chain_cursors set audit_after = ${after}::text,
      audit_at = case when ${after}::text is null then ${toTimestamp(now)} else audit_at end
      where chain = ${chain}`),
  );
}
