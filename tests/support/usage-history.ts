/**
 * Thirty days of calls of one account, inserted where the ledger would bring them: two keys, several
 * models, some calls cut off or failed. For screens that need a history to show.
 */
import type { LocalStack } from '@farebox/local';
import { sqlBatch } from './sql.ts';

const DAYS = 30;
const CALLS_PER_DAY = 12;

/** Inserts the calls of `account`, charged to the key `keyId`, and their sums by day. */
export async function insertUsageHistory(
  stack: Pick<LocalStack, 'databaseUrl'>,
  account: string,
  keyId: number,
): Promise<void> {
  const params = [account, String(keyId)];
  // The calls belong to no entry of the ledger: only their sums are shown.
  const off = { query: 'set local session_replication_role = replica', params: [] };
  const calls = {
    query: `insert into calls (account_id, id, seq, key_id, model, provider, dialect, stream, http_status,
        status, reason, input_uncached, cache_read, cache_write_5m, cache_write_30m, cache_write_1h,
        cache_write_12h, output, output_reasoning, fees, charged, shortfall, created_at, settled_at)
      select $1::varchar, md5($1::varchar || d || '-' || n), 1000000 + d * 100 + n, $2::bigint,
        (array['anthropic/claude-sonnet-5', 'openai/gpt-5-mini', 'deepseek/deepseek-flash',
          'google/gemini-3-flash', 'openai/gpt-5.4', 'xai/grok-4', 'anthropic/claude-opus-5-5'])[1 + (n * n + d) % 7],
        (array['anthropic', 'openai', 'deepseek', 'google', 'openai', 'xai', 'anthropic'])[1 + (n * n + d) % 7],
        'chat', true,
        case when n = 5 and d % 4 = 0 then 502 when n = 7 and d % 5 = 0 then 429 else 200 end, 'settled',
        case when n = 5 and d % 4 = 0 then 'waived_upstream_error' when n = 7 and d % 5 = 0
          then 'upstream_refused' when n = 9 and d % 3 = 0 then 'estimated_after_disconnect'
          else 'provider_reported' end,
        1200 + 37 * n, 400 * n, 0, 0, 0, 0, 90 + 11 * n, 0, '[]',
        case when (n = 5 and d % 4 = 0) or (n = 7 and d % 5 = 0) then 0
          else 1000000 * n + 700001 * ((d * 7) % 13) end, 0,
        now() - make_interval(days => d, mins => n * 17 + 3), now() - make_interval(days => d, mins => n * 17 + 2)
      from generate_series(0, ${DAYS - 1}) d, generate_series(1, ${CALLS_PER_DAY}) n
      on conflict do nothing`,
    params,
  };
  const days = {
    query: `insert into usage_days (account_id, day, key_id, model, calls, input_tokens, output_tokens, charged,
        input_charged, cache_read_charged, output_charged, cache_saved)
      select account_id, floor(extract(epoch from created_at) / 86400)::int, key_id, model, count(*),
        sum(input_uncached + cache_read), sum(output), sum(charged), sum(charged / 4), sum(charged / 8),
        sum(charged - charged / 4 - charged / 8), sum(charged / 2)
      from calls where account_id = $1 and seq >= 1000000 group by 1, 2, 3, 4
      on conflict do nothing`,
    params: [account],
  };
  await sqlBatch(stack, [off, calls, days]);
}
