import { HOUR_MS, MAX_REFUSED_COUNTS, type RefusedCalls } from '@farebox/ledger';
import { describe, expect, it } from 'vitest';
import type { ErrorReason } from './errors.ts';
import { RefusedCallCounter } from './refused-calls.ts';

const START = 1_700_000_000_000;
const ACCOUNT = '0123456789abcdef';
const MINUTE = 60_000;

type Message = Readonly<{ account: string; at: number; counts: readonly string[] }>;

/** A counter with a clock that its test moves: what sleeps is woken by `advance`. */
function createCounter() {
  let now = START;
  const sent: Message[] = [];
  const sleeping: { until: number; wake: () => void }[] = [];
  const counter = new RefusedCallCounter(
    async (account, refused: readonly RefusedCalls[]) => {
      const counts = refused.map(({ keyId, code, count }) => `${keyId} ${code} ${count}`);
      sent.push({ account, at: now - START, counts });
    },
    (ms) => new Promise((resolve) => sleeping.push({ until: now + ms, wake: resolve })),
  );
  const waitUntil = (work: Promise<unknown>) => void work;
  const refuse = (code: ErrorReason, keyId = 7, account = ACCOUNT) => {
    const caller = { account, key: { keyId, secretHash: '' } };
    counter.count({ caller }, code, { now, waitUntil });
  };
  const advance = async (ms: number) => {
    now += ms;
    for (const { until, wake } of sleeping) if (until <= now) wake();
    await new Promise((resolve) => setTimeout(resolve, 0));
  };
  const flush = () => counter.flush(ACCOUNT, { now, waitUntil });
  return { counter, sent, refuse, advance, flush };
}

describe('counts of refused calls', () => {
  it('of the first seconds share a message, by key and code', async () => {
    const { refuse, advance, sent } = createCounter();
    refuse('model_not_found');
    refuse('model_not_found');
    refuse('invalid_json', 8);
    await advance(1_000);
    expect(sent).toEqual([]);
    await advance(1_000);
    expect(sent).toEqual([
      { account: ACCOUNT, at: 2_000, counts: ['7 model_not_found 2', '8 invalid_json 1'] },
    ]);
  });

  it('are sent at most once a minute, however many come', async () => {
    const { refuse, advance, sent } = createCounter();
    for (let second = 0; second < 300; second++) {
      for (let n = 0; n < 10; n++) refuse('rate_limited');
      await advance(1_000);
    }
    const times = sent.map(({ at }) => at);
    expect(times.length).toBeLessThanOrEqual(6);
    expect(times.slice(1).every((at, index) => at - (times[index] ?? 0) >= MINUTE)).toBe(true);
    const counted = sent.flatMap(({ counts }) => counts.map((text) => Number(text.split(' ')[2])));
    const total = counted.reduce((sum, count) => sum + count, 0);
    expect(total).toBeGreaterThan(2_000);
    expect(total).toBeLessThanOrEqual(3_000);
  });

  it('that came right after a message go with the account’s next call', async () => {
    const { refuse, advance, flush, sent } = createCounter();
    refuse('rate_limited');
    await advance(2_000);
    refuse('rate_limited');
    await advance(MINUTE);
    expect(sent).toHaveLength(1);
    flush();
    await advance(0);
    expect(sent).toHaveLength(2);
    flush();
    await advance(0);
    expect(sent).toHaveLength(2);
  });

  it('are sent later where the request that waited to send them was cut off', async () => {
    const sent: RefusedCalls[][] = [];
    const sleeps = [new Promise<void>(() => {}), Promise.resolve()];
    const counter = new RefusedCallCounter(
      async (_, refused) => void sent.push([...refused]),
      () => sleeps.shift() ?? Promise.resolve(),
    );
    const caller = { account: ACCOUNT, key: { keyId: 7, secretHash: '' } };
    counter.count({ caller }, 'rate_limited', { now: START, waitUntil: () => {} });
    counter.count({ caller }, 'rate_limited', { now: START + MINUTE, waitUntil: () => {} });
    await Promise.resolve();
    expect(sent).toMatchObject([[{ count: 2 }]]);
  });

  it('belong to no one without a valid key, or where the account is closed', async () => {
    const { counter, refuse, advance, sent } = createCounter();
    refuse('invalid_api_key');
    refuse('account_closed');
    counter.count({ caller: null }, 'rate_limited', { now: START, waitUntil: () => {} });
    await advance(MINUTE);
    expect(sent).toEqual([]);
    expect(counter.isEmpty).toBe(true);
  });

  it('are of the hour in which they were refused', async () => {
    const messages: RefusedCalls[][] = [];
    const counter = new RefusedCallCounter(
      async (_, refused) => void messages.push([...refused]),
      async () => {},
    );
    const caller = { account: ACCOUNT, key: { keyId: 7, secretHash: '' } };
    const at = { now: 10 * HOUR_MS + 5, waitUntil: () => {} };
    counter.count({ caller }, 'rate_limited', at);
    await Promise.resolve();
    expect(messages).toEqual([
      [{ keyId: 7, code: 'rate_limited', hour: 10, count: 1, lastAt: 10 * HOUR_MS + 5 }],
    ]);
  });

  it('are bounded in memory: of one account and of all', async () => {
    const { refuse, advance, sent } = createCounter();
    for (let keyId = 0; keyId < 2 * MAX_REFUSED_COUNTS; keyId++) refuse('rate_limited', keyId);
    await advance(2_000);
    expect(sent[0]?.counts).toHaveLength(MAX_REFUSED_COUNTS);
  });
});
