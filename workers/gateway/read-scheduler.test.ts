/** Turns in reading large documents, against a fake clock. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadScheduler, type ScheduledReads } from './read-scheduler.ts';

const ALICE = 'a'.repeat(16);
const BOB = 'b'.repeat(16);
/** The longest time until the first that wait see that a turn is theirs. */
const POLL_MS = 25;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks for the next read; the result tells whether it may begin. */
function startRead(reads: ScheduledReads): { begun: boolean } {
  const state = { begun: false };
  const turn = reads.next();
  if (turn === undefined) state.begun = true;
  else
    void turn.then(() => {
      state.begun = true;
    });
  return state;
}

/** Documents of an account that all ask for their first read. */
function startDocuments(scheduler: ReadScheduler, account: string, count: number) {
  return Array.from({ length: count }, () => {
    const reads = scheduler.open(account, Date.now);
    return { reads, first: startRead(reads) };
  });
}

function countBegun(documents: readonly { first: { begun: boolean } }[]): number {
  return documents.filter(({ first }) => first.begun).length;
}

/** Lets time pass in which these documents read on every 50 ms. */
async function readOn(documents: readonly { reads: ScheduledReads }[], ms: number) {
  const waits = new Map<ScheduledReads, { begun: boolean }>();
  for (let passed = 0; passed < ms; passed += 50) {
    for (const { reads } of documents) {
      if (waits.get(reads)?.begun !== false) waits.set(reads, startRead(reads));
    }
    await vi.advanceTimersByTimeAsync(50);
  }
}

describe('ReadScheduler', () => {
  it('lets as many documents be read at once as it has turns, and the next when one is closed', async () => {
    const documents = startDocuments(new ReadScheduler(2), ALICE, 3);
    await vi.advanceTimersByTimeAsync(10);
    expect(documents.map(({ first }) => first.begun)).toEqual([true, true, false]);
    documents[0]?.reads.close();
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(countBegun(documents)).toBe(3);
  });

  it('lets a document that got its turn from another go on from a timer of its own only', async () => {
    const documents = startDocuments(new ReadScheduler(1), ALICE, 2);
    await vi.advanceTimersByTimeAsync(10);
    documents[0]?.reads.close();
    await vi.advanceTimersByTimeAsync(0);
    expect(countBegun(documents)).toBe(1);
    await vi.advanceTimersByTimeAsync(POLL_MS - 10);
    expect(countBegun(documents)).toBe(2);
  });

  it('gives a turn again to a document that lost it before it woke up', async () => {
    let slept = 0;
    const clock = () => Date.now() + slept;
    const scheduler = new ReadScheduler(2);
    const open = (account: string) => {
      const reads = scheduler.open(account, clock);
      return { reads, first: startRead(reads) };
    };
    const [first] = [open(ALICE), open(ALICE), open(ALICE)];
    const late = open(BOB);
    first.reads.close();
    // The third document of Alice looks first, and finds that Bob has not read for long.
    slept = 600;
    await vi.advanceTimersByTimeAsync(4 * POLL_MS);
    expect(late.first.begun).toBe(true);
  });

  it('wakes 1,000 documents that wait at most 10,000 times a second', async () => {
    const setTimer = vi.spyOn(globalThis, 'setTimeout');
    startDocuments(new ReadScheduler(1), ALICE, 1_001);
    setTimer.mockClear();
    await vi.advanceTimersByTimeAsync(400);
    expect(setTimer.mock.calls.length).toBeLessThan(4_000);
  });

  it('takes no turn from a document while none waits', async () => {
    const documents = startDocuments(new ReadScheduler(2), ALICE, 2);
    await vi.advanceTimersByTimeAsync(60_000);
    for (const { reads } of documents) expect(startRead(reads).begun).toBe(true);
  });

  it('gives each of many documents a turn, however long the first ones read', async () => {
    const documents = startDocuments(new ReadScheduler(2), ALICE, 6);
    await readOn(documents.slice(0, 2), 8_000);
    expect(countBegun(documents)).toBe(6);
  });

  it('gives the turns of documents that stall to those that wait, within a second', async () => {
    const documents = startDocuments(new ReadScheduler(2), ALICE, 4);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(countBegun(documents)).toBe(4);
  });

  it('gives a turn that is free to the account that has the fewest', async () => {
    const scheduler = new ReadScheduler(2);
    const alices = startDocuments(scheduler, ALICE, 8);
    const [bob] = startDocuments(scheduler, BOB, 1);
    alices[0]?.reads.close();
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(countBegun(alices)).toBe(2);
    expect(bob?.first.begun).toBe(true);
  });

  it('lets a document read on after it is closed, so that its reader sees its end', async () => {
    const documents = startDocuments(new ReadScheduler(1), ALICE, 2);
    documents[1]?.reads.close();
    await vi.advanceTimersByTimeAsync(POLL_MS);
    expect(countBegun(documents)).toBe(2);
  });

  it('keeps all turns in use after any order of reads, waits and ends', async () => {
    const scheduler = new ReadScheduler(3);
    for (let round = 0; round < 20; round++) {
      const documents = startDocuments(scheduler, round % 2 === 0 ? ALICE : BOB, 5);
      await readOn(documents.slice(0, round % 5), 700);
      for (const { reads } of documents) reads.close();
    }
    expect(countBegun(startDocuments(scheduler, ALICE, 3))).toBe(3);
  });
});
