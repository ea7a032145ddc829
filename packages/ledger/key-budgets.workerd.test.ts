/// <reference types="@cloudflare/vitest-plugin/types" />
import { evictDurableObject, runDurableObjectAlarm } from 'cloudflare:test';
import fc from 'fast-check';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  BUDGET_PERIODS,
  type BudgetPeriod,
  DAY_MS,
  type HoldResult,
  type KeyLimits,
  NO_LIMITS,
  type PeriodBudgets,
} from './contract/index.ts';
import {
  buildHoldRequest,
  buildSettleRequest,
  callId,
  getStub,
  KEY,
  openAccount,
} from './fixtures.workerd.ts';
import { clock, postgres, queue, START } from './test-worker.workerd.ts';

const HOUR_MS = 3_600_000;
/** Longer than any history of these tests. */
const NEVER = START + 1_000 * DAY_MS;
/** A Thursday, ten days from the end of its month. */
const THURSDAY = Date.UTC(2027, 0, 21);

function createAccount(limits: Partial<KeyLimits>, credit = 1_000_000n) {
  return openAccount({ credit, limits });
}

/** A call that reserves and, in full, costs `amount`. */
function holdRequest(n: number, amount: bigint) {
  return { ...buildHoldRequest(n, amount, 0), deadline: NEVER };
}

async function spend(account: string, n: number, amount: bigint): Promise<HoldResult> {
  const stub = getStub(account);
  const hold = await stub.hold(holdRequest(n, amount));
  if (hold.ok) await stub.settle(buildSettleRequest(n, amount));
  return hold;
}

beforeEach(() => {
  clock.now = START;
  postgres.fault = 'none';
});

describe('a budget by period', () => {
  it.each([
    ['day', Date.UTC(2027, 0, 22)],
    ['week', Date.UTC(2027, 0, 25)],
    ['month', Date.UTC(2027, 1, 1)],
  ] as const)('of a %s declines what does not fit, until it renews', async (period, resetsAt) => {
    clock.now = THURSDAY + HOUR_MS;
    const { account } = await createAccount({ periodBudgets: { [period]: 100n } });
    expect(await spend(account, 1, 70n)).toMatchObject({ ok: true });
    expect(await spend(account, 2, 31n)).toEqual({
      ok: false,
      reason: 'key_limit_exceeded',
      missingAmount: 1n,
      affordableOutput: 0,
      renewing: {
        period,
        budget: 100n,
        resetsAt,
        retryAfterSeconds: (resetsAt - clock.now) / 1_000,
      },
      quota: {
        calls: null,
        budgets: [
          { period, budget: 100n, left: 30n, resetSeconds: (resetsAt - clock.now) / 1_000 },
        ],
      },
    });
    expect(await spend(account, 3, 30n)).toMatchObject({ ok: true });
    clock.now = resetsAt - 1;
    expect(await spend(account, 4, 1n)).toMatchObject({ ok: false });
    clock.now = resetsAt;
    expect(await spend(account, 5, 100n)).toMatchObject({ ok: true });
  });

  it('names no time where even the whole budget is less than the call reserves', async () => {
    const { account } = await createAccount({ periodBudgets: { week: 100n } });
    expect(await spend(account, 1, 101n)).toMatchObject({
      reason: 'key_limit_exceeded',
      renewing: { period: 'week', retryAfterSeconds: null },
    });
  });

  it('of several names the one that holds the call back longest', async () => {
    const limits = { budget: 150n, periodBudgets: { day: 100n, week: 100n, month: 120n } };
    clock.now = THURSDAY;
    const { account } = await createAccount(limits);
    await spend(account, 1, 100n);
    expect(await spend(account, 2, 10n)).toMatchObject({ renewing: { period: 'week' } });
    expect(await spend(account, 3, 30n)).toMatchObject({ renewing: { period: 'month' } });
    const beyondAll = await spend(account, 4, 60n);
    expect(beyondAll).toMatchObject({ reason: 'key_limit_exceeded', missingAmount: 10n });
    expect(beyondAll).not.toHaveProperty('renewing');
  });

  it('counts what open calls reserve, also those that the period before began', async () => {
    clock.now = THURSDAY;
    const { stub } = await createAccount({ periodBudgets: { day: 100n } });
    await stub.hold(holdRequest(1, 60n));
    expect(await stub.hold(holdRequest(2, 50n))).toMatchObject({ ok: false });
    clock.now = THURSDAY + DAY_MS;
    expect(await stub.hold(holdRequest(3, 50n))).toMatchObject({ ok: false });
    await stub.settle(buildSettleRequest(1, 60n));
    expect(await stub.hold(holdRequest(4, 50n))).toMatchObject({ ok: false });
    expect(await stub.hold(holdRequest(5, 40n))).toMatchObject({ ok: true });
  });

  it('that open calls alone fill is worth a retry at once, and is not reached', async () => {
    clock.now = THURSDAY;
    const { account, stub } = await createAccount({ periodBudgets: { day: 100n, month: 100n } });
    await spend(account, 1, 80n);
    await stub.hold(holdRequest(2, 15n));
    const declined = await stub.hold(holdRequest(3, 10n));
    expect(declined).toMatchObject({ renewing: { period: 'month', retryAfterSeconds: 2 } });
    expect(await receivedAlerts(account)).toEqual(['budget_low day 80', 'budget_low month 80']);
    const beyond = await stub.hold(holdRequest(4, 21n));
    expect(beyond).toMatchObject({ renewing: { retryAfterSeconds: (11 * DAY_MS) / 1_000 } });
  });

  it('that is spent is named before one that open calls alone fill', async () => {
    clock.now = THURSDAY;
    const { account, stub } = await createAccount({ periodBudgets: { day: 90n, month: 110n } });
    await spend(account, 1, 80n);
    await stub.hold(holdRequest(2, 10n));
    expect(await stub.hold(holdRequest(3, 25n))).toMatchObject({ renewing: { period: 'day' } });
  });

  it('set in the middle of a period counts what was spent before it was set', async () => {
    clock.now = THURSDAY;
    const { account, stub } = await createAccount({});
    await spend(account, 1, 80n);
    await stub.updateKey(KEY.keyId, { limits: { ...NO_LIMITS, periodBudgets: { month: 100n } } });
    expect(await spend(account, 2, 30n)).toMatchObject({ ok: false });
    await stub.updateKey(KEY.keyId, { limits: { ...NO_LIMITS, periodBudgets: {} } });
    expect(await spend(account, 3, 30n)).toMatchObject({ ok: true });
  });

  it('stays, as the price limit does, where an update does not name it', async () => {
    const { stub } = await createAccount({ periodBudgets: { month: 100n }, maxOutputPrice: 7n });
    await stub.updateKey(KEY.keyId, { limits: { ...NO_LIMITS, budget: 50n } });
    const kept = { budget: 50n, periodBudgets: { month: 100n }, maxOutputPrice: 7n };
    expect(await stub.keys()).toMatchObject([{ limits: kept }]);
    await stub.updateKey(KEY.keyId, {
      limits: { ...NO_LIMITS, periodBudgets: {}, maxOutputPrice: null },
    });
    expect(await stub.keys()).toMatchObject([{ limits: NO_LIMITS }]);
    const [status] = await stub.keys();
    expect(status?.limits).not.toHaveProperty('maxOutputPrice');
    expect(status?.limits).not.toHaveProperty('periodBudgets');
  });

  it('limits the output of a call that states no limit of its own', async () => {
    const { stub } = await createAccount({ periodBudgets: { day: 100n } });
    const output = { kind: 'capped', max: 1_000, min: 1 } as const;
    const hold = await stub.hold({ ...holdRequest(1, 0n), output });
    expect(hold).toMatchObject({ ok: true, maxOutput: 50, held: 50n });
  });

  it('is told with what is left, when it resets and what can be spent', async () => {
    clock.now = THURSDAY;
    const { account, stub } = await createAccount({
      budget: 500n,
      periodBudgets: { day: 100n, month: 400n },
    });
    await spend(account, 1, 70n);
    await stub.hold(holdRequest(2, 20n));
    expect(await stub.key(KEY)).toMatchObject({
      value: {
        spendable: 10n,
        periodBudgets: [
          { period: 'day', budget: 100n, spent: 70n, left: 10n, resetsAt: THURSDAY + DAY_MS },
          { period: 'month', budget: 400n, spent: 70n, left: 310n },
        ],
      },
    });
    const poor = await createAccount({ periodBudgets: { day: 100n } }, 7n);
    expect(await poor.stub.key(KEY)).toMatchObject({ value: { spendable: 7n } });
  });
});

async function receivedAlerts(account: string): Promise<readonly string[]> {
  await runDurableObjectAlarm(getStub(account));
  const mine = queue.received.filter((notification) => notification.account === account);
  return mine.map(({ kind, budgetPeriod, amount }) => `${kind} ${budgetPeriod} ${amount}`);
}

describe('the alerts of a budget', () => {
  it('come once at 80 % and once when nothing is left, in each period', async () => {
    clock.now = THURSDAY;
    const { account } = await createAccount({ periodBudgets: { day: 100n } });
    await spend(account, 1, 79n);
    expect(await receivedAlerts(account)).toEqual([]);
    await spend(account, 2, 1n);
    await spend(account, 3, 5n);
    expect(await receivedAlerts(account)).toEqual(['budget_low day 80']);
    await spend(account, 4, 15n);
    await spend(account, 5, 1n);
    expect(await receivedAlerts(account)).toEqual(['budget_low day 80', 'budget_reached day 100']);
    clock.now += DAY_MS;
    await spend(account, 6, 80n);
    expect((await receivedAlerts(account)).at(-1)).toBe('budget_low day 80');
  });

  it('say that a budget is reached when a call does not fit what is left, once for all declines', async () => {
    const { account, stub } = await createAccount({ budget: 100n, periodBudgets: { month: 60n } });
    await spend(account, 1, 55n);
    for (let n = 2; n < 9; n++) await spend(account, n, 6n);
    expect(await receivedAlerts(account)).toEqual([
      'budget_low month 55',
      'budget_reached month 55',
    ]);
    await evictDurableObject(stub);
    await spend(account, 9, 6n);
    await receivedAlerts(account);
    const ids = queue.received.filter((item) => item.account === account).map(({ id }) => id);
    expect(new Set(ids).size).toBe(2);
  });

  it('do not come where a large call is declined and much of the budget is left', async () => {
    const { account } = await createAccount({ budget: 100n });
    await spend(account, 1, 50n);
    expect(await spend(account, 2, 60n)).toMatchObject({ reason: 'key_limit_exceeded' });
    expect(await receivedAlerts(account)).toEqual([]);
  });

  it('come anew for a budget that was raised, and not for the one that was lowered below', async () => {
    const { account, stub } = await createAccount({ budget: 100n });
    await spend(account, 1, 80n);
    await stub.updateKey(KEY.keyId, { limits: { ...NO_LIMITS, budget: 200n } });
    await spend(account, 2, 80n);
    expect(await receivedAlerts(account)).toEqual(['budget_low null 80', 'budget_low null 160']);
    await stub.updateKey(KEY.keyId, { limits: { ...NO_LIMITS, budget: 150n } });
    expect(await receivedAlerts(account)).toHaveLength(2);
  });
});

/** A calendar and a list of charges: what a budget by period means, with no sum kept anywhere. */
class PlainBudgets {
  readonly charges: { at: number; amount: bigint }[] = [];
  readonly open = new Map<number, bigint>();
  readonly #budgets: PeriodBudgets;
  constructor(budgets: PeriodBudgets) {
    this.#budgets = budgets;
  }

  spentIn(period: BudgetPeriod, at: number): bigint {
    const label = toLabel(period, at);
    const same = this.charges.filter((charge) => toLabel(period, charge.at) === label);
    return same.reduce((sum, { amount }) => sum + amount, 0n);
  }

  /** No entry is dated before the last. */
  present(now: number): number {
    return Math.max(now, this.charges.at(-1)?.at ?? 0);
  }

  fits(amount: bigint, now: number): boolean {
    const held = [...this.open.values()].reduce((sum, value) => sum + value, 0n);
    return BUDGET_PERIODS.every((period) => {
      const budget = this.#budgets[period];
      const spent = this.spentIn(period, this.present(now));
      return budget === undefined || spent + held + amount <= budget;
    });
  }
}

function toLabel(period: BudgetPeriod, at: number): string {
  const date = new Date(at);
  if (period === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.toISOString().slice(0, period === 'month' ? 7 : 10);
}

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ kind: fc.constant('hold' as const), amount: fc.bigInt(1n, 60n) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      share: fc.integer({ min: 0, max: 100 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      // Backwards too: the object may move to a machine whose clock is behind.
      ms: fc.constantFrom(
        -5_000,
        1,
        HOUR_MS,
        13 * HOUR_MS,
        DAY_MS,
        3 * DAY_MS,
        8 * DAY_MS,
        29 * DAY_MS,
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('deliver' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('evict' as const) }) },
);
const budget = fc.option(fc.bigInt(50n, 200n), { nil: undefined });
const history = fc.record({
  budgets: fc.record({ day: budget, week: budget, month: budget }),
  steps: fc.array(step, { minLength: 10, maxLength: 50 }),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function toPeriodBudgets(budgets: Record<BudgetPeriod, bigint | undefined>): PeriodBudgets {
  return Object.fromEntries(
    BUDGET_PERIODS.flatMap((period) => {
      const amount = budgets[period];
      return amount === undefined ? [] : [[period, amount]];
    }),
  );
}

async function runStep(account: string, model: PlainBudgets, item: Step, n: number): Promise<void> {
  const stub = getStub(account);
  switch (item.kind) {
    case 'hold': {
      const hold = await stub.hold(holdRequest(n, item.amount));
      expect(hold.ok).toBe(model.fits(item.amount, clock.now));
      if (hold.ok) model.open.set(n, item.amount);
      return;
    }
    case 'settle': {
      const [open] = model.open;
      if (open === undefined) return;
      const [id, amount] = open;
      const cost = (amount * BigInt(item.share)) / 100n;
      await stub.settle(buildSettleRequest(id, cost));
      model.open.delete(id);
      model.charges.push({ at: model.present(clock.now), amount: cost });
      return;
    }
    case 'wait':
      clock.now += item.ms;
      return;
    case 'deliver':
      await runDurableObjectAlarm(stub);
      return;
    case 'evict':
      // Only an object that runs can be evicted.
      await stub.status();
      await evictDurableObject(stub);
      return;
  }
}

describe('budgets by period over random clocks', () => {
  it('admit and add up as a plain list of charges does, across crashes and deliveries', async () => {
    let calls = 0;
    await fc.assert(
      fc.asyncProperty(history, async ({ budgets, steps }) => {
        clock.now = THURSDAY;
        const periodBudgets = toPeriodBudgets(budgets);
        const { account } = await createAccount({ periodBudgets });
        const model = new PlainBudgets(periodBudgets);
        for (const item of steps) {
          calls += 1;
          await runStep(account, model, item, calls);
        }
        const key = await getStub(account).key(KEY);
        const statuses = key.ok ? key.value.periodBudgets : [];
        for (const { period, spent } of statuses) {
          expect(spent).toBe(model.spentIn(period, model.present(clock.now)));
        }
        for (const { at } of model.charges) {
          for (const period of BUDGET_PERIODS) {
            expect(model.spentIn(period, at) <= (periodBudgets[period] ?? 1_000_000n)).toBe(true);
          }
        }
        expect((await getStub(account).audit()).violations).toEqual([]);
      }),
      { numRuns: 60, seed: 20261126 },
    );
  }, 300_000);
});

describe('a limit to the price of models', () => {
  it('declines a model above it with both prices, and no other', async () => {
    const { stub } = await createAccount({ maxOutputPrice: 500_000n });
    const request = { ...holdRequest(1, 10n), maxOutputPrice: 2_000_000n };
    expect(await stub.hold({ ...request, outputPrice: 500_001n })).toEqual({
      ok: false,
      reason: 'model_too_expensive',
      model: 'openai/gpt',
      outputPrice: 500_001n,
      maxOutputPrice: 500_000n,
    });
    expect(await stub.hold({ ...request, outputPrice: 500_000n })).toMatchObject({ ok: true });
    // A gateway of the release before states one price only.
    const unstated = await stub.hold({ ...request, id: callId(2) });
    expect(unstated).toMatchObject({ reason: 'model_too_expensive', outputPrice: 2_000_000n });
  });
});
