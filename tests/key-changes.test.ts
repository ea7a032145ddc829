/**
 * A key's later life where it runs: changed, rolled, found in public, paused; what its owner is told of
 * it; and the end of an account. Through the ledger's entrypoints, the gateway and Postgres together.
 */
import { randomBytes } from 'node:crypto';
import { DEFAULT_BRAKES, NO_LIMITS } from '@farebox/ledger';
import { type LocalStack, startStack } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { chatCompletion, json, ScriptedUpstream } from './scripted-upstream.ts';

const PATIENCE = { timeout: 20_000 };
const USD = 1_000_000_000n;
let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  upstream = await ScriptedUpstream.start();
  upstream.answer = (_, response) =>
    json(response, chatCompletion('ok', { input: 1000, output: 100 }));
  stack = await startStack({
    providers: { openai: { baseUrl: `${upstream.url}/v1`, apiKey: 'k' } },
    cronEveryMs: null,
    quiet: true,
  });
});

afterAll(async () => {
  await stack?.stop();
  await upstream?.stop();
});

async function rows(query: string, ...params: readonly string[]): Promise<(string | null)[][]> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', body });
  const answer: { rows: (string | null)[][] } = await response.json();
  return answer.rows;
}

async function complete(apiKey: string): Promise<string> {
  const response = await fetch(`${stack.gatewayUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${apiKey}` },
    body: JSON.stringify({
      model: 'gpt-4o-mini',
      messages: [{ role: 'user', content: 'Count this.' }],
      max_tokens: 1000,
    }),
  });
  if (response.ok) return 'ok';
  const { error }: { error: { code: string } } = await response.json();
  return `${response.status} ${error.code}`;
}

async function made() {
  const account = await stack.createAccount({ creditUsd: '5' });
  const [key] = await stack.doors.accounts.keys(account.accountId);
  if (key === undefined) throw new Error('no key');
  return { ...account, keyId: key.keyId };
}

function rowOf(accountId: string) {
  return rows('select name, last4, state, budget from api_keys where account_id = $1', accountId);
}

describe('a key', () => {
  it('is renamed in its row and limited in the object and the row', async () => {
    const { accountId, apiKey, keyId } = await made();
    const { accounts } = stack.doors;
    const change = { name: 'Größe – 手', limits: { ...NO_LIMITS, budget: 1n } };
    for (let twice = 0; twice < 2; twice += 1) {
      expect(await accounts.changeKey(accountId, keyId, change)).toEqual({ ok: true });
    }
    expect(await complete(apiKey)).toBe('402 key_budget_spent');
    expect(await rowOf(accountId)).toEqual([[change.name, apiKey.slice(-4), 'active', '1']]);
    await accounts.changeKey(accountId, keyId, { brakes: { noticeAt: null, pauseAt: 7 } });
    expect(await accounts.keys(accountId)).toMatchObject([
      { brakes: { noticeAt: null, pauseAt: 7 }, limits: { budget: 1n }, pausedAt: null },
    ]);
    const unknown = { ok: false, reason: 'unknown' };
    expect(await accounts.changeKey(accountId, keyId ^ 1, { name: 'x' })).toEqual(unknown);
    await accounts.revokeKey(accountId, keyId);
    const revoked = { ok: false, reason: 'revoked' };
    expect(await accounts.changeKey(accountId, keyId, { name: 'x' })).toEqual(revoked);
    expect(await accounts.resumeKey(accountId, keyId)).toEqual(revoked);
  });

  it.each([
    ['name_invalid', { name: '' }],
    ['name_invalid', { name: 'x'.repeat(65) }],
    ['name_invalid', { name: 'line\nbreak' }],
    ['name_invalid', { name: 'half \ud83d' }],
    ['limits_invalid', { limits: { ...NO_LIMITS, budget: -1n } }],
    ['limits_invalid', { limits: { ...NO_LIMITS, models: ['a/b\nc/d'] } }],
    ['limits_invalid', { limits: { ...NO_LIMITS, callsPerMinute: 0.5 } }],
    ['brakes_invalid', { brakes: { noticeAt: 0.5, pauseAt: null } }],
  ])('is refused with %s where it can’t be so', async (reason, change) => {
    const { accountId, keyId } = await made();
    const { accounts } = stack.doors;
    expect(await accounts.changeKey(accountId, keyId, change)).toEqual({ ok: false, reason });
    const whole = { name: 'n', limits: NO_LIMITS, brakes: DEFAULT_BRAKES, ...change };
    expect(await accounts.mintKey(accountId, whole)).toEqual({ ok: false, reason });
  });

  it('is rolled: both secrets open for the grace, and none before it after one without', async () => {
    const { accountId, apiKey, keyId } = await made();
    const { accounts } = stack.doors;
    const roll = async (graceSeconds: number) => {
      const rolled = await accounts.rollKey(accountId, { keyId, graceSeconds });
      if (!rolled.ok) throw new Error(rolled.reason);
      return rolled.apiKey;
    };
    const second = await roll(3600);
    expect(await complete(apiKey)).toBe('ok');
    expect(await complete(second)).toBe('ok');
    expect((await rowOf(accountId))[0]?.[1]).toBe(second.slice(-4));
    const third = await roll(0);
    expect(await complete(apiKey)).toBe('401 key_unknown');
    expect(await complete(second)).toBe('401 key_unknown');
    expect(await complete(third)).toBe('ok');
    expect(await accounts.keys(accountId)).toHaveLength(1);
  });

  it('found in public is revoked and its owner told; other texts all get one answer', async () => {
    const { accountId, apiKey, keyId } = await made();
    const { accounts } = stack.doors;
    const rolled = await accounts.rollKey(accountId, { keyId, graceSeconds: 3600 });
    const notOurs = { ok: false, reason: 'not_ours' };
    const forged = `${apiKey.slice(0, -1)}${apiKey.endsWith('0') ? '1' : '0'}`;
    for (const text of ['', 'fbx_', forged, `${apiKey} `, 'fbx_'.padEnd(71, 'a')]) {
      expect(await accounts.revokeLeaked(text)).toEqual(notOurs);
    }
    const found = { ok: true, account: accountId, keyId };
    expect(await accounts.revokeLeaked(apiKey)).toEqual({ ...found, alreadyRevoked: false });
    expect(await complete(rolled.ok ? rolled.apiKey : '')).toBe('401 key_revoked');
    expect(await accounts.revokeLeaked(apiKey)).toEqual({ ...found, alreadyRevoked: true });
    expect((await rowOf(accountId))[0]?.[2]).toBe('revoked');
    await noticed(accountId, ['key_leaked']);
  });
});

/** By way of the object's alarm, the queue, and the console that writes them down. */
async function noticed(accountId: string, kinds: readonly string[]): Promise<void> {
  const query = 'select kind from notices where account_id = $1 order by at, id';
  await vi.waitUntil(async () => {
    const found = await rows(query, accountId);
    return found.length >= kinds.length;
  }, PATIENCE);
  expect((await rows(query, accountId)).map(([kind]) => kind)).toEqual(kinds);
}

describe('an account', () => {
  it('has a standing, and a low balance that its owner hears of once', async () => {
    const { accountId, apiKey } = await made();
    const { accounts, operators } = stack.doors;
    await accounts.setLowBalance(accountId, 5n * USD);
    expect(await complete(apiKey)).toBe('ok');
    expect(await complete(apiKey)).toBe('ok');
    await vi.waitUntil(async () => {
      const standing = await accounts.standing(accountId);
      return standing?.openCalls === 0 && standing.pendingEntries === 0;
    }, PATIENCE);
    const standing = await operators.standing(accountId);
    expect(standing).toMatchObject({ state: 'open', held: 0n, lowBalance: 5n * USD });
    await noticed(accountId, ['low_balance']);
    expect(await accounts.standing(randomBytes(8).toString('hex'))).toBeNull();
  });

  it('is closed for good once its last line is in Postgres', async () => {
    const { accountId, apiKey } = await made();
    const { accounts, credits, operators } = stack.doors;
    expect(await complete(apiKey)).toBe('ok');
    await vi.waitUntil(async () => (await accounts.close(accountId)).wiped, PATIENCE);
    const closed = await accounts.close(accountId);
    expect(closed).toMatchObject({ wiped: true, openCalls: 0 });
    expect(await complete(apiKey)).toBe('401 key_unknown');
    await accounts.open(accountId);
    const late = { id: 'bsc:0x1:1', amount: USD, source: 'deposit' } as const;
    expect(await credits.credit(accountId, late)).toEqual({ ok: false, reason: 'closed' });
    const [calls] = await rows(
      'select count(*), sum(charged) from calls where account_id = $1',
      accountId,
    );
    expect(calls).toEqual(['1', (5n * USD - closed.posted).toString()]);
    const days = 'select calls, charged from usage_days where account_id = $1';
    expect(await rows(days, accountId)).toEqual([calls]);
    expect((await operators.audit(accountId)).broken).toEqual([]);
  });
});
