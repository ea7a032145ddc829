/** The deposits of one account, for its owner. */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toEpochMs } from '../connection/raw-sql.ts';
import type { TransferKey, TransferKeyRow } from './transfers.ts';

export type DepositRow = TransferKey &
  Readonly<{
    chain: string;
    blockNumber: number;
    units: bigint;
    amount: NanoUsd | null;
    /** The margin on top-ups that `amount` leaves out. */
    fee: NanoUsd;
    state: string;
    reason: string | null;
    seenAt: Instant;
    creditedAt: Instant | null;
  }>;

type DepositListRow = TransferKeyRow & {
  chain: string;
  block_number: string | number;
  units: string;
  amount: string | null;
  fee: string;
  state: string;
  reason: string | null;
  seen_at: string | number;
  credited_at: string | number | null;
};

/** Lists an account's deposits, newest first. */
export async function listDeposits(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly DepositRow[]> {
  const { rows } = await queryOrThrow(
    db.execute<DepositListRow>(sql`select chain, tx_hash, log_index, block_number, units::text,
        amount::text, fee::text, state, reason, ${toEpochMs(sql`seen_at`)} as seen_at,
        ${toEpochMs(sql`credited_at`)} as credited_at
      from deposits where account_id = ${account} order by seen_at desc, chain, tx_hash, log_index
      limit ${limit}`),
  );
  return rows.map((row) => ({
    chain: row.chain,
    txHash: row.tx_hash,
    logIndex: row.log_index,
    blockNumber: Number(row.block_number),
    units: BigInt(row.units),
    amount: row.amount === null ? null : BigInt(row.amount),
    fee: BigInt(row.fee),
    state: row.state,
    reason: row.reason,
    seenAt: Number(row.seen_at),
    creditedAt: row.credited_at === null ? null : Number(row.credited_at),
  }));
}
