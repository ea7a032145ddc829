/**
 * Consumes settlements that could not be delivered when their call ended. The queue delivers them
 * at least once, in any order; repeating a settlement changes nothing. A message is acknowledged
 * when the account has answered.
 */
import { decodeSettlement } from '@farebox/ledger';
import { type ConsumerSettings, consumeQueue, type MessageOutcome } from '@farebox/queues';
import { logEvent } from '@farebox/telemetry';
import { accountStub, deadLetterSettings, type Env } from './env.ts';

/** One after another: an account object that is overloaded is not called faster. */
const MAX_CONCURRENT_SETTLEMENTS = 1;

async function consumeSettlement(body: unknown, env: Env): Promise<MessageOutcome> {
  const decoded = decodeSettlement(body);
  if (decoded === undefined) return 'malformed';
  const { account, request } = decoded;
  const result = await accountStub(env, account).settle(request);
  if (!result.ok) logEvent({ event: 'settlement_lost', call: request.id });
  return 'done';
}

/** Consumes `farebox-settlements` and its dead-letter queue. */
export function consumeSettlements(batch: MessageBatch<unknown>, env: Env): Promise<void> {
  const settings: ConsumerSettings = {
    handle: ({ body }) => consumeSettlement(body, env),
    maxConcurrent: MAX_CONCURRENT_SETTLEMENTS,
    ...deadLetterSettings(env),
  };
  return consumeQueue(batch, settings);
}
