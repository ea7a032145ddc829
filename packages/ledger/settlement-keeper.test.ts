import { describe, expect, it } from 'vitest';
import type { CallVerb } from './batch-message.ts';
import { CallBatcher, type SendBatch } from './call-batcher.ts';
import { createCheckpoint, createSettleRequest, SETTLED, toResult } from './call-verbs.testing.ts';
import { type Settlement, SettlementKeeper } from './settlement-keeper.ts';
import { settled, TestClock } from './test-clock.testing.ts';

const OVERLOADED = { ok: false, reason: 'overloaded' } as const;
type Overloaded = typeof OVERLOADED;

const ACCOUNT = '0'.repeat(16);
const answerAll: SendBatch<Overloaded> = async (_, verbs) => ({
  ok: true,
  results: verbs.map(toResult),
});
const failAll: SendBatch<Overloaded> = async () => ({ ok: false, failure: null });

type Script = Readonly<{
  sendBatch: SendBatch<Overloaded>;
  /** How long the queue takes. */
  queueMs?: number;
  /** How often the queue fails. */
  queueFailures?: number;
  /** How long the ledger takes for one settlement; it is not reached if that is null. */
  aloneMs?: number | null;
}>;

/** The settlements of an isolate whose requests a test makes, and ends. */
function createIsolate({ sendBatch, queueMs = 0, queueFailures = 0, aloneMs = 0 }: Script) {
  const clock = new TestClock();
  const ends: Record<'settled' | 'alone' | 'queued' | 'lost', string[]> = {
    ...{ settled: [], alone: [], queued: [], lost: [] },
  };
  let queued = 0;
  const keepers: string[] = [];
  const subrequests = new Map<string, number>();
  const batches: string[][] = [];
  const count = (more = 1) =>
    subrequests.set(clock.request, (subrequests.get(clock.request) ?? 0) + more);
  const batcher = new CallBatcher<Overloaded>((account, verbs) => {
    count();
    batches.push(verbs.map(({ request }) => request.id));
    return sendBatch(account, verbs);
  }, clock);
  const ids = (settlements: readonly Settlement[]) => settlements.map(({ request }) => request.id);
  const keeper = new SettlementKeeper<Overloaded>({
    ...{ batcher, clock },
    sendAlone: async (settlement) => {
      count(3);
      ends.alone.push(...ids([settlement]));
      if (aloneMs === null) return null;
      if (aloneMs > 0) await clock.sleep(aloneMs);
      return SETTLED;
    },
    enqueue: async (settlements) => {
      count();
      expect(settlements.length).toBeLessThanOrEqual(100);
      if (queueMs > 0) await clock.sleep(queueMs);
      queued += 1;
      if (queued <= queueFailures) return false;
      ends.queued.push(...ids(settlements));
      return true;
    },
    onEnd: ({ id }, result) => void (result === null ? ends.lost : ends.settled).push(id),
  });
  /** A request leaves a settlement. */
  const keep = (id: string, { request = id, account = ACCOUNT } = {}) => {
    clock.request = request;
    keeper.keep({ account, request: createSettleRequest(id) }, () => void keepers.push(request));
  };
  /** A request brings a verb whose result it needs. */
  const ask = (id: string) => {
    clock.request = id;
    keeper.ensureKept(() => void keepers.push(id));
    return batcher.ask(ACCOUNT, createCheckpoint(id));
  };
  return { clock, keep, ask, ends, keepers, batches, subrequests };
}

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${index}`);
}

describe('a settlement', () => {
  it('travels with the next verb whose result a request needs', async () => {
    const { clock, keep, ask, ends, batches } = createIsolate({ sendBatch: answerAll });
    keep('1');
    await clock.pass(149);
    expect(batches).toEqual([]);
    await ask('2');
    expect(batches).toEqual([['1', '2']]);
    await clock.pass(60);
    expect(ends.settled).toEqual(['1']);
  });

  it('travels without one after 150 to 200 ms, with those that came meanwhile', async () => {
    const { clock, keep, batches } = createIsolate({ sendBatch: answerAll });
    keep('1');
    await clock.pass(130);
    keep('2');
    await clock.pass(19);
    expect(batches).toEqual([]);
    await clock.pass(51);
    expect(batches).toEqual([['1', '2']]);
  });

  it('keeps one request at work, of however many accounts, and only until all are answered', async () => {
    const { clock, keep, ends, keepers } = createIsolate({ sendBatch: answerAll });
    for (const id of numbers(50)) keep(id, { account: id.padStart(16, '0') });
    await clock.pass(300);
    expect(ends.settled).toHaveLength(50);
    expect([keepers, clock.sleeps]).toEqual([['0'], 2]);
    await clock.pass(10_000);
    expect(clock.sleeps).toBe(2);
  });

  it('is kept by another request after five seconds, and each is answered once', async () => {
    const { clock, keep, ends, keepers } = createIsolate({ sendBatch: answerAll });
    for (const id of numbers(600)) {
      keep(id);
      await clock.pass(20);
    }
    await clock.pass(300);
    expect(ends.settled).toEqual(numbers(600));
    expect(keepers.length).toBeGreaterThan(1);
    expect(keepers.length).toBeLessThan(10);
  });
});

describe('a settlement whose keeper was ended', () => {
  it('is sent by the next request that leaves one', async () => {
    const { clock, keep, ends, keepers } = createIsolate({ sendBatch: answerAll });
    keep('1');
    await clock.pass(10);
    clock.ended.add('1');
    await clock.pass(900);
    keep('2');
    await clock.pass(300);
    expect([ends.settled, keepers]).toEqual([
      ['1', '2'],
      ['1', '2'],
    ]);
  });

  it('is sent by a request that only asks for a hold or a checkpoint', async () => {
    const { clock, keep, ask, ends } = createIsolate({ sendBatch: answerAll });
    keep('1');
    clock.ended.add('1');
    await clock.pass(900);
    await ask('2');
    await clock.pass(300);
    expect(ends.settled).toEqual(['1']);
  });

  it('while it put it on the queue is put there again by a later one', async () => {
    const { clock, keep, ends } = createIsolate({ sendBatch: failAll, queueMs: 400 });
    keep('1');
    await clock.pass(1_250);
    expect(ends.queued).toEqual([]);
    clock.ended.add('1');
    for (const id of numbers(20)) {
      keep(`later ${id}`);
      await clock.pass(1_000);
    }
    expect(ends.queued).toContain('1');
  });

  it('is no longer waited for than a quarter of a second beyond the time of its look', async () => {
    const { clock, keep, keepers } = createIsolate({ sendBatch: answerAll });
    keep('1');
    clock.ended.add('1');
    await clock.pass(401);
    keep('2');
    expect(keepers).toEqual(['1', '2']);
  });
});

describe('a settlement that its batch did not deliver', () => {
  it('travels with two more, and then goes on the queue', async () => {
    const { clock, keep, ends, batches } = createIsolate({ sendBatch: failAll });
    for (const id of ['1', '2', '3']) keep(id);
    await clock.pass(1_000);
    expect(ends.queued).toEqual([]);
    await clock.pass(500);
    expect(batches).toEqual([
      ['1', '2', '3'],
      ['1', '2', '3'],
      ['1', '2', '3'],
    ]);
    expect(ends).toEqual({ settled: [], alone: [], queued: ['1', '2', '3'], lost: [] });
  });

  it('is delivered by a later one, and ends once', async () => {
    let trips = 0;
    const { clock, keep, ends } = createIsolate({
      sendBatch: (account, verbs) => {
        trips += 1;
        return trips < 3 ? failAll(account, verbs) : answerAll(account, verbs);
      },
    });
    keep('1');
    await clock.pass(10_000);
    expect(ends).toEqual({ settled: ['1'], alone: [], queued: [], lost: [] });
  });

  it('goes on the queue at once where another would only add to an overload', async () => {
    const { clock, keep, ends, batches } = createIsolate({
      sendBatch: async () => ({ ok: false, failure: OVERLOADED }),
    });
    for (const id of ['1', '2', '3']) keep(id);
    await clock.pass(300);
    expect(ends.queued).toEqual(['1', '2', '3']);
    expect(batches).toHaveLength(1);
  });

  it('travels with another where the request that sent it was ended', async () => {
    let trips = 0;
    const { clock, keep, ask, ends } = createIsolate({
      sendBatch: (account, verbs) => {
        trips += 1;
        return trips === 1 ? new Promise(() => {}) : answerAll(account, verbs);
      },
    });
    keep('1');
    void ask('sender');
    await settled();
    await clock.pass(3_500);
    expect(ends.settled).toEqual(['1']);
  });

  it('is sent by itself where only its own answer is missing', async () => {
    const { clock, keep, ends } = createIsolate({
      sendBatch: async (_, verbs) => ({
        ok: true,
        results: verbs.map((verb) => (verb.request.id === 'bad' ? null : toResult(verb))),
      }),
    });
    for (const id of ['1', 'bad', '3']) keep(id);
    await clock.pass(300);
    expect(ends).toEqual({ settled: ['1', '3', 'bad'], alone: ['bad'], queued: [], lost: [] });
  });

  it('goes on the queue where the ledger is not reached with it alone', async () => {
    const { clock, keep, ends } = createIsolate({ sendBatch: noResults, aloneMs: null });
    keep('1');
    await clock.pass(500);
    expect(ends).toEqual({ settled: [], alone: ['1'], queued: ['1'], lost: [] });
  });

  it('is sent by itself once by one request, however long that takes', async () => {
    const { clock, keep, ends } = createIsolate({ sendBatch: noResults, aloneMs: 25_000 });
    keep('1');
    await clock.pass(30_000);
    expect(ends).toEqual({ settled: ['1'], alone: ['1'], queued: [], lost: [] });
  });

  it('waits no longer than others where it came after one that travels again', async () => {
    let trips = 0;
    const { clock, keep, batches } = createIsolate({
      sendBatch: (account, verbs) => {
        trips += 1;
        return trips === 1 ? failAll(account, verbs) : answerAll(account, verbs);
      },
    });
    keep('1');
    await clock.pass(210);
    keep('2');
    await clock.pass(200);
    expect(batches).toEqual([['1'], ['1', '2']]);
  });
});

describe('a settlement that the queue does not take', () => {
  it('is put there again, with the others of its hundred', async () => {
    const { clock, keep, ends } = createIsolate({ sendBatch: failAll, queueFailures: 2 });
    for (const id of numbers(100)) keep(id);
    await clock.pass(5_000);
    expect([ends.queued, ends.lost]).toEqual([numbers(100), []]);
  });

  it('is given up after three times, and reported', async () => {
    const { clock, keep, ends } = createIsolate({ sendBatch: failAll, queueFailures: 9 });
    keep('1');
    await clock.pass(20_000);
    expect(ends).toEqual({ settled: [], alone: [], queued: [], lost: ['1'] });
  });
});

describe('the settlements of an outage', () => {
  it('end all, by few subrequests of each request', async () => {
    const { clock, keep, ends, subrequests } = createIsolate({ sendBatch: failAll });
    for (const id of numbers(3_000)) keep(id);
    await clock.pass(5_000);
    expect(ends.queued).toHaveLength(3_000);
    expect(new Set(ends.queued).size).toBe(3_000);
    expect(Math.max(...subrequests.values())).toBeLessThan(100);
  });

  it.each([
    ['no answer for any account', failAll],
    ['an answer for each, but no result', noResults],
  ])('of many accounts stay below the limit of an invocation with %s', async (_, sendBatch) => {
    const { clock, keep, ends, subrequests } = createIsolate({ sendBatch });
    for (const id of numbers(3_000)) keep(id, { account: id.padStart(16, '0') });
    await clock.pass(60_000);
    const all = [...ends.queued, ...ends.alone];
    expect(new Set(all).size).toBe(3_000);
    expect(Math.max(...subrequests.values())).toBeLessThan(500);
  });

  it('are shared by the requests that come', async () => {
    const { clock, keep, ends, keepers, subrequests } = createIsolate({ sendBatch: noResults });
    for (const id of numbers(500)) keep(id);
    for (let at = 0; at < 20; at += 1) {
      await clock.pass(30);
      keep(`later ${at}`);
    }
    await clock.pass(2_000);
    expect(ends.alone.length).toBe(520);
    expect(keepers.length).toBeGreaterThan(3);
    expect(Math.max(...subrequests.values())).toBeLessThan(500);
  });
});

function noResults(_: string, verbs: readonly CallVerb[]) {
  return Promise.resolve({ ok: true, results: verbs.map(() => null) } as const);
}
