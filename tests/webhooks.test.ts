/**
 * Webhooks of alerts on the real stack: set up in the console, posted by workerd to a real HTTP
 * server, signed, retried, and gone with the account.
 */
import { execFile } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { LocalAccount, LocalStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ConsoleClient, createConsoleClient, signInAs } from './support/browser.ts';
import { HAS_PYTHON, warnIfNoPython } from './support/python.ts';
import { sharedStack } from './support/shared-stack.ts';
import { sql } from './support/sql.ts';
import {
  isSignedBy,
  type ReceivedEvent,
  startWebhookReceiver,
  type WebhookReceiver,
} from './support/webhook-receiver.ts';

const PATH = '/alerts/webhook';
const WAIT = { timeout: 20_000, interval: 100 } as const;
const SECRET = /whsec_[0-9a-f]{64}/;

warnIfNoPython();

let stack: LocalStack;
let receiver: WebhookReceiver;
let accounts = 0;

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  receiver = await startWebhookReceiver();
}, 180_000);
afterAll(() => receiver?.stop());

type Owner = Readonly<{ account: LocalAccount; client: ConsoleClient; path: string }>;

async function createOwner(): Promise<Owner> {
  accounts += 1;
  const account = await stack.createAccount({ creditUsd: '5', name: 'ci “main”' });
  const client = createConsoleClient(stack, { network: `203.0.113.${accounts}` });
  await signInAs(client, account);
  return { account, client, path: `/hook-${accounts}` };
}

/** Sets the webhook up and returns its secret. */
async function addWebhook({ client, path }: Owner): Promise<string> {
  const response = await client.post(`${PATH}/endpoint`, { endpoint: receiver.url + path });
  expect(response.status).toBe(200);
  return SECRET.exec(response.body)?.[0] ?? '';
}

/** Puts a notification into the queue that account objects write to. */
function notify({ account }: Owner, id: string, kind = 'key_paused'): Promise<void> {
  return stack.sendToQueue('farebox-notices', {
    ...{ account: account.accountId, id, kind, keyId: 1, model: null },
    ...{ amount: 4_207_654_321n, at: Date.now(), budgetPeriod: 'day' },
  });
}

function listAttempts({ account }: Owner) {
  const query = `select attempt, kind, outcome, status from webhook_attempts
    where account_id = $1 order by due_at, attempt`;
  return sql(stack, query, [account.accountId]);
}

async function sendTest({ client }: Owner): Promise<string> {
  const response = await client.post(`${PATH}/test`, {});
  expect(response.location).toBe(`${PATH}?done=tested`);
  return (await client.follow(response)).body;
}

describe('the webhook in the console', () => {
  it('shows its secret once, and sends a test event that the secret verifies', async () => {
    const owner = await createOwner();
    expect((await owner.client.get(PATH)).body).toContain('Add webhook');
    const secret = await addWebhook(owner);
    const page = await owner.client.get(PATH);
    expect(page.body).toContain(receiver.url + owner.path);
    expect(page.body).not.toMatch(SECRET);
    expect(await sendTest(owner)).toContain('Delivered (HTTP 204)');
    const [event] = receiver.received(owner.path);
    if (event === undefined) throw new Error('nothing was received');
    expect(isSignedBy(secret, event)).toBe(true);
    expect(isSignedBy(secret.replace(/.$/, 'x'), event)).toBe(false);
    expect(isSignedBy(secret, { ...event, body: `${event.body} ` })).toBe(false);
    expect(event.contentType).toBe('application/json');
    expect(JSON.parse(event.body)).toMatchObject({ type: 'test', data: {} });
  });

  it('says what is wrong with an endpoint, and keeps the one before', async () => {
    const owner = await createOwner();
    await addWebhook(owner);
    const problems = [
      ['ftp://example.com/', 'must start with https://'],
      ['http://a:b@example.com/', 'must not contain a user name'],
      [stack.gatewayUrl, 'one of our own hosts'],
      ['hook', 'Enter a complete URL'],
      [`http://example.com/${'x'.repeat(255)}`, 'longer than 255'],
    ] as const;
    for (const [endpoint, text] of problems) {
      const response = await owner.client.post(`${PATH}/endpoint`, { endpoint });
      expect([response.status, response.body.includes(text)], endpoint).toEqual([422, true]);
    }
    const url = `${receiver.url}/elsewhere`;
    const changed = await owner.client.post(`${PATH}/endpoint`, { endpoint: url });
    expect(changed.location).toBe(`${PATH}?done=saved`);
    expect((await owner.client.get(PATH)).body).toContain(url);
  });

  it('signs with both secrets after the secret was replaced', async () => {
    const owner = await createOwner();
    const secret = await addWebhook(owner);
    const { body } = await owner.client.get(`${PATH}/secret`);
    const token = /name="form_token" value="([^"]+)"/.exec(body)?.[1] ?? '';
    const rotated = await owner.client.post(`${PATH}/secret`, { form_token: token });
    const newSecret = SECRET.exec(rotated.body)?.[0] ?? '';
    expect(newSecret).not.toBe(secret);
    const again = await owner.client.post(`${PATH}/secret`, { form_token: token });
    expect(again.body).not.toMatch(SECRET);
    await sendTest(owner);
    const [event] = receiver.received(owner.path);
    if (event === undefined) throw new Error('nothing was received');
    expect([secret, newSecret].map((one) => isSignedBy(one, event))).toEqual([true, true]);
  });

  it.each([
    ['a redirect', 302, 'Redirect not followed (HTTP 302)'],
    ['an error', 418, 'Rejected (HTTP 418)'],
  ])('shows %s of the receiver as a failure', async (_, status, text) => {
    const owner = await createOwner();
    await addWebhook(owner);
    receiver.answer(owner.path, (response) =>
      response.writeHead(status, { location: `${receiver.url}/target` }).end('secret answer'),
    );
    const page = await sendTest(owner);
    expect(page).toContain(text);
    expect(page).not.toContain('secret answer');
    expect(receiver.received('/target')).toEqual([]);
  });

  it('waits ten seconds for an answer, and does not read an endless one', async () => {
    const owner = await createOwner();
    await addWebhook(owner);
    let isClosed = false;
    receiver.answer(owner.path, (response, count) => {
      if (count === 1) return;
      response.writeHead(200);
      const timer = setInterval(() => response.write('x'.repeat(65_536)), 5);
      response.on('close', () => {
        isClosed = true;
        clearInterval(timer);
      });
    });
    const startedAt = Date.now();
    expect(await sendTest(owner)).toContain('No answer within 10 seconds');
    expect(Date.now() - startedAt).toBeGreaterThan(9_500);
    expect(await sendTest(owner)).toContain('Delivered (HTTP 200)');
    await expect.poll(() => isClosed, WAIT).toBe(true);
  }, 60_000);
});

describe('the recipes of docs/webhooks.md', () => {
  let secret: string;
  let event: ReceivedEvent;
  const docs = readFileSync(join(import.meta.dirname, '../docs/webhooks.md'), 'utf8');
  const recipe = (language: string) =>
    new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(docs)?.[1] ?? '';

  beforeAll(async () => {
    const owner = await createOwner();
    secret = await addWebhook(owner);
    await sendTest(owner);
    const [received] = receiver.received(owner.path);
    if (received === undefined) throw new Error('nothing was received');
    event = received;
  });

  /** The event as it is, with each part changed, and with a time of an hour ago. */
  function listCases(): readonly (readonly [header: string, body: string, secret: string])[] {
    const { signature, body } = event;
    const old = `${Math.floor(Date.now() / 1000) - 3_600}`;
    const mac = createHmac('sha256', secret).update(`${old}.${body}`).digest('hex');
    return [
      [signature, body, secret],
      [`${signature},v1=${'0'.repeat(64)}`, body, secret],
      [signature, `${body} `, secret],
      [signature, body, `${secret}0`],
      [signature.replace(/^t=/, 't=1'), body, secret],
      [`t=${old},v1=${mac}`, body, secret],
      ['', body, secret],
      ['t=,v1=', body, secret],
    ];
  }
  const VERDICTS = [true, true, false, false, false, false, false, false];

  it('accept an event and reject a changed, foreign or old one, in Node.js', async () => {
    const source = Buffer.from(recipe('js')).toString('base64');
    const { isFromFarebox } = await import(`data:text/javascript;base64,${source}`);
    expect(listCases().map((one) => isFromFarebox(...one))).toEqual(VERDICTS);
  });

  it.skipIf(!HAS_PYTHON)('do the same in Python', async () => {
    const cases = JSON.stringify(listCases());
    const program = `${recipe('python')}
import json, sys
print(json.dumps([is_from_farebox(h, b.encode(), s) for h, b, s in json.loads(sys.argv[1])]))`;
    const { stdout } = await promisify(execFile)('python3', ['-c', program, cases]);
    expect(JSON.parse(stdout)).toEqual(VERDICTS);
  });
});

describe('a webhook that keeps failing', () => {
  it('is disabled, tells its owner by email, and can be enabled again', async () => {
    const owner = await createOwner();
    await addWebhook(owner);
    const { accountId, email } = owner.account;
    receiver.answer(owner.path, (response) => response.writeHead(500).end());
    await notify(owner, 'key_paused:1');
    await expect.poll(() => listAttempts(owner), WAIT).toHaveLength(2);
    // The last attempt of the fifth event in a row, which would take days.
    await sql(stack, 'update webhooks set failures = 4 where account_id = $1', [accountId]);
    const last = `update webhook_attempts set attempt = 7, due_at = now()
      where account_id = $1 and ended_at is null`;
    await sql(stack, last, [accountId]);
    const body = receiver.received(owner.path)[0]?.body ?? '';
    const id = /evt_([0-9a-f]{32})/.exec(body)?.[1] ?? '';
    await stack.sendToQueue('farebox-webhooks', { id, body });
    const query = 'select disabled_at is not null from webhooks where account_id = $1';
    await expect.poll(() => sql(stack, query, [accountId]), WAIT).toEqual([['t']]);
    await stack.runCrons();
    const subjects = async () =>
      (await stack.emails()).filter(({ to }) => to === email).map(({ subject }) => subject);
    await expect.poll(subjects, WAIT).toContain('Your webhook was disabled');
    expect((await owner.client.get(PATH)).body).toContain('Disabled on');
    const enabled = await owner.client.post(`${PATH}/enable`, {});
    expect((await owner.client.follow(enabled)).body).toContain('Webhook enabled.');
  }, 60_000);
});

describe('an alert', () => {
  it('of a low balance is posted with what its email says, and once', async () => {
    const owner = await createOwner();
    const secret = await addWebhook(owner);
    const { accountId, apiKey, email } = owner.account;
    await stack.ledger.accounts.setLowBalance(accountId, 4_999_999_999n);
    const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({
        model: 'openai/gpt-6-luna',
        messages: [{ role: 'user', content: 'Hello' }],
      }),
    });
    await response.arrayBuffer();
    expect(response.status).toBe(200);
    await expect.poll(() => receiver.received(owner.path).length, WAIT).toBe(1);
    const [event] = receiver.received(owner.path);
    if (event === undefined) throw new Error('nothing was received');
    expect(isSignedBy(secret, event)).toBe(true);
    expect(JSON.parse(event.body)).toEqual({
      id: expect.stringMatching(/^evt_[0-9a-f]{32}$/),
      type: 'low_balance',
      created: expect.any(Number),
      data: { balance_usd: expect.stringMatching(/^4\.99/), threshold_usd: '4.999999999' },
    });
    expect(event.body).not.toContain(email);
    expect(event.body).not.toContain(accountId);
  });

  it('that the queue delivers twice is one event', async () => {
    const owner = await createOwner();
    await addWebhook(owner);
    await notify(owner, 'key_paused:1');
    await expect
      .poll(() => listAttempts(owner), WAIT)
      .toEqual([['1', 'key_paused', 'delivered', '204']]);
    await notify(owner, 'key_paused:1');
    await notify(owner, 'key_paused:2');
    await expect.poll(() => receiver.received(owner.path).length, WAIT).toBe(2);
    const ids = receiver
      .received(owner.path)
      .map(({ body }) => Reflect.get(JSON.parse(body), 'id'));
    expect(new Set(ids).size).toBe(2);
    expect(await listAttempts(owner)).toHaveLength(2);
  });

  it('is posted again with the same body after an error', async () => {
    const owner = await createOwner();
    const secret = await addWebhook(owner);
    receiver.answer(owner.path, (response, count) =>
      response.writeHead(count === 1 ? 500 : 200).end(),
    );
    await notify(owner, 'key_paused:1');
    await expect
      .poll(() => listAttempts(owner), WAIT)
      .toEqual([
        ['1', 'key_paused', 'rejected', '500'],
        ['2', 'key_paused', 'delivered', '200'],
      ]);
    const [first, second] = receiver.received(owner.path);
    expect(second?.body).toBe(first?.body);
    expect(second !== undefined && isSignedBy(secret, second)).toBe(true);
    const { body } = await owner.client.get(PATH);
    expect(body).toContain('Rejected (HTTP 500)');
    expect(body).toContain('2 of 7');
  }, 40_000);

  it('is not posted if its owner did not choose it', async () => {
    const owner = await createOwner();
    await addWebhook(owner);
    const [, id = ''] =
      /name="shown_webhook" value="(\w+)"/.exec((await owner.client.get('/alerts')).body) ?? [];
    await owner.client.post('/alerts/channels', { shown_webhook: id, webhook: 'budget_low' });
    await notify(owner, 'key_paused:1');
    await notify(owner, 'budget_low:1', 'budget_low');
    await expect.poll(() => receiver.received(owner.path).length, WAIT).toBe(1);
    expect(JSON.parse(receiver.received(owner.path)[0]?.body ?? '')).toMatchObject({
      type: 'budget_low',
      data: { budget: 'day', spent_usd: '4.207654321' },
    });
    expect(await listAttempts(owner)).toHaveLength(1);
  });

  it('of a deleted account is not posted, and nothing is left of its webhook', async () => {
    const owner = await createOwner();
    await addWebhook(owner);
    await sendTest(owner);
    const { email, accountId } = owner.account;
    await owner.client.post('/rights/deletion', { email });
    await notify(owner, 'key_paused:1');
    const last = await createOwner();
    await addWebhook(last);
    await notify(last, 'key_paused:1');
    await expect.poll(() => receiver.received(last.path).length, WAIT).toBe(1);
    expect(receiver.received(owner.path)).toHaveLength(1);
    for (const table of ['webhooks', 'webhook_attempts']) {
      const query = `select count(*) from ${table} where account_id = $1`;
      expect(await sql(stack, query, [accountId]), table).toEqual([['0']]);
    }
  });
});
