/**
 * Data rights on the real stack: all stored data is shown and exported, without secrets; each
 * exercised right leaves a receipt; and a deleted account is erased everywhere at once, except for
 * a ledger without personal data, through every crash on the way.
 */
import { createHash } from 'node:crypto';
import { NOT_EXPORTED } from '@farebox/database/privacy';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type ConsoleClient,
  createConsoleClient,
  type PageResponse,
  signInAs,
} from './support/browser.ts';
import { waitForRateLimitWindow } from './support/rate-limit-windows.ts';
import { sleep } from './support/scripted-upstream.ts';
import { sql } from './support/sql.ts';

let stack: LocalStack;
let ownAccount: LocalAccount;
let otherAccount: LocalAccount;
let ownClient: ConsoleClient;
let call: string;

async function callModel(apiKey: string): Promise<Response> {
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 5,
    }),
  });
  await response.arrayBuffer();
  return response;
}

async function waitUntil(condition: () => Promise<boolean>, name: string): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${name}`);
    await sleep(100);
  }
}

async function count(table: string, account: string): Promise<number> {
  const rows = await sql(stack, `select count(*) from ${table} where account_id = $1`, [account]);
  return Number(rows[0]?.[0]);
}

async function waitForSettlement(account: string): Promise<void> {
  await waitUntil(
    async () => (await stack.ledger.accounts.status(account))?.openCalls === 0,
    'settled',
  );
  const { pendingEntries } = (await stack.ledger.accounts.status(account)) ?? {};
  if (pendingEntries !== 0) await sleep(1_500);
}

function getPath(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((inner, name) => Reflect.get(Object(inner), name), value);
}

function receiptIds({ body }: PageResponse): string[] {
  return [...body.matchAll(/<code>([0-9a-f]{32})<\/code>/g)].map(([, id = '']) => id);
}

async function expireReauth(client: ConsoleClient): Promise<void> {
  const session = client.cookies.get('__Host-session') ?? '';
  const hash = createHash('sha256').update(session).digest('hex');
  const hour = "update sessions set last_auth_at = now() - interval '1 hour' where token_hash = $1";
  await sql(stack, hour, [hash]);
}

beforeAll(async () => {
  stack = await startStack({ quiet: true, cronEveryMs: null });
  ownAccount = await stack.createAccount({ creditUsd: '5', name: 'Main' });
  otherAccount = await stack.createAccount({ creditUsd: '1', name: 'Theirs' });
  ownClient = createConsoleClient(stack);
  await signInAs(ownClient, ownAccount);
  call = (await callModel(ownAccount.apiKey)).headers.get('x-request-id') ?? '';
  await callModel(otherAccount.apiKey);
  await waitForSettlement(ownAccount.accountId);
  await waitUntil(
    async () => (await count('calls', ownAccount.accountId)) === 1,
    'the call in Postgres',
  );
}, 180_000);
afterAll(() => stack?.stop());

describe('the data rights page', () => {
  it('shows the stored data and how to complain, in each language', async () => {
    const { status, body } = await ownClient.get('/rights');
    expect(status).toBe(200);
    expect(body).toContain(ownAccount.email);
    expect(body).toContain(ownAccount.accountId);
    expect(body).toContain('<a href="https://www.pdpc.gov.sg">');
    expect(body).toContain('mailto:farebox@example.com');
    const ru = createConsoleClient(stack, { language: 'ru' });
    await signInAs(ru, ownAccount);
    expect((await ru.get('/rights')).status).toBe(200);
    expect((await createConsoleClient(stack).get('/rights')).location).toBe(
      '/sign-in?next=%2Frights',
    );
  });

  it('lists every table that can hold personal data, with its retention', async () => {
    const { body } = await ownClient.get('/rights/data');
    const tables = await sql(
      stack,
      "select table_name from information_schema.tables where table_schema = 'public'",
    );
    const personalTables = tables
      .map(([name]) => name ?? '')
      .filter((name) => name !== 'farebox_migrations');
    const unlisted = personalTables.filter((name) => !body.includes(`<code>${name}</code>`));
    expect(unlisted.sort()).toEqual(Object.keys(NOT_EXPORTED).sort());
    expect([...body.matchAll(/Retention: /g)].length).toBe(personalTables.length - unlisted.length);
  });

  it('corrects the language and withdraws consent, with receipts', async () => {
    const before = receiptIds(await ownClient.get('/rights')).length;
    expect((await ownClient.post('/rights/language', { language: 'zh' })).location).toBe(
      '/rights?done=language',
    );
    expect((await ownClient.get('/rights')).body).toContain('<html lang="zh">');
    await ownClient.post('/rights/language', { language: 'en' });
    await ownClient.post('/rights/language', { language: 'xx' });
    await ownClient.post('/rights/consents', { kind: 'balance', choice: 'withdraw' });
    await ownClient.post('/rights/consents', { kind: 'everything', choice: 'withdraw' });
    const page = await ownClient.follow(
      await ownClient.post('/rights/consents', { kind: 'balance', choice: 'give' }),
    );
    expect(receiptIds(page).length).toBe(before + 4);
    expect(page.body).toContain('Consent withdrawn');
    expect(page.body).toContain('Consent given');
    expect(page.body).toContain('Data corrected');
  });

  it('withdraws consent to one kind of email, and has its receipt', async () => {
    const fields = { shown_email: 'unusual_spending' };
    const page = await ownClient.follow(await ownClient.post('/alerts/channels', fields));
    expect(page.body).toContain('You’ll find a receipt under “Your data”');
    const { body } = await ownClient.get('/rights');
    expect(body).toContain('Consent withdrawn: emails about unusual spending');
    expect(body).toContain('aria-label="Turn on: Email me when a key’s spending spikes"');
  });

  it('rejects cross-site forms', async () => {
    const crossSiteHeaders = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    for (const path of [
      '/rights/language',
      '/rights/consents',
      '/rights/deletion',
      '/rights/data/export',
      '/api/rights/email',
      '/api/rights/language',
      '/api/rights/consents',
      '/api/rights/deletion',
    ]) {
      const fields = { language: 'ru', kind: 'keys', choice: 'withdraw', email: ownAccount.email };
      expect(
        (await ownClient.post(path, { ...fields, what: 'all' }, crossSiteHeaders)).status,
        path,
      ).toBe(403);
    }
    expect(
      (await ownClient.get('/api/rights/data', { 'sec-fetch-site': 'cross-site' })).status,
    ).toBe(403);
    expect((await ownClient.get('/rights')).status).toBe(200);
  });
});

describe('the data export', () => {
  it('contains all data of the account and of no other', async () => {
    const response = await ownClient.post('/rights/data/export', { what: 'all' });
    expect(response.headers.get('content-disposition')).toContain('farebox-account.json');
    expect(response.headers.get('cache-control')).toBe('no-store');
    const file: unknown = JSON.parse(response.body);
    expect(getPath(file, 'account')).toBe(ownAccount.accountId);
    expect(getPath(file, 'now', 'balance', 'posted')).toMatch(/^4999\d{6}$/);
    expect(getPath(file, 'now', 'balance', 'entries_not_yet_in_tables')).toBe(0);
    expect(getPath(file, 'now', 'keys', '0', 'spent')).toMatch(/^\d+$/);
    expect(getPath(file, 'now', 'keys', '0')).toMatchObject({
      typical_daily_spend: null,
      alert_multiple: 5,
      pause_multiple: 20,
    });
    const tables = getPath(file, 'tables');
    expect(getPath(tables, 'identities', '0')).toMatchObject({
      email: ownAccount.email,
      language: 'en',
    });
    expect(getPath(tables, 'calls', '0', 'id')).toBe(call);
    expect(getPath(tables, 'ledger_entries', 'length')).toBe(2);
    expect(getPath(tables, 'usage_days', '0', 'calls')).toBe(1);
    expect(getPath(tables, 'api_keys', '0', 'name')).toBe('Main');
    expect(getPath(tables, 'consents')).toMatchObject([
      { kind: 'balance', given: true },
      { kind: 'unusual_spending', given: false },
    ]);
    for (const secret of [otherAccount.accountId, otherAccount.email, ownAccount.apiKey.slice(4)]) {
      expect(response.body).not.toContain(secret);
    }
  });

  it('contains no credentials', async () => {
    const { body } = await ownClient.post('/rights/data/export', { what: 'all' });
    const secrets = await sql(
      stack,
      `select password_hash from identities where account_id = $1
        union all select secret_hash from api_keys where account_id = $1
        union all select token_hash from sessions where account_id = $1
        union all select token_hash from known_devices where account_id = $1`,
      [ownAccount.accountId],
    );
    expect(secrets.length).toBeGreaterThan(3);
    for (const [secret] of secrets) expect(body).not.toContain(secret);
  });

  it('is also available as CSV, one file per table, and leaves a receipt', async () => {
    const { body, headers } = await ownClient.post('/rights/data/export', { what: 'calls' });
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [head = '', first = ''] = body.split('\r\n');
    expect(head.split(',').slice(0, 2)).toEqual(['account_id', 'id']);
    expect(first).toContain(call);
    for (const invalidExport of ['rate_limit_counters', '__proto__', 'constructor', '']) {
      expect((await ownClient.post('/rights/data/export', { what: invalidExport })).status).toBe(
        404,
      );
    }
    expect((await ownClient.get('/rights')).body).toContain('Data exported: calls');
  });

  it('requires recent authentication and is rate limited', async () => {
    const staleClient = createConsoleClient(stack);
    await signInAs(staleClient, otherAccount);
    await expireReauth(staleClient);
    expect((await staleClient.post('/rights/data/export', { what: 'all' })).location).toBe(
      '/prove?next=%2Frights%2Fdata%2Fexport',
    );
    expect((await ownClient.get('/rights/data/export')).location).toBe('/rights/data');
    const api = await staleClient.get('/api/rights/data');
    expect([api.status, JSON.parse(api.body)]).toEqual([
      403,
      { error: { code: 'reauthentication_required' } },
    ]);
    expect((await createConsoleClient(stack).get('/api/rights/data')).status).toBe(401);
    const frequentClient = createConsoleClient(stack);
    await signInAs(frequentClient, otherAccount);
    await waitForRateLimitWindow(20_000);
    const statuses = new Set<number>();
    for (let attempt = 0; attempt < 61; attempt += 1) {
      statuses.add((await frequentClient.post('/rights/data/export', { what: 'accounts' })).status);
    }
    expect([...statuses]).toEqual([200, 429]);
    const rateLimited = await frequentClient.get('/api/rights/data');
    expect(rateLimited.status).toBe(429);
    expect(Number(rateLimited.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await ownClient.get('/api/rights/data')).status).toBe(200);
  });
});

describe('the data rights API', () => {
  async function post(
    path: string,
    body: unknown,
  ): Promise<Readonly<{ status: number; json: unknown }>> {
    const { origin } = new URL(stack.consoleUrl);
    const response = await fetch(origin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin,
        'content-type': 'application/json',
        cookie: [...ownClient.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body: JSON.stringify(body),
    });
    return { status: response.status, json: await response.json() };
  }

  it('does what the screens do and returns receipts', async () => {
    const consentResponse = await post('/api/rights/consents', {
      kind: 'keys',
      given: false,
    });
    expect(consentResponse.json).toMatchObject({
      receipt: { kind: 'consent_withdrawn', about: 'keys' },
    });
    const kindResponse = await post('/api/rights/consents', { kind: 'budget_low', given: true });
    expect(kindResponse.json).toMatchObject({
      receipt: { kind: 'consent_given', about: 'budget_low' },
    });
    const languageResponse = await post('/api/rights/language', {
      language: 'en',
      email: 'x@example.com',
    });
    expect(languageResponse.json).toMatchObject({
      receipt: { kind: 'data_corrected', about: 'language' },
    });
    const { body } = await ownClient.get('/rights');
    expect(body).toContain(String(getPath(consentResponse.json, 'receipt', 'id')));
    expect(body).toContain(String(getPath(languageResponse.json, 'receipt', 'id')));
    const emailResponse = await post('/api/rights/email', { email: `new-${ownAccount.email}` });
    expect([emailResponse.status, emailResponse.json]).toEqual([202, { status: 'link_sent' }]);
    expect((await ownClient.get('/rights')).body).toContain(ownAccount.email);
  });

  it('rejects unknown fields and changes no other account', async () => {
    for (const [path, body, code] of [
      ['/api/rights/consents', { kind: 'everything', given: true }, 'consent_invalid'],
      ['/api/rights/consents', { kind: 'keys', given: 'maybe' }, 'consent_invalid'],
      ['/api/rights/consents', null, 'consent_invalid'],
      ['/api/rights/language', { language: '<script>' }, 'language_invalid'],
      ['/api/rights/email', { email: 'nowhere' }, 'email_invalid'],
      [
        '/api/rights/deletion',
        { email: otherAccount.email, account: otherAccount.accountId },
        'email_differs',
      ],
    ] as const) {
      expect(await post(path, body)).toEqual({ status: 422, json: { error: { code } } });
    }
    const before = await count('consents', otherAccount.accountId);
    const otherAccountFields = {
      account: otherAccount.accountId,
      accountId: otherAccount.accountId,
      account_id: otherAccount.accountId,
    };
    await post('/api/rights/consents', { kind: 'keys', given: false, ...otherAccountFields });
    expect(await count('consents', otherAccount.accountId)).toBe(before);
  });
});

/** Searches every text column of every table for each of the words. */
async function findOccurrences(...words: readonly string[]): Promise<string[]> {
  const columns = await sql(
    stack,
    `select table_name, column_name from information_schema.columns
      where table_schema = 'public' and data_type in ('character varying', 'text', 'jsonb', 'ARRAY')`,
  );
  expect(columns.length).toBeGreaterThan(50);
  const hits: string[] = [];
  for (const [table, column] of columns) {
    for (const word of words) {
      const query = `select count(*) from "${table}" where lower("${column}"::text) like $1`;
      const [row] = await sql(stack, query, [`%${word.toLowerCase()}%`]);
      if (row?.[0] !== '0') hits.push(`${table}.${column} has ${word}`);
    }
  }
  return hits;
}

function hashEmail(email: string): string[] {
  return ['sha256', 'sha1', 'md5'].map((name) => createHash(name).update(email).digest('hex'));
}

async function isWiped(account: string): Promise<boolean> {
  const [row] = await sql(stack, 'select wiped_at from accounts where id = $1', [account]);
  return row?.[0] !== null && row?.[0] !== undefined;
}

/** Runs the cron until nothing is left to do. */
async function tickUntilWiped(account: string): Promise<void> {
  await waitUntil(async () => {
    await stack.runCrons();
    return isWiped(account);
  }, 'wiped');
}

async function countDeletionEmails(email: string): Promise<number> {
  const emails = await stack.emails();
  return emails.filter(({ to, text }) => to === email && /was deleted/.test(text)).length;
}

const PERSONAL_TABLES = [
  'identities',
  'sessions',
  'known_devices',
  'api_keys',
  'consents',
  'notifications',
  'webhooks',
  'webhook_attempts',
  'email_tokens',
  'emails',
];

/** Unknown browsers have five attempts per minute and address (packages/identity). */
async function clearRateLimits(): Promise<void> {
  await sql(stack, 'delete from rate_limit_counters');
}

/** The account is closed, or its tombstone has no keys any more. */
async function expectRefused(account: LocalAccount): Promise<void> {
  expect([401, 403]).toContain((await callModel(account.apiKey)).status);
}

async function expectGone(account: LocalAccount): Promise<void> {
  expect(await findOccurrences(account.email, ...hashEmail(account.email))).toEqual([]);
  for (const table of PERSONAL_TABLES) expect(await count(table, account.accountId), table).toBe(0);
  await expectRefused(account);
  await clearRateLimits();
  const signInResponse = await createConsoleClient(stack).post('/sign-in', {
    email: account.email,
    password: account.password,
  });
  expect(signInResponse.status).toBe(422);
}

describe('account deletion', () => {
  it('explains what happens to the balance and requires the email to be typed', async () => {
    const { body } = await ownClient.get('/rights/deletion');
    expect(body).toMatch(/Current balance: *<\/?[^>]*>|Current balance:/);
    expect(body).toContain('Your balance isn’t refunded by the deletion itself');
    expect(body).toContain('five years');
    const rejected = await ownClient.post('/rights/deletion', { email: otherAccount.email });
    expect(rejected.status).toBe(422);
    expect((await ownClient.post('/rights/deletion', {})).status).toBe(422);
    expect((await callModel(ownAccount.apiKey)).status).toBe(200);
    const staleClient = createConsoleClient(stack);
    await signInAs(staleClient, ownAccount);
    await expireReauth(staleClient);
    const response = await staleClient.post('/rights/deletion', { email: ownAccount.email });
    expect(response.location).toBe('/prove?next=%2Frights%2Fdeletion');
    expect((await callModel(ownAccount.apiKey)).status).toBe(200);
  });

  it('erases personal data everywhere at once and keeps the ledger under the account id', async () => {
    await waitForSettlement(ownAccount.accountId);
    await waitUntil(
      async () => (await count('calls', ownAccount.accountId)) === 3,
      'calls in Postgres',
    );
    const [entries, calls] = [
      await count('ledger_entries', ownAccount.accountId),
      await count('calls', ownAccount.accountId),
    ];
    const otherClient = createConsoleClient(stack);
    await signInAs(otherClient, ownAccount);
    const last = await ownClient.post('/rights/deletion', {
      email: ` ${ownAccount.email.toUpperCase()} `,
    });
    expect(last.status).toBe(200);
    const [receipt] = receiptIds(last);
    expect(last.body).toContain(ownAccount.accountId);
    expect(last.body).not.toContain(ownAccount.email);
    expect(last.body).not.toContain('action="/sign-out"');
    expect([...ownClient.cookies.keys()].filter((name) => name !== '__Host-language')).toEqual([]);
    await expectGone(ownAccount);
    expect((await otherClient.get('/keys')).location).toBe('/sign-in?next=%2Fkeys');
    expect(
      (await ownClient.post('/rights/deletion', { email: ownAccount.email })).location,
    ).toContain('/sign-in');
    expect(await count('ledger_entries', ownAccount.accountId)).toBe(entries);
    expect(await count('calls', ownAccount.accountId)).toBe(calls);
    const receiptRows = await sql(
      stack,
      'select id, kind, actor from receipts where account_id = $1 order by at desc limit 1',
      [ownAccount.accountId],
    );
    expect(receiptRows).toEqual([[receipt, 'account_deleted', 'user']]);
  });

  it('ends with a tombstone that accepts no deposits, and one email', async () => {
    await tickUntilWiped(ownAccount.accountId);
    await stack.runCrons();
    const credit = { id: 'tron:late:1', amount: 1_000_000_000n, source: 'deposit' } as const;
    const lateCredit = await stack.ledger.credits.credit(ownAccount.accountId, credit);
    expect(lateCredit).toEqual({ ok: false, reason: 'closed' });
    expect(await stack.ledger.accounts.keys(ownAccount.accountId)).toEqual([]);
    expect((await stack.ledger.accounts.status(ownAccount.accountId))?.state).toBe('closed');
    await waitUntil(async () => (await countDeletionEmails(ownAccount.email)) > 0, 'the farewell');
    expect(await countDeletionEmails(ownAccount.email)).toBe(1);
    await expectGone(ownAccount);
    expect((await callModel(otherAccount.apiKey)).status).toBe(200);
  });

  it('frees the email address for a new sign-up', async () => {
    const newAccount = await stack.createAccount({ creditUsd: '0', email: ownAccount.email });
    expect(newAccount.accountId).not.toBe(ownAccount.accountId);
    const client = createConsoleClient(stack);
    await clearRateLimits();
    await signInAs(client, newAccount);
    expect(receiptIds(await client.get('/rights'))).toEqual([]);
  });
});

describe('a crash during account deletion', () => {
  async function createLeavingAccount(): Promise<
    Readonly<{ account: LocalAccount; client: ConsoleClient }>
  > {
    const account = await stack.createAccount({ creditUsd: '2' });
    const client = createConsoleClient(stack, { network: '198.51.100.9' });
    await signInAs(client, account);
    await callModel(account.apiKey);
    // A settlement that a crash takes along leaves its hold open until it expires.
    await waitForSettlement(account.accountId);
    return { account, client };
  }
  const MARK_CLOSED = 'update accounts set closed_at = now() where id = $1';

  it('after the account is marked ends all sessions, and the cron finishes', async () => {
    const { account, client } = await createLeavingAccount();
    await sql(stack, MARK_CLOSED, [account.accountId]);
    expect((await client.get('/keys')).location).toContain('/sign-in');
    await tickUntilWiped(account.accountId);
    await expectGone(account);
    await waitUntil(async () => (await countDeletionEmails(account.email)) === 1, 'the farewell');
  });

  it('after the account object is closed is finished by the cron', async () => {
    const { account } = await createLeavingAccount();
    await sql(stack, MARK_CLOSED, [account.accountId]);
    await stack.ledger.accounts.close(account.accountId);
    await expectRefused(account);
    await tickUntilWiped(account.accountId);
    await expectGone(account);
    await waitUntil(async () => (await countDeletionEmails(account.email)) === 1, 'the farewell');
  });

  it('before the last mark repeats nothing', async () => {
    const { account, client } = await createLeavingAccount();
    await client.post('/rights/deletion', { email: account.email });
    await tickUntilWiped(account.accountId);
    await waitUntil(async () => (await countDeletionEmails(account.email)) === 1, 'the farewell');
    await sql(stack, 'update accounts set wiped_at = null where id = $1', [account.accountId]);
    await tickUntilWiped(account.accountId);
    await sleep(500);
    expect(await countDeletionEmails(account.email)).toBe(1);
    expect(await count('receipts', account.accountId)).toBe(1);
  });

  it('of the Workers right after the response is finished by the cron', async () => {
    const { account, client } = await createLeavingAccount();
    await client.post('/rights/deletion', { email: account.email });
    await stack.restartWorkers();
    await tickUntilWiped(account.accountId);
    await expectGone(account);
  });
});
