/**
 * A person's rights on the real stack: all that is held is shown and exported, and no secret with it; each
 * right that is used leaves a receipt; and who leaves is gone at once and everywhere, but for a book that
 * names nobody, whatever crashes on the way.
 */
import { createHash } from 'node:crypto';
import { NOT_EXPORTED } from '@farebox/database';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, openConsole, signInAs, type Visitor } from './browser.ts';
import { pause } from './scripted-upstream.ts';
import { sql } from './sql.ts';

let stack: LocalStack;
let mine: LocalAccount;
let other: LocalAccount;
let me: Visitor;
let call: string;

async function ask(apiKey: string): Promise<Response> {
  const answer = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'openai/gpt-4o-mini',
      messages: [{ role: 'user', content: 'Hello' }],
      max_tokens: 5,
    }),
  });
  await answer.arrayBuffer();
  return answer;
}

async function until(what: () => Promise<boolean>, name: string): Promise<void> {
  const patience = Date.now() + 20_000;
  while (!(await what())) {
    if (Date.now() > patience) throw new Error(`waited in vain: ${name}`);
    await pause(100);
  }
}

async function count(table: string, account: string): Promise<number> {
  const rows = await sql(stack, `select count(*) from ${table} where account_id = $1`, [account]);
  return Number(rows[0]?.[0]);
}

async function settled(account: string): Promise<void> {
  await until(
    async () => (await stack.doors.accounts.standing(account))?.openCalls === 0,
    'settled',
  );
  const { pendingEntries } = (await stack.doors.accounts.standing(account)) ?? {};
  if (pendingEntries !== 0) await pause(1_500);
}

function at(value: unknown, ...path: readonly string[]): unknown {
  return path.reduce((inner, name) => Reflect.get(Object(inner), name), value);
}

function receiptIds({ body }: Answer): string[] {
  return [...body.matchAll(/<code>([0-9a-f]{32})<\/code>/g)].map(([, id = '']) => id);
}

async function ageProof(visitor: Visitor): Promise<void> {
  const session = visitor.cookies.get('__Host-session') ?? '';
  const hash = createHash('sha256').update(session).digest('hex');
  const hour = "update sessions set proved_at = now() - interval '1 hour' where token_hash = $1";
  await sql(stack, hour, [hash]);
}

beforeAll(async () => {
  stack = await startStack({ quiet: true, cronEveryMs: null });
  mine = await stack.createAccount({ creditUsd: '5', name: 'Main' });
  other = await stack.createAccount({ creditUsd: '1', name: 'Theirs' });
  me = openConsole(stack);
  await signInAs(me, mine);
  call = (await ask(mine.apiKey)).headers.get('x-request-id') ?? '';
  await ask(other.apiKey);
  await settled(mine.accountId);
  await until(async () => (await count('calls', mine.accountId)) === 1, 'the call in Postgres');
}, 180_000);
afterAll(() => stack?.stop());

describe('the page', () => {
  it('shows what is held, and how to complain, in each language', async () => {
    const { status, body } = await me.get('/rights');
    expect(status).toBe(200);
    expect(body).toContain(mine.email);
    expect(body).toContain(mine.accountId);
    expect(body).toContain('<a href="https://www.pdpc.gov.sg">');
    expect(body).toContain('mailto:farebox@example.com');
    const ru = openConsole(stack, { language: 'ru' });
    await signInAs(ru, mine);
    expect((await ru.get('/rights')).status).toBe(200);
    expect((await openConsole(stack).get('/rights')).location).toBe('/sign-in?next=%2Frights');
  });

  it('lists every table of the database that can hold something of a person, and for how long', async () => {
    const { body } = await me.get('/rights/data');
    const tables = await sql(
      stack,
      "select table_name from information_schema.tables where table_schema = 'public'",
    );
    const held = tables.map(([name]) => name ?? '').filter((name) => name !== 'farebox_migrations');
    const unlisted = held.filter((name) => !body.includes(`<code>${name}</code>`));
    expect(unlisted.sort()).toEqual(Object.keys(NOT_EXPORTED).sort());
    expect([...body.matchAll(/Kept: /g)].length).toBe(held.length - unlisted.length);
  });

  it('corrects the language and takes consent back, with receipts', async () => {
    const before = receiptIds(await me.get('/rights')).length;
    expect((await me.post('/rights/language', { language: 'zh' })).location).toBe(
      '/rights?done=language',
    );
    expect((await me.get('/rights')).body).toContain('<html lang="zh">');
    await me.post('/rights/language', { language: 'en' });
    await me.post('/rights/language', { language: 'xx' });
    await me.post('/rights/consents', { kind: 'balance', choice: 'withdraw' });
    await me.post('/rights/consents', { kind: 'everything', choice: 'withdraw' });
    const page = await me.follow(
      await me.post('/rights/consents', { kind: 'balance', choice: 'give' }),
    );
    expect(receiptIds(page).length).toBe(before + 4);
    expect(page.body).toContain('Consent withdrawn');
    expect(page.body).toContain('Consent given');
    expect(page.body).toContain('Data corrected');
  });

  it('does nothing for a form from elsewhere', async () => {
    const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
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
      const fields = { language: 'ru', kind: 'keys', choice: 'withdraw', email: mine.email };
      expect((await me.post(path, { ...fields, what: 'all' }, elsewhere)).status, path).toBe(403);
    }
    expect((await me.get('/api/rights/data', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
    expect((await me.get('/rights')).status).toBe(200);
  });
});

describe('the export', () => {
  it('is everything, and nobody else’s', async () => {
    const answer = await me.post('/rights/data/export', { what: 'all' });
    expect(answer.headers.get('content-disposition')).toContain('farebox-account.json');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    const file: unknown = JSON.parse(answer.body);
    expect(at(file, 'account')).toBe(mine.accountId);
    expect(at(file, 'now', 'balance', 'posted')).toMatch(/^4999\d{6}$/);
    expect(at(file, 'now', 'keys', '0', 'spent')).toMatch(/^\d+$/);
    const tables = at(file, 'tables');
    expect(at(tables, 'identities', '0')).toMatchObject({ email: mine.email, language: 'en' });
    expect(at(tables, 'calls', '0', 'id')).toBe(call);
    expect(at(tables, 'ledger_entries', 'length')).toBe(2);
    expect(at(tables, 'usage_days', '0', 'calls')).toBe(1);
    expect(at(tables, 'api_keys', '0', 'name')).toBe('Main');
    expect(at(tables, 'consents', '0', 'kind')).toBe('balance');
    for (const secret of [other.accountId, other.email, mine.apiKey.slice(4)]) {
      expect(answer.body).not.toContain(secret);
    }
  });

  it('has nothing that proves who somebody is', async () => {
    const { body } = await me.post('/rights/data/export', { what: 'all' });
    const secrets = await sql(
      stack,
      `select password_hash from identities where account_id = $1
        union all select secret_hash from api_keys where account_id = $1
        union all select token_hash from sessions where account_id = $1
        union all select token_hash from known_devices where account_id = $1`,
      [mine.accountId],
    );
    expect(secrets.length).toBeGreaterThan(3);
    for (const [secret] of secrets) expect(body).not.toContain(secret);
  });

  it('comes as CSV too, a table a file, and leaves a receipt', async () => {
    const { body, headers } = await me.post('/rights/data/export', { what: 'calls' });
    expect(headers.get('content-type')).toBe('text/csv; charset=utf-8');
    const [head = '', first = ''] = body.split('\r\n');
    expect(head.split(',').slice(0, 2)).toEqual(['account_id', 'id']);
    expect(first).toContain(call);
    for (const odd of ['throttle_counters', '__proto__', 'constructor', '']) {
      expect((await me.post('/rights/data/export', { what: odd })).status).toBe(404);
    }
    expect((await me.get('/rights')).body).toContain('Data exported: calls');
  });

  it('asks who it is, and how often', async () => {
    const late = openConsole(stack);
    await signInAs(late, other);
    await ageProof(late);
    expect((await late.post('/rights/data/export', { what: 'all' })).location).toBe(
      '/prove?next=%2Frights%2Fdata%2Fexport',
    );
    expect((await me.get('/rights/data/export')).location).toBe('/rights/data');
    const api = await late.get('/api/rights/data');
    expect([api.status, JSON.parse(api.body)]).toEqual([403, { error: { code: 'proof_needed' } }]);
    expect((await openConsole(stack).get('/api/rights/data')).status).toBe(401);
    const often = openConsole(stack);
    await signInAs(often, other);
    const statuses = new Set<number>();
    for (let asked = 0; asked < 61; asked += 1) {
      statuses.add((await often.post('/rights/data/export', { what: 'accounts' })).status);
    }
    expect([...statuses]).toEqual([200, 429]);
    const refused = await often.get('/api/rights/data');
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await me.get('/api/rights/data')).status).toBe(200);
  });
});

describe('the API', () => {
  async function post(
    path: string,
    body: unknown,
  ): Promise<Readonly<{ status: number; json: unknown }>> {
    const { origin } = new URL(stack.consoleUrl);
    const answer = await fetch(origin + path, {
      method: 'POST',
      redirect: 'manual',
      headers: {
        origin,
        'content-type': 'application/json',
        cookie: [...me.cookies].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      body: JSON.stringify(body),
    });
    return { status: answer.status, json: await answer.json() };
  }

  it('does what the screens do, and answers with receipts', async () => {
    const given = await post('/api/rights/consents', { kind: 'keys', given: false });
    expect(given.json).toMatchObject({ receipt: { kind: 'consent_withdrawn', about: 'keys' } });
    const spoken = await post('/api/rights/language', { language: 'en', email: 'x@example.com' });
    expect(spoken.json).toMatchObject({ receipt: { kind: 'data_corrected', about: 'language' } });
    const { body } = await me.get('/rights');
    expect(body).toContain(String(at(given.json, 'receipt', 'id')));
    expect(body).toContain(String(at(spoken.json, 'receipt', 'id')));
    const moved = await post('/api/rights/email', { email: `new-${mine.email}` });
    expect([moved.status, moved.json]).toEqual([202, { status: 'link_sent' }]);
    expect((await me.get('/rights')).body).toContain(mine.email);
  });

  it('refuses what it does not know, and changes nobody else', async () => {
    for (const [path, body, code] of [
      ['/api/rights/consents', { kind: 'everything', given: true }, 'consent_invalid'],
      ['/api/rights/consents', { kind: 'keys', given: 'maybe' }, 'consent_invalid'],
      ['/api/rights/consents', null, 'consent_invalid'],
      ['/api/rights/language', { language: '<script>' }, 'language_invalid'],
      ['/api/rights/email', { email: 'nowhere' }, 'email_invalid'],
      ['/api/rights/deletion', { email: other.email, account: other.accountId }, 'email_differs'],
    ] as const) {
      expect(await post(path, body)).toEqual({ status: 422, json: { error: { code } } });
    }
    const before = await count('consents', other.accountId);
    const theirs = {
      account: other.accountId,
      accountId: other.accountId,
      account_id: other.accountId,
    };
    await post('/api/rights/consents', { kind: 'keys', given: false, ...theirs });
    expect(await count('consents', other.accountId)).toBe(before);
  });
});

/** Every column of every table that can hold a text, searched for each of the words. */
async function found(...words: readonly string[]): Promise<string[]> {
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

function hashesOf(email: string): string[] {
  return ['sha256', 'sha1', 'md5'].map((name) => createHash(name).update(email).digest('hex'));
}

async function wiped(account: string): Promise<boolean> {
  const [row] = await sql(stack, 'select wiped_at from accounts where id = $1', [account]);
  return row?.[0] !== null && row?.[0] !== undefined;
}

/** The cron comes back until there is nothing left to do. */
async function tickUntilWiped(account: string): Promise<void> {
  await until(async () => {
    await stack.tick();
    return wiped(account);
  }, 'wiped');
}

async function farewells(email: string): Promise<number> {
  const letters = await stack.letters();
  return letters.filter(({ to, text }) => to === email && /was deleted/.test(text)).length;
}

const PERSONAL = [
  'identities',
  'sessions',
  'known_devices',
  'api_keys',
  'consents',
  'notices',
  'mail_tokens',
  'mails',
];

/** Strangers have five tries a minute at an address (packages/identity/throttles.ts). */
async function forgetTries(): Promise<void> {
  await sql(stack, 'delete from throttle_counters');
}

/** The account is closed, or its tombstone knows no key any more. */
async function expectRefused(who: LocalAccount): Promise<void> {
  expect([401, 403]).toContain((await ask(who.apiKey)).status);
}

async function expectGone(who: LocalAccount): Promise<void> {
  expect(await found(who.email, ...hashesOf(who.email))).toEqual([]);
  for (const table of PERSONAL) expect(await count(table, who.accountId), table).toBe(0);
  await expectRefused(who);
  await forgetTries();
  const entering = await openConsole(stack).post('/sign-in', {
    email: who.email,
    password: who.password,
  });
  expect(entering.status).toBe(422);
}

describe('leaving', () => {
  it('says what becomes of the balance before, and wants the address typed', async () => {
    const { body } = await me.get('/rights/deletion');
    expect(body).toMatch(/Your balance now: *<\/?[^>]*>|Your balance now:/);
    expect(body).toContain('It is not paid back by itself');
    expect(body).toContain('five years');
    const wrong = await me.post('/rights/deletion', { email: other.email });
    expect(wrong.status).toBe(422);
    expect((await me.post('/rights/deletion', {})).status).toBe(422);
    expect((await ask(mine.apiKey)).status).toBe(200);
    const late = openConsole(stack);
    await signInAs(late, mine);
    await ageProof(late);
    const answer = await late.post('/rights/deletion', { email: mine.email });
    expect(answer.location).toBe('/prove?next=%2Frights%2Fdeletion');
    expect((await ask(mine.apiKey)).status).toBe(200);
  });

  it('is at once and everywhere, and leaves the book under its number', async () => {
    await settled(mine.accountId);
    await until(async () => (await count('calls', mine.accountId)) === 3, 'calls in Postgres');
    const [entries, calls] = [
      await count('ledger_entries', mine.accountId),
      await count('calls', mine.accountId),
    ];
    const elsewhere = openConsole(stack);
    await signInAs(elsewhere, mine);
    const last = await me.post('/rights/deletion', { email: ` ${mine.email.toUpperCase()} ` });
    expect(last.status).toBe(200);
    const [receipt] = receiptIds(last);
    expect(last.body).toContain(mine.accountId);
    expect(last.body).not.toContain(mine.email);
    expect(last.body).not.toContain('action="/sign-out"');
    expect([...me.cookies.keys()].filter((name) => name !== '__Host-language')).toEqual([]);
    await expectGone(mine);
    expect((await elsewhere.get('/keys')).location).toBe('/sign-in?next=%2Fkeys');
    expect((await me.post('/rights/deletion', { email: mine.email })).location).toContain(
      '/sign-in',
    );
    expect(await count('ledger_entries', mine.accountId)).toBe(entries);
    expect(await count('calls', mine.accountId)).toBe(calls);
    const kept = await sql(
      stack,
      'select id, kind, actor from receipts where account_id = $1 order by at desc limit 1',
      [mine.accountId],
    );
    expect(kept).toEqual([[receipt, 'account_deleted', 'person']]);
  });

  it('ends with a tombstone that takes no more money, and one letter', async () => {
    await tickUntilWiped(mine.accountId);
    await stack.tick();
    const credit = { id: 'tron:late:1', amount: 1_000_000_000n, source: 'deposit' } as const;
    const late = await stack.doors.credits.credit(mine.accountId, credit);
    expect(late).toEqual({ ok: false, reason: 'closed' });
    expect(await stack.doors.accounts.keys(mine.accountId)).toEqual([]);
    expect((await stack.doors.accounts.standing(mine.accountId))?.state).toBe('closed');
    await until(async () => (await farewells(mine.email)) > 0, 'the farewell');
    expect(await farewells(mine.email)).toBe(1);
    await expectGone(mine);
    expect((await ask(other.apiKey)).status).toBe(200);
  });

  it('leaves the address free for somebody to sign up with', async () => {
    const again = await stack.createAccount({ creditUsd: '0', email: mine.email });
    expect(again.accountId).not.toBe(mine.accountId);
    const visitor = openConsole(stack);
    await forgetTries();
    await signInAs(visitor, again);
    expect(receiptIds(await visitor.get('/rights'))).toEqual([]);
  });
});

describe('a crash on the way', () => {
  async function leaver(): Promise<Readonly<{ who: LocalAccount; visitor: Visitor }>> {
    const who = await stack.createAccount({ creditUsd: '2' });
    const visitor = openConsole(stack, { network: '198.51.100.9' });
    await signInAs(visitor, who);
    await ask(who.apiKey);
    return { who, visitor };
  }
  const MARK = 'update accounts set closed_at = now() where id = $1';

  it('after the mark: nobody is signed in any more, and the cron does the rest', async () => {
    const { who, visitor } = await leaver();
    await sql(stack, MARK, [who.accountId]);
    expect((await visitor.get('/keys')).location).toContain('/sign-in');
    await tickUntilWiped(who.accountId);
    await expectGone(who);
    await until(async () => (await farewells(who.email)) === 1, 'the farewell');
  });

  it('after the object was closed', async () => {
    const { who } = await leaver();
    await sql(stack, MARK, [who.accountId]);
    await stack.doors.accounts.close(who.accountId);
    await expectRefused(who);
    await tickUntilWiped(who.accountId);
    await expectGone(who);
    await until(async () => (await farewells(who.email)) === 1, 'the farewell');
  });

  it('after everything but the last mark: nothing is done twice', async () => {
    const { who, visitor } = await leaver();
    await visitor.post('/rights/deletion', { email: who.email });
    await tickUntilWiped(who.accountId);
    await until(async () => (await farewells(who.email)) === 1, 'the farewell');
    await sql(stack, 'update accounts set wiped_at = null where id = $1', [who.accountId]);
    await tickUntilWiped(who.accountId);
    await pause(500);
    expect(await farewells(who.email)).toBe(1);
    expect(await count('receipts', who.accountId)).toBe(1);
  });

  it('of the Workers themselves, right after the answer', async () => {
    const { who, visitor } = await leaver();
    await visitor.post('/rights/deletion', { email: who.email });
    await stack.restartWorkers();
    await tickUntilWiped(who.accountId);
    await expectGone(who);
  });
});
