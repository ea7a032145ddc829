/**
 * Sweeps from deposit addresses. A report of the treasury lists them; they count in the audit once
 * the providers of their chain showed each transfer, so a report can't hide a theft that is not on
 * the chain.
 */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toTimestamp } from '../connection/raw-sql.ts';
import type { SweepState } from '../schema/deposits.ts';

export type SweptDeposit = Readonly<{
  chain: string;
  txHash: string;
  address: string;
  units: bigint;
}>;

/**
 * Records the sweeps of a treasury report, unconfirmed. Idempotent; a report may correct the units
 * of a sweep that is not confirmed. Returns how many were new or corrected, or the addresses that
 * are not ours, in which case nothing is written.
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
    db.execute(sql`insert into swept_deposits as s (chain, tx_hash, address, units, reported_at)
      select distinct on (r.chain, r."txHash", r.address)
        r.chain, r."txHash", r.address, r.units, ${toTimestamp(now)} from ${reportedRows}
      on conflict (chain, tx_hash, address) do update
        set units = excluded.units, reported_at = excluded.reported_at, state = 'reported',
          checked_at = null
        where s.state <> 'confirmed' and s.units <> excluded.units
      returning tx_hash`),
  );
  return { ok: true, added: added.rows.length };
}

/** The sweeps of a chain that the providers may confirm, the one least recently asked first. */
export async function listReportedSweeps(
  db: Database,
  chain: string,
  limit: number,
): Promise<readonly SweptDeposit[]> {
  const { rows } = await queryOrThrow(
    db.execute<{ tx_hash: string; address: string; units: string }>(
      sql`select tx_hash, address, units::text from swept_deposits
        where chain = ${chain} and state = 'reported'
        order by checked_at nulls first, reported_at, tx_hash, address limit ${limit}`,
    ),
  );
  return rows.map((row) => ({
    chain,
    txHash: row.tx_hash,
    address: row.address,
    units: BigInt(row.units),
  }));
}

/** What the providers showed of a sweep: `destination` only where it is confirmed. */
export type SweepFinding = Readonly<{ state: SweepState; destination: string | null }>;

/**
 * Records what the providers showed of a sweep with these units. A confirmed one stays confirmed.
 */
export async function setSweepFinding(
  db: Database,
  { chain, txHash, address, units }: SweptDeposit,
  { state, destination }: SweepFinding,
  now: Instant,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`update swept_deposits set state = ${state}, destination = ${destination}::text,
        checked_at = ${toTimestamp(now)}
      where chain = ${chain} and tx_hash = ${txHash} and address = ${address}
        and units = ${units.toString()}::numeric and state <> 'confirmed'`),
  );
}

/** Checks whether an earlier sweep of the chain went to `destination`. */
export async function isKnownSweepDestination(
  db: Database,
  chain: string,
  destination: string,
): Promise<boolean> {
  const { rows } = await queryOrThrow(
    db.execute(sql`select 1 from swept_deposits
      where chain = ${chain} and state = 'confirmed' and destination = ${destination} limit 1`),
  );
  return rows.length > 0;
}

/** Counts the sweeps reported before `before` that are not confirmed, by chain. */
export async function countUnconfirmedSweeps(
  db: Database,
  before: Instant,
): Promise<ReadonlyMap<string, number>> {
  const { rows } = await queryOrThrow(
    db.execute<{ chain: string; count: number }>(
      sql`select chain, count(*)::int as count from swept_deposits
        where state <> 'confirmed' and reported_at < ${toTimestamp(before)} group by chain`,
    ),
  );
  return new Map(rows.map(({ chain, count }) => [chain, count]));
}

export type SweepTotal = Readonly<{
  chain: string;
  state: SweepState;
  destination: string | null;
  count: number;
  units: bigint;
}>;

/**
 * Sums the sweeps by chain, state and destination, for operators: the confirmed ones that were
 * reported since a time, and all others.
 */
export async function listSweepTotals(
  db: Database,
  confirmedSince: Instant,
  limit: number,
): Promise<readonly SweepTotal[]> {
  const { rows } = await queryOrThrow(
    db.execute<{
      chain: string;
      state: SweepState;
      destination: string | null;
      count: number;
      units: string;
    }>(
      sql`select chain, state, destination, count(*)::int as count, sum(units)::text as units
        from (
          select * from swept_deposits where state <> 'confirmed'
          union all
          select * from swept_deposits
            where state = 'confirmed' and reported_at >= ${toTimestamp(confirmedSince)}
        ) as s group by chain, state, destination
        order by max(reported_at) desc limit ${limit}`,
    ),
  );
  return rows.map((row) => ({ ...row, units: BigInt(row.units) }));
}
