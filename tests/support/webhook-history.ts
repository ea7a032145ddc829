/** A disabled webhook with an endpoint of full length and a full log, for screens to show. */
import type { LocalStack } from '@farebox/local';
import { sql } from './sql.ts';

const ENDPOINT = `https://hooks.subsidiary.example.com/farebox/${'a1b2c3d4/'.repeat(23)}`;

export async function insertWebhookHistory(
  stack: Pick<LocalStack, 'databaseUrl'>,
  accountId: string,
): Promise<void> {
  const webhook = `insert into webhooks (id, account_id, endpoint, kinds, failures, disabled_at, created_at)
    values ($1, $1, $2, array['low_balance', 'key_paused', 'key_leaked'], 5, now(), now())`;
  await sql(stack, webhook, [accountId, ENDPOINT]);
  const attempts = `insert into webhook_attempts
      (event_id, attempt, account_id, webhook_id, kind, due_at, ended_at, outcome, status)
    select md5($1::varchar || n / 7), 1 + n % 7, $1::varchar, $1::varchar,
      (array['low_balance', 'expensive_model', 'unusual_spending', 'key_paused', 'key_leaked',
        'budget_low', 'budget_reached', 'test'])[1 + n / 7],
      now() - make_interval(hours => 56 - n), case when n < 55 then now() end,
      case when n < 55 then (array['delivered', 'rejected', 'redirected', 'timed_out',
        'unreachable', 'unresolved', 'private_address', 'cancelled'])[1 + n % 8] end,
      case when n < 55 and n % 8 < 3 then (array[204, 503, 302])[1 + n % 8] end
    from generate_series(0, 55) n`;
  await sql(stack, attempts, [accountId]);
}
