/**
 * Keys on the real stack, as their owner has them: what is done on a screen bites at the gateway at once, a
 * key's text is in one answer and nowhere else, and nobody touches a key that is not theirs.
 */
import { createHash } from 'node:crypto';
import { type LocalAccount, type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, openConsole, signInAs, type Visitor } from './browser.ts';
import { sql } from './sql.ts';

const KEY = /<output id="key" class="key">(fbx_[0-9A-Za-z_]+)<\/output>/;
const FIELDS = {
  name: 'Made on a screen',
  budget: '',
  expires: '',
  scope: 'all',
  others: '',
  per_minute: '',
  concurrent: '',
  notice_at: '5',
  pause_at: '20',
};

let stack: LocalStack;
let mine: LocalAccount;
let other: LocalAccount;
let me: Visitor;
let stranger: Visitor;

async function ask(apiKey: string, model = 'openai/gpt-4o-mini'): Promise<number> {
  const answer = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5 }),
  });
  await answer.arrayBuffer();
  return answer.status;
}

function ticketOf({ body }: Answer): string {
  return /name="ticket" value="([^"]+)"/.exec(body)?.[1] ?? '';
}

async function make(fields: Readonly<Record<string, string>> = {}): Promise<Answer> {
  const ticket = ticketOf(await me.get('/keys/new'));
  return me.post('/keys/new', { ...FIELDS, ticket, ...fields });
}

type Made = Readonly<{ apiKey: string; path: string; id: number }>;

async function made(fields: Readonly<Record<string, string>> = {}): Promise<Made> {
  const { status, body } = await make(fields);
  expect(status).toBe(200);
  const apiKey = KEY.exec(body)?.[1] ?? '';
  const path = /href="(\/keys\/\d+)"/.exec(body)?.[1] ?? '';
  return { apiKey, path, id: Number(path.slice('/keys/'.length)) };
}

async function standing(id: number) {
  return (await stack.doors.accounts.keys(mine.accountId)).find(({ keyId }) => keyId === id);
}

beforeAll(async () => {
  stack = await startStack({ quiet: true, cronEveryMs: null });
  mine = await stack.createAccount({ creditUsd: '5', name: 'Main' });
  other = await stack.createAccount({ creditUsd: '1', name: 'Theirs' });
  [me, stranger] = [openConsole(stack), openConsole(stack, { network: '198.51.100.8' })];
  await signInAs(me, mine);
  await signInAs(stranger, other);
}, 180_000);
afterAll(() => stack?.stop());

describe('making a key', () => {
  it('shows it once, in an answer nobody keeps, and it opens the gateway', async () => {
    const answer = await make();
    const apiKey = KEY.exec(answer.body)?.[1] ?? '';
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.location).toBeNull();
    expect(await ask(apiKey)).toBe(200);
    const path = /href="(\/keys\/\d+)"/.exec(answer.body)?.[1] ?? '';
    for (const page of ['/keys', path, `${path}/edit`, '/rights', '/']) {
      expect((await me.get(page)).body).not.toContain(apiKey);
    }
    expect(stack.output()).not.toContain(apiKey);
    expect((await me.get('/keys')).body).toContain(`fbx_…${apiKey.slice(-4)}`);
  });

  it('happens once a form: a reload, or the same form twice at a time, makes no second', async () => {
    const ticket = ticketOf(await me.get('/keys/new'));
    const before = (await stack.doors.accounts.keys(mine.accountId)).length;
    const form = { ...FIELDS, ticket };
    const answers = await Promise.all([me.post('/keys/new', form), me.post('/keys/new', form)]);
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409]);
    expect((await me.post('/keys/new', form)).status).toBe(409);
    expect((await me.post('/keys/new', { ...FIELDS, ticket: '' })).status).toBe(409);
    const theirs = ticketOf(await stranger.get('/keys/new'));
    expect((await me.post('/keys/new', { ...FIELDS, ticket: theirs })).status).toBe(409);
    expect((await stack.doors.accounts.keys(mine.accountId)).length).toBe(before + 1);
  });

  it('holds it to what was asked: models, budget, expiry, calls', async () => {
    const { apiKey, id } = await made({
      scope: 'some',
      models: 'openai/gpt-4o-mini',
      others: 'groq/llama-3.1-8b-instant',
      budget: '2,5',
      expires: '2099-12-31T23:59',
      per_minute: '60',
      concurrent: '3',
      notice_at: '',
      pause_at: '7.5',
    });
    expect(await ask(apiKey)).toBe(200);
    expect(await ask(apiKey, 'openai/gpt-4o')).toBe(403);
    expect(await standing(id)).toMatchObject({
      limits: {
        budget: 2_500_000_000n,
        expiresAt: Date.UTC(2099, 11, 31, 23, 59),
        models: ['openai/gpt-4o-mini', 'groq/llama-3.1-8b-instant'],
        callsPerMinute: 60,
        concurrentCalls: 3,
      },
      brakes: { noticeAt: null, pauseAt: 7.5 },
    });
  });

  it('says what is wrong with each field and keeps what was typed', async () => {
    const before = (await stack.doors.accounts.keys(mine.accountId)).length;
    for (const flaw of [
      { name: '' },
      { name: 'x'.repeat(65) },
      { budget: '-1' },
      { budget: '1e3' },
      { expires: '2020-01-01T00:00' },
      { expires: 'soon' },
      { scope: 'some' },
      { scope: 'some', others: 'openai/no-such-model' },
      { scope: 'some', others: 'nonsense' },
      { per_minute: '0' },
      { concurrent: '1.5' },
      { notice_at: '0.5' },
      { pause_at: 'NaN' },
    ]) {
      const { status, body } = await make(flaw);
      expect(status, JSON.stringify(flaw)).toBe(422);
      expect(body).toContain('class="problem"');
      if (!('name' in flaw)) expect(body).toContain('value="Made on a screen"');
    }
    expect((await stack.doors.accounts.keys(mine.accountId)).length).toBe(before);
  });

  it('asks who it is where that was long ago, and so does everything that makes a key worth more', async () => {
    const { path } = await made();
    const late = openConsole(stack);
    await signInAs(late, mine);
    await forgetProof(late);
    for (const dear of ['/keys/new', `${path}/edit`, `${path}/roll`, `${path}/resume`]) {
      const to = `/prove?next=${encodeURIComponent(dear)}`;
      expect((await late.get(dear)).location).toBe(to);
      expect((await late.post(dear, FIELDS)).location).toBe(to);
    }
    expect((await late.get(`${path}/revoke`)).status).toBe(200);
    expect((await late.post(`${path}/revoke`, {})).location).toBe('/keys?done=revoked');
  });
});

/** Its session's proof is an hour old. */
async function forgetProof(visitor: Visitor): Promise<void> {
  const session = visitor.cookies.get('__Host-session') ?? '';
  const hash = createHash('sha256').update(session).digest('hex');
  const hour = "update sessions set proved_at = now() - interval '1 hour' where token_hash = $1";
  await sql(stack, hour, [hash]);
}

describe('changing a key', () => {
  it('counts at the gateway from the next call on', async () => {
    const { apiKey, path, id } = await made();
    expect(await ask(apiKey)).toBe(200);
    const limits = { ...FIELDS, name: 'Renamed', scope: 'some', models: 'openai/gpt-4o' };
    expect((await me.post(`${path}/edit`, limits)).location).toBe(`${path}?done=changed`);
    expect(await ask(apiKey)).toBe(403);
    expect((await me.get('/keys')).body).toContain('Renamed');
    await me.post(`${path}/edit`, { ...FIELDS, budget: '0' });
    expect(await ask(apiKey)).toBe(402);
    await me.post(`${path}/edit`, FIELDS);
    expect(await ask(apiKey)).toBe(200);
    expect((await standing(id))?.limits.budget).toBeNull();
  });

  it('changes nothing by fields that no page offers', async () => {
    const { path, id } = await made();
    const before = await standing(id);
    await me.post(`${path}/edit`, {
      ...FIELDS,
      spent: '0',
      keyId: '1',
      account: other.accountId,
      account_id: other.accountId,
      secretHash: '0'.repeat(64),
      state: 'revoked',
      revokedAt: '1',
      pausedAt: '1',
      usualDay: '1',
    });
    expect(await standing(id)).toEqual(before);
  });

  it('rolls it: the old text dies at once, or after the time that was chosen', async () => {
    const { apiKey, path } = await made();
    const roll = async (grace: string) => {
      const ticket = ticketOf(await me.get(`${path}/roll`));
      const answer = await me.post(`${path}/roll`, { ticket, grace });
      expect((await me.post(`${path}/roll`, { ticket, grace })).status).toBe(409);
      return KEY.exec(answer.body)?.[1] ?? '';
    };
    const second = await roll('3600');
    expect(second).not.toBe(apiKey);
    expect([await ask(apiKey), await ask(second)]).toEqual([200, 200]);
    const third = await roll('0');
    expect([await ask(apiKey), await ask(second), await ask(third)]).toEqual([401, 401, 200]);
    const odd = ticketOf(await me.get(`${path}/roll`));
    const unknown = await me.post(`${path}/roll`, { ticket: odd, grace: '99999999' });
    expect(KEY.test(unknown.body)).toBe(false);
    expect(await ask(third)).toBe(200);
  });

  it('revokes it at once, for good, and twice without harm', async () => {
    const { apiKey, path } = await made();
    expect(await ask(apiKey)).toBe(200);
    expect((await me.get(`${path}/revoke`)).body).toContain(`action="${path}/revoke"`);
    expect(await ask(apiKey)).toBe(200);
    await me.post(`${path}/revoke`, {});
    expect(await ask(apiKey)).toBe(401);
    expect((await me.post(`${path}/revoke`, {})).location).toBe('/keys?done=revoked');
    for (const verb of ['edit', 'roll', 'resume']) {
      expect((await me.get(`${path}/${verb}`)).status).toBe(404);
      expect((await me.post(`${path}/${verb}`, { ...FIELDS, grace: '0' })).status).toBe(404);
    }
    expect((await me.get(path)).body).toContain('Revoked');
  });
});

describe('somebody else', () => {
  it('neither sees a key nor changes, rolls, resumes or revokes it', async () => {
    const { apiKey, path, id } = await made({ name: 'Nobody else’s' });
    const before = await standing(id);
    expect((await stranger.get(path)).status).toBe(404);
    for (const verb of ['edit', 'roll', 'resume', 'revoke']) {
      expect((await stranger.get(`${path}/${verb}`)).status).toBe(404);
      const form = { ...FIELDS, grace: '0', ticket: ticketOf(await stranger.get('/keys/new')) };
      expect((await stranger.post(`${path}/${verb}`, form)).status).toBe(404);
    }
    expect((await stranger.get('/keys')).body).not.toContain('Nobody else’s');
    expect(await standing(id)).toEqual(before);
    expect(await ask(apiKey)).toBe(200);
    for (const odd of ['/keys/0', '/keys/-1', '/keys/1e3', '/keys/99999999999', '/keys/x']) {
      expect((await stranger.get(odd)).status).toBe(404);
    }
  });

  it('can’t make a browser do it from another page', async () => {
    const { apiKey, path } = await made();
    const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await me.post(`${path}/revoke`, {}, elsewhere)).status).toBe(403);
    expect(await ask(apiKey)).toBe(200);
    expect((await openConsole(stack).get(path)).location).toContain('/sign-in?next=');
  });
});

describe('a name', () => {
  it('is text on every page that shows it', async () => {
    const name = '"><script src=/x></script><img src=x onerror=alert(1)>{{7*7}}';
    const { path, apiKey } = await made({ name });
    expect(await ask(apiKey)).toBe(200);
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
      const { body, status } = await me.get(page);
      expect(status, page).toBe(200);
      expect(body, page).not.toContain('<script src=/x>');
      expect(body, page).not.toContain('<img src=x');
      if (pages.includes(page)) expect(body, page).toContain('{{7*7}}');
    }
  });
});
