/**
 * The attempts to deliver events, on a database and a real HTTP server, with a clock of the test:
 * when an event is tried again, when its webhook is disabled, and who is told.
 */
import { createServer, type Server } from 'node:http';
import { connect, type Database } from '@farebox/database';
import { beginDeletion } from '@farebox/database/privacy';
import { insertAccount } from '@farebox/database/users';
import {
  deleteOldAttempts,
  deleteWebhook,
  enableWebhook,
  findWebhook,
  insertTestAttempt,
  insertWebhook,
  listAttempts,
  queueEvent,
  updateEndpoint,
} from '@farebox/database/webhooks';
import { createEmptyDatabase, type EmptyDatabase } from '@farebox/local';
import type { QueuedEmail } from '@farebox/mail';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DeliveryDeps, deliverEvent, isQueuedEvent, MAX_ATTEMPTS } from './delivery.ts';
import { emailDisabledWebhooks } from './disabled-emails.ts';
import { buildTestEvent } from './events.ts';

const START = Date.UTC(2026, 10, 27, 12);
const DAY_MS = 86_400_000;
const SECRET = new Uint8Array(32).fill(3);

let database: EmptyDatabase;
let db: Database;
let server: Server;
let url: string;
let status = 200;
let received: string[] = [];
let now = START;
let isLocal = true;
let httpFetch: DeliveryDeps['httpFetch'];
let addresses: readonly string[] = [];
let account: string;
let accounts = 0;
let events = 0;

beforeAll(async () => {
  database = await createEmptyDatabase();
  db = connect(database.url);
  server = createServer((request, response) => {
    received.push(request.url ?? '');
    request.resume();
    response.writeHead(status, { location: '/target' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}, 120_000);
afterAll(async () => {
  server?.close();
  await database?.close();
});

beforeEach(async () => {
  accounts += 1;
  account = accounts.toString(16).padStart(16, '0');
  const email = `owner-${accounts}@example.com`;
  const fields = { email, emailKey: email, passwordHash: 'x', language: 'ru', verified: true };
  await insertAccount(db, { accountId: account, ...fields, now });
  const webhook = { id: account, account, endpoint: `${url}/${accounts}`, now };
  await insertWebhook(db, { ...webhook, kinds: ['key_paused', 'budget_low'] });
  status = 200;
  received = [];
  isLocal = true;
  httpFetch = (request) => fetch(request);
  addresses = ['93.184.216.34'];
});

const createDeps = (): DeliveryDeps => ({
  db,
  secret: SECRET,
  now: () => now,
  httpFetch: (request) => httpFetch(request),
  resolveHost: async () => addresses,
  rules: { ownUrls: [new URL('https://console.example.org')], isLocal },
});

async function queue(kind = 'key_paused'): Promise<string> {
  events += 1;
  const eventId = events.toString(16).padStart(32, 'e');
  return (await queueEvent(db, { eventId, account, kind, now })) ? eventId : '';
}

const deliver = (eventId: string) => deliverEvent(createDeps(), buildTestEvent(eventId, now));

/** Makes every attempt of an event at its time, and returns the seconds between them. */
async function deliverUntilDone(eventId: string): Promise<readonly number[]> {
  const delays: number[] = [];
  for (;;) {
    const outcome = await deliver(eventId);
    if (typeof outcome === 'string') return delays;
    delays.push(outcome.retryInSeconds);
    now += outcome.retryInSeconds * 1000;
  }
}

const listOutcomes = async () =>
  (await listAttempts(db, account, 99)).map(({ outcome, status: code }) => [outcome, code]);

async function isDisabled(): Promise<boolean> {
  return ((await findWebhook(db, account))?.disabledAt ?? null) !== null;
}

describe('an event that its receiver does not accept', () => {
  it('is tried seven times within a day, with growing pauses, and then given up', async () => {
    status = 503;
    const startedAt = now;
    expect(await deliverUntilDone(await queue())).toEqual([5, 300, 1_800, 7_200, 18_000, 36_000]);
    expect(now - startedAt).toBeLessThan(DAY_MS);
    expect(received).toHaveLength(MAX_ATTEMPTS);
    expect(await listOutcomes()).toEqual(
      Array.from({ length: MAX_ATTEMPTS }, () => ['rejected', 503]),
    );
  });

  it('is not tried before its time, nor again once it is delivered or given up', async () => {
    status = 500;
    const eventId = await queue();
    expect(await deliver(eventId)).toEqual({ retryInSeconds: 5 });
    expect(await deliver(eventId)).toEqual({ retryInSeconds: 5 });
    expect(received).toHaveLength(1);
    now += 5_000;
    status = 202;
    expect(await deliver(eventId)).toBe('done');
    expect(await deliver(eventId)).toBe('done');
    expect(received).toHaveLength(2);
    expect(await listOutcomes()).toEqual([
      ['delivered', 202],
      ['rejected', 500],
    ]);
  });

  it.each([301, 302, 303, 307, 308])('is not sent on by a redirect %i', async (code) => {
    status = code;
    await deliver(await queue());
    expect(received).toEqual([`/${accounts}`]);
    expect(await listOutcomes()).toContainEqual(['redirected', code]);
  });

  it('is logged as unreachable where nothing listens', async () => {
    await updateEndpoint(db, account, 'http://127.0.0.1:1/');
    await deliver(await queue());
    expect(await listOutcomes()).toContainEqual(['unreachable', null]);
  });
});

describe('an event that its receiver accepts', () => {
  it('is delivered though the connection breaks off before the body of the answer', async () => {
    const broken = new ReadableStream({
      cancel: () => {
        throw new Error('reset');
      },
    });
    httpFetch = async () => new Response(broken, { status: 200 });
    expect(await deliver(await queue())).toBe('done');
    expect(await listOutcomes()).toEqual([['delivered', 200]]);
  });
});

describe('an event of a host that leads elsewhere by now', () => {
  it.each([
    ['private_address', ['93.184.216.34', '169.254.169.254']],
    ['private_address', ['::1']],
    ['unresolved', []],
  ])('ends as %s where it resolves to %j, and is not posted', async (outcome, found) => {
    isLocal = false;
    addresses = found;
    await updateEndpoint(db, account, 'https://hooks.example.com/');
    expect(await deliver(await queue())).toEqual({ retryInSeconds: 5 });
    expect(await listOutcomes()).toContainEqual([outcome, null]);
    expect(received).toEqual([]);
  });

  it.each(['https://console.example.org/hooks/ses', 'http://93.184.216.34/', 'https://127.0.0.1/'])(
    'ends where the rules no longer allow %s',
    async (endpoint) => {
      isLocal = false;
      await updateEndpoint(db, account, endpoint);
      await deliver(await queue());
      expect(await listOutcomes()).toContainEqual(['private_address', null]);
    },
  );
});

describe('a webhook', () => {
  it('is disabled by five events in a row that failed, and its owner is emailed once', async () => {
    status = 500;
    for (let event = 1; event <= 5; event += 1) {
      expect(await isDisabled()).toBe(false);
      await deliverUntilDone(await queue());
    }
    expect(await isDisabled()).toBe(true);
    expect(await queue()).toBe('');
    const sent: QueuedEmail[] = [];
    let failures = 1;
    const mail = {
      sendBatch: async (messages: Iterable<Readonly<{ body: QueuedEmail }>>) => {
        sent.push(...[...messages].map(({ body }) => body));
        failures -= 1;
        if (failures >= 0) throw new Error('away');
      },
    };
    const identity = { db, secret: SECRET, now: () => now };
    await expect(emailDisabledWebhooks({ identity, mail })).rejects.toThrow('away');
    await emailDisabledWebhooks({ identity, mail });
    await emailDisabledWebhooks({ identity, mail });
    expect(sent).toHaveLength(2);
    expect(new Set(sent.map(({ id }) => id)).size).toBe(1);
    expect(sent[0]?.email).toMatchObject({
      kind: 'webhook_disabled',
      to: `owner-${accounts}@example.com`,
      facts: { host: new URL(url).host, events: 5 },
    });
  });

  it('stays enabled where an event in between was delivered', async () => {
    for (const code of [500, 500, 500, 500, 200, 500, 500, 500, 500]) {
      status = code;
      await deliverUntilDone(await queue());
    }
    expect(await isDisabled()).toBe(false);
  });

  it('cancels what is scheduled while it is disabled, and sends tests all the same', async () => {
    status = 500;
    const waiting = await queue();
    await deliver(waiting);
    for (let event = 1; event <= 5; event += 1) await deliverUntilDone(await queue());
    expect(await isDisabled()).toBe(true);
    expect(await deliver(waiting)).toBe('done');
    expect((await listOutcomes()).filter(([outcome]) => outcome === 'cancelled')).toHaveLength(1);
    events += 1;
    const test = events.toString(16).padStart(32, 'e');
    received = [];
    status = 200;
    await insertTestAttempt(db, { eventId: test, account, now });
    expect(await deliver(test)).toBe('done');
    expect(received).toHaveLength(1);
    expect(await isDisabled()).toBe(true);
    await enableWebhook(db, account);
    expect(await isDisabled()).toBe(false);
    await deliverUntilDone(await queue());
    expect(received).toHaveLength(2);
  });

  it('is not disabled by tests, each of which is tried once', async () => {
    status = 500;
    for (let test = 1; test <= 6; test += 1) {
      events += 1;
      const eventId = events.toString(16).padStart(32, 'e');
      await insertTestAttempt(db, { eventId, account, now });
      expect(await deliver(eventId)).toBe('done');
    }
    expect(await isDisabled()).toBe(false);
    expect(received).toHaveLength(6);
  });

  it('gets only the kinds of alerts that its owner chose', async () => {
    expect(await queue('key_leaked')).toBe('');
    expect(await queue('budget_low')).not.toBe('');
  });

  it('gets nothing once its account is closed or it is deleted', async () => {
    const eventId = await queue();
    await beginDeletion(db, { account, receiptId: account.padStart(32, 'a'), now });
    expect(await deliver(eventId)).toBe('done');
    expect(await queue()).toBe('');
    await deleteWebhook(db, account);
    expect(await listAttempts(db, account, 9)).toEqual([]);
    expect(received).toEqual([]);
  });

  it('is not stored for an account that was closed while its host was looked up', async () => {
    await deleteWebhook(db, account);
    await beginDeletion(db, { account, receiptId: account.padStart(32, 'a'), now });
    const webhook = { id: account, account, endpoint: url, kinds: ['key_paused'], now };
    expect(await insertWebhook(db, webhook)).toBe(false);
    expect(await findWebhook(db, account)).toBeUndefined();
  });
});

describe('the delivery log', () => {
  it('loses what is older than its retention, a bounded number at a time', async () => {
    for (let event = 1; event <= 3; event += 1) await deliver(await queue());
    const before = now;
    now += 1;
    await deliver(await queue());
    while ((await deleteOldAttempts(db, { before, limit: 2 })) > 0);
    expect(await listAttempts(db, account, 9)).toHaveLength(1);
  });
});

describe('a message of the queue', () => {
  it.each([
    null,
    {},
    { id: 'x', body: '' },
    { id: 'e'.repeat(32) },
    { id: 'e'.repeat(32), body: 1 },
  ])('%j is malformed', (message) => {
    expect(isQueuedEvent(message)).toBe(false);
  });
});
