/**
 * The queue consumers: messages are handled, retried or moved to the dead letters, and a notification sends one
 * email.
 */
import { connect, type Database } from '@farebox/database';
import { listEmailDeliveries, listOpenNotifications } from '@farebox/database/email';
import { activateKey, insertPendingKey } from '@farebox/database/ledger';
import { insertAccount } from '@farebox/database/users';
import { type AccountStatus, NO_LIMITS, type Notification } from '@farebox/ledger';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import { CertificateCache, type QueuedEmail } from '@farebox/mail';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { MailWorkerDeps } from './deps.ts';
import { formatExactUsd, formatUsdCents, isNotification } from './notifications.ts';
import { consumeMail, consumeNotifications } from './queue-consumers.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const ACCOUNT = '00000000000000aa';
const NAME = 'ключ <b>\r\nBcc: eve@example.com';

let database: EmptyDatabase;
let db: Database;
beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  await insertAccount(db, {
    accountId: ACCOUNT,
    email: 'ann@example.com',
    emailKey: 'ann@example.com',
    passwordHash: '$x',
    language: 'ru',
    verified: true,
    now: NOW,
  });
  const key = {
    accountId: ACCOUNT,
    keyId: 3,
    name: NAME,
    last4: 'x9Zq',
    secretHash: '0'.repeat(64),
  };
  await insertPendingKey(db, { ...key, limits: NO_LIMITS, now: NOW });
  await activateKey(db, ACCOUNT, 3, NOW);
});
afterAll(() => database.close());

let queued: QueuedEmail[] = [];
let deadLetters: [queue: string, body: unknown][] = [];
let queueDown = false;
let threshold: bigint | null = 5_000_000_000n;
let sesStatus = 200;
let logged: string[] = [];

beforeEach(() => {
  queued = [];
  deadLetters = [];
  logged = [];
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => logged.push(String(line)));
  }
  return () => {
    vi.restoreAllMocks();
  };
});

const accountStatus = (): AccountStatus => ({
  state: 'open',
  posted: 1n,
  held: 0n,
  openCalls: 0,
  lowBalance: threshold,
  pendingEntries: 0,
});

function deadLetterQueue(name: string): Queue<unknown> {
  const metadata = { metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } } };
  return {
    metrics: async () => metadata.metadata.metrics,
    send: async (body) => {
      deadLetters.push([name, body]);
      return metadata;
    },
    sendBatch: async () => metadata,
  };
}

const deps = (): MailWorkerDeps => ({
  db,
  secret: new Uint8Array(32).fill(3),
  consoleUrl: new URL('https://console.example.com'),
  siteUrl: new URL('https://site.example.com'),
  now: () => NOW,
  accounts: { status: async () => accountStatus() },
  queue: {
    sendBatch: async (messages) => {
      if (queueDown) throw new Error('away');
      for (const { body } of messages) queued.push(body);
    },
  },
  webhookQueue: { send: async () => {} },
  ses: {
    endpoint: new URL('https://email.eu-west-1.amazonaws.com'),
    region: 'eu-west-1',
    accessKeyId: 'a',
    secretAccessKey: 'b',
    sender: 'mail@farebox.example',
    configurationSet: null,
  },
  httpFetch: async () => new Response('{"MessageId":"ses-1"}', { status: sesStatus }),
  topics: new Set(),
  deadLetterQueues: {
    mail: deadLetterQueue('mail'),
    notifications: deadLetterQueue('notifications'),
  },
  deadLetterDelaySeconds: null,
  certificates: new CertificateCache(async () => new Response()),
});

type MessageOutcome = 'ack' | Readonly<{ retry: number | undefined }>;

function createBatch(queue: string, bodies: readonly unknown[], attempts = 1) {
  const outcomes: MessageOutcome[] = [];
  const messages = bodies.map((body, index) => ({
    id: String(index),
    timestamp: new Date(NOW),
    body,
    attempts,
    ack: () => {
      outcomes[index] = 'ack';
    },
    retry: (options?: QueueRetryOptions) => {
      outcomes[index] = { retry: options?.delaySeconds };
    },
  }));
  const batch: MessageBatch<unknown> = {
    queue,
    messages,
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => {},
    retryAll: () => {},
  };
  return { batch, outcomes };
}

async function consumeNotification(notification: unknown): Promise<readonly MessageOutcome[]> {
  const { batch, outcomes } = createBatch('farebox-notices', [notification]);
  await consumeNotifications(batch, deps());
  return outcomes;
}

const notification = (id: string, kind: Notification['kind']): Notification => ({
  account: ACCOUNT,
  id,
  kind,
  keyId: kind === 'low_balance' ? null : 3,
  model: kind === 'expensive_model' ? 'openai/o1-pro' : null,
  amount: kind === 'key_leaked' || kind === 'expensive_model' ? null : 4_207_654_321n,
  at: NOW,
});

it('sends an email about a key with its name, in the language of the user', async () => {
  expect(await consumeNotification(notification('key_paused:3', 'key_paused'))).toEqual(['ack']);
  expect(await consumeNotification(notification('key_leaked:3', 'key_leaked'))).toEqual(['ack']);
  expect(queued.map(({ email }) => email)).toMatchObject([
    {
      kind: 'key_paused',
      to: 'ann@example.com',
      language: 'ru',
      account: ACCOUNT,
      facts: { keyName: NAME, spent: '4.20' },
    },
    { kind: 'key_leaked', facts: { keyName: NAME, last4: 'x9Zq' } },
  ]);
  expect(await listOpenNotifications(db, ACCOUNT, 9)).toHaveLength(2);
});

it('sends a low-balance email only while the alert is on', async () => {
  expect(await consumeNotification(notification('low_balance:1', 'low_balance'))).toEqual(['ack']);
  threshold = null;
  expect(await consumeNotification(notification('low_balance:2', 'low_balance'))).toEqual(['ack']);
  expect(queued.map(({ email }) => email.facts)).toEqual([{ balance: '4.20', threshold: '5.00' }]);
});

it('retries a notification whose email was not queued, and sends one email', async () => {
  queueDown = true;
  expect(await consumeNotification(notification('expensive_model:3', 'expensive_model'))).toEqual([
    { retry: 2 },
  ]);
  queueDown = false;
  await consumeNotification(notification('expensive_model:3', 'expensive_model'));
  await consumeNotification(notification('expensive_model:3', 'expensive_model'));
  expect(new Set(queued.map(({ id }) => id)).size).toBe(1);
  const { batch } = createBatch('farebox-mail', queued);
  await consumeMail(batch, deps());
  queued = [];
  await consumeNotification(notification('expensive_model:3', 'expensive_model'));
  expect(queued).toEqual([]);
  const mails = await listEmailDeliveries(db, ACCOUNT, 99);
  expect(mails.filter(({ kind }) => kind === 'expensive_model').map(({ state }) => state)).toEqual([
    'sent',
  ]);
  expect(logged.join()).toBe('');
});

it('moves a malformed message to the dead letters of its queue, and quotes nothing of it', async () => {
  const unknownKind = { ...notification('x', 'key_leaked'), kind: 'surprise' };
  const wrongAccount = { ...notification('x', 'key_leaked'), account: 'ann@example.com' };
  expect(await consumeNotification(unknownKind)).toEqual(['ack']);
  expect(await consumeNotification(wrongAccount)).toEqual(['ack']);
  const malformedEmail = { id: 'x', email: 'ann@example.com' };
  const { batch, outcomes } = createBatch('farebox-mail', [malformedEmail, null]);
  await consumeMail(batch, deps());
  expect(outcomes).toEqual(['ack', 'ack']);
  expect(deadLetters).toEqual([
    ['notifications', unknownKind],
    ['notifications', wrongAccount],
    ['mail', malformedEmail],
    ['mail', null],
  ]);
  expect(logged.join()).not.toContain('ann');
});

it('retries an email later when SES or the database is unavailable', async () => {
  await consumeNotification(notification('key_leaked:again', 'key_leaked'));
  sesStatus = 503;
  const { batch, outcomes } = createBatch('farebox-mail', queued, 3);
  await consumeMail(batch, deps());
  expect(outcomes).toEqual([{ retry: 8 }]);
  sesStatus = 200;
  const depsWithoutDatabase = { ...deps(), db: connect('postgres://u:p@localhost:1/x') };
  const retried = createBatch('farebox-mail', queued, 5);
  await consumeMail(retried.batch, depsWithoutDatabase);
  expect(retried.outcomes).toEqual([{ retry: 32 }]);
});

it.each([
  [0n, '0.00'],
  [1n, '0.000000001'],
  [9_999_999n, '0.009999999'],
  [10_000_000n, '0.01'],
  [4_207_654_321n, '4.20'],
  [5_000_000_000n, '5.00'],
  [-4_207_654_321n, '-4.20'],
])('formats %s nano-USD as %s in emails', (amount, text) => {
  expect(formatUsdCents(amount)).toBe(text);
});

it.each([
  [5_000_000_000n, '5.00'],
  [4_200_000_000n, '4.20'],
  [42_499_968_000n, '42.499968'],
])('formats %s nano-USD of a refund as %s in emails', (amount, text) => {
  expect(formatExactUsd(amount)).toBe(text);
});

it('rejects a notification that the table would not accept', () => {
  const valid = notification('a', 'expensive_model');
  expect(isNotification(valid)).toBe(true);
  const invalid: unknown[] = [
    null,
    { ...valid, id: '' },
    { ...valid, id: 'a b' },
    { ...valid, model: 'a b' },
    { ...valid, amount: 1 },
    { ...valid, keyId: -1 },
    { ...valid, at: 'now' },
  ];
  expect(invalid.filter(isNotification)).toEqual([]);
});
