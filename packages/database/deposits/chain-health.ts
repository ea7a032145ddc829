/** The state of the networks and of deposits in progress, for operators. Lists name no account. */
import type { AccountId, Instant } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs } from '../connection/raw-sql.ts';

export type ChainState = Readonly<{
  chain: string;
  nextBlock: number;
  head: number | null;
  final: number | null;
  finalAt: Instant | null;
  lastPolledAt: Instant | null;
  advancedAt: Instant | null;
  lastError: string | null;
  haltedAt: Instant | null;
  /** When the last rescan (of 26 hours) and the last audit of all addresses ended. */
  lastRescanAt: Instant | null;
  lastAuditAt: Instant | null;
}>;

type StateRow = {
  chain: string;
  next_block: string | number;
  head: string | number | null;
  final: string | number | null;
  last_error: string | null;
  final_at: string | number | null;
  last_polled_at: string | number | null;
  advanced_at: string | number | null;
  halted_at: string | number | null;
  rescan_at: string | number | null;
  audit_at: string | number | null;
};

function toNumberOrNull(value: string | number | null): number | null {
  return value === null ? null : Number(value);
}

/** Lists every chain that was ever polled. */
export async function readChainStates(db: Database): Promise<readonly ChainState[]> {
  const { rows } = await queryOrThrow(
    db.execute<StateRow>(sql`select chain, next_block, head, final, last_error,
        ${toEpochMs(sql`final_at`)} as final_at, ${toEpochMs(sql`last_polled_at`)} as last_polled_at,
        ${toEpochMs(sql`advanced_at`)} as advanced_at, ${toEpochMs(sql`halted_at`)} as halted_at,
        ${toEpochMs(sql`rescan_at`)} as rescan_at, ${toEpochMs(sql`audit_at`)} as audit_at
      from chain_cursors order by chain`),
  );
  return rows.map((row) => ({
    chain: row.chain,
    nextBlock: Number(row.next_block),
    head: toNumberOrNull(row.head),
    final: toNumberOrNull(row.final),
    finalAt: toNumberOrNull(row.final_at),
    lastPolledAt: toNumberOrNull(row.last_polled_at),
    advancedAt: toNumberOrNull(row.advanced_at),
    lastError: row.last_error,
    haltedAt: toNumberOrNull(row.halted_at),
    lastRescanAt: toNumberOrNull(row.rescan_at),
    lastAuditAt: toNumberOrNull(row.audit_at),
  }));
}

export type WaitingDeposits = Readonly<{
  chain: string;
  state: string;
  count: number;
  /** Zero while no credit amount is set. */
  amount: NanoUsd;
  oldest: Instant;
}>;

/** Sums deposits that are not credited yet, by chain and state. */
export async function listWaitingDeposits(db: Database): Promise<readonly WaitingDeposits[]> {
  type Row = {
    chain: string;
    state: string;
    count: string | number;
    amount: string;
    oldest: string | number;
  };
  const { rows } = await queryOrThrow(
    db.execute<Row>(sql`select chain, state, count(*) as count, coalesce(sum(amount), 0)::text as amount,
        ${toEpochMs(sql`min(seen_at)`)} as oldest
      from deposits where state in ('pending', 'final', 'dust', 'in_review')
      group by chain, state order by chain, state`),
  );
  return rows.map((row) => ({
    chain: row.chain,
    state: row.state,
    count: Number(row.count),
    amount: BigInt(row.amount),
    oldest: Number(row.oldest),
  }));
}

export type OpenIncident = Readonly<{
  chain: string;
  kind: string;
  at: Instant;
  blockNumber: number | null;
  expected: string | null;
  found: string | null;
  provider: number | null;
}>;

/** Lists unresolved incidents, oldest first. */
export async function listOpenIncidents(
  db: Database,
  limit: number,
): Promise<readonly OpenIncident[]> {
  type Row = {
    chain: string;
    kind: string;
    at: string | number;
    block_number: string | number | null;
    expected: string | null;
    found: string | null;
    provider: number | null;
  };
  const { rows } = await queryOrThrow(
    db.execute<Row>(sql`select chain, kind, ${toEpochMs(sql`at`)} as at, block_number, expected, found, provider
      from chain_incidents where resolved_at is null order by id limit ${limit}`),
  );
  return rows.map(({ block_number, at, ...row }) => ({
    ...row,
    at: Number(at),
    blockNumber: toNumberOrNull(block_number),
  }));
}

export type DepositInReview = Readonly<{
  chain: string;
  txHash: string;
  logIndex: number;
  units: bigint;
  amount: NanoUsd;
  state: 'in_review' | 'closed';
  reason: string;
  seenAt: Instant;
}>;

type InReviewRow = {
  chain: string;
  tx_hash: string;
  log_index: number;
  units: string;
  amount: string;
  state: 'in_review' | 'closed';
  reason: string | null;
  seen_at: string | number;
  account_id: string;
  sender: string;
  recipient: string;
};

const SELECT_IN_REVIEW = sql`select chain, tx_hash, log_index, units::text, amount::text, state, reason,
  ${toEpochMs(sql`seen_at`)} as seen_at, account_id, sender, recipient
  from deposits where state in ('in_review', 'closed')`;

function toDepositInReview(row: InReviewRow): DepositInReview {
  return {
    chain: row.chain,
    txHash: row.tx_hash,
    logIndex: row.log_index,
    units: BigInt(row.units),
    amount: BigInt(row.amount),
    state: row.state,
    reason: row.reason ?? '',
    seenAt: Number(row.seen_at),
  };
}

/** Lists deposits that need an operator, oldest first. */
export async function listDepositsInReview(
  db: Database,
  limit: number,
): Promise<readonly DepositInReview[]> {
  const { rows } = await queryOrThrow(
    db.execute<InReviewRow>(
      sql`${SELECT_IN_REVIEW} order by seen_at, chain, tx_hash, log_index limit ${limit}`,
    ),
  );
  return rows.map(toDepositInReview);
}

/** Finds one of them, with its account and addresses. */
export async function findInReview(
  db: Database,
  chain: string,
  { txHash, logIndex }: Readonly<{ txHash: string; logIndex: number }>,
): Promise<
  | (DepositInReview & Readonly<{ account: AccountId; sender: string; recipient: string }>)
  | undefined
> {
  const row = await firstRow<InReviewRow>(
    db,
    sql`${SELECT_IN_REVIEW} and chain = ${chain} and tx_hash = ${txHash} and log_index = ${logIndex}`,
  );
  if (row === undefined) return undefined;
  const { account_id: account, sender, recipient } = row;
  return { ...toDepositInReview(row), account, sender, recipient };
}

export type PinnedKey = Readonly<{
  family: string;
  fingerprint: string;
  current: boolean;
  /** Indexes below it were issued. */
  nextIndex: number;
  pinnedAt: Instant;
}>;

export async function listPinnedKeys(db: Database): Promise<readonly PinnedKey[]> {
  type Row = {
    family: string;
    fingerprint: string;
    current: boolean;
    next_index: string | number;
    pinned_at: string | number;
  };
  const { rows } = await queryOrThrow(
    db.execute<Row>(sql`select family, fingerprint, current, next_index,
        ${toEpochMs(sql`pinned_at`)} as pinned_at
      from deposit_keys order by family, pinned_at`),
  );
  return rows.map(({ next_index, pinned_at, ...row }) => ({
    ...row,
    nextIndex: Number(next_index),
    pinnedAt: Number(pinned_at),
  }));
}
