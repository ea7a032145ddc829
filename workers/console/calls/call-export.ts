/** Calls as CSV: one file holds a bounded number, read and sent some hundred at a time. */
import type { Database } from '@farebox/database';
import {
  type CallCursor,
  type CallFilter,
  type CallRecord,
  listCalls,
} from '@farebox/database/statements';
import { BUCKETS } from '@farebox/money';
import type { Row } from '../format/csv.ts';

export const CALLS_PER_FILE = 10_000;
const CALLS_PER_BATCH = 500;

export const CALL_COLUMNS = [
  'id',
  'created_at',
  'settled_at',
  'key_id',
  'key_name',
  'model',
  'provider',
  'dialect',
  'stream',
  'http_status',
  'status',
  'reason',
  ...BUCKETS,
  'output_reasoning',
  ...BUCKETS.map((bucket) => `${bucket}_nano_usd_per_million`),
  'fees',
  'charged_usd',
  'charged_nano_usd',
  'shortfall_nano_usd',
] as const;

function toIsoTime(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

export function toCsvRow({ keyId, generation }: CallRecord, keyName: string): Row {
  const surcharges = generation.fees.map(
    (surcharge) => `${surcharge.kind}:${surcharge.count}x${surcharge.nano_usd_per_million}`,
  );
  return [
    generation.id,
    toIsoTime(generation.createdAt),
    toIsoTime(generation.settledAt),
    keyId,
    keyName,
    generation.model,
    generation.provider,
    generation.dialect,
    generation.stream,
    generation.httpStatus,
    generation.status,
    generation.reason,
    ...BUCKETS.map((bucket) => generation.usage?.[bucket] ?? null),
    generation.usage?.output_reasoning ?? null,
    ...BUCKETS.map((bucket) => generation.prices?.[bucket] ?? null),
    surcharges.join(' '),
    { usd: generation.charged },
    generation.charged,
    generation.shortfall,
  ];
}

type CallExport = Readonly<{
  db: Database;
  account: string;
  filter: CallFilter;
  before: CallCursor | null;
  keyName: (keyId: number) => string;
}>;

/** At most one file's worth. */
export async function* streamCallBatches(params: CallExport): AsyncGenerator<readonly Row[]> {
  const { db, account, filter, keyName } = params;
  let before = params.before;
  for (let sent = 0; sent < CALLS_PER_FILE; sent += CALLS_PER_BATCH) {
    const batch = await listCalls(db, account, { filter, before, limit: CALLS_PER_BATCH });
    yield batch.map((call) => toCsvRow(call, keyName(call.keyId)));
    const last = batch.at(-1)?.generation;
    if (last === undefined || batch.length < CALLS_PER_BATCH) return;
    before = { at: last.createdAt, id: last.id };
  }
}
