/** What becomes of each message of a queue and of its dead-letter queue. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ConsumerSettings, consumeQueue, parseDeadLetterDelay } from './index.ts';

type Fate = 'ack' | Readonly<{ retry: number | undefined }>;

let logged: unknown[] = [];
let deadLetters: unknown[] = [];
let isQueueDown = false;

beforeEach(() => {
  logged = [];
  deadLetters = [];
  isQueueDown = false;
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => {
      logged.push({ stream, ...JSON.parse(String(line)) });
    });
  }
});
afterEach(() => vi.restoreAllMocks());

const METRICS = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
const deadLetterQueue: Queue<unknown> = {
  metrics: async () => METRICS.metadata.metrics,
  send: async (body) => {
    if (isQueueDown) throw new Error('away');
    deadLetters.push(body);
    return METRICS;
  },
  sendBatch: async () => METRICS,
};

async function consume(
  queue: string,
  handle: ConsumerSettings['handle'],
  { attempts = 1, delay = null }: { attempts?: number; delay?: number | null } = {},
): Promise<readonly Fate[]> {
  const fates: Fate[] = [];
  const messages = ['a', 'b', 'c'].map((id, index) => ({
    id,
    timestamp: new Date(0),
    body: `body of ${id}`,
    attempts,
    ack: () => {
      fates[index] = 'ack';
    },
    retry: (options?: QueueRetryOptions) => {
      fates[index] = { retry: options?.delaySeconds };
    },
  }));
  const batch: MessageBatch<unknown> = {
    queue,
    messages,
    ...METRICS,
    ackAll: () => {},
    retryAll: () => {},
  };
  const settings = { handle, deadLetterQueue, deadLetterDelaySeconds: delay, maxConcurrent: 2 };
  await consumeQueue(batch, settings);
  return fates;
}

const succeed: ConsumerSettings['handle'] = async () => 'done';
const fail: ConsumerSettings['handle'] = async () => {
  throw new Error('a secret text');
};
const reject: ConsumerSettings['handle'] = async () => 'malformed';
/** Only message b can't be read. */
const rejectOne: ConsumerSettings['handle'] = async ({ id }) => (id === 'b' ? 'malformed' : 'done');

describe('a queue', () => {
  it('acknowledges what was handled', async () => {
    expect(await consume('mail', succeed)).toEqual(['ack', 'ack', 'ack']);
    expect(logged).toEqual([]);
  });

  it.each([
    [1, 2],
    [5, 32],
    [9, 512],
    [10, 600],
    [99, 600],
  ])('retries what failed %i times after %i seconds', async (attempts, retry) => {
    expect(await consume('mail', fail, { attempts })).toEqual([{ retry }, { retry }, { retry }]);
    expect(logged).toEqual([]);
  });

  it('moves what it can’t read to the dead letters, and nothing else', async () => {
    expect(await consume('mail', rejectOne)).toEqual(['ack', 'ack', 'ack']);
    expect(deadLetters).toEqual(['body of b']);
  });

  it('keeps what it can’t read while the dead-letter queue is unavailable', async () => {
    isQueueDown = true;
    expect(await consume('mail', rejectOne)).toEqual(['ack', { retry: 2 }, 'ack']);
  });
});

describe('a dead-letter queue', () => {
  it('replays what can be handled by now, and logs it', async () => {
    expect(await consume('mail-dlq', succeed)).toEqual(['ack', 'ack', 'ack']);
    expect(logged).toContainEqual({
      stream: 'log',
      event: 'dead_letter_replayed',
      queue: 'mail-dlq',
      message: 'a',
    });
  });

  it.each([
    ['malformed', reject],
    ['failed', fail],
  ])('keeps what is %s, and logs an error without its text', async (reason, handle) => {
    const fates = await consume('mail-dlq', handle, { attempts: 3 });
    expect(fates).toEqual([{ retry: 900 }, { retry: 900 }, { retry: 900 }]);
    const common = { stream: 'error', event: 'dead_letter', queue: 'mail-dlq', attempts: 3 };
    expect(logged).toContainEqual({ ...common, message: 'a', reason });
    expect(JSON.stringify(logged)).not.toMatch(/secret|body of/);
    expect(deadLetters).toEqual([]);
  });

  it('tries within 14 days as often as a queue may retry', async () => {
    let seconds = 0;
    for (let attempts = 1; attempts <= 100; attempts += 1) {
      const [fate] = await consume('mail-dlq', fail, { attempts });
      seconds += typeof fate === 'object' ? (fate.retry ?? 0) : 0;
    }
    expect(seconds / 86_400).toBeGreaterThan(12);
    expect(seconds / 86_400).toBeLessThan(14);
  });

  it('tries in the interval that is configured', async () => {
    expect(await consume('mail-dlq', fail, { delay: 7 })).toContainEqual({ retry: 7 });
  });
});

describe('DEAD_LETTER_RETRY_SECONDS', () => {
  it.each([
    [undefined, null],
    ['', null],
    ['0', null],
    ['-5', null],
    ['1.5', null],
    ['100000', null],
    ['60', 60],
  ])('set to %j is read as %j', (text, seconds) => {
    expect(parseDeadLetterDelay(text)).toBe(seconds);
  });
});
