/**
 * What the daily audit compares: transfers we know and what operators swept, per address; credited deposits
 * and the book's lines, per account. What does not add up is listed until a later look finds that it does.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';

export type AddressRecord = Readonly<{ recorded: bigint; swept: bigint }>;

/** In the token's units, of every transfer to the address that was ever recorded; none is zero. */
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
          where chain = ${chain} and address = value)::text as swept
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
 * Accounts whose credited deposits and book lines of one chain are not the same, line by line, with the sums
 * of those that differ in nano-USD. Lines younger than `before` may still be on their way to Postgres.
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
 * Opens those that are not open yet; what an open one says is brought up to date. `anew`: its blocks are to be
 * read once more from the newest.
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

/** A later look found that these add up. */
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

/** Of one chain or of all, oldest first. */
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

/** How far back the blocks of an address were read once more. */
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

/** Where the audit stands: the address it came to, null where none is under way; and when the last one ended. */
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

/** `after` null: it came to the last address, and ended. */
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

export type SweptDeposit = Readonly<{
  chain: string;
  txHash: string;
  address: string;
  units: bigint;
}>;

/**
 * What a treasury's report says was moved from our addresses; told twice it counts once. Answers how many
 * lines were new, and which addresses are not ours: then nothing is written.
 */
export async function recordSweptDeposits(
  db: Database,
  swept: readonly SweptDeposit[],
  now: Instant,
): Promise<
  | Readonly<{ ok: true; added: number }>
  | Readonly<{ ok: false; unknownAddresses: readonly string[] }>
> {
  const json = JSON.stringify(
    swept.map(({ chain, txHash, address, units }) => ({
      chain,
      txHash,
      address,
      units: units.toString(),
      family: chain === 'tron' ? 'tron' : 'evm',
    })),
  );
  const reportedRows = sql`jsonb_to_recordset(${json}::jsonb)
    as r(chain text, "txHash" text, address text, units numeric, family text)`;
  const unknown = await queryOrThrow(
    db.execute<{ address: string }>(sql`select r.address from ${reportedRows} where not exists
      (select 1 from deposit_addresses d where d.family = r.family and d.address = r.address)`),
  );
  if (unknown.rows.length > 0) {
    return { ok: false, unknownAddresses: unknown.rows.map(({ address }) => address) };
  }
  const added = await queryOrThrow(
    db.execute(sql`insert into swept_deposits (chain, tx_hash, address, units, reported_at)
      select r.chain, r."txHash", r.address, r.units, ${toTimestamp(now)} from ${reportedRows}
      on conflict (chain, tx_hash, address) do nothing returning tx_hash`),
  );
  return { ok: true, added: added.rows.length };
}
