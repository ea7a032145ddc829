/**
 * Deposits from final to credited. The amount in nano-USD is set once, in the statement that also
 * carries the remainder, and a deposit leaves each state by one conditional statement.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toTimestamp, unnestTexts } from '../connection/raw-sql.ts';
import type { TransferKey, TransferKeyRow } from './transfers.ts';

export type TokenTerms = Readonly<{ chain: string; decimals: number; minimumUnits: bigint }>;

/** The terms of newly final deposits: the token's, and the margin on top-ups in basis points. */
export type ValuationTerms = TokenTerms & Readonly<{ marginBasisPoints: number }>;

export type UnvaluedDeposit = TransferKey & Readonly<{ account: AccountId; sender: string }>;

/**
 * Lists final transfers without a credit amount, oldest first, but dust after all others, so that
 * many small transfers delay no other.
 */
export async function listUnvaluedDeposits(
  db: Database,
  { chain, minimumUnits }: TokenTerms,
  limit: number,
): Promise<readonly UnvaluedDeposit[]> {
  const { rows } = await queryOrThrow(
    db.execute<
      TransferKeyRow & { account_id: string; sender: string }
    >(sql`select tx_hash, log_index,
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
 * Sets the credit amount of a final transfer. nano-USD have 9 decimals: with fewer, the token's
 * units are multiplied; with more, the rest below one nano-USD is added to earlier rests
 * (`remaining`) and is credited once it is whole. The row of the remainder is the lock: concurrent
 * calls wait for each other there. The margin on top-ups is taken here and nowhere else, rounded down
 * in the customer's favour; what it takes is the deposit's `fee`. `reviewReason`: an operator must
 * review the deposit.
 */
export async function setCreditAmount(
  db: Database,
  { chain, decimals, minimumUnits, marginBasisPoints }: ValuationTerms,
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
        ) as gross from t, r
      ), f as (
        select units, gross, div(gross * ${marginBasisPoints}::numeric, 10000) as fee from v
      )
      update deposits set amount = f.gross - f.fee, fee = f.fee,
        fee_basis_points = ${marginBasisPoints}, reason = ${reviewReason}::text,
        state = case when ${reviewReason}::text is not null then 'in_review'
          when f.units < ${minimumUnits.toString()}::numeric then 'dust' else 'final' end
      from f where chain = ${chain} and tx_hash = ${txHash} and log_index = ${logIndex} and state = 'pending'`),
  );
}

/** Releases the dust of those accounts whose sum reaches the minimum. */
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
          where chain = ${chain} and state = 'dust' group by account_id having sum(amount + fee) >= ${minimum.toString()}::numeric)`),
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
    /** The margin on top-ups that was taken from it, and its share. */
    fee: NanoUsd;
    feeBasisPoints: number;
    fingerprint: string;
    index: number;
    /** The units the account received on this chain within the day before it, itself included. */
    dayUnits: bigint;
  }>;

type CreditableRow = TransferKeyRow & {
  block_number: string | number;
  block_hash: string;
  recipient: string;
  account_id: string;
  units: string;
  amount: string;
  fee: string;
  fee_basis_points: number;
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
        d.recipient, d.account_id, d.units::text, d.amount::text, d.fee::text,
        d.fee_basis_points, a.fingerprint, a.index,
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
    fee: BigInt(row.fee),
    feeBasisPoints: Number(row.fee_basis_points),
    fingerprint: row.fingerprint,
    index: Number(row.index),
    dayUnits: BigInt(row.day_units),
  }));
}

export type DepositOutcome =
  | Readonly<{ state: 'credited' }>
  | Readonly<{ state: 'in_review' | 'closed'; reason: string }>;

/** Records the result of crediting. Idempotent. */
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

/** Releases a deposit in review, so that it is credited. Returns false if it is not in review. */
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
