/** What each queue does with what it brings: done, later, or dropped, and a notice becomes one letter. */
import {
  activateKey,
  connect,
  type Database,
  deliveriesOf,
  insertAccount,
  insertPendingKey,
  openNotices,
} from '@farebox/database';
import { type AccountStanding, NO_LIMITS, type Notice } from '@farebox/ledger';
import { type EmptyDatabase, emptyDatabase } from '@farebox/local';
import { Certificates, type QueuedLetter } from '@farebox/mail';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import type { PostHouse } from './house.ts';
import { amountText, isNotice } from './notices.ts';
import { mailQueue, noticesQueue } from './queues.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const ACCOUNT = '00000000000000aa';
const NAME = 'ключ <b>\r\nBcc: eve@example.com';

let empty: EmptyDatabase;
let db: Database;
beforeAll(async () => {
  empty = await emptyDatabase();
  db = connect(empty.url);
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
afterAll(() => empty.close());

let queued: QueuedLetter[] = [];
let queueAway = false;
let threshold: bigint | null = 5_000_000_000n;
let sesStatus = 200;
let said: string[] = [];

beforeEach(() => {
  queued = [];
  said = [];
  for (const stream of ['log', 'error'] as const) {
    vi.spyOn(console, stream).mockImplementation((line: unknown) => said.push(String(line)));
  }
  return () => {
    vi.restoreAllMocks();
  };
});

const standing = (): AccountStanding => ({
  state: 'open',
  posted: 1n,
  held: 0n,
  openCalls: 0,
  lowBalance: threshold,
  pendingEntries: 0,
});

const house = (): PostHouse => ({
  db,
  secret: new Uint8Array(32).fill(3),
  consoleUrl: new URL('https://console.example.com'),
  now: () => NOW,
  accounts: { standing: async () => standing() },
  queue: {
    sendBatch: async (messages) => {
      if (queueAway) throw new Error('away');
      for (const { body } of messages) queued.push(body);
    },
  },
  ses: {
    endpoint: new URL('https://email.eu-west-1.amazonaws.com'),
    region: 'eu-west-1',
    accessKeyId: 'a',
    secretAccessKey: 'b',
    sender: 'mail@farebox.example',
    configurationSet: null,
  },
  ask: async () => new Response('{"MessageId":"ses-1"}', { status: sesStatus }),
  topics: new Set(),
  certificates: new Certificates(async () => new Response()),
});

type Fate = 'ack' | Readonly<{ retry: number | undefined }>;

function batchOf(queue: string, bodies: readonly unknown[], attempts = 1) {
  const fates: Fate[] = [];
  const messages = bodies.map((body, index) => ({
    id: String(index),
    timestamp: new Date(NOW),
    body,
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
    metadata: { metrics: { backlogCount: 0, backlogBytes: 0 } },
    ackAll: () => {},
    retryAll: () => {},
  };
  return { batch, fates };
}

async function notify(notice: unknown): Promise<readonly Fate[]> {
  const { batch, fates } = batchOf('farebox-notices', [notice]);
  await noticesQueue(batch, house());
  return fates;
}

const notice = (id: string, kind: Notice['kind']): Notice => ({
  account: ACCOUNT,
  id,
  kind,
  keyId: kind === 'low_balance' ? null : 3,
  model: kind === 'dear_model' ? 'openai/o1-pro' : null,
  amount: kind === 'key_leaked' || kind === 'dear_model' ? null : 4_207_654_321n,
  at: NOW,
});

it('writes about a key by its name, in the language of its owner', async () => {
  expect(await notify(notice('key_paused:3', 'key_paused'))).toEqual(['ack']);
  expect(await notify(notice('key_leaked:3', 'key_leaked'))).toEqual(['ack']);
  expect(queued.map(({ letter }) => letter)).toMatchObject([
    {
      kind: 'key_paused',
      to: 'ann@example.com',
      language: 'ru',
      account: ACCOUNT,
      facts: { keyName: NAME, spent: '4.20' },
    },
    { kind: 'key_leaked', facts: { keyName: NAME, last4: 'x9Zq' } },
  ]);
  expect(await openNotices(db, ACCOUNT, 9)).toHaveLength(2);
});

it('tells of a low balance only while its owner wants that', async () => {
  expect(await notify(notice('low_balance:1', 'low_balance'))).toEqual(['ack']);
  threshold = null;
  expect(await notify(notice('low_balance:2', 'low_balance'))).toEqual(['ack']);
  expect(queued.map(({ letter }) => letter.facts)).toEqual([
    { balance: '4.20', threshold: '5.00' },
  ]);
});

it('brings a notice again whose letter the queue did not take, and makes one letter of it', async () => {
  queueAway = true;
  expect(await notify(notice('dear_model:3', 'dear_model'))).toEqual([{ retry: 2 }]);
  queueAway = false;
  await notify(notice('dear_model:3', 'dear_model'));
  await notify(notice('dear_model:3', 'dear_model'));
  expect(new Set(queued.map(({ id }) => id)).size).toBe(1);
  const { batch } = batchOf('farebox-mail', queued);
  await mailQueue(batch, house());
  queued = [];
  await notify(notice('dear_model:3', 'dear_model'));
  expect(queued).toEqual([]);
  const mails = await deliveriesOf(db, ACCOUNT, 99);
  expect(mails.filter(({ kind }) => kind === 'dear_model').map(({ state }) => state)).toEqual([
    'sent',
  ]);
  expect(said.join()).toBe('');
});

it('drops what makes no sense, and says no more than that', async () => {
  expect(await notify({ ...notice('x', 'key_leaked'), kind: 'surprise' })).toEqual(['ack']);
  expect(await notify({ ...notice('x', 'key_leaked'), account: 'ann@example.com' })).toEqual([
    'ack',
  ]);
  const { batch, fates } = batchOf('farebox-mail', [{ id: 'x', letter: 'ann@example.com' }, null]);
  await mailQueue(batch, house());
  expect(fates).toEqual(['ack', 'ack']);
  expect(said).toHaveLength(4);
  expect(said.join()).not.toContain('ann');
});

it('asks for a letter again later where SES or the database is away', async () => {
  await notify(notice('key_leaked:again', 'key_leaked'));
  sesStatus = 503;
  const { batch, fates } = batchOf('farebox-mail', queued, 3);
  await mailQueue(batch, house());
  expect(fates).toEqual([{ retry: 8 }]);
  sesStatus = 200;
  const gone = { ...house(), db: connect('postgres://u:p@localhost:1/x') };
  const without = batchOf('farebox-mail', queued, 5);
  await mailQueue(without.batch, gone);
  expect(without.fates).toEqual([{ retry: 32 }]);
});

it.each([
  [0n, '0.00'],
  [1n, '0.000000001'],
  [9_999_999n, '0.009999999'],
  [10_000_000n, '0.01'],
  [4_207_654_321n, '4.20'],
  [5_000_000_000n, '5.00'],
  [-4_207_654_321n, '-4.20'],
])('%s nano-USD are written %s', (amount, text) => {
  expect(amountText(amount)).toBe(text);
});

it('believes no notice that the table would refuse', () => {
  const whole = notice('a', 'dear_model');
  expect(isNotice(whole)).toBe(true);
  const spoilt: unknown[] = [
    null,
    { ...whole, id: '' },
    { ...whole, id: 'a b' },
    { ...whole, model: 'a b' },
    { ...whole, amount: 1 },
    { ...whole, keyId: -1 },
    { ...whole, at: 'now' },
  ];
  expect(spoilt.filter(isNotice)).toEqual([]);
});
