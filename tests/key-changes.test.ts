/**
 * Changes of a key on the real stack: updated, rotated, found in public, paused, with the owner's
 * notifications; and account closure. Through the ledger's entrypoints, the gateway and Postgres.
 */
import { randomBytes } from 'node:crypto';
import { DEFAULT_SPEND_GUARD, NO_LIMITS } from '@farebox/ledger';
import type { LocalStack } from '@farebox/local';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { chatCompletion, type ScriptedUpstream, sendJson } from './support/scripted-upstream.ts';
import { sharedStack } from './support/shared-stack.ts';

const WAIT_OPTIONS = { timeout: 20_000 };
const USD = 1_000_000_000n;
let upstream: ScriptedUpstream;
let stack: LocalStack;

beforeAll(async () => {
  ({ stack, upstream } = await sharedStack('scripted'));
  upstream.handler = (_, response) =>
    sendJson(response, chatCompletion('ok', { input: 1000, output: 100 }));
});

async function runQuery(query: string, ...params: readonly string[]): Promise<(string | null)[][]> {
  const { origin } = new URL(stack.databaseUrl.replace(/^postgres(ql)?:/, 'http:'));
  const body = JSON.stringify({ query, params });
  const response = await fetch(`${origin}/sql`, { method: 'POST', body });
  const result: { rows: (string | null)[][] } = await response.json();
  return result.rows;
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

async function createAccountWithKey() {
  const account = await stack.createAccount({ creditUsd: '5' });
  const [key] = await stack.ledger.accounts.keys(account.accountId);
  if (key === undefined) throw new Error('no key');
  return { ...account, keyId: key.keyId };
}

function selectKeyRow(accountId: string) {
  return runQuery(
    'select name, last4, state, budget from api_keys where account_id = $1',
    accountId,
  );
}

describe('a key', () => {
  it('is renamed in Postgres and limited in the account object and Postgres', async () => {
    const { accountId, apiKey, keyId } = await createAccountWithKey();
    const { accounts } = stack.ledger;
    const update = { name: 'Größe – 手', limits: { ...NO_LIMITS, budget: 1n } };
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(await accounts.updateKey(accountId, keyId, update)).toEqual({ ok: true });
    }
    expect(await complete(apiKey)).toBe('402 key_limit_exceeded');
    expect(await selectKeyRow(accountId)).toEqual([[update.name, apiKey.slice(-4), 'active', '1']]);
    await accounts.updateKey(accountId, keyId, {
      spendGuard: { alertMultiple: null, pauseMultiple: 7 },
    });
    expect(await accounts.keys(accountId)).toMatchObject([
      {
        spendGuard: { alertMultiple: null, pauseMultiple: 7 },
        limits: { budget: 1n },
        pausedAt: null,
      },
    ]);
    const unknown = { ok: false, reason: 'unknown' };
    expect(await accounts.updateKey(accountId, keyId ^ 1, { name: 'x' })).toEqual(unknown);
    await accounts.revokeKey(accountId, keyId);
    const revoked = { ok: false, reason: 'revoked' };
    expect(await accounts.updateKey(accountId, keyId, { name: 'x' })).toEqual(revoked);
    expect(await accounts.resumeKey(accountId, keyId)).toEqual(revoked);
  });

  it('keeps limits that an update does not name, in the account object and Postgres', async () => {
    const { accountId, keyId } = await createAccountWithKey();
    const { accounts } = stack.ledger;
    const selectLimits = () =>
      runQuery(
        'select budget, day_budget, month_budget, max_output_price from api_keys where account_id = $1',
        accountId,
      );
    const named = { periodBudgets: { month: 9n }, maxOutputPrice: 7n };
    await accounts.updateKey(accountId, keyId, { limits: { ...NO_LIMITS, ...named } });
    await accounts.updateKey(accountId, keyId, { limits: { ...NO_LIMITS, budget: 5n } });
    expect(await accounts.keys(accountId)).toMatchObject([{ limits: { budget: 5n, ...named } }]);
    expect(await selectLimits()).toEqual([['5', null, '9', '7']]);
    const removed = { periodBudgets: {}, maxOutputPrice: null };
    await accounts.updateKey(accountId, keyId, { limits: { ...NO_LIMITS, ...removed } });
    expect(await selectLimits()).toEqual([[null, null, null, null]]);
  });

  it.each([
    ['name_invalid', { name: '' }],
    ['name_invalid', { name: 'x'.repeat(65) }],
    ['name_invalid', { name: 'line\nbreak' }],
    ['name_invalid', { name: 'half \ud83d' }],
    ['name_invalid', { name: '\u200b\u3164 ' }],
    ['name_invalid', { name: 'turned \u202e around' }],
    ['limits_invalid', { limits: { ...NO_LIMITS, budget: -1n } }],
    ['limits_invalid', { limits: { ...NO_LIMITS, models: ['a/b\nc/d'] } }],
    ['limits_invalid', { limits: { ...NO_LIMITS, callsPerMinute: 0.5 } }],
    ['spend_guard_invalid', { spendGuard: { alertMultiple: 0.5, pauseMultiple: null } }],
  ])('is rejected with %s when a value is invalid', async (reason, update) => {
    const { accountId, keyId } = await createAccountWithKey();
    const { accounts } = stack.ledger;
    expect(await accounts.updateKey(accountId, keyId, update)).toEqual({ ok: false, reason });
    const keyRequest = { name: 'n', limits: NO_LIMITS, spendGuard: DEFAULT_SPEND_GUARD, ...update };
    expect(await accounts.mintKey(accountId, keyRequest)).toEqual({ ok: false, reason });
  });

  it('is rotated: both secrets are valid during the grace period, and only the new one without it', async () => {
    const { accountId, apiKey, keyId } = await createAccountWithKey();
    const { accounts } = stack.ledger;
    const roll = async (graceSeconds: number) => {
      const rolled = await accounts.rollKey(accountId, { keyId, graceSeconds });
      if (!rolled.ok) throw new Error(rolled.reason);
      return rolled.apiKey;
    };
    const second = await roll(3600);
    expect(await complete(apiKey)).toBe('ok');
    expect(await complete(second)).toBe('ok');
    expect((await selectKeyRow(accountId))[0]?.[1]).toBe(second.slice(-4));
    const third = await roll(0);
    expect(await complete(apiKey)).toBe('401 invalid_api_key');
    expect(await complete(second)).toBe('401 invalid_api_key');
    expect(await complete(third)).toBe('ok');
    expect(await accounts.keys(accountId)).toHaveLength(1);
  });

  it('is revoked and its owner notified when found in public, and all other texts get one answer', async () => {
    const { accountId, apiKey, keyId } = await createAccountWithKey();
    const { accounts } = stack.ledger;
    const rolled = await accounts.rollKey(accountId, { keyId, graceSeconds: 3600 });
    const notOurs = { ok: false, reason: 'not_ours' };
    const forged = `${apiKey.slice(0, -1)}${apiKey.endsWith('0') ? '1' : '0'}`;
    for (const text of ['', 'fbx_', forged, `${apiKey} `, 'fbx_'.padEnd(71, 'a')]) {
      expect(await accounts.revokeLeaked(text)).toEqual(notOurs);
    }
    const revokedResult = { ok: true, account: accountId, keyId };
    expect(await accounts.revokeLeaked(apiKey)).toEqual({
      ...revokedResult,
      alreadyRevoked: false,
    });
    expect(await complete(rolled.ok ? rolled.apiKey : '')).toBe('401 key_revoked');
    expect(await accounts.revokeLeaked(apiKey)).toEqual({ ...revokedResult, alreadyRevoked: true });
    expect((await selectKeyRow(accountId))[0]?.[2]).toBe('revoked');
    await waitForNotifications(accountId, ['key_leaked']);
  });
});

/** Notifications arrive through the object's alarm, the queue, and the console that stores them. */
async function waitForNotifications(accountId: string, kinds: readonly string[]): Promise<void> {
  const query = 'select kind from notifications where account_id = $1 order by at, id';
  await vi.waitUntil(async () => {
    const revokedResult = await runQuery(query, accountId);
    return revokedResult.length >= kinds.length;
  }, WAIT_OPTIONS);
  expect((await runQuery(query, accountId)).map(([kind]) => kind)).toEqual(kinds);
}

describe('an account', () => {
  it('has a status and notifies its owner of a low balance once', async () => {
    const { accountId, apiKey } = await createAccountWithKey();
    const { accounts, operators } = stack.ledger;
    await accounts.setLowBalance(accountId, 5n * USD);
    expect(await complete(apiKey)).toBe('ok');
    expect(await complete(apiKey)).toBe('ok');
    await vi.waitUntil(async () => {
      const status = await accounts.status(accountId);
      return status?.openCalls === 0 && status.pendingEntries === 0;
    }, WAIT_OPTIONS);
    const status = await operators.status(accountId);
    expect(status).toMatchObject({ state: 'open', held: 0n, lowBalance: 5n * USD });
    await waitForNotifications(accountId, ['low_balance']);
    expect(await accounts.status(randomBytes(8).toString('hex'))).toBeNull();
  });

  it('is closed permanently once its last entry is in Postgres', async () => {
    const { accountId, apiKey } = await createAccountWithKey();
    const { accounts, credits, operators } = stack.ledger;
    expect(await complete(apiKey)).toBe('ok');
    await vi.waitUntil(async () => (await accounts.close(accountId)).wiped, WAIT_OPTIONS);
    const closed = await accounts.close(accountId);
    expect(closed).toMatchObject({ wiped: true, openCalls: 0 });
    expect(await complete(apiKey)).toBe('401 invalid_api_key');
    await accounts.open(accountId);
    const lateCredit = { id: 'bsc:0x1:1', amount: USD, source: 'deposit' } as const;
    expect(await credits.credit(accountId, lateCredit)).toEqual({ ok: false, reason: 'closed' });
    const [calls] = await runQuery(
      'select count(*), sum(charged) from calls where account_id = $1',
      accountId,
    );
    expect(calls).toEqual(['1', (5n * USD - closed.posted).toString()]);
    const days = 'select calls, charged from usage_days where account_id = $1';
    expect(await runQuery(days, accountId)).toEqual([calls]);
    expect((await operators.audit(accountId)).violations).toEqual([]);
  });
});
