/**
 * The tables of deposits: addresses and their keys, chain cursors, USDT transfers to our addresses,
 * sweeps by operators, and differences that the audit found. A transfer is identified by (chain,
 * transaction, log index) and by nothing else: a transaction may contain several, and a
 * reorganization moves it to another block (docs/decisions/0013-deposits.md). May import only
 * drizzle and its siblings.
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
  unique,
  uniqueIndex,
  varchar,
} from 'drizzle-orm/pg-core';
import { accountId, instant } from './accounts.ts';

const chain = () => varchar('chain', { length: 8 }).notNull();
/** A uint256 in the token's own units. */
const units = (name: string) => numeric(name, { precision: 78, scale: 0, mode: 'bigint' });

const FAMILY = sql.raw(`family in ('evm', 'tron')`);
const CHAIN = sql.raw(`chain in ('tron', 'bsc', 'polygon')`);

/**
 * The operator's public keys, pinned when first seen. Only the current one derives new addresses.
 */
export const depositKeys = pgTable(
  'deposit_keys',
  {
    family: varchar('family', { length: 4 }).notNull(),
    /** The first 16 hexadecimal digits of the SHA-256 of the extended public key's text. */
    fingerprint: varchar('fingerprint', { length: 16 }).notNull(),
    current: boolean('current').notNull(),
    /** The index of the next new address. */
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
    /** 0x and 40 lowercase hexadecimal digits, as in a log topic; for TRON too. */
    address: varchar('address', { length: 42 }).notNull(),
    accountId: accountId(),
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

/** Every block below `next_block` was read, and `last_hash` is the hash of the block before it. */
export const chainCursors = pgTable(
  'chain_cursors',
  {
    chain: chain().primaryKey(),
    nextBlock: bigint('next_block', { mode: 'number' }).notNull(),
    lastHash: varchar('last_hash', { length: 66 }),
    /**
     * The newest block, the newest creditable block and its time, as the network last reported
     * them.
     */
    head: bigint('head', { mode: 'number' }),
    final: bigint('final', { mode: 'number' }),
    finalAt: instant('final_at'),
    /** When a run last polled the chain, and when one last advanced the cursor. */
    lastPolledAt: instant('last_polled_at'),
    advancedAt: instant('advanced_at'),
    /** Why the last run did not advance, from a closed list of words; null if it did. */
    lastError: varchar('last_error', { length: 40 }),
    /** Set while nothing of this chain is read or credited, until an operator resumes it. */
    haltedAt: instant('halted_at'),
    /** The last window that worked, in blocks. */
    window: integer('window').notNull(),
    /** The next block of the nightly rescan; null while none is running. */
    rescanNext: bigint('rescan_next', { mode: 'number' }),
    rescanUntil: bigint('rescan_until', { mode: 'number' }),
    rescanAt: instant('rescan_at'),
    /** The last address of the running daily audit; null while none is running. */
    auditAfter: varchar('audit_after', { length: 42 }),
    /** When the previous audit ended. */
    auditAt: instant('audit_at'),
  },
  () => [check('chain_cursors_chain', CHAIN)],
);

export const DEPOSIT_STATES = [
  /** Above the final block: shown, never spent, replaced at every poll. */
  'pending',
  /** Final at every provider and above the minimum: to be credited. */
  'final',
  'credited',
  /** Below the minimum: waits until the deposits of the account together reach it. */
  'dust',
  /** Waits for an operator; `reason` says why. */
  'in_review',
  /** The account is closed; an operator can send the deposit back. */
  'closed',
] as const;

export const deposits = pgTable(
  'deposits',
  {
    chain: chain(),
    txHash: varchar('tx_hash', { length: 66 }).notNull(),
    /** The index within the block. */
    logIndex: integer('log_index').notNull(),
    blockNumber: bigint('block_number', { mode: 'number' }).notNull(),
    blockHash: varchar('block_hash', { length: 66 }).notNull(),
    contract: varchar('contract', { length: 42 }).notNull(),
    sender: varchar('sender', { length: 42 }).notNull(),
    recipient: varchar('recipient', { length: 42 }).notNull(),
    accountId: accountId(),
    /** In the token's own units. */
    units: units('units').notNull(),
    /**
     * The credit in nano-USD, set once when the transfer becomes final. It includes what earlier
     * deposits of the same account and chain left below one nano-USD.
     */
    amount: bigint('amount', { mode: 'bigint' }),
    /** The margin on top-ups that `amount` leaves out, in nano-USD, and its share; set with it. */
    fee: bigint('fee', { mode: 'bigint' }).notNull().default(sql`0`),
    feeBasisPoints: integer('fee_basis_points').notNull().default(0),
    state: varchar('state', { length: 16 }).notNull(),
    /** A word from a closed list, for `in_review` and `closed`. */
    reason: varchar('reason', { length: 40 }),
    /** What found it: scan, rescan, claim or audit. */
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
    check('deposits_fee', sql`${t.fee} >= 0 and ${t.feeBasisPoints} between 0 and 5000`),
    index('deposits_account').on(t.accountId, t.seenAt),
    index('deposits_waiting')
      .on(t.chain, t.state, t.blockNumber)
      .where(sql`state in ('pending', 'final', 'dust', 'in_review')`),
    // The deposits of all chains that need an operator.
    index('deposits_in_review').on(t.seenAt).where(sql`state in ('in_review', 'closed')`),
    index('deposits_recipient').on(t.chain, t.recipient),
  ],
);

/** The remainder below one nano-USD per account and chain; only a token of 18 decimals has any. */
export const depositRemainders = pgTable(
  'deposit_remainders',
  {
    chain: chain(),
    accountId: accountId(),
    units: units('units').notNull(),
  },
  (t) => [primaryKey({ columns: [t.chain, t.accountId] }), check('remainders_chain', CHAIN)],
);

export const SWEEP_STATES = [
  /** Listed in a report and not confirmed yet; it does not count in the audit. */
  'reported',
  /** Every provider shows the transfer in a final block. */
  'confirmed',
  /** Every provider shows the transaction in a final block, and it moved other units. */
  'contradicted',
] as const;
export type SweepState = (typeof SWEEP_STATES)[number];

/** Sweeps from a deposit address, as the treasury's report lists them and the providers show them. */
export const sweptDeposits = pgTable(
  'swept_deposits',
  {
    chain: chain(),
    txHash: varchar('tx_hash', { length: 66 }).notNull(),
    address: varchar('address', { length: 42 }).notNull(),
    units: units('units').notNull(),
    reportedAt: instant('reported_at').notNull(),
    state: varchar('state', { length: 12 }).notNull().default('reported'),
    /** Where the units went, as the chain shows it. Null until the sweep is confirmed. */
    destination: varchar('destination', { length: 42 }),
    /** When the providers were last asked. */
    checkedAt: instant('checked_at'),
  },
  (t) => [
    primaryKey({ columns: [t.chain, t.txHash, t.address] }),
    check('swept_deposits_chain', CHAIN),
    check('swept_deposits_state', sql.raw(`state in ('${SWEEP_STATES.join("', '")}')`)),
    index('swept_deposits_address').on(t.chain, t.address),
    index('swept_deposits_unconfirmed').on(t.chain).where(sql`state <> 'confirmed'`),
    index('swept_deposits_confirmed').on(t.reportedAt).where(sql`state = 'confirmed'`),
  ],
);

/** Failures of a chain with the numbers and hashes that prove them. Rows are never deleted. */
export const chainIncidents = pgTable(
  'chain_incidents',
  {
    id: bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    chain: chain(),
    kind: varchar('kind', { length: 40 }).notNull(),
    at: instant('at').notNull(),
    /** The evidence: the block, the expected and the found value, as numbers or hashes. */
    blockNumber: bigint('block_number', { mode: 'number' }),
    expected: varchar('expected', { length: 78 }),
    found: varchar('found', { length: 78 }),
    /** The index of the provider that reported it, from 0. */
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
  /** Balance and sweeps of an address against the recorded transfers, in the token's units. */
  'balance',
  /** Credited deposits of an account against its ledger entries (`held`), in nano-USD. */
  'ledger',
  /** The token's issuer froze the address, so its balance can't be moved. In the token's units. */
  'frozen',
] as const;

/**
 * Differences that the daily audit found, resolved when a later audit finds none. Never deleted.
 */
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
    /**
     * Blocks below it are still to be rescanned for this address; null before the rescan begins.
     */
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
