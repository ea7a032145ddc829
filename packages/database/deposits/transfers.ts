/**
 * USDT transfers to our addresses as the scanner finds them. A row is inserted once for (chain,
 * transaction, log index), however often the transfer is found.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { toTimestamp } from '../connection/raw-sql.ts';

export type TransferKey = Readonly<{ txHash: string; logIndex: number }>;
export type TransferKeyRow = { tx_hash: string; log_index: number };

export type DetectedTransfer = Readonly<{
  txHash: string;
  logIndex: number;
  blockNumber: number;
  blockHash: string;
  contract: string;
  sender: string;
  recipient: string;
  account: AccountId;
  units: bigint;
}>;

function toJson(chain: string, transfers: readonly DetectedTransfer[]): string {
  return JSON.stringify(
    transfers.map(({ units, account, ...rest }) => ({
      ...rest,
      chain,
      account,
      units: units.toString(),
    })),
  );
}

function recordset(json: string): SQL {
  return sql`jsonb_to_recordset(${json}::jsonb) as r(chain text, "txHash" text, "logIndex" integer,
    "blockNumber" bigint, "blockHash" text, contract text, sender text, recipient text,
    account text, units numeric)`;
}

const COLUMNS = sql`chain, tx_hash, log_index, block_number, block_hash, contract, sender,
  recipient, account_id, units, state, found_by, seen_at`;
const VALUES = sql`r.chain, r."txHash", r."logIndex", r."blockNumber", r."blockHash", r.contract,
  r.sender, r.recipient, r.account, r.units, 'pending'`;

/**
 * Records transfers in final blocks. A pending transfer becomes final, and so does one in review
 * whose block changed; any other known transfer stays as it is.
 */
export async function recordFinalTransfers(
  db: Database,
  chain: string,
  transfers: readonly DetectedTransfer[],
  foundBy: 'scan' | 'rescan' | 'claim' | 'audit',
  now: Instant,
): Promise<void> {
  if (transfers.length === 0) return;
  await queryOrThrow(
    db.execute(sql`insert into deposits (${COLUMNS}, final_at)
      select ${VALUES}, ${foundBy}, ${toTimestamp(now)}, ${toTimestamp(now)} from ${recordset(toJson(chain, transfers))}
      on conflict (chain, tx_hash, log_index) do update set block_number = excluded.block_number,
        block_hash = excluded.block_hash, contract = excluded.contract, sender = excluded.sender,
        recipient = excluded.recipient, account_id = excluded.account_id, units = excluded.units,
        final_at = excluded.final_at,
        state = case when deposits.state = 'in_review' then 'final' else deposits.state end, reason = null
      where (deposits.state = 'pending' and deposits.final_at is null) or (deposits.state = 'in_review'
        and deposits.reason = 'block_changed' and deposits.recipient = excluded.recipient
        and deposits.account_id = excluded.account_id and deposits.units = excluded.units)`),
  );
}

/** Replaces the pending transfers of a chain: those that are not in the list are deleted. */
export async function replacePending(
  db: Database,
  chain: string,
  transfers: readonly DetectedTransfer[],
  now: Instant,
): Promise<void> {
  const json = toJson(chain, transfers);
  await queryOrThrow(
    db.batch([
      db.execute(sql`delete from deposits where chain = ${chain} and state = 'pending' and final_at is null
        and not exists (select 1 from ${recordset(json)}
          where r."txHash" = tx_hash and r."logIndex" = log_index)`),
      db.execute(sql`insert into deposits (${COLUMNS})
        select ${VALUES}, 'scan', ${toTimestamp(now)} from ${recordset(json)}
        on conflict (chain, tx_hash, log_index) do update set block_number = excluded.block_number,
          block_hash = excluded.block_hash
        where deposits.state = 'pending' and deposits.final_at is null`),
    ]),
  );
}
