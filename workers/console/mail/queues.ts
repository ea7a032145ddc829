/**
 * The two queues: letters to send, and what the accounts' objects noticed. Both bring things at least
 * once and in any order; what can't be done now is asked for again later, and what makes no sense is
 * dropped with a signal, because no repetition would mend it.
 */
import { againIn, deliverLetter, isQueuedLetter, type Outcome } from '@farebox/mail';
import { signal } from '@farebox/signals';
import type { PostHouse } from './house.ts';
import { isNotice, passOn } from './notices.ts';

/** SES lets a new account send 14 letters a second; so many are on their way at a time. */
const LETTERS_AT_ONCE = 4;
const NOTICES_AT_ONCE = 4;

type Work = (message: Message<unknown>) => Promise<Outcome>;

async function each(batch: MessageBatch<unknown>, atOnce: number, work: Work): Promise<void> {
  const rest = batch.messages.values();
  const worker = async (): Promise<void> => {
    for (const message of rest) await settle(message, work);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
}

async function settle(message: Message<unknown>, work: Work): Promise<void> {
  // What failed is a database or a ledger that was away, and its error may quote anything.
  const outcome = await work(message).catch(() => againIn(message.attempts));
  if (outcome === 'done') message.ack();
  else message.retry({ delaySeconds: outcome.againInSeconds });
}

function senseless(where: string): Outcome {
  signal({ event: 'unexpected', where, call: null });
  return 'done';
}

/** Consumes `farebox-mail`. */
export function mailQueue(batch: MessageBatch<unknown>, house: PostHouse): Promise<void> {
  return each(batch, LETTERS_AT_ONCE, async ({ body, attempts }) => {
    if (!isQueuedLetter(body)) return senseless('console.mail');
    return deliverLetter(house, body, attempts);
  });
}

/** Consumes `farebox-notices`. */
export function noticesQueue(batch: MessageBatch<unknown>, house: PostHouse): Promise<void> {
  return each(batch, NOTICES_AT_ONCE, async ({ body }) => {
    if (!isNotice(body)) return senseless('console.notices');
    await passOn(body, house);
    return 'done';
  });
}
