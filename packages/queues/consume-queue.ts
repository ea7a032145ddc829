/**
 * Consumes a queue and its dead-letter queue, so that no message is lost quietly
 * (docs/decisions/0023-abuse-limits-and-dead-letters.md). A malformed message moves to the
 * dead-letter queue at once, one whose handler keeps failing after the queue's retries
 * (`dead_letter_queue` in wrangler.toml). There every delivery is logged as an error and handled
 * again, so a deployed fix replays what waits.
 */
import { logEvent } from '@farebox/telemetry';

/** `malformed`: no handler of this release can read the message. */
export type MessageOutcome = 'done' | 'malformed' | Readonly<{ retryInSeconds: number }>;

export type ConsumerSettings = Readonly<{
  /**
   * Handles one message; throws if it can't be handled now. Repeating it must change nothing: a
   * queue delivers at least once, in any order.
   */
  handle: (message: Message<unknown>) => Promise<MessageOutcome>;
  deadLetterQueue: Queue<unknown>;
  /** Null: `getDeadLetterDelay`. Else the seconds between two replays of a dead letter. */
  deadLetterDelaySeconds: number | null;
  maxConcurrent: number;
}>;

/** The name of a dead-letter queue is its queue's and this. */
const DEAD_LETTER_SUFFIX = '-dlq';
const MAX_RETRY_DELAY_SECONDS = 600;
const FIRST_REPLAYS = 24;
const EARLY_REPLAY_SECONDS = 15 * 60;
const LATE_REPLAY_SECONDS = 4 * 3600;

function getRetryDelay(attempts: number): number {
  return Math.min(MAX_RETRY_DELAY_SECONDS, 2 ** attempts);
}

/**
 * The seconds until a dead letter is handled again: every 15 minutes for six hours, then every four
 * hours. 100 retries, the most that a queue allows, then last 13 days, within the 14 days that a
 * queue can keep a message (developers.cloudflare.com/queues/platform/limits).
 */
function getDeadLetterDelay(attempts: number): number {
  return attempts <= FIRST_REPLAYS ? EARLY_REPLAY_SECONDS : LATE_REPLAY_SECONDS;
}

/** Reads the binding DEAD_LETTER_RETRY_SECONDS, a whole number of seconds; null where it is none. */
export function parseDeadLetterDelay(text: string | undefined): number | null {
  return text !== undefined && /^[1-9]\d{0,4}$/.test(text) ? Number(text) : null;
}

/** Handles a message. An error may quote anything, so it is not logged. */
async function runHandler(
  message: Message<unknown>,
  { handle }: ConsumerSettings,
): Promise<MessageOutcome> {
  try {
    return await handle(message);
  } catch {
    return { retryInSeconds: getRetryDelay(message.attempts) };
  }
}

/** Structured clones keep every body, bigint too; the dead-letter queue may hold any message. */
async function moveToDeadLetters(
  message: Message<unknown>,
  { deadLetterQueue }: ConsumerSettings,
): Promise<void> {
  try {
    await deadLetterQueue.send(message.body, { contentType: 'v8' });
    message.ack();
  } catch {
    message.retry({ delaySeconds: getRetryDelay(message.attempts) });
  }
}

async function consumeMessage(
  message: Message<unknown>,
  settings: ConsumerSettings,
): Promise<void> {
  const outcome = await runHandler(message, settings);
  if (outcome === 'done') message.ack();
  else if (outcome === 'malformed') await moveToDeadLetters(message, settings);
  else message.retry({ delaySeconds: outcome.retryInSeconds });
}

async function replayDeadLetter(
  queue: string,
  message: Message<unknown>,
  settings: ConsumerSettings,
): Promise<void> {
  const outcome = await runHandler(message, settings);
  if (outcome === 'done') {
    logEvent({ event: 'dead_letter_replayed', queue, message: message.id });
    message.ack();
    return;
  }
  const reason = outcome === 'malformed' ? 'malformed' : 'failed';
  const { id, attempts } = message;
  logEvent({ event: 'dead_letter', queue, message: id, reason, attempts });
  message.retry({
    delaySeconds: settings.deadLetterDelaySeconds ?? getDeadLetterDelay(attempts),
  });
}

/** Consumes one batch of a queue or of its dead-letter queue. */
export async function consumeQueue(
  batch: MessageBatch<unknown>,
  settings: ConsumerSettings,
): Promise<void> {
  const { queue } = batch;
  const isDead = queue.endsWith(DEAD_LETTER_SUFFIX);
  const pending = batch.messages.values();
  const worker = async (): Promise<void> => {
    for (const message of pending) {
      await (isDead
        ? replayDeadLetter(queue, message, settings)
        : consumeMessage(message, settings));
    }
  };
  await Promise.all(Array.from({ length: settings.maxConcurrent }, worker));
}
