/**
 * Consumes settlements that could not be delivered when their call ended. The queue delivers them
 * at least once, in any order. A message is acknowledged only when the account has answered, or
 * when it is malformed; repeating a settlement changes nothing.
 */
import { decodeSettlement } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { accountStub, type Env } from './env.ts';

const MAX_RETRY_DELAY_SECONDS = 600;

export async function consumeSettlement(message: Message<unknown>, env: Env): Promise<void> {
  const decoded = decodeSettlement(message.body);
  if (decoded === undefined) {
    logEvent({ event: 'unexpected', where: 'ledger.queue', call: null });
    message.ack();
    return;
  }
  const { account, request } = decoded;
  try {
    const result = await accountStub(env, account).settle(request);
    if (!result.ok) logEvent({ event: 'settlement_lost', call: request.id });
    message.ack();
  } catch {
    message.retry({ delaySeconds: Math.min(MAX_RETRY_DELAY_SECONDS, 2 ** message.attempts) });
  }
}
