/**
 * The chain of an account's entries: entries from before it existed, which alarms chain a few at a
 * time, and its audit. A new entry is chained when it is written (entries.ts), once every older one
 * is; until then it waits for them. What is not chained yet has no hash.
 */
import type { AccountId, Entry, StatementLink } from './contract/index.ts';
import { entriesAfter } from './entries.ts';
import { CHAIN_START, chainEntries, hashEntry } from './statement-line.ts';
import { changeBalance, InvariantViolation, type Tx } from './transaction.ts';

/** The chain's end, with older entries behind it. */
export type ChainBacklog = Readonly<{
  account: AccountId;
  from: StatementLink;
  /** Whether Postgres has the next entry; otherwise the outbox has it. */
  isStored: boolean;
}>;

/** Returns null where every entry is chained. */
export function findBacklog({ cache }: Tx): ChainBacklog | null {
  const { chain_seq: seq, chain_hash: hash, seq: lastSeq } = cache.balance;
  if (seq >= lastSeq) return null;
  return { account: cache.account, from: { seq, hash }, isStored: seq < cache.acknowledged };
}

const UPDATE_HASH = 'UPDATE entries SET hash = ? WHERE seq = ?';

/**
 * Checks the hashes of the entries that follow the chain's end against those that are kept here, and
 * returns the numbers of these. A kept entry that differs from what Postgres has of it breaks an
 * invariant and stays out of the chain.
 */
export function checkLinks(tx: Tx, links: readonly StatementLink[]): ReadonlySet<number> {
  const { account, balance } = tx.cache;
  if (links[0] !== undefined && links[0].seq !== balance.chain_seq + 1)
    throw new RangeError('not the next entries of the chain');
  const kept = new Map(entriesAfter(tx, balance.chain_seq, links.length).map((e) => [e.seq, e]));
  let { chain_hash: previous } = balance;
  for (const { seq, hash } of links) {
    const entry = kept.get(seq);
    if (entry !== undefined && hashEntry(account, entry, previous) !== hash)
      throw new InvariantViolation('chained_entry_is_stored');
    previous = hash;
  }
  return new Set(kept.keys());
}

/** Stores the hashes of the entries that follow the chain's end and are kept here. */
export function storeLinks(tx: Tx, links: readonly StatementLink[]): void {
  const last = links.at(-1);
  if (last === undefined) return;
  const kept = checkLinks(tx, links);
  for (const { seq, hash } of links) if (kept.has(seq)) tx.sql.exec(UPDATE_HASH, hash, seq);
  const balance = changeBalance(tx);
  balance.chain_seq = last.seq;
  balance.chain_hash = last.hash;
}

/** Chains entries that Postgres has not acknowledged: they take their hash along. */
export function chainOutbox(tx: Tx, limit: number): void {
  const { account, balance } = tx.cache;
  const from = { seq: balance.chain_seq, hash: balance.chain_hash };
  storeLinks(tx, chainEntries(account, from, entriesAfter(tx, from.seq, limit)));
}

/**
 * Entries after ?1 up to the chain's end without a hash, or beyond it with one, and a last entry of
 * the chain with another hash; none in a sound ledger.
 */
const COUNT_UNCHAINED = `SELECT
  (SELECT count(*) FROM entries e WHERE e.seq > ?1 AND (e.hash IS NULL) = (e.seq <= a.chain_seq))
    + (SELECT count(*) FROM entries e WHERE e.seq = a.chain_seq AND e.hash <> a.chain_hash) AS n
  FROM account a WHERE a.wiped = 0`;

/** Counts entries after `after` that are not chained as they should be. */
export function countUnchained({ sql }: Tx, after: number): number {
  return sql.exec<{ n: number }>(COUNT_UNCHAINED, after).toArray()[0]?.n ?? 0;
}

/**
 * The entries whose hashes an audit makes again, the newest ones: some 20 µs each. An account with
 * more of them a day is checked when its statement is read, line by line.
 */
const MAX_HASHED_ENTRIES = 10_000;

function isLinked(account: AccountId, before: Entry | undefined, entry: Entry): boolean {
  if (entry.hash === undefined) return true;
  const previous = entry.seq === 1 ? CHAIN_START : before;
  // The entry before may be pruned or not chained.
  if (previous?.hash === undefined || previous.seq !== entry.seq - 1) return true;
  return hashEntry(account, entry, previous.hash) === entry.hash;
}

/** Returns the first of the newest entries that does not match its hash. */
export function findBrokenLink(tx: Tx): number | null {
  const { account, balance } = tx.cache;
  const from = Math.max(0, balance.seq - MAX_HASHED_ENTRIES);
  const entries = entriesAfter(tx, from, MAX_HASHED_ENTRIES);
  const broken = entries.find((entry, index) => !isLinked(account, entries[index - 1], entry));
  return broken?.seq ?? null;
}
