/** The times at which a stream's checkpoints are due. */
import { describe, expect, it, vi } from 'vitest';
import { CheckpointScheduler } from './checkpoint-scheduler.ts';

describe('CheckpointScheduler', () => {
  it('grows the interval by half each time, up to three times the first', () => {
    const scheduler = new CheckpointScheduler(() => {}, 4000, 0);
    const dueAt: number[] = [];
    for (let i = 0; i < 6; i++) {
      const now = scheduler.dueAt();
      dueAt.push(now);
      scheduler.run(now);
    }
    expect(dueAt).toEqual([4000, 10_000, 19_000, 31_000, 43_000, 55_000]);
  });

  it('writes one checkpoint a run and counts the next interval from it', () => {
    const checkpoint = vi.fn();
    const scheduler = new CheckpointScheduler(checkpoint, 1000, 500);
    expect(scheduler.dueAt()).toBe(1500);
    scheduler.run(2100);
    expect(checkpoint).toHaveBeenCalledTimes(1);
    expect(scheduler.dueAt()).toBe(3600);
  });
});
