/**
 * Poison messages on the real queues: a message that no handler can read, and one whose handler
 * keeps failing, wait in the dead-letter queue of their queue, raise an alarm at each try, and are
 * replayed once they can be handled.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const WAIT_OPTIONS = { timeout: 30_000, interval: 100 };
const CANARY = 'canary-of-a-poison-message';
let stack: LocalStack;

beforeAll(async () => {
  stack = await startStack({
    queues: { maxRetries: 1, deadLetterRetrySeconds: 1 },
    cronEveryMs: null,
    quiet: true,
  });
});
afterAll(async () => {
  await stack?.stop();
});

type DeadLetterEvent = Readonly<{
  event: string;
  queue: string;
  message: string;
  reason?: string;
  attempts?: number;
}>;

/** The events about dead letters that the Workers logged, oldest first. */
function deadLetterEvents(queue: string): readonly DeadLetterEvent[] {
  const output = stack.output().replaceAll('\\"', '"');
  const lines = output.match(/\{"event":"dead_letter[^}]*\}/g) ?? [];
  return lines
    .map((line): DeadLetterEvent => JSON.parse(line))
    .filter((event) => event.queue === `${queue}-dlq`);
}

async function countNotifications(): Promise<number> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const query = 'select count(*)::int as n from notifications';
  const response = await fetch(`${origin}/sql`, {
    method: 'POST',
    body: JSON.stringify({ query, params: [] }),
  });
  const payload = (await response.json()) as { rows: (string | null)[][] };
  return Number(payload.rows[0]?.[0]);
}

describe('every queue', () => {
  it.each(['workers/ledger/wrangler.toml', 'workers/console/wrangler.toml'])(
    'of %s has a dead-letter queue with a consumer and a producer',
    (path) => {
      const text = readFileSync(join(import.meta.dirname, '..', path), 'utf8');
      const consumers = text.split('[[').filter((part) => part.startsWith('queues.consumers]]'));
      const names = consumers.map((part) => /^queue = "(.+)"$/m.exec(part)?.[1] ?? '');
      const queues = names.filter((name) => !name.endsWith('-dlq'));
      expect(queues.length).toBeGreaterThan(0);
      for (const queue of queues) {
        expect(text).toContain(`dead_letter_queue = "${queue}-dlq"`);
        expect(names).toContain(`${queue}-dlq`);
        expect(text).toMatch(new RegExp(`binding = "[A-Z_]+_DLQ"\nqueue = "${queue}-dlq"`));
      }
    },
  );

  it.each([
    ['farebox-settlements', { version: 99, account: CANARY }],
    ['farebox-settlements', null],
    ['farebox-settlements', CANARY],
    ['farebox-mail', { id: 'x', email: CANARY }],
    ['farebox-notices', { kind: CANARY, keyId: 5 }],
    ['farebox-webhooks', { id: CANARY, account: 5 }],
  ] as const)(
    'keeps a malformed message (%s, %j) and raises an alarm at each try',
    async (queue, body) => {
      const before = new Set(deadLetterEvents(queue).map(({ message }) => message));
      await stack.sendToQueue(queue, body);
      const alarms = () =>
        deadLetterEvents(queue).filter(
          ({ event, message }) => event === 'dead_letter' && !before.has(message),
        );
      await expect.poll(() => alarms().length, WAIT_OPTIONS).toBeGreaterThan(1);
      const [first, second] = alarms();
      expect(first).toMatchObject({ reason: 'malformed', attempts: 1 });
      expect(second).toMatchObject({ reason: 'malformed', message: first?.message, attempts: 2 });
      expect(stack.output()).not.toContain(CANARY);
    },
  );
});

describe('a message whose handler keeps failing', () => {
  it('waits in the dead-letter queue and is replayed once the cause is gone', async () => {
    const { accountId } = await stack.createAccount({ creditUsd: '5' });
    const notified = await countNotifications();
    await stack.stopDatabase();
    await stack.sendToQueue('farebox-notices', {
      account: accountId,
      id: 'low_balance:1',
      kind: 'low_balance',
      keyId: null,
      model: null,
      amount: 4_000_000_000n,
      at: Date.now(),
    });
    const failures = () =>
      deadLetterEvents('farebox-notices').filter(({ reason }) => reason === 'failed');
    await expect.poll(() => failures().length, WAIT_OPTIONS).toBeGreaterThan(0);
    const { message } = failures()[0] ?? {};
    await stack.startDatabase();
    await expect
      .poll(() => deadLetterEvents('farebox-notices'), WAIT_OPTIONS)
      .toContainEqual({
        event: 'dead_letter_replayed',
        queue: 'farebox-notices-dlq',
        message,
      });
    expect(await countNotifications()).toBe(notified + 1);
  });
});
