/** The idle timer on its own, and sharing one timeout with other deadlines. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { DeadlineTimer } from './deadline-timer.ts';
import { IdleTimer } from './idle-timer.ts';

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
});
afterEach(() => {
  vi.useRealTimers();
});

function createIdleTimer(idleMs: number) {
  const idleAt: number[] = [];
  const idle = new IdleTimer({ idleMs, onIdle: () => idleAt.push(Date.now()), clock: Date.now });
  return { idle, idleAt };
}

describe('IdleTimer', () => {
  it('calls onIdle once, when nothing happened for idleMs', async () => {
    const { idle, idleAt } = createIdleTimer(1000);
    idle.start();
    await vi.advanceTimersByTimeAsync(999);
    expect(idle.expired).toBe(false);
    await vi.advanceTimersByTimeAsync(5000);
    expect(idleAt).toEqual([1000]);
    expect(idle.expired).toBe(true);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('counts from the last touch', async () => {
    const { idle, idleAt } = createIdleTimer(1000);
    idle.start();
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
    const { idle } = createIdleTimer(1000);
    idle.start();
    for (let i = 0; i < 100; i++) idle.touch();
    expect(setTimeout).toHaveBeenCalledTimes(1);
    expect(clearTimeout).not.toHaveBeenCalled();
  });

  it('never calls onIdle after stop', async () => {
    const { idle, idleAt } = createIdleTimer(1000);
    idle.start();
    idle.stop();
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
    const timer = new DeadlineTimer([every(1000, fast), every(2500, slow)], Date.now);
    timer.start();
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(5000);
    expect(fast).toEqual([1000, 2000, 3000, 4000, 5000]);
    expect(slow).toEqual([2500, 5000]);
    expect(vi.getTimerCount()).toBe(1);
  });

  it('runs nothing further once a deadline stops it', async () => {
    const first: number[] = [];
    const second: number[] = [];
    const stopper = every(1000, first, () => timer.stop());
    const timer = new DeadlineTimer([stopper, every(1000, second)], Date.now);
    timer.start();
    await vi.advanceTimersByTimeAsync(5000);
    expect(first).toEqual([1000]);
    expect(second).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('sets no timeout while no deadline is due at any time', () => {
    const never = { dueAt: () => Number.POSITIVE_INFINITY, run: () => {} };
    new DeadlineTimer([never], Date.now).start();
    expect(vi.getTimerCount()).toBe(0);
  });
});
