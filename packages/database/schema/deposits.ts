/**
 * The tables of money that comes in over public chains: whose each address is, how far each chain was
 * read, every transfer of USDT to one of our addresses, what operators swept away from there, and what
 * did not add up. A transfer is named by (chain, transaction, log index) and by nothing else: a
 * transaction may hold several, and a reorganisation moves it to another block
 * (docs/decisions/0013-deposits.md). May import nothing but drizzle and schema.ts.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  foreignKey,
  index,
  integer,
  numeric,
  pgTable,
  primaryKey,
  timestamp,
  unique,
  uniqueIndex,
  varchar,
} from 'drizzle-orm/pg-core';
import { accounts } from './ledger.ts';

const instant = (name: string) =>
  timestamp(name, { withTimezone: true, precision: 3, mode: 'date' });
const chain = () => varchar('chain', { length: 8 }).notNull();
/** A uint256 in the token's own units. */
const units = (name: string) => numeric(name, { precision: 78, scale: 0, mode: 'bigint' });

const FAMILY = sql.raw(`family in ('evm', 'tron')`);
const CHAIN = sql.raw(`chain in ('tron', 'bsc', 'polygon')`);

/** The operator's public keys, pinned the first time each is seen; only the current one gives new addresses. */
export const depositKeys = pgTable(
  'deposit_keys',
  {
    family: varchar('family', { length: 4 }).notNull(),
    /** The first 16 hexadecimal characters of the SHA-256 of the extended public key's text. */
    fingerprint: varchar('fingerprint', { length: 16 }).notNull(),
    current: boolean('current').notNull(),
    /** The index that the next new address gets. */
    nextIndex: bigint('next_index', { mode: 'number' }).notNull(),
    pinnedAt: instant('pinned_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.family, t.fingerprint] }),
    check('deposit_keys_family', FAMILY),
    check('deposit_keys_fingerprint', sql`${t.fingerprint} ~ '^[0-9a-f]{16}$'`),
    check('deposit_keys_index', sql`${t.nextIndex} between 0 and 2147483648`),
  ],
);

export const depositAddresses = pgTable(
  'deposit_addresses',
  {
    family: varchar('family', { length: 4 }).notNull(),
    /** 0x and 40 lowercase hexadecimal characters, for TRON too: as it stands in a log's topic. */
    address: varchar('address', { length: 42 }).notNull(),
    accountId: varchar('account_id', { length: 16 })
      .notNull()
      .references(() => accounts.id),
    fingerprint: varchar('fingerprint', { length: 16 }).notNull(),
    index: bigint('index', { mode: 'number' }).notNull(),
    createdAt: instant('created_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.family, t.address] }),
    unique('deposit_addresses_index').on(t.family, t.fingerprint, t.index),
    unique('deposit_addresses_account').on(t.accountId, t.family, t.fingerprint),
    foreignKey({
      name: 'deposit_addresses_key',
      columns: [t.family, t.fingerprint],
      foreignColumns: [depositKeys.family, depositKeys.fingerprint],
    }),
    check('deposit_addresses_shape', sql`${t.address} ~ '^0x[0-9a-f]{40}$'`),
  ],
);

/** How far a chain was read: every block below `next_block` was, and `last_hash` is the one before it. */
export const chainCursors = pgTable(
  'chain_cursors',
  {
    chain: chain().primaryKey(),
    nextBlock: bigint('next_block', { mode: 'number' }).notNull(),
    lastHash: varchar('last_hash', { length: 66 }),
    /** What the network said last: its newest block, the newest creditable one, and when that was mined. */
    head: bigint('head', { mode: 'number' }),
    final: bigint('final', { mode: 'number' }),
    finalAt: instant('final_at'),
    /** When a tick last looked, and when one last got on. */
    lastPolledAt: instant('last_polled_at'),
    advancedAt: instant('advanced_at'),
    /** Why the last tick did not get on; null where it did. A closed word. */
    lastError: varchar('last_error', { length: 40 }),
    /** Set: nothing of this chain is read or credited until an operator has looked. */
    haltedAt: instant('halted_at'),
    /** The width that worked last, in blocks. */
    window: integer('window').notNull(),
    /** Down to which block the nightly second reading came; null while none is under way. */
    rescanNext: bigint('rescan_next', { mode: 'number' }),
    rescanUntil: bigint('rescan_until', { mode: 'number' }),
    rescanAt: instant('rescan_at'),
    /** The daily audit: the address it came to; null while none is under way. */
    auditAfter: varchar('audit_after', { length: 42 }),
    /** When the one before ended. */
    auditAt: instant('audit_at'),
  },
  () => [check('chain_cursors_chain', CHAIN)],
);

export const DEPOSIT_STATES = [
  /** Above the final block: shown, never spent, replaced by every look. */
  'pending',
  /** Final at every provider asked, and worth something: to be credited. */
  'final',
  'credited',
  /** Below the minimum: waits until what came in together passes it. */
  'dust',
  /** An operator has to look: `reason` says why. Nothing is lost. */
  'in_review',
  /** The account is closed; an operator can send it back. */
  'closed',
] as const;

export const deposits = pgTable(
  'deposits',
  {
    chain: chain(),
    txHash: varchar('tx_hash', { length: 66 }).notNull(),
    /** Within the block. */
    logIndex: integer('log_index').notNull(),
    blockNumber: bigint('block_number', { mode: 'number' }).notNull(),
    blockHash: varchar('block_hash', { length: 66 }).notNull(),
    contract: varchar('contract', { length: 42 }).notNull(),
    sender: varchar('sender', { length: 42 }).notNull(),
    recipient: varchar('recipient', { length: 42 }).notNull(),
    accountId: varchar('account_id', { length: 16 })
      .notNull()
      .references(() => accounts.id),
    /** In the token's own units. */
    units: units('units').notNull(),
    /**
     * What it is worth, in nano-USD, set once when it became final: with what earlier ones of the same
     * account and chain left over below one nano-USD.
     */
    amount: bigint('amount', { mode: 'bigint' }),
    state: varchar('state', { length: 16 }).notNull(),
    /** A closed word; for `in_review` and `closed`. */
    reason: varchar('reason', { length: 40 }),
    /** How it was found: by the scan, a second reading, a claim, the audit. */
    foundBy: varchar('found_by', { length: 8 }).notNull(),
    seenAt: instant('seen_at').notNull(),
    finalAt: instant('final_at'),
    creditedAt: instant('credited_at'),
  },
  (t) => [
    primaryKey({ columns: [t.chain, t.txHash, t.logIndex] }),
    check('deposits_chain', CHAIN),
    check('deposits_tx', sql`${t.txHash} ~ '^0x[0-9a-f]{64}$'`),
    check('deposits_units', sql`${t.units} > 0`),
    check(
      'deposits_state',
      sql.raw(`state in (${DEPOSIT_STATES.map((state) => `'${state}'`).join(', ')})`),
    ),
    check('deposits_amount', sql`(${t.state} = 'pending') = (${t.amount} is null)`),
    index('deposits_account').on(t.accountId, t.seenAt),
    index('deposits_waiting')
      .on(t.chain, t.state, t.blockNumber)
      .where(sql`state in ('pending', 'final', 'dust', 'in_review')`),
    // What operators have to look at, of all chains together.
    index('deposits_in_review').on(t.seenAt).where(sql`state in ('in_review', 'closed')`),
    index('deposits_recipient').on(t.chain, t.recipient),
  ],
);

/** What is left over below one nano-USD, per account and chain: only a token of 18 decimals has any. */
export const depositRemainders = pgTable(
  'deposit_remainders',
  {
    chain: chain(),
    accountId: varchar('account_id', { length: 16 })
      .notNull()
      .references(() => accounts.id),
    units: units('units').notNull(),
  },
  (t) => [primaryKey({ columns: [t.chain, t.accountId] }), check('remainders_chain', CHAIN)],
);

/** What an operator moved from a deposit address to the treasury, as the treasury's report says. */
export const sweptDeposits = pgTable(
  'swept_deposits',
  {
    chain: chain(),
    txHash: varchar('tx_hash', { length: 66 }).notNull(),
    address: varchar('address', { length: 42 }).notNull(),
    units: units('units').notNull(),
    reportedAt: instant('reported_at').notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.chain, t.txHash, t.address] }),
    check('swept_deposits_chain', CHAIN),
    index('swept_deposits_address').on(t.chain, t.address),
  ],
);

/** What went wrong on a chain, with the numbers and hashes that show it. Never removed. */
export const chainIncidents = pgTable(
  'chain_incidents',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    chain: chain(),
    kind: varchar('kind', { length: 40 }).notNull(),
    at: instant('at').notNull(),
    /** The evidence: where, what was expected there and what was found, as numbers or hashes. */
    blockNumber: bigint('block_number', { mode: 'number' }),
    expected: varchar('expected', { length: 78 }),
    found: varchar('found', { length: 78 }),
    /** Which of the chain's providers said so, counted from 0. */
    provider: integer('provider'),
    resolvedAt: instant('resolved_at'),
    resolvedBy: varchar('resolved_by', { length: 254 }),
  },
  (t) => [
    check('chain_incidents_chain', CHAIN),
    index('chain_incidents_open').on(t.chain, t.at).where(sql`resolved_at is null`),
  ],
);

export const DIFFERENCE_KINDS = [
  /** What an address holds and was swept of, against the transfers we know: in the token's units. */
  'balance',
  /** The account's credited deposits against its book's lines (`held`): in nano-USD. */
  'ledger',
  /** The token's issuer froze the address: what it holds can't be moved. In the token's units. */
  'frozen',
] as const;

/** What the daily audit found not to add up, until a later look finds that it does. Never removed. */
export const depositDifferences = pgTable(
  'deposit_differences',
  {
    chain: chain(),
    address: varchar('address', { length: 42 }).notNull(),
    kind: varchar('kind', { length: 8 }).notNull().default('balance'),
    auditedAt: instant('audited_at').notNull(),
    held: units('held').notNull(),
    swept: units('swept').notNull(),
    recorded: units('recorded').notNull(),
    /** Blocks below it are still to be read once more for this address; null before that began. */
    rescanBelow: bigint('rescan_below', { mode: 'number' }),
    resolvedAt: instant('resolved_at'),
  },
  (t) => [
    primaryKey({ columns: [t.chain, t.address, t.kind, t.auditedAt] }),
    check('deposit_differences_chain', CHAIN),
    check(
      'deposit_differences_kind',
      sql.raw(`kind in (${DIFFERENCE_KINDS.map((kind) => `'${kind}'`).join(', ')})`),
    ),
    uniqueIndex('deposit_differences_open')
      .on(t.chain, t.address, t.kind)
      .where(sql`resolved_at is null`),
  ],
);
