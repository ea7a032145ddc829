/**
 * The metadata of ended calls, to and from rows. Buckets and prices are columns of their own, so that
 * nothing but whole numbers fits in them; a row that no longer reads as a bill is refused, not guessed.
 */
import type {
  AccountId,
  CallId,
  Entry,
  Generation,
  RecordedDialect,
  SettleReason,
} from '@farebox/ledger';
import { SETTLE_REASONS } from '@farebox/ledger';
import { and, eq } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { calls } from '../schema/ledger.ts';

type CallCharge = NonNullable<Entry['call']>;
type Surcharges = Generation['fees'];

const DIALECTS: Readonly<Record<RecordedDialect, true>> = {
  chat: true,
  messages: true,
  responses: true,
  gemini: true,
  embeddings: true,
};

/** One call as `deliverEntries` sends it: column names, every large number as text. */
export function toCallRow(seq: number, call: CallCharge) {
  const { usage, prices } = call;
  return {
    id: call.id,
    seq,
    key_id: call.keyId,
    model: call.model,
    provider: call.provider,
    dialect: call.dialect,
    stream: call.stream,
    http_status: call.httpStatus,
    status: call.status,
    reason: call.reason,
    input_uncached: usage?.input_uncached ?? null,
    cache_read: usage?.cache_read ?? null,
    cache_write_5m: usage?.cache_write_5m ?? null,
    cache_write_1h: usage?.cache_write_1h ?? null,
    output: usage?.output ?? null,
    output_reasoning: usage?.output_reasoning ?? null,
    input_uncached_price: prices?.input_uncached.toString() ?? null,
    cache_read_price: prices?.cache_read.toString() ?? null,
    cache_write_5m_price: prices?.cache_write_5m.toString() ?? null,
    cache_write_1h_price: prices?.cache_write_1h.toString() ?? null,
    output_price: prices?.output.toString() ?? null,
    fees: call.fees.map((fee) => ({
      kind: fee.kind,
      count: fee.count,
      nano_usd_per_million: fee.nano_usd_per_million.toString(),
    })),
    charged: call.charged.toString(),
    shortfall: call.shortfall.toString(),
    created_at: new Date(call.createdAt).toISOString(),
    settled_at: call.settledAt === null ? null : new Date(call.settledAt).toISOString(),
  };
}

/** The bill of one ended call of this account, for calls the object no longer keeps. */
export async function findGeneration(
  db: Database,
  account: AccountId,
  id: CallId,
): Promise<Generation | undefined> {
  const [row] = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(eq(calls.accountId, account), eq(calls.id, id))),
  );
  return row === undefined ? undefined : toGeneration(row);
}

type Row = typeof calls.$inferSelect;

export function toGeneration(row: Row): Generation {
  return {
    id: row.id,
    model: row.model,
    provider: row.provider,
    dialect: parseDialect(row.dialect),
    stream: row.stream,
    httpStatus: row.httpStatus,
    status: row.status === 'void' ? 'void' : 'settled',
    reason: row.reason === null ? null : parseReason(row.reason),
    usage: toUsage(row),
    prices: toPrices(row),
    fees: parseSurcharges(row.fees),
    charged: row.charged,
    shortfall: row.shortfall,
    createdAt: row.createdAt.getTime(),
    settledAt: row.settledAt?.getTime() ?? null,
  };
}

function isDialect(text: string): text is RecordedDialect {
  return Object.hasOwn(DIALECTS, text);
}

function parseDialect(text: string): RecordedDialect {
  if (isDialect(text)) return text;
  throw new Error('A stored call has a dialect that this release does not know.');
}

function parseReason(text: string): SettleReason {
  const reason = SETTLE_REASONS.find((known) => known === text);
  if (reason !== undefined) return reason;
  throw new Error('A stored call has a reason that this release does not know.');
}

function toUsage(row: Row): Generation['usage'] {
  const { inputUncached, cacheRead, cacheWrite5m, cacheWrite1h, output, outputReasoning } = row;
  if (inputUncached === null || cacheRead === null || cacheWrite5m === null) return null;
  if (cacheWrite1h === null || output === null || outputReasoning === null) return null;
  return {
    input_uncached: inputUncached,
    cache_read: cacheRead,
    cache_write_5m: cacheWrite5m,
    cache_write_1h: cacheWrite1h,
    output,
    output_reasoning: outputReasoning,
  };
}

function toPrices(row: Row): Generation['prices'] {
  const { inputUncachedPrice, cacheReadPrice, cacheWrite5mPrice, cacheWrite1hPrice } = row;
  if (inputUncachedPrice === null || cacheReadPrice === null || row.outputPrice === null)
    return null;
  if (cacheWrite5mPrice === null || cacheWrite1hPrice === null) return null;
  return {
    input_uncached: inputUncachedPrice,
    cache_read: cacheReadPrice,
    cache_write_5m: cacheWrite5mPrice,
    cache_write_1h: cacheWrite1hPrice,
    output: row.outputPrice,
  };
}

const SURCHARGE_KINDS: Readonly<Record<Surcharges[number]['kind'], true>> = {
  web_search: true,
  audio_input: true,
  audio_output: true,
  image_output: true,
  compaction_input: true,
  compaction_cache_read: true,
  compaction_cache_write: true,
  compaction_output: true,
};

function isSurchargeKind(text: unknown): text is Surcharges[number]['kind'] {
  return typeof text === 'string' && Object.hasOwn(SURCHARGE_KINDS, text);
}

function parseSurcharges(stored: unknown): Surcharges {
  if (!Array.isArray(stored)) throw new Error('The fees of a stored call are not a list.');
  return stored.map((fee: unknown) => {
    if (typeof fee === 'object' && fee !== null && 'kind' in fee && 'count' in fee) {
      const price = 'nano_usd_per_million' in fee ? fee.nano_usd_per_million : undefined;
      const { kind, count } = fee;
      if (isSurchargeKind(kind) && typeof count === 'number' && typeof price === 'string') {
        return { kind, count, nano_usd_per_million: BigInt(price) };
      }
    }
    throw new Error('A fee of a stored call is of a kind that this release does not know.');
  });
}
