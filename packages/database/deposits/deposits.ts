/**
 * Transfers of USDT to our addresses, and what became of each. A row is made once for (chain,
 * transaction, log index) however often the transfer is found; what it is worth is set once, in the
 * statement that takes the remainder along; and it leaves each state by one conditional statement.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { type SQL, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';

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
 * Transfers in final blocks. One that was shown as pending is taken over, and so is one whose block is another
 * since a chain was halted for it; any other known one stays as it is.
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

/** What is above the final block, whole: what a look before had and this one has not is gone again. */
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

export type TokenTerms = Readonly<{ chain: string; decimals: number; minimumUnits: bigint }>;

type TransferKey = Readonly<{ txHash: string; logIndex: number }>;
type KeyRow = { tx_hash: string; log_index: number };

export type UnvaluedDeposit = TransferKey & Readonly<{ account: AccountId; sender: string }>;

/** Final transfers that have no worth yet: oldest first, but dust behind all others, whoever sends how much of it. */
export async function listUnvaluedDeposits(
  db: Database,
  { chain, minimumUnits }: TokenTerms,
  limit: number,
): Promise<readonly UnvaluedDeposit[]> {
  const { rows } = await queryOrThrow(
    db.execute<KeyRow & { account_id: string; sender: string }>(sql`select tx_hash, log_index,
        account_id, sender from deposits
      where chain = ${chain} and state = 'pending' and final_at is not null
      order by units < ${minimumUnits.toString()}::numeric, block_number, log_index limit ${limit}`),
  );
  return rows.map(({ tx_hash: txHash, log_index: logIndex, account_id: account, sender }) => ({
    txHash,
    logIndex,
    account,
    sender,
  }));
}

/**
 * Gives one final transfer its worth. nano-USD have 9 decimals: with fewer, units are multiplied; with more, what
 * is left below one nano-USD is added to what earlier ones left (`remaining`), and counts once it is whole.
 * The remainder's row is the lock: two at once wait for each other there. `heldFor`: an operator has to look.
 */
export async function setCreditAmount(
  db: Database,
  { chain, decimals, minimumUnits }: TokenTerms,
  { txHash, logIndex }: TransferKey,
  reviewReason: string | null,
): Promise<void> {
  const divisor = sql.raw((10n ** BigInt(Math.max(0, decimals - 9))).toString());
  const multiplier = sql.raw((10n ** BigInt(Math.max(0, 9 - decimals))).toString());
  await queryOrThrow(
    db.execute(sql`
      with t as (
        select account_id, units from deposits where chain = ${chain} and tx_hash = ${txHash}
          and log_index = ${logIndex} and state = 'pending' and final_at is not null for update
      ), r as (
        insert into deposit_remainders as d (chain, account_id, units)
        select ${chain}, account_id, mod(units, ${divisor}) from t
        on conflict (chain, account_id) do update set units = mod(d.units + excluded.units, ${divisor})
        returning d.units as remaining
      ), v as (
        select t.units, least(9223372036854775807,
          div(t.units + mod(mod(r.remaining - t.units, ${divisor}) + ${divisor}, ${divisor}) - r.remaining, ${divisor}) * ${multiplier}
        ) as amount from t, r
      )
      update deposits set amount = v.amount, reason = ${reviewReason}::text,
        state = case when ${reviewReason}::text is not null then 'in_review'
          when v.units < ${minimumUnits.toString()}::numeric then 'dust' else 'final' end
      from v where chain = ${chain} and tx_hash = ${txHash} and log_index = ${logIndex} and state = 'pending'`),
  );
}

/** Dust of one of these accounts that together passes the minimum is worth crediting. */
export async function releaseDust(
  db: Database,
  { chain, decimals, minimumUnits }: TokenTerms,
  accounts: readonly AccountId[],
): Promise<void> {
  const minimum = (minimumUnits * 10n ** 9n) / 10n ** BigInt(decimals);
  await queryOrThrow(
    db.execute(sql`update deposits set state = 'final'
      where chain = ${chain} and state = 'dust' and amount > 0
        and account_id in (select account_id from deposits join ${unnestTexts(accounts)} on account_id = r.value
          where chain = ${chain} and state = 'dust' group by account_id having sum(amount) >= ${minimum.toString()}::numeric)`),
  );
}

export type CreditableDeposit = TransferKey &
  Readonly<{
    blockNumber: number;
    blockHash: string;
    recipient: string;
    account: AccountId;
    units: bigint;
    amount: NanoUsd;
    fingerprint: string;
    index: number;
    /** What the account received on this chain within a day before it, itself included. */
    dayUnits: bigint;
  }>;

type CreditableRow = KeyRow & {
  block_number: string | number;
  block_hash: string;
  recipient: string;
  account_id: string;
  units: string;
  amount: string;
  fingerprint: string;
  index: string | number;
  day_units: string;
};

export async function listCreditableDeposits(
  db: Database,
  chain: string,
  family: string,
  limit: number,
): Promise<readonly CreditableDeposit[]> {
  const { rows } = await queryOrThrow(
    db.execute<CreditableRow>(sql`select d.tx_hash, d.log_index, d.block_number, d.block_hash,
        d.recipient, d.account_id, d.units::text, d.amount::text, a.fingerprint, a.index,
        (select sum(o.units) from deposits o where o.account_id = d.account_id and o.chain = d.chain
          and o.state <> 'pending' and o.seen_at > d.seen_at - interval '1 day'
          and o.seen_at <= d.seen_at)::text as day_units
      from deposits d join deposit_addresses a on a.family = ${family} and a.address = d.recipient
        and a.account_id = d.account_id
      where d.chain = ${chain} and d.state = 'final'
      order by d.block_number, d.log_index limit ${limit}`),
  );
  return rows.map((row) => ({
    txHash: row.tx_hash,
    logIndex: row.log_index,
    blockNumber: Number(row.block_number),
    blockHash: row.block_hash,
    recipient: row.recipient,
    account: row.account_id,
    units: BigInt(row.units),
    amount: BigInt(row.amount),
    fingerprint: row.fingerprint,
    index: Number(row.index),
    dayUnits: BigInt(row.day_units),
  }));
}

export type DepositOutcome =
  | Readonly<{ state: 'credited' }>
  | Readonly<{ state: 'in_review' | 'closed'; reason: string }>;

/** What came of crediting it. Repeating it changes nothing. */
export async function setDepositOutcome(
  db: Database,
  chain: string,
  { txHash, logIndex }: TransferKey,
  outcome: DepositOutcome,
  now: Instant,
): Promise<void> {
  const reason = outcome.state === 'credited' ? null : outcome.reason;
  await queryOrThrow(
    db.execute(sql`update deposits set state = ${outcome.state}, reason = ${reason}::text,
      credited_at = case when ${outcome.state} = 'credited' then ${toTimestamp(now)} end
      where chain = ${chain} and tx_hash = ${txHash} and log_index = ${logIndex} and state = 'final'`),
  );
}

/** An operator has looked at a held one: it goes on to be credited. False where it is not held. */
export async function releaseDeposit(
  db: Database,
  chain: string,
  { txHash, logIndex }: TransferKey,
): Promise<boolean> {
  const row = await firstRow(
    db,
    sql`update deposits set state = 'final', reason = null where chain = ${chain}
      and tx_hash = ${txHash} and log_index = ${logIndex} and state = 'in_review' returning chain`,
  );
  return row !== undefined;
}

export type DepositRow = TransferKey &
  Readonly<{
    chain: string;
    blockNumber: number;
    units: bigint;
    amount: NanoUsd | null;
    state: string;
    reason: string | null;
    seenAt: Instant;
    creditedAt: Instant | null;
  }>;

type DepositListRow = KeyRow & {
  chain: string;
  block_number: string | number;
  units: string;
  amount: string | null;
  state: string;
  reason: string | null;
  seen_at: string | number;
  credited_at: string | number | null;
};

/** An account's deposits, newest first. */
export async function listDeposits(
  db: Database,
  account: AccountId,
  limit: number,
): Promise<readonly DepositRow[]> {
  const { rows } = await queryOrThrow(
    db.execute<DepositListRow>(sql`select chain, tx_hash, log_index, block_number, units::text,
        amount::text, state, reason, ${toEpochMs(sql`seen_at`)} as seen_at,
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
    state: row.state,
    reason: row.reason,
    seenAt: Number(row.seen_at),
    creditedAt: row.credited_at === null ? null : Number(row.credited_at),
  }));
}
