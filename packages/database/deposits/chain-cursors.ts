/**
 * The scan cursor of each chain. It advances only by compare-and-set, so of two concurrent scanners
 * one moves it. A halted chain stays halted until an operator resumes it.
 */
import type { Instant } from '@farebox/ledger';
import { sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';

export type ChainCursor = Readonly<{
  nextBlock: number;
  lastHash: string | null;
  window: number;
  haltedAt: Instant | null;
}>;

type Row = {
  next_block: string | number;
  last_hash: string | null;
  window: number;
  halted_at: string | number | null;
};

export async function readCursor(db: Database, chain: string): Promise<ChainCursor | undefined> {
  const row = await firstRow<Row>(
    db,
    sql`select next_block, last_hash, "window", ${toEpochMs(sql`halted_at`)} as halted_at
      from chain_cursors where chain = ${chain}`,
  );
  if (row === undefined) return undefined;
  return {
    nextBlock: Number(row.next_block),
    lastHash: row.last_hash,
    window: row.window,
    haltedAt: row.halted_at === null ? null : Number(row.halted_at),
  };
}

/** Sets the first block to read. An existing cursor stays as it is. */
export async function startCursor(
  db: Database,
  chain: string,
  nextBlock: number,
  window: number,
): Promise<void> {
  await queryOrThrow(
    db.execute(sql`insert into chain_cursors (chain, next_block, "window")
      values (${chain}, ${nextBlock}, ${window}) on conflict (chain) do nothing`),
  );
}

export type Advance = Readonly<{
  chain: string;
  from: number;
  to: number;
  hash: string;
  window: number;
  now: Instant;
}>;

/** Moves the cursor past `to`, whose hash is `hash`. Returns false if it was not at `from`. */
export async function advanceCursor(db: Database, advance: Advance): Promise<boolean> {
  const { chain, from, to, hash, window, now } = advance;
  const moved = await firstRow(
    db,
    sql`update chain_cursors set next_block = ${to + 1}, last_hash = ${hash}, "window" = ${window},
      advanced_at = ${toTimestamp(now)} where chain = ${chain} and next_block = ${from} and halted_at is null
      returning chain`,
  );
  return moved !== undefined;
}

export type PollResult = Readonly<{
  chain: string;
  head: number | null;
  final: number | null;
  finalAt: Instant | null;
  lastError: string | null;
  /** The window to try next, in blocks. */
  window: number | null;
  now: Instant;
}>;

/** Records what a run saw, whether or not the cursor advanced. */
export async function recordPoll(db: Database, poll: PollResult): Promise<void> {
  const { chain, head, final, finalAt, lastError, window, now } = poll;
  await queryOrThrow(
    db.execute(sql`update chain_cursors set last_polled_at = ${toTimestamp(now)}, last_error = ${lastError}::text,
      head = coalesce(${head}::bigint, head), final = coalesce(${final}::bigint, final),
      final_at = coalesce(${finalAt === null ? null : new Date(finalAt).toISOString()}::timestamptz, final_at),
      "window" = coalesce(${window}::integer, "window") where chain = ${chain}`),
  );
}

export type Incident = Readonly<{
  chain: string;
  kind: string;
  blockNumber: number | null;
  expected: string | null;
  found: string | null;
  provider: number | null;
  now: Instant;
}>;

/** Stops reading and crediting of the chain, and records the evidence. */
export async function haltChain(db: Database, incident: Incident): Promise<void> {
  const { chain, kind, blockNumber, expected, found, provider, now } = incident;
  await queryOrThrow(
    db.batch([
      db.execute(sql`insert into chain_incidents (chain, kind, at, block_number, expected, found, provider)
        values (${chain}, ${kind}, ${toTimestamp(now)}, ${blockNumber}::bigint, ${expected}::text, ${found}::text, ${provider}::integer)`),
      db.execute(sql`update chain_cursors set halted_at = coalesce(halted_at, ${toTimestamp(now)}), last_error = ${kind}
        where chain = ${chain}`),
    ]),
  );
}

/**
 * How far below the evidence reading resumes: a fork may begin below the block that revealed it.
 */
const REWIND_BLOCKS = 1_000;

/**
 * Resumes a halted chain some blocks below the evidence, on the blocks that are there now. Returns
 * false if it was not halted.
 */
export async function resumeChain(
  db: Database,
  chain: string,
  operator: string,
  now: Instant,
): Promise<boolean> {
  const [rewound] = await queryOrThrow(
    db.batch([
      db.execute(sql`update chain_cursors set next_block = greatest(0, least(next_block,
          (select min(block_number) from chain_incidents
            where chain = ${chain} and resolved_at is null)) - ${REWIND_BLOCKS})
        where chain = ${chain} and halted_at is not null returning chain`),
      db.execute(sql`update chain_incidents set resolved_at = ${toTimestamp(now)}, resolved_by = ${operator}
        where chain = ${chain} and resolved_at is null`),
      db.execute(sql`update chain_cursors set halted_at = null, last_hash = null, last_error = null
        where chain = ${chain} and halted_at is not null`),
    ]),
  );
  return rewound.rows.length > 0;
}

/** The nightly rescan: its next and its last block, or null while none is running. */
export type Rescan = Readonly<{
  blocks: Readonly<{ next: number; last: number }> | null;
  /** When the previous rescan ended. */
  endedAt: Instant | null;
}>;

type RescanRow = {
  rescan_next: string | number | null;
  rescan_until: string | number | null;
  rescan_at: string | number | null;
};

export async function readRescan(db: Database, chain: string): Promise<Rescan> {
  const row = await firstRow<RescanRow>(
    db,
    sql`select rescan_next, rescan_until, ${toEpochMs(sql`rescan_at`)} as rescan_at
      from chain_cursors where chain = ${chain}`,
  );
  const next = row?.rescan_next ?? null;
  const last = row?.rescan_until ?? null;
  const endedAt = row?.rescan_at ?? null;
  return {
    blocks: next === null || last === null ? null : { next: Number(next), last: Number(last) },
    endedAt: endedAt === null ? null : Number(endedAt),
  };
}

/** Records the progress of the rescan. It has ended once `next` is past `last`. */
export async function recordRescan(
  db: Database,
  chain: string,
  blocks: Readonly<{ next: number; last: number }>,
  now: Instant,
): Promise<void> {
  const ended = blocks.next > blocks.last;
  await queryOrThrow(
    db.execute(
      ended
        ? sql`update chain_cursors set rescan_next = null, rescan_until = null, rescan_at = ${toTimestamp(now)}
            where chain = ${chain}`
        : sql`update chain_cursors set rescan_next = ${blocks.next}, rescan_until = ${blocks.last}
            where chain = ${chain}`,
    ),
  );
}
