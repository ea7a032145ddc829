/** The public API of the queues package. */
export {
  type ConsumerSettings,
  consumeQueue,
  type MessageOutcome,
  parseDeadLetterDelay,
} from './consume-queue.ts';
