/** Calls as CSV: one file holds a bounded number, read and sent some hundred at a time. */
import {
  type CallCursor,
  type CallFilter,
  callsPage,
  type Database,
  type StatedCall,
} from '@farebox/database';
import { BUCKETS } from '@farebox/money';
import type { Row } from '../charts/sheet.ts';

export const CALLS_A_FILE = 10_000;
const CALLS_A_BATCH = 500;

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

function instant(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}

export function callRow({ keyId, bill }: StatedCall, keyName: string): Row {
  const fees = bill.fees.map((fee) => `${fee.kind}:${fee.count}x${fee.nano_usd_per_million}`);
  return [
    bill.id,
    instant(bill.createdAt),
    instant(bill.settledAt),
    keyId,
    keyName,
    bill.model,
    bill.provider,
    bill.dialect,
    bill.stream,
    bill.httpStatus,
    bill.status,
    bill.reason,
    ...BUCKETS.map((bucket) => bill.usage?.[bucket] ?? null),
    bill.usage?.output_reasoning ?? null,
    ...BUCKETS.map((bucket) => bill.prices?.[bucket] ?? null),
    fees.join(' '),
    { usd: bill.charged },
    bill.charged,
    bill.shortfall,
  ];
}

type Export = Readonly<{
  db: Database;
  account: string;
  filter: CallFilter;
  before: CallCursor | null;
  keyName: (keyId: number) => string;
}>;

/** At most one file's worth. */
export async function* callBatches(wanted: Export): AsyncGenerator<readonly Row[]> {
  const { db, account, filter, keyName } = wanted;
  let before = wanted.before;
  for (let sent = 0; sent < CALLS_A_FILE; sent += CALLS_A_BATCH) {
    const batch = await callsPage(db, account, { filter, before, most: CALLS_A_BATCH });
    yield batch.map((call) => callRow(call, keyName(call.keyId)));
    const last = batch.at(-1)?.bill;
    if (last === undefined || batch.length < CALLS_A_BATCH) return;
    before = { at: last.createdAt, id: last.id };
  }
}
