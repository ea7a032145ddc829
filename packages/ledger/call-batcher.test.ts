import { describe, expect, it } from 'vitest';
import type { CallVerb } from './batch-message.ts';
import { CallBatcher, type SendBatch } from './call-batcher.ts';
import {
  createCheckpoint as checkpoint,
  createSettleRequest,
  toResult,
} from './call-verbs.testing.ts';
import { settled, TestClock } from './test-clock.testing.ts';

const FAILED = { ok: false, reason: 'failed' } as const;
type Failed = typeof FAILED;

const ACCOUNT = '0'.repeat(16);
const settlement = (id: string): CallVerb => ({ name: 'settle', request: createSettleRequest(id) });

const answerAll: SendBatch<Failed> = async (_, verbs) => ({
  ok: true,
  results: verbs.map(toResult),
});

function createBatcher(sendBatch: SendBatch<Failed>) {
  const clock = new TestClock();
  const batches: string[][] = [];
  const batcher = new CallBatcher<Failed>((account, verbs) => {
    batches.push(verbs.map(({ request }) => request.id));
    return sendBatch(account, verbs);
  }, clock);
  const ask = (verb: CallVerb, account = ACCOUNT) => batcher.ask(account, verb);
  return { ask, batcher, batches, clock };
}

/** An object so far away that nothing of it is answered within the test. */
const neverAnswers: SendBatch<Failed> = () => new Promise(() => {});

describe('the verbs of one account in one isolate', () => {
  it('leave at once while nothing is under way', async () => {
    const { ask, batches } = createBatcher(answerAll);
    expect(await ask(checkpoint('1'))).toEqual(toResult(checkpoint('1')));
    expect(await ask(checkpoint('2'))).toEqual(toResult(checkpoint('2')));
    expect(batches).toEqual([['1'], ['2']]);
  });

  it('wait for each other while a batch is under way, and leave together', async () => {
    const { ask, batches, clock } = createBatcher(neverAnswers);
    for (const id of ['1', '2', '3', '4']) void ask(checkpoint(id));
    await clock.pass(2);
    expect(batches).toEqual([['1']]);
    await clock.pass(2);
    expect(batches).toEqual([['1'], ['2', '3', '4']]);
  });

  it('are never held back by a far object for longer than the gap', async () => {
    const { ask, batches, clock } = createBatcher(neverAnswers);
    for (let at = 0; at < 50; at += 1) {
      void ask(checkpoint(`${at}`));
      await clock.pass(7);
    }
    expect(batches).toHaveLength(50);
  });

  it('leave at once to an object known to be far, whatever is under way', async () => {
    const clock = new TestClock();
    const sentAt: number[] = [];
    const batcher = new CallBatcher<Failed>(async (account, verbs) => {
      sentAt.push(clock.now());
      await clock.sleep(50);
      return answerAll(account, verbs);
    }, clock);
    for (const id of ['1', '2', '3']) {
      void batcher.ask(ACCOUNT, checkpoint(id));
      await clock.pass(60);
    }
    const askedAt: number[] = [];
    for (const id of ['4', '5', '6', '7']) {
      askedAt.push(clock.now());
      void batcher.ask(ACCOUNT, checkpoint(id));
      await clock.pass(1);
    }
    expect(sentAt.slice(3)).toEqual(askedAt);
  });

  it('travel per account', async () => {
    const { ask, batches } = createBatcher(answerAll);
    await Promise.all([ask(checkpoint('1')), ask(checkpoint('2'), 'f'.repeat(16))]);
    expect(batches).toEqual([['1'], ['2']]);
  });

  it('are at most 200 in a batch', async () => {
    const { batcher, batches } = createBatcher(answerAll);
    const ids = Array.from({ length: 1_000 }, (_, index) => `${index}`);
    for (const id of ids) batcher.add(ACCOUNT, settlement(id));
    while (batches.flat().length < ids.length) await batcher.flush(ACCOUNT);
    expect(batches.every((batch) => batch.length <= 200)).toBe(true);
    expect(batches.flat()).toEqual(ids);
  });

  it('leave each 10 ms where there are 160 a second, however far the object is', async () => {
    const { ask, batches, clock } = createBatcher(neverAnswers);
    const ids = Array.from({ length: 200 }, (_, index) => `${index}`);
    for (const id of ids) {
      void ask(checkpoint(id));
      await clock.pass(1);
    }
    await clock.pass(20);
    expect(batches.flat()).toEqual(ids);
    // The first four have no company of four others, and sixteen that have it make the account busy.
    const busy = batches.slice(20);
    expect(busy.length).toBeLessThan(22);
    expect(Math.max(...busy.map(({ length }) => length))).toBeLessThan(12);
  });

  const CALLS = 300;
  /**
   * Calls one after another on each connection, leaves a settlement after each, and returns how long
   * each checkpoint waited to be sent.
   */
  async function callOn(connections: number): Promise<readonly number[]> {
    const clock = new TestClock();
    const askedAt = new Map<string, number>();
    const waits: number[] = [];
    const batcher = new CallBatcher<Failed>(async (account, verbs) => {
      for (const { name, request } of verbs)
        if (name === 'checkpoint') waits.push(clock.now() - (askedAt.get(request.id) ?? 0));
      await clock.sleep(1);
      return answerAll(account, verbs);
    }, clock);
    const callInTurn = async (connection: number) => {
      for (let call = 0; call < CALLS; call += 1) {
        const id = `${connection}:${call}`;
        askedAt.set(id, clock.now());
        await batcher.ask(ACCOUNT, checkpoint(id));
        batcher.add(ACCOUNT, settlement(id));
      }
    };
    for (let connection = 0; connection < connections; connection += 1) void callInTurn(connection);
    await clock.pass(6_000);
    return waits;
  }

  it('leave at once where one comes after another, however fast', async () => {
    const waits = await callOn(1);
    expect([waits.length, Math.max(...waits)]).toEqual([CALLS, 0]);
  });

  it.each([2, 3, 4])('wait 3 ms at most on %i connections, however fast', async (connections) => {
    const waits = await callOn(connections);
    expect(waits).toHaveLength(CALLS * connections);
    expect(Math.max(...waits)).toBeLessThanOrEqual(3);
  });

  it('leave at once where the clock went back', async () => {
    let now = 1_000_000;
    const batches: string[][] = [];
    const clock = { now: () => now, sleep: () => new Promise<void>(() => {}) };
    const batcher = new CallBatcher<Failed>((_, verbs) => {
      batches.push(verbs.map(({ request }) => request.id));
      return new Promise(() => {});
    }, clock);
    void batcher.ask(ACCOUNT, checkpoint('1'));
    now -= 60_000;
    void batcher.ask(ACCOUNT, checkpoint('2'));
    await settled();
    expect(batches).toEqual([['1'], ['2']]);
  });

  it('leave at once again when there were less than 160 a second for a while', async () => {
    const { ask, batches, clock } = createBatcher(answerAll);
    for (let id = 0; id < 50; id += 1) void ask(checkpoint(`${id}`));
    await clock.pass(200);
    const before = batches.length;
    expect(await ask(checkpoint('later'))).toEqual(toResult(checkpoint('later')));
    expect(batches.slice(before)).toEqual([['later']]);
  });
});

describe('a verb that waits for its batch', () => {
  it('goes on from a timer of its own only, not from what the sender of its batch resolves', async () => {
    const gate = Promise.withResolvers<void>();
    const { ask, batches, clock } = createBatcher(async (account, verbs) => {
      await gate.promise;
      return answerAll(account, verbs);
    });
    const answered: string[] = [];
    for (const id of ['first', 'sender', 'rider'])
      void ask(checkpoint(id)).then(() => answered.push(id));
    await clock.pass(5);
    expect(batches).toEqual([['first'], ['sender', 'rider']]);
    gate.resolve();
    await settled();
    expect(answered).toEqual(['first', 'sender']);
    await clock.pass(20);
    expect(answered).toEqual(['first', 'sender', 'rider']);
  });

  it('looks for its result when the last batches suggest it, and a few times at most', async () => {
    const DISTANCE_MS = 50;
    const clock = new TestClock();
    const batcher = new CallBatcher<Failed>(async (_, verbs) => {
      await clock.sleep(DISTANCE_MS);
      return { ok: true, results: verbs.map(toResult) };
    }, clock);
    let sleeps = 0;
    const sleep = clock.sleep;
    clock.sleep = (ms) => {
      sleeps += 1;
      return sleep(ms);
    };
    const rounds = 20;
    for (let round = 0; round < rounds; round += 1) {
      for (const id of ['sender', 'rider']) void batcher.ask(ACCOUNT, checkpoint(`${round} ${id}`));
      await clock.pass(40);
    }
    await clock.pass(200);
    // Two trips a round, each a sleep of the object, and what the riders need.
    expect(sleeps).toBeLessThan(rounds * 6);
  });
});

describe('verbs of a busy account whose object is 50 to 54 ms away', () => {
  it('find their results within 2 ms on average, with three timers each at most', async () => {
    const clock = new TestClock();
    const arrivedAt = new Map<string, number>();
    let trips = 0;
    const batcher = new CallBatcher<Failed>(async (account, verbs) => {
      trips += 1;
      await clock.sleep(50 + ((trips * 7) % 5));
      for (const { request } of verbs) arrivedAt.set(request.id, clock.now());
      return answerAll(account, verbs);
    }, clock);
    let sleeps = 0;
    const { sleep } = clock;
    clock.sleep = (ms) => {
      sleeps += 1;
      return sleep(ms);
    };
    const waits: number[] = [];
    const CALLS = 1_000;
    for (let call = 0; call < CALLS; call += 1) {
      const id = `${call}`;
      void batcher.ask(ACCOUNT, checkpoint(id)).then(() => {
        waits.push(clock.now() - (arrivedAt.get(id) ?? 0));
      });
      await clock.pass(1);
    }
    await clock.pass(200);
    expect(waits).toHaveLength(CALLS);
    expect(waits.reduce((sum, ms) => sum + ms, 0) / CALLS).toBeLessThan(2);
    expect((sleeps - trips) / CALLS).toBeLessThan(3);
  });
});

describe('a verb whose request has other work', () => {
  it('looks for its result when that work ends, and has no timer until then', async () => {
    const { ask, batcher, batches, clock } = createBatcher(answerAll);
    const work = Promise.withResolvers<void>();
    let sleeps = 0;
    void ask(checkpoint('first'));
    void ask(checkpoint('sender'));
    const sleep = clock.sleep;
    clock.sleep = (ms) => {
      sleeps += 1;
      return sleep(ms);
    };
    let answer: unknown;
    void batcher.ask(ACCOUNT, checkpoint('busy'), work.promise).then((result) => {
      answer = result;
    });
    await clock.pass(500);
    expect(batches).toEqual([['first'], ['sender', 'busy']]);
    expect([answer, sleeps]).toEqual([undefined, 0]);
    work.resolve();
    await settled();
    expect(answer).toEqual(toResult(checkpoint('busy')));
  });

  it('sends what waits all the same where it is the first that waits', async () => {
    const { ask, batcher, batches, clock } = createBatcher(neverAnswers);
    void ask(checkpoint('first'));
    void batcher.ask(ACCOUNT, checkpoint('busy'), new Promise(() => {}));
    await clock.pass(5);
    expect(batches).toEqual([['first'], ['busy']]);
  });

  it('is sent by itself where the request that was to send it ended', async () => {
    const { ask, batcher, batches, clock } = createBatcher(answerAll);
    void ask(checkpoint('first'));
    const sleep = clock.sleep;
    clock.sleep = () => new Promise(() => {});
    void ask(checkpoint('ended'));
    clock.sleep = sleep;
    const work = clock.sleep(250);
    const answer = batcher.ask(ACCOUNT, checkpoint('busy'), work);
    await clock.pass(300);
    expect(await answer).toEqual(toResult(checkpoint('busy')));
    expect(batches).toEqual([['first'], ['ended', 'busy']]);
  });
});

describe('a verb that nobody waits for', () => {
  it('travels with the next that a request waits for', async () => {
    const { ask, batcher, batches } = createBatcher(answerAll);
    const pending = batcher.add(ACCOUNT, settlement('1'));
    await ask(checkpoint('2'));
    expect(batches).toEqual([['1', '2']]);
    expect(pending.answer).toEqual(toResult(settlement('1')));
  });

  it('holds nobody back, however many there are', async () => {
    const clock = new TestClock();
    const batcher = new CallBatcher<Failed>(async (account, verbs) => {
      await clock.sleep(50);
      return answerAll(account, verbs);
    }, clock);
    for (let id = 0; id < 1_000; id += 1) batcher.add(ACCOUNT, settlement(`${id}`));
    let answer: unknown;
    void batcher.ask(ACCOUNT, checkpoint('last')).then((result) => {
      answer = result;
    });
    await clock.pass(60);
    expect(answer).toEqual(toResult(checkpoint('last')));
  });
});

describe('a verb whose batch fails', () => {
  it('is sent alone by its own request, and so is every other of the batch', async () => {
    const { ask, clock } = createBatcher(async () => ({ ok: false, failure: null }));
    const answers = Promise.all(['1', '2', '3'].map((id) => ask(checkpoint(id))));
    await clock.pass(50);
    expect(await answers).toEqual([null, null, null]);
  });

  it('is told so where trying alone would only add to an overload', async () => {
    const { ask, clock } = createBatcher(async () => ({ ok: false, failure: FAILED }));
    const answers = Promise.all(['1', '2'].map((id) => ask(checkpoint(id))));
    await clock.pass(50);
    expect(await answers).toEqual([FAILED, FAILED]);
  });

  it('is sent alone where only its own result is missing', async () => {
    const { ask, clock } = createBatcher(async (_, verbs) => ({
      ok: true,
      results: verbs.map((verb) => (verb.request.id === 'bad' ? null : toResult(verb))),
    }));
    const answers = Promise.all(['1', 'bad', '3'].map((id) => ask(checkpoint(id))));
    await clock.pass(50);
    const fine = toResult(checkpoint('1'));
    expect(await answers).toEqual([fine, null, fine]);
  });

  it('is sent alone after three seconds where the request that sent the batch was ended', async () => {
    const { ask, clock } = createBatcher(neverAnswers);
    void ask(checkpoint('1'));
    void ask(checkpoint('sender of both'));
    const other = ask(checkpoint('other'));
    await clock.pass(3_200);
    expect(await other).toBeNull();
  });
});
