/** The idle timer on its own, and sharing one timeout with other deadlines. */
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineTimer } from './deadline-timer.ts';
import { IdleTimer } from './idle-timer.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function startIdleTimer(idleMs: number) {
  const idleAt: number[] = [];
  const idle = new IdleTimer({ idleMs, onIdle: () => idleAt.push(Date.now()), clock: Date.now });
  const timer = new DeadlineTimer(Date.now);
  timer.add(idle);
  return { idle, idleAt, timer };
}

describe('IdleTimer', () => {
  it('calls onIdle once, when nothing happened for idleMs', async () => {
    const { idle, idleAt } = startIdleTimer(1000);
    await vi.advanceTimersByTimeAsync(999);
    expect(idle.expired).toBe(false);
    await vi.advanceTimersByTimeAsync(5000);
    expect(idleAt).toEqual([1000]);
    expect(idle.expired).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts from the last touch', async () => {
    const { idle, idleAt } = startIdleTimer(1000);
    await vi.advanceTimersByTimeAsync(600);
    idle.touch();
    await vi.advanceTimersByTimeAsync(600);
    idle.touch();
    await vi.advanceTimersByTimeAsync(2000);
    expect(idleAt).toEqual([2200]);
  });

  it('sets no timeout for a touch', () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    const clearTimeout = vi.spyOn(globalThis, 'clearTimeout');
    const { idle } = startIdleTimer(1000);
    for (let i = 0; i < 100; i++) idle.touch();
    expect(setTimeout).toHaveBeenCalledTimes(1);
    expect(clearTimeout).not.toHaveBeenCalled();
  });

  it('never calls onIdle after it is removed', async () => {
    const { idle, idleAt, timer } = startIdleTimer(1000);
    timer.remove(idle);
    await vi.advanceTimersByTimeAsync(5000);
    expect(idleAt).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

/** A deadline that is due every `intervalMs` and records its runs. */
function every(intervalMs: number, runs: number[], onRun = () => {}) {
  let lastAt = 0;
  return {
    dueAt: () => lastAt + intervalMs,
    run: (now: number) => {
      lastAt = now;
      runs.push(now);
      onRun();
    },
  };
}

describe('DeadlineTimer', () => {
  it('runs each deadline when it is due, with one timeout for all', async () => {
    const fast: number[] = [];
    const slow: number[] = [];
    const timer = new DeadlineTimer(Date.now);
    timer.add(every(1000, fast), every(2500, slow));
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(fast).toEqual([1000, 2000, 3000, 4000, 5000]);
    expect(slow).toEqual([2500, 5000]);
    expect(vi.getTimerCount()).toBe(1);
  });

  it('runs nothing further once a deadline stops it', async () => {
    const first: number[] = [];
    const second: number[] = [];
    const timer = new DeadlineTimer(Date.now);
    const stopper = every(1000, first, () => timer.stop());
    timer.add(stopper, every(1000, second));
    await vi.advanceTimersByTimeAsync(5000);
    expect(first).toEqual([1000]);
    expect(second).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets no timeout while no deadline is due at any time', () => {
    const never = { dueAt: () => Number.POSITIVE_INFINITY, run: () => {} };
    new DeadlineTimer(Date.now).add(never);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets one timeout and clears none for deadlines that follow each other, the first the nearest', () => {
    const setTimeout = vi.spyOn(globalThis, 'setTimeout');
    const clearTimeout = vi.spyOn(globalThis, 'clearTimeout');
    const timer = new DeadlineTimer(Date.now);
    for (const delayMs of [2_000, 600_000, 300_000]) timer.start(delayMs, () => {})();
    expect(setTimeout).toHaveBeenCalledTimes(1);
    expect(clearTimeout.mock.calls.filter(([timeout]) => timeout !== undefined)).toEqual([]);
  });

  it('runs each of any deadlines once and on time, except those that are ended before', async () => {
    const plan = fc.array(
      fc.record({
        startAt: fc.integer({ min: 0, max: 3_000 }),
        delayMs: fc.integer({ min: 20, max: 4_000 }),
        endAfterMs: fc.option(fc.integer({ min: 0, max: 4_000 })),
      }),
      { maxLength: 12 },
    );
    await fc.assert(
      fc.asyncProperty(plan, async (deadlines) => {
        vi.setSystemTime(0);
        const timer = new DeadlineTimer(Date.now);
        const runs: [number, number][] = [];
        const isEnded = new Set<number>();
        for (const [index, { startAt, delayMs, endAfterMs }] of deadlines.entries()) {
          setTimeout(() => {
            const end = timer.start(delayMs, () => runs.push([index, Date.now()]));
            if (endAfterMs === null || endAfterMs >= delayMs) return;
            isEnded.add(index);
            setTimeout(end, endAfterMs);
          }, startAt);
        }
        await vi.advanceTimersByTimeAsync(8_000);
        const expected = deadlines.flatMap(({ startAt, delayMs }, index) =>
          isEnded.has(index) ? [] : [[index, startAt + delayMs]],
        );
        expect(runs.map(([index]) => index).sort()).toEqual(
          expected.map(([index]) => index).sort(),
        );
        for (const [index, at] of runs) {
          const { startAt = 0, delayMs = 0 } = deadlines[index] ?? {};
          // Deadlines that are close together share a timeout.
          expect(at - startAt - delayMs).toBeGreaterThanOrEqual(0);
          expect(at - startAt - delayMs).toBeLessThanOrEqual(20);
        }
      }),
      { numRuns: 50 },
    );
  });
});
