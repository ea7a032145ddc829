/**
 * The key screens on the real stack: a change takes effect at the gateway at once, a key's text is
 * in one response and nowhere else, and no user can touch another user's key.
 */
import { createHash } from 'node:crypto';
import type { LocalAccount, LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it } from 'vitest';
import { fetchSettledBalance } from './support/bills.ts';
import {
  type ConsoleClient,
  createConsoleClient,
  type PageResponse,
  signInAs,
} from './support/browser.ts';
import { sharedStack } from './support/shared-stack.ts';
import { sql } from './support/sql.ts';

const KEY = /<output id="key" class="key">(fbx_[0-9A-Za-z_]+)<\/output>/;
const FIELDS = {
  name: 'Made on a screen',
  budget: '',
  expires: '',
  scope: 'all',
  other_models: '',
  per_minute: '',
  concurrent: '',
  alert_multiple: '5',
  pause_multiple: '20',
};

let stack: LocalStack;
let ownAccount: LocalAccount;
let otherAccount: LocalAccount;
let ownClient: ConsoleClient;
let otherClient: ConsoleClient;

async function callModel(apiKey: string, model = 'openai/gpt-4o-mini'): Promise<number> {
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }),
  });
  await response.arrayBuffer();
  return response.status;
}

function parseFormToken({ body }: PageResponse): string {
  return /name="form_token" value="([^"]+)"/.exec(body)?.[1] ?? '';
}

async function submitCreateForm(
  fields: Readonly<Record<string, string>> = {},
): Promise<PageResponse> {
  const token = parseFormToken(await ownClient.get('/keys/new'));
  return ownClient.post('/keys/new', { ...FIELDS, form_token: token, ...fields });
}

type CreatedKey = Readonly<{ apiKey: string; path: string; id: number }>;

async function createKey(fields: Readonly<Record<string, string>> = {}): Promise<CreatedKey> {
  const { status, body } = await submitCreateForm(fields);
  expect(status).toBe(200);
  const apiKey = KEY.exec(body)?.[1] ?? '';
  const path = /href="(\/keys\/\d+)"/.exec(body)?.[1] ?? '';
  return { apiKey, path, id: Number(path.slice('/keys/'.length)) };
}

/** After the calls of before: what a key can spend changes when one of them is settled. */
async function getKeyStatus(id: number) {
  await fetchSettledBalance(stack.gatewayUrl, ownAccount.apiKey);
  return (await stack.ledger.accounts.keys(ownAccount.accountId)).find(({ keyId }) => keyId === id);
}

beforeAll(async () => {
  ({ stack } = await sharedStack('mock'));
  ownAccount = await stack.createAccount({ creditUsd: '5', name: 'Main' });
  otherAccount = await stack.createAccount({ creditUsd: '1', name: 'Theirs' });
  [ownClient, otherClient] = [
    createConsoleClient(stack),
    createConsoleClient(stack, { network: '198.51.100.8' }),
  ];
  await signInAs(ownClient, ownAccount);
  await signInAs(otherClient, otherAccount);
}, 180_000);
describe('the form that creates a key', () => {
  it('shows the key once, in an uncached response, and the gateway accepts the key', async () => {
    const response = await submitCreateForm();
    const apiKey = KEY.exec(response.body)?.[1] ?? '';
    expect(response.headers.get('cache-control')).toBe('no-store');
    expect(response.location).toBeNull();
    expect(await callModel(apiKey)).toBe(200);
    const path = /href="(\/keys\/\d+)"/.exec(response.body)?.[1] ?? '';
    for (const page of ['/keys', path, `${path}/edit`, '/rights', '/']) {
      expect((await ownClient.get(page)).body).not.toContain(apiKey);
    }
    expect(stack.output()).not.toContain(apiKey);
    expect((await ownClient.get('/keys')).body).toContain(`fbx_…${apiKey.slice(-4)}`);
  });

  it('creates one key per form, also on reload or a concurrent second submit', async () => {
    const token = parseFormToken(await ownClient.get('/keys/new'));
    const before = (await stack.ledger.accounts.keys(ownAccount.accountId)).length;
    const form = { ...FIELDS, form_token: token };
    const answers = await Promise.all([
      ownClient.post('/keys/new', form),
      ownClient.post('/keys/new', form),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await ownClient.post('/keys/new', form)).status).toBe(409);
    expect((await ownClient.post('/keys/new', { ...FIELDS, form_token: '' })).status).toBe(409);
    const otherToken = parseFormToken(await otherClient.get('/keys/new'));
    expect((await ownClient.post('/keys/new', { ...FIELDS, form_token: otherToken })).status).toBe(
      409,
    );
    expect((await stack.ledger.accounts.keys(ownAccount.accountId)).length).toBe(before + 1);
  });

  it('applies the chosen limits: models, budget, expiry, calls', async () => {
    const { apiKey, id } = await createKey({
      scope: 'some',
      models: 'openai/gpt-4o-mini',
      other_models: 'groq/llama-3.1-8b-instant',
      budget: '2,5',
      expires: '2099-12-31T23:59',
      per_minute: '60',
      concurrent: '3',
      alert_multiple: '',
      pause_multiple: '7.5',
    });
    expect(await callModel(apiKey)).toBe(200);
    expect(await callModel(apiKey, 'openai/gpt-4o')).toBe(403);
    expect(await getKeyStatus(id)).toMatchObject({
      limits: {
        budget: 2_500_000_000n,
        expiresAt: Date.UTC(2099, 11, 31, 23, 59),
        models: ['openai/gpt-4o-mini', 'groq/llama-3.1-8b-instant'],
        callsPerMinute: 60,
        concurrentCalls: 3,
      },
      spendGuard: { alertMultiple: null, pauseMultiple: 7.5 },
    });
  });

  it('creates no key when models are selected while all are allowed, and says why', async () => {
    const before = (await stack.ledger.accounts.keys(ownAccount.accountId)).length;
    const selection = { scope: 'all', models: 'openai/gpt-5-mini' };
    const rejected = await submitCreateForm(selection);
    expect(rejected.status).toBe(422);
    expect(rejected.body).toContain('You selected models but left “All models” on.');
    expect(rejected.body).toContain('value="openai/gpt-5-mini" checked=""');
    expect((await stack.ledger.accounts.keys(ownAccount.accountId)).length).toBe(before);
    const cleared = await createKey({ ...selection, scope: 'all_cleared' });
    expect((await getKeyStatus(cleared.id))?.limits.models).toBeNull();
  });

  it('says beside the new key what it may call, also when the key is rotated', async () => {
    const all = await submitCreateForm();
    expect(all.body).toMatch(/<dt>Models<\/dt><dd>All models<\/dd>/);
    const limits = { scope: 'some', models: 'openai/gpt-4o-mini', budget: '2.5' };
    const { body } = await submitCreateForm(limits);
    expect(body).toMatch(/<dt>Models<\/dt><dd>openai\/gpt-4o-mini<\/dd>/);
    expect(body).toContain('$2.5');
    const path = /href="(\/keys\/\d+)"/.exec(body)?.[1] ?? '';
    const rotation = await ownClient.get(`${path}/roll`);
    const form = { form_token: parseFormToken(rotation), grace: '0' };
    const rotated = await ownClient.post(`${path}/roll`, form);
    expect(rotated.body).toMatch(/<dt>Models<\/dt><dd>openai\/gpt-4o-mini<\/dd>/);
  });

  it('reports each invalid field and keeps the entered values', async () => {
    const before = (await stack.ledger.accounts.keys(ownAccount.accountId)).length;
    for (const invalidFields of [
      { name: '' },
      { name: 'x'.repeat(65) },
      { budget: '-1' },
      { budget: '1e3' },
      { expires: '2020-01-01T00:00' },
      { expires: 'soon' },
      { scope: 'some' },
      { scope: 'some', other_models: 'openai/no-such-model' },
      { scope: 'some', other_models: 'nonsense' },
      { per_minute: '0' },
      { concurrent: '1.5' },
      { alert_multiple: '0.5' },
      { pause_multiple: 'NaN' },
    ]) {
      const { status, body } = await submitCreateForm(invalidFields);
      expect(status, JSON.stringify(invalidFields)).toBe(422);
      expect(body).toContain('class="problem"');
      if (!('name' in invalidFields)) expect(body).toContain('value="Made on a screen"');
    }
    expect((await stack.ledger.accounts.keys(ownAccount.accountId)).length).toBe(before);
  });

  it.each(['budget', 'day_budget', 'max_output_price', 'pause_multiple'])(
    'names both readings of an ambiguous %s, and keeps it as typed',
    async (field) => {
      const { status, body } = await submitCreateForm({ [field]: '1,000' });
      expect(status).toBe(422);
      expect(body).toContain('Write 1000 or 1.00.');
      expect(body).toContain('value="1,000"');
    },
  );

  it('reads budgets with groups of thousands', async () => {
    const { id } = await createKey({ budget: '1,000.50', month_budget: '1 000,50' });
    const amount = 1_000_500_000_000n;
    const limits = { budget: amount, periodBudgets: { month: amount } };
    expect(await getKeyStatus(id)).toMatchObject({ limits });
  });

  it('requires recent authentication, as does every change that raises a key’s limits', async () => {
    const { path } = await createKey();
    const staleClient = createConsoleClient(stack);
    await signInAs(staleClient, ownAccount);
    await expireReauth(staleClient);
    for (const sensitivePath of ['/keys/new', `${path}/edit`, `${path}/roll`, `${path}/resume`]) {
      const to = `/prove?next=${encodeURIComponent(sensitivePath)}`;
      expect((await staleClient.get(sensitivePath)).location).toBe(to);
      expect((await staleClient.post(sensitivePath, FIELDS)).location).toBe(to);
    }
    expect((await staleClient.get(`${path}/revoke`)).status).toBe(200);
    expect((await staleClient.post(`${path}/revoke`, {})).location).toBe('/keys?done=revoked');
  });
});

/** Makes the session's last authentication an hour old. */
async function expireReauth(client: ConsoleClient): Promise<void> {
  const session = client.cookies.get('__Host-session') ?? '';
  const hash = createHash('sha256').update(session).digest('hex');
  const hour = "update sessions set last_auth_at = now() - interval '1 hour' where token_hash = $1";
  await sql(stack, hour, [hash]);
}

describe('the form that changes a key', () => {
  it('takes effect at the gateway from the next call on', async () => {
    const { apiKey, path, id } = await createKey();
    expect(await callModel(apiKey)).toBe(200);
    const limits = { ...FIELDS, name: 'Renamed', scope: 'some', models: 'openai/gpt-4o' };
    expect((await ownClient.post(`${path}/edit`, limits)).location).toBe(`${path}?done=changed`);
    expect(await callModel(apiKey)).toBe(403);
    expect((await ownClient.get('/keys')).body).toContain('Renamed');
    await ownClient.post(`${path}/edit`, { ...FIELDS, budget: '0' });
    expect(await callModel(apiKey)).toBe(402);
    await ownClient.post(`${path}/edit`, FIELDS);
    expect(await callModel(apiKey)).toBe(200);
    expect((await getKeyStatus(id))?.limits.budget).toBeNull();
  });

  it('ignores fields that the page does not offer', async () => {
    const { path, id } = await createKey();
    const before = await getKeyStatus(id);
    await ownClient.post(`${path}/edit`, {
      ...FIELDS,
      spent: '0',
      keyId: '1',
      account: otherAccount.accountId,
      account_id: otherAccount.accountId,
      secretHash: '0'.repeat(64),
      state: 'revoked',
      revokedAt: '1',
      pausedAt: '1',
      usualDay: '1',
    });
    expect(await getKeyStatus(id)).toEqual(before);
  });

  it('rotates the key: the old secret stops working at once or after the chosen grace period', async () => {
    const { apiKey, path } = await createKey();
    const roll = async (grace: string) => {
      const token = parseFormToken(await ownClient.get(`${path}/roll`));
      const response = await ownClient.post(`${path}/roll`, { form_token: token, grace });
      expect((await ownClient.post(`${path}/roll`, { form_token: token, grace })).status).toBe(409);
      return KEY.exec(response.body)?.[1] ?? '';
    };
    const second = await roll('3600');
    expect(second).not.toBe(apiKey);
    expect([await callModel(apiKey), await callModel(second)]).toEqual([200, 200]);
    const third = await roll('0');
    expect([await callModel(apiKey), await callModel(second), await callModel(third)]).toEqual([
      401, 401, 200,
    ]);
    const validToken = parseFormToken(await ownClient.get(`${path}/roll`));
    const unknown = await ownClient.post(`${path}/roll`, {
      form_token: validToken,
      grace: '99999999',
    });
    expect(KEY.test(unknown.body)).toBe(false);
    expect(await callModel(third)).toBe(200);
  });

  it('revokes the key at once and permanently, and a second time without effect', async () => {
    const { apiKey, path } = await createKey();
    expect(await callModel(apiKey)).toBe(200);
    expect((await ownClient.get(`${path}/revoke`)).body).toContain(`action="${path}/revoke"`);
    expect(await callModel(apiKey)).toBe(200);
    await ownClient.post(`${path}/revoke`, {});
    expect(await callModel(apiKey)).toBe(401);
    expect((await ownClient.post(`${path}/revoke`, {})).location).toBe('/keys?done=revoked');
    for (const verb of ['edit', 'roll', 'resume']) {
      expect((await ownClient.get(`${path}/${verb}`)).status).toBe(404);
      expect((await ownClient.post(`${path}/${verb}`, { ...FIELDS, grace: '0' })).status).toBe(404);
    }
    expect((await ownClient.get(path)).body).toContain('Revoked');
  });
});

describe('another user', () => {
  it('can’t see, change, rotate, resume or revoke the key', async () => {
    const { apiKey, path, id } = await createKey({ name: 'Another user’s' });
    const before = await getKeyStatus(id);
    expect((await otherClient.get(path)).status).toBe(404);
    for (const verb of ['edit', 'roll', 'resume', 'revoke']) {
      expect((await otherClient.get(`${path}/${verb}`)).status).toBe(404);
      const form = {
        ...FIELDS,
        grace: '0',
        form_token: parseFormToken(await otherClient.get('/keys/new')),
      };
      expect((await otherClient.post(`${path}/${verb}`, form)).status).toBe(404);
    }
    expect((await otherClient.get('/keys')).body).not.toContain('Another user’s');
    expect(await getKeyStatus(id)).toEqual(before);
    expect(await callModel(apiKey)).toBe(200);
    for (const invalidPath of [
      '/keys/0',
      '/keys/-1',
      '/keys/1e3',
      '/keys/99999999999',
      '/keys/x',
    ]) {
      expect((await otherClient.get(invalidPath)).status).toBe(404);
    }
  });

  it('can’t submit the key’s forms from another site', async () => {
    const { apiKey, path } = await createKey();
    const crossSiteHeaders = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await ownClient.post(`${path}/revoke`, {}, crossSiteHeaders)).status).toBe(403);
    expect(await callModel(apiKey)).toBe(200);
    expect((await createConsoleClient(stack).get(path)).location).toContain('/sign-in?next=');
  });
});

describe('a key’s name', () => {
  it('is escaped on every page that shows it', async () => {
    const name = '"><script src=/x></script><img src=x onerror=alert(1)>{{7*7}}';
    const { path, apiKey } = await createKey({ name });
    expect(await callModel(apiKey)).toBe(200);
    const pages = ['/keys', path, `${path}/edit`, `${path}/roll`, `${path}/revoke`];
    for (const page of [
      ...pages,
      `${path}/resume`,
      '/',
      '/usage',
      '/calls',
      '/alerts',
      '/rights',
    ]) {
      const { body, status } = await ownClient.get(page);
      expect(status, page).toBe(200);
      expect(body, page).not.toContain('<script src=/x>');
      expect(body, page).not.toContain('<img src=x');
      if (pages.includes(page)) expect(body, page).toContain('{{7*7}}');
    }
  });
});
