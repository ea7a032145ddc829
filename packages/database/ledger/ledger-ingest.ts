/**
 * The mirror of the accounts' books. Lines arrive from each object's outbox, at least once and
 * perhaps from two senders at the same time; what is stored is always a contiguous run from 1 whose
 * running balance adds up, which the table enforces and not this code (schema.ts,
 * `ledger_entries_predecessor`).
 */
import { type AccountId, DAY_MS, type DeliveryResult, type Entry } from '@farebox/ledger';
import { savedByCache, splitCharge, totalInputTokens } from '@farebox/money';
import { sql } from 'drizzle-orm';
import { type Database, type QueryError, tryQuery } from '../connection/connection.ts';
import { firstRow } from '../connection/raw-sql.ts';
import { CALL_ROW_COLUMNS, toCallRow } from './calls.ts';

/** Lines in one statement. Above it a delivery takes several, in order. */
export const MAX_ENTRIES_PER_STATEMENT = 250;

/** A second sender's lines become visible once it has committed; each try waits for that. */
const MAX_ATTEMPTS = 3;

/**
 * Stores lines and the calls they bill. `acknowledged` is the last sequence known to be stored and
 * equal.
 */
export async function ingestEntries(
  db: Database,
  account: AccountId,
  entries: readonly Entry[],
): Promise<DeliveryResult> {
  const problem = checkEntries(entries);
  if (problem !== undefined) return { ok: false, reason: problem };
  let acknowledged = 0;
  for (let from = 0; from < entries.length; from += MAX_ENTRIES_PER_STATEMENT) {
    const delivery = await ingestSlice(
      db,
      account,
      entries.slice(from, from + MAX_ENTRIES_PER_STATEMENT),
    );
    if (!delivery.ok) return delivery;
    acknowledged = delivery.acknowledged;
  }
  return { ok: true, acknowledged };
}

/** What is wrong with the lines in themselves, whatever is stored. */
function checkEntries(entries: readonly Entry[]): 'gap' | 'mismatch' | undefined {
  for (const [index, entry] of entries.entries()) {
    const before = entries[index - 1];
    if (before === undefined) continue;
    if (entry.seq !== before.seq + 1) return 'gap';
    if (entry.postedAfter !== before.postedAfter + entry.delta) return 'mismatch';
  }
  return undefined;
}

async function ingestSlice(
  db: Database,
  account: AccountId,
  slice: readonly Entry[],
): Promise<DeliveryResult> {
  const acknowledged = slice.at(-1)?.seq ?? 0;
  for (let attemptNumber = 0; attemptNumber < MAX_ATTEMPTS; attemptNumber += 1) {
    const result = await tryQuery(
      db.execute<IngestResultRow>(buildIngestStatement(account, slice)),
    );
    if (!result.ok) return { ok: false, reason: toRejectReason(result.error) };
    const [row] = result.value.rows;
    if (row === undefined) return { ok: false, reason: 'unreachable' };
    if (Number(row.different) > 0) return { ok: false, reason: 'mismatch' };
    if (!row.anchored) return { ok: false, reason: 'gap' };
    // Fewer: another sender stored some meanwhile, unseen by this statement's snapshot. Look again.
    if (Number(row.inserted) + Number(row.equal) === slice.length) {
      return { ok: true, acknowledged };
    }
  }
  return { ok: false, reason: 'unreachable' };
}

/**
 * A line that a constraint refuses is one that can't follow what is stored: integrity (23), data
 * (22).
 */
function toRejectReason(failure: QueryError): 'unreachable' | 'mismatch' {
  return failure.kind === 'refused' && /^2[23]/.test(failure.sqlState) ? 'mismatch' : 'unreachable';
}

type IngestResultRow = { anchored: boolean; inserted: string; equal: string; different: string };

function toEntryRow(entry: Entry) {
  return {
    seq: entry.seq,
    id: entry.id,
    kind: entry.kind,
    delta: entry.delta.toString(),
    posted_after: entry.postedAfter.toString(),
    at: new Date(entry.at).toISOString(),
    hash: entry.hash ?? null,
    ...toUsageColumns(entry),
  };
}

/**
 * What a line adds to its call's day. A call's first line counts the call. A second one, `:late`,
 * comes only after one without usage, so each adds what it has itself, and money is the line's own
 * delta. What a first line took without usage is in `other`, so a second one subtracts it there: the
 * kinds of a line add up to what the line takes.
 */
function toUsageColumns({ id, delta, call }: Entry) {
  if (call === null) return {};
  const { usage, charged } = call;
  const spend = splitCharge(call);
  return {
    day: Math.floor(call.createdAt / DAY_MS),
    key_id: call.keyId,
    model: call.model,
    calls: id === call.id ? 1 : 0,
    input: usage === null ? 0 : totalInputTokens(usage),
    output: usage?.output ?? 0,
    input_charged: spend.input.toString(),
    cache_read_charged: spend.cache_read.toString(),
    cache_write_charged: spend.cache_write.toString(),
    output_charged: spend.output.toString(),
    other_charged: (spend.other - delta - charged).toString(),
    cache_saved: savedByCache(call).toString(),
  };
}

/** A call with two lines in one delivery is written once, as its later line has it. */
function toCallRows(slice: readonly Entry[]) {
  const latest = new Map<string, ReturnType<typeof toCallRow>>();
  for (const { seq, call } of slice) if (call !== null) latest.set(call.id, toCallRow(seq, call));
  return [...latest.values()];
}

/** Sums of `usage_days` that no line makes smaller. */
const GROWING_SUMS = [
  'input_charged',
  'cache_read_charged',
  'cache_write_charged',
  'output_charged',
  'cache_saved',
] as const;

/** Our own column names, never input: they may go into the statement's text. */
const CALL_NAMES = sql.raw(CALL_ROW_COLUMNS.map(({ name }) => name).join(', '));
const CALL_RECORD = sql.raw(CALL_ROW_COLUMNS.map(({ name, type }) => `${name} ${type}`).join(', '));
const CALL_REPLACEMENTS = sql.raw(
  CALL_ROW_COLUMNS.filter(({ isReplaced }) => isReplaced)
    .map(({ name }) => `${name} = excluded.${name}`)
    .join(', '),
);
const SUM_NAMES = sql.raw(GROWING_SUMS.join(', '));
const SUM_RECORD = sql.raw(GROWING_SUMS.map((name) => `${name} bigint`).join(', '));
const SUMS = sql.raw(GROWING_SUMS.map((name) => `sum(s.${name})::bigint as ${name}`).join(', '));
const SUM_ADDITIONS = sql.raw(
  GROWING_SUMS.map((name) => `${name} = d.${name} + excluded.${name}`).join(', '),
);

/**
 * One statement: compare with what is stored, insert what is new if all that was there is equal and
 * the line before the first is there, write the calls of the new lines and add them to their days.
 * A line is new to one sender only, so it is counted once. (A bill that gives back has a charge
 * below zero, which a row to insert may not have, so it reaches the stored sum beside it. It is below
 * zero in `other_charged` too, which stays at zero where its first line came before the kinds were
 * kept: that line is among what is unknown, which then becomes less.)
 * Concurrent senders insert in the same order, so the second waits for the first's commit and then
 * conflicts, instead of deadlocking. The conflict names no index: PostgreSQL raises an error where
 * a race is seen first in another unique index than the named one. A line skipped for its id alone
 * is found different when looked at again.
 */
function buildIngestStatement(account: AccountId, slice: readonly Entry[]) {
  const entries = JSON.stringify(slice.map(toEntryRow));
  const calls = JSON.stringify(toCallRows(slice));
  const first = slice[0]?.seq ?? 0;
  return sql`
    with sent as (
      select * from jsonb_to_recordset(${entries}::jsonb)
        as r(seq bigint, id text, kind text, delta bigint, posted_after bigint, at timestamptz,
          hash text, day int, key_id bigint, model text, calls int, input bigint, output bigint,
          other_charged bigint, ${SUM_RECORD})
    ), compared as (
      select (e.id, e.kind, e.delta, e.posted_after) = (s.id, s.kind, s.delta, s.posted_after) as same
      from sent s join ledger_entries e on e.account_id = ${account} and e.seq = s.seq
      union all
      select false
      from sent s join ledger_entries e on e.account_id = ${account} and e.id = s.id and e.seq <> s.seq
    ), verdict as (
      select
        ${first}::bigint = 1 or exists (
          select 1 from ledger_entries where account_id = ${account} and seq = ${first}::bigint - 1
        ) as anchored,
        (select count(*) from compared where same) as equal,
        (select count(*) from compared where not same) as different
    ), inserted as (
      insert into ledger_entries (account_id, seq, id, kind, delta, posted_after, at, hash)
      select ${account}, s.seq, s.id, s.kind, s.delta, s.posted_after, s.at, s.hash
      from sent s, verdict v where v.anchored and v.different = 0 order by s.seq
      on conflict do nothing
      returning seq
    ), chained as (
      update ledger_entries e set hash = s.hash from sent s, verdict v
      where v.different = 0 and s.hash is not null
        and e.account_id = ${account} and e.seq = s.seq and e.hash is null
    ), billed as (
      insert into calls as c (account_id, ${CALL_NAMES})
      select ${account}, ${CALL_NAMES} from jsonb_to_recordset(${calls}::jsonb) as r(${CALL_RECORD})
      where r.seq in (select seq from inserted)
      on conflict (account_id, id) do update set ${CALL_REPLACEMENTS}
      where c.seq < excluded.seq
    ), used as (
      select s.day, s.key_id, s.model, sum(s.calls)::int as calls, sum(s.input)::bigint as input,
        sum(s.output)::bigint as output, -sum(s.delta)::bigint as charged,
        sum(s.other_charged)::bigint as other_charged, ${SUMS}
      from sent s join inserted i on i.seq = s.seq where s.kind = 'charge'
      group by s.day, s.key_id, s.model
    ), counted as (
      insert into usage_days as d
        (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged, other_charged,
          ${SUM_NAMES})
      select ${account}, day, key_id, model, calls, input, output, greatest(charged, 0),
        greatest(other_charged, 0), ${SUM_NAMES}
      from used order by day, key_id, model
      on conflict (account_id, day, key_id, model) do update set calls = d.calls + excluded.calls,
        input_tokens = d.input_tokens + excluded.input_tokens,
        output_tokens = d.output_tokens + excluded.output_tokens,
        charged = d.charged + (select u.charged from used u
          where (u.day, u.key_id, u.model) = (d.day, d.key_id, d.model)),
        other_charged = greatest(0, d.other_charged + (select u.other_charged from used u
          where (u.day, u.key_id, u.model) = (d.day, d.key_id, d.model))),
        ${SUM_ADDITIONS}
    )
    select anchored, equal, different, (select count(*) from inserted) as inserted from verdict`;
}

export type AccountTotals = Readonly<{ entries: number; lastSeq: number; posted: bigint }>;

/** The newest entries that are counted and summed up, as in the audit of the object (0061). */
const MAX_SUMMED_ENTRIES = 50_000;

type TotalsRow = { entries: string | number; last_seq: string | number; posted: string };

/**
 * What Postgres says of an account. `posted` is the sum of its lines, not the last running balance;
 * the balance before the `newest` lines stands for all before them.
 */
export async function getAccountTotals(
  db: Database,
  account: AccountId,
  newest = MAX_SUMMED_ENTRIES,
): Promise<AccountTotals> {
  const row = await firstRow<TotalsRow>(
    db,
    sql`with newest as (
        select seq, delta, posted_after from ledger_entries where account_id = ${account}
        order by seq desc limit ${newest}::int
      ), earlier as (
        select seq - 1 as count, posted_after - delta as posted from newest
        where (select count(*) from newest) = ${newest}::int order by seq limit 1
      )
      select coalesce((select count from earlier), 0) + count(*) as entries,
        coalesce(max(seq), 0) as last_seq,
        (coalesce((select posted from earlier), 0) + coalesce(sum(delta), 0))::text as posted
      from newest`,
  );
  if (row === undefined) return { entries: 0, lastSeq: 0, posted: 0n };
  const { entries, last_seq: lastSeq, posted } = row;
  return { entries: Number(entries), lastSeq: Number(lastSeq), posted: BigInt(posted) };
}
