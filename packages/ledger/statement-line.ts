/**
 * The canonical line of a ledger entry and the hash that chains it to the entry before: SHA-256 over
 * the line, which contains the previous hash. A line is made when its entry is written and again
 * whenever it is read, from the object's row or from Postgres, so its bytes may never change: format
 * 1 of docs/statements.md. What a later release records of a call does not enter it.
 */
import { createHash } from 'node:crypto';
import { type Surcharge, surchargesToJson } from '@farebox/money';
import type { AccountId, CallMetadata, Entry, Instant, StatementLink } from './contract/index.ts';

/** What a line says of a call. */
export type StatementCall = Pick<
  CallMetadata,
  | 'id'
  | 'createdAt'
  | 'keyId'
  | 'model'
  | 'provider'
  | 'dialect'
  | 'stream'
  | 'httpStatus'
  | 'reason'
  | 'usage'
  | 'prices'
  | 'priceRule'
  | 'fees'
  | 'charged'
  | 'shortfall'
>;

export type StatementEntry = Pick<Entry, 'seq' | 'id' | 'kind' | 'delta' | 'postedAfter' | 'at'> &
  Readonly<{ call: StatementCall | null }>;

/** The buckets of format 1, in its order. A bucket that is added later does not enter it. */
const PRICED = [
  'input_uncached',
  'cache_read',
  'cache_write_5m',
  'cache_write_30m',
  'cache_write_1h',
  'cache_write_12h',
  'output',
] as const;
const COUNTED = [...PRICED, 'output_reasoning'] as const;

/** The previous hash of an account's first entry. */
export const NO_HASH = '0'.repeat(64);

/** Where the chain of an account starts. */
export const CHAIN_START: StatementLink = { seq: 0, hash: NO_HASH };

function toTime(at: Instant): string {
  return new Date(at).toISOString();
}

/** Counts and amounts as decimal text: JSON has no exact integer beyond 2^53. */
function toTexts<Name extends string>(
  names: readonly Name[],
  values: Readonly<Record<Name, number | bigint>> | null,
): Readonly<Record<string, string>> | null {
  if (values === null) return null;
  return Object.fromEntries(names.map((name) => [name, String(values[name])]));
}

function toFees(fees: readonly Surcharge[]): unknown {
  return surchargesToJson(fees).map((fee) => ({ ...fee, count: String(fee.count) }));
}

function toCall(call: StatementCall): unknown {
  return {
    id: call.id,
    created_at: toTime(call.createdAt),
    key_id: String(call.keyId),
    model: call.model,
    provider: call.provider,
    dialect: call.dialect,
    stream: call.stream,
    status: call.httpStatus === null ? null : String(call.httpStatus),
    reason: call.reason,
    tokens: toTexts(COUNTED, call.usage),
    prices: toTexts(PRICED, call.prices),
    // A gateway of the release before sends none.
    price_rule: call.priceRule ?? null,
    fees: toFees(call.fees),
    charged: call.charged.toString(),
    shortfall: call.shortfall.toString(),
  };
}

/** The line of an entry: the JSON text that is hashed, and the payload that is signed. */
export function toStatementLine(
  account: AccountId,
  entry: StatementEntry,
  previousHash: string,
): string {
  return JSON.stringify({
    account,
    seq: String(entry.seq),
    previous: previousHash,
    id: entry.id,
    kind: entry.kind,
    at: toTime(entry.at),
    amount: entry.delta.toString(),
    balance: entry.postedAfter.toString(),
    call: entry.call === null ? null : toCall(entry.call),
  });
}

/**
 * Returns SHA-256 as 64 hexadecimal characters. Synchronous, because an entry is hashed inside its
 * transaction; WebCrypto's digest is not.
 */
export function hashLine(line: string): string {
  return createHash('sha256').update(line).digest('hex');
}

export function hashEntry(account: AccountId, entry: StatementEntry, previousHash: string): string {
  return hashLine(toStatementLine(account, entry, previousHash));
}

/** Chains entries that follow `from` without a gap. Throws `RangeError` at a gap. */
export function chainEntries(
  account: AccountId,
  from: StatementLink,
  entries: readonly StatementEntry[],
): readonly StatementLink[] {
  let { seq, hash } = from;
  return entries.map((entry) => {
    if (entry.seq !== seq + 1) throw new RangeError('gap before an entry to chain');
    hash = hashEntry(account, entry, hash);
    seq = entry.seq;
    return { seq, hash };
  });
}
