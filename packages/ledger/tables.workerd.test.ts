/// <reference types="@cloudflare/vitest-plugin/types" />
import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { NO_USAGE } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { NO_LIMITS } from './contract/index.ts';
import {
  buildHoldRequest,
  callId,
  freshAccount,
  getStub,
  KEY,
  PRICES,
} from './fixtures.workerd.ts';
import { migrate } from './tables.ts';
import { clock, postgres, queue, START } from './test-worker.workerd.ts';

/** The last step before columns got the names of call-columns.ts. */
const BEFORE_RENAMES = 4;
const RETIRED_HASH = 'b'.repeat(64);

/**
 * An account as the release before wrote it: money, a key, an ended call, an open one, an outbox.
 */
function storeOldAccount(sql: SqlStorage, account: string): void {
  migrate(sql, START, BEFORE_RENAMES);
  const statements: readonly (readonly [string, ...SqlStorageValue[]])[] = [
    [
      `INSERT INTO account (one, id, state, posted, held, seq, acknowledged, day, waived, expired,
        pruned_count, pruned_delta, low_balance, low) VALUES (1, ?, 'open', 900, 60, 2, 1, 0, 0, 0, 0,
        '0', 950, 1)`,
      account,
    ],
    [
      `INSERT INTO keys (id, secret_hash, spent, created_at, notice_at, pause_at, resumed_day,
        noticed_day, dear, habit_day, habit_today, habit_usual, habit_days)
        VALUES (7, ?, 0, ?, 3, 9, 11, 12, 1, 13, 0, 15, 4)`,
      KEY.secretHash,
      START,
    ],
    [
      'INSERT INTO retired_secrets (hash, key_id, until) VALUES (?, 7, ?)',
      RETIRED_HASH,
      START + 1e6,
    ],
    [
      `INSERT INTO entries (seq, id, kind, delta, posted_after, at, source)
        VALUES (1, 'local:1', 'credit', 1000, 1000, ?, 'local')`,
      START,
    ],
    [
      `INSERT INTO entries (seq, id, kind, delta, posted_after, at, call_id, key_id, model, provider,
        dialect, stream, http_status, reason, fees, u0, u1, u2, u3, u4, u5, p0, p1, p2, p3, p4, charged,
        shortfall, created_at, held, max_output, hold_asked, settle_asked)
        VALUES (2, ?1, 'charge', -100, 900, ?2, ?1, 7, 'openai/gpt', 'openai', 'chat', 1, 200,
        'provider_reported', 'web_search*2@10,audio_input*3@4', 0, 0, 0, 0, 100, 0, 1000000, 0, 0, 0,
        1000000, 100, 0, ?2, 200, 200, 'h', 'provider_reported|100|')`,
      callId(1),
      START,
    ],
    [
      `INSERT INTO holds (id, key_id, amount, floor, deadline, max_output, asked, model, provider,
        dialect, stream, created_at) VALUES (?, 7, 60, 0, ?, 10,
        '7|openai/gpt|openai|chat|s|50|1000000|1|=10|' || ?, 'openai/gpt', 'openai', 'chat', 1, ?)`,
      callId(2),
      START + 60_000,
      String(START + 60_000),
      START,
    ],
    [
      `INSERT INTO notices (id, kind, key_id, model, at) VALUES ('dear_model:7', 'dear_model', 7,
        'openai/gpt', ?)`,
      START,
    ],
    [`INSERT INTO addresses (family, fingerprint, child) VALUES ('evm', '0123456789abcdef', 3)`],
  ];
  for (const [statement, ...params] of statements) sql.exec(statement, ...params);
}

async function createOldAccount() {
  clock.now = START;
  postgres.fault = 'none';
  queue.down = false;
  const account = freshAccount();
  await runInDurableObject(getStub(account), (_, { storage }) => {
    storage.transactionSync(() => storeOldAccount(storage.sql, account));
  });
  await evictDurableObject(getStub(account));
  return { account, stub: getStub(account) };
}

const settlement = {
  id: callId(1),
  reason: 'provider_reported',
  httpStatus: 200,
  usage: { ...NO_USAGE, output: 100 },
  prices: PRICES,
  priceRule: null,
  providerCost: null,
  marginBasisPoints: null,
  firstTokenMs: null,
  totalMs: null,
  fees: [
    { kind: 'web_search', count: 2, nano_usd_per_million: 10n },
    { kind: 'audio_input', count: 3, nano_usd_per_million: 4n },
  ],
  cost: 100n,
} as const;

describe('an account stored by the release before the columns were renamed', () => {
  it('keeps its money, its open call and its bills', async () => {
    const { stub } = await createOldAccount();
    expect(await stub.audit()).toMatchObject({
      posted: 900n,
      held: 60n,
      lastSeq: 2,
      violations: [],
    });
    expect(await stub.status()).toMatchObject({
      openCalls: 1,
      lowBalance: 950n,
      pendingEntries: 1,
    });
    const { id: _, cost: __, ...report } = settlement;
    expect(await stub.generation(KEY, callId(1))).toMatchObject({
      value: { ...report, charged: 100n },
    });
    const repeated = { ok: true, charged: 100n, shortfall: 0n, late: false };
    expect(await stub.settle(settlement)).toEqual(repeated);
    expect(await stub.settle({ ...settlement, fees: [] })).toMatchObject({ reason: 'conflict' });
    const hold = buildHoldRequest(2, 50n, 10);
    expect(await stub.hold(hold)).toMatchObject({ ok: true, held: 60n, maxOutput: 10 });
    const ended = { ...settlement, id: callId(2), fees: [], cost: 60n };
    expect(await stub.settle(ended)).toMatchObject({ ok: true, charged: 60n, late: false });
    expect(await stub.addresses()).toHaveLength(1);
  });

  it('keeps its keys, their retired secrets and their spend guard', async () => {
    const { stub } = await createOldAccount();
    expect(await stub.keys()).toMatchObject([
      { keyId: 7, limits: NO_LIMITS, spendGuard: { alertMultiple: 3, pauseMultiple: 9 } },
    ]);
    expect((await stub.keys())[0]).toMatchObject({ typicalDailySpend: 15n });
    expect(await stub.credits({ ...KEY, secretHash: RETIRED_HASH })).toMatchObject({ ok: true });
    const { lastAlertDay, guardDisabledDay, usedExpensiveModel } = await runInDurableObject(
      stub,
      (_, { storage }) =>
        storage.sql
          .exec(
            `SELECT last_alert_day AS lastAlertDay, guard_disabled_day AS guardDisabledDay,
              used_expensive_model AS usedExpensiveModel FROM keys`,
          )
          .one(),
    );
    expect([lastAlertDay, guardDisabledDay, usedExpensiveModel]).toEqual([12, 11, 1]);
  });

  it('delivers its outbox and its notifications', async () => {
    const { account, stub } = await createOldAccount();
    const stored = {
      seq: 1,
      id: 'local:1',
      delta: 1_000n,
      postedAfter: 1_000n,
      at: START,
    } as const;
    postgres.stored.set(account, [{ ...stored, kind: 'credit', call: null }]);
    expect(await runDurableObjectAlarm(stub)).toBe(true);
    const [, charge] = postgres.stored.get(account) ?? [];
    expect(charge).toMatchObject({ seq: 2, call: { keyId: 7, fees: settlement.fees } });
    expect(await stub.status()).toMatchObject({ pendingEntries: 0 });
    expect(queue.received.filter((sent) => sent.account === account)).toMatchObject([
      { id: 'expensive_model:7', kind: 'expensive_model', keyId: 7, model: 'openai/gpt' },
    ]);
  });

  it('keeps every CHECK and STRICT of its tables', async () => {
    const { stub } = await createOldAccount();
    const rejected = await runInDurableObject(stub, (_, { storage }) =>
      [
        "INSERT INTO account (singleton, id, state, posted, held, seq, acknowledged, day, waived, expired, pruned_count, pruned_delta) VALUES (2, 'x', 'open', 0, 0, 0, 0, 0, 0, 0, 0, '0')",
        'UPDATE account SET is_low = 2',
        'UPDATE keys SET used_expensive_model = 2',
        'UPDATE keys SET baseline_mean = -1',
        "UPDATE keys SET baseline_day = 'a day'",
        'UPDATE keys SET alert_multiple = 0',
        "UPDATE entries SET charged = 'much' WHERE seq = 2",
        'UPDATE entries SET call_id = NULL WHERE seq = 2',
        'UPDATE entries SET hold_fingerprint = NULL WHERE seq IS NULL',
        'UPDATE entries SET delta = 1 WHERE seq IS NULL',
        'UPDATE entries SET floor = held + 1 WHERE seq IS NULL',
        'UPDATE entries SET seq = 2 WHERE seq = 1',
      ].filter((statement) => {
        try {
          storage.transactionSync(() => storage.sql.exec(statement));
          return false;
        } catch {
          return true;
        }
      }),
    );
    expect(rejected).toHaveLength(12);
  });
});

/**
 * An account of the first release: two charges, one of them not acknowledged, both in the key's row.
 */
function storeFirstAccount(sql: SqlStorage, account: string): void {
  migrate(sql, START, 1);
  sql.exec(
    `INSERT INTO account (one, id, state, posted, held, seq, acknowledged, day, waived, expired,
      pruned_count, pruned_delta) VALUES (1, ?, 'open', 997, 0, 3, 2, 0, 0, 0, 0, '0')`,
    account,
  );
  sql.exec(
    'INSERT INTO keys (id, secret_hash, spent, created_at) VALUES (7, ?, 3, ?)',
    KEY.secretHash,
    START,
  );
  sql.exec(
    `INSERT INTO entries (seq, id, kind, delta, posted_after, at, source)
      VALUES (1, 'local:1', 'credit', 1000, 1000, ?, 'local')`,
    START,
  );
  for (const [n, cost, after] of [
    [1, 1, 999],
    [2, 2, 997],
  ] as const)
    sql.exec(
      `INSERT INTO entries (seq, id, kind, delta, posted_after, at, call_id, key_id, model, provider,
        dialect, stream, reason, charged, shortfall, created_at, held, max_output, hold_asked)
        VALUES (?1, ?2, 'charge', ?3, ?4, ?5, ?2, 7, 'openai/gpt', 'openai', 'chat', 0,
        'expired_at_checkpoint', ?6, 0, ?5, 10, 10, 'h')`,
      n + 1,
      callId(n),
      -cost,
      after,
      START,
      cost,
    );
}

describe('an account stored by the first release', () => {
  it('counts a key’s spending once, whether its entries are acknowledged or not', async () => {
    clock.now = START;
    const account = freshAccount();
    const stub = getStub(account);
    await runInDurableObject(stub, (_, { storage }) => {
      storage.transactionSync(() => storeFirstAccount(storage.sql, account));
    });
    await evictDurableObject(stub);
    for (let restarts = 0; restarts < 2; restarts += 1) {
      expect(await getStub(account).keys()).toMatchObject([{ spent: 3n }]);
      expect(await getStub(account).audit()).toMatchObject({ posted: 997n, violations: [] });
      const generation = await getStub(account).generation(KEY, callId(2));
      expect(generation).toMatchObject({ value: { charged: 2n, usage: null, stream: false } });
      await evictDurableObject(getStub(account));
    }
  });
});

describe('the rows of a call', () => {
  it('keep every property of its metadata, open and ended', async () => {
    const { stub } = await createOldAccount();
    const opening = { model: 'openai/gpt', provider: 'openai', dialect: 'chat', stream: true };
    const open = await stub.generation(KEY, callId(2));
    expect(open).toMatchObject({ value: { ...opening, status: 'open', createdAt: START } });
    const report = { ...settlement, providerCost: 9n, priceRule: 'a/b', httpStatus: 207 };
    await stub.settle({ ...report, id: callId(2), cost: 60n });
    const { id: _, cost: __, ...reported } = report;
    expect(await stub.generation(KEY, callId(2))).toMatchObject({
      value: { ...opening, ...reported, status: 'settled', charged: 60n, createdAt: START },
    });
    expect((await stub.audit()).violations).toEqual([]);
  });
});
