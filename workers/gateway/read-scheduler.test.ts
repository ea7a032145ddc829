/** Turns in reading large documents, against a fake clock. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ReadScheduler, type ScheduledReads } from './read-scheduler.ts';

const ALICE = 'a'.repeat(16);
const BOB = 'b'.repeat(16);

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Asks for the next read; the result tells whether it may begin. */
function startRead(reads: ScheduledReads): { begun: boolean } {
  const state = { begun: false };
  const turn = reads.next(Date.now());
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
    const reads = scheduler.open(account);
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
    documents[0]?.reads.close(Date.now());
    await vi.advanceTimersByTimeAsync(0);
    expect(countBegun(documents)).toBe(3);
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
    alices[0]?.reads.close(Date.now());
    await vi.advanceTimersByTimeAsync(0);
    expect(countBegun(alices)).toBe(2);
    expect(bob?.first.begun).toBe(true);
  });

  it('lets a document read on after it is closed, so that its reader sees its end', async () => {
    const documents = startDocuments(new ReadScheduler(1), ALICE, 2);
    documents[1]?.reads.close(Date.now());
    await vi.advanceTimersByTimeAsync(0);
    expect(countBegun(documents)).toBe(2);
  });

  it('keeps all turns in use after any order of reads, waits and ends', async () => {
    const scheduler = new ReadScheduler(3);
    for (let round = 0; round < 20; round++) {
      const documents = startDocuments(scheduler, round % 2 === 0 ? ALICE : BOB, 5);
      await readOn(documents.slice(0, round % 5), 700);
      for (const { reads } of documents) reads.close(Date.now());
    }
    expect(countBegun(startDocuments(scheduler, ALICE, 3))).toBe(3);
  });
});
