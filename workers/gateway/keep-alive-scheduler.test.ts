/** The times at which a silent stream gets a keep-alive event. */
import { describe, expect, it, vi } from 'vitest';
import { KeepAliveScheduler } from './keep-alive-scheduler.ts';

function createScheduler() {
  const state = { writing: false };
  const send = vi.fn();
  const scheduler = new KeepAliveScheduler(
    {
      intervalMs: 5000,
      send,
      isWriting: () => state.writing,
    },
    1000,
  );
  return { state, send, scheduler };
}

describe('KeepAliveScheduler', () => {
  it('is due when the client received nothing for the interval', () => {
    const { send, scheduler } = createScheduler();
    expect(scheduler.dueAt(1000)).toBe(6000);
    scheduler.run(6000);
    expect(send).toHaveBeenCalledTimes(1);
    expect(scheduler.dueAt(6000)).toBe(11_000);
  });

  it('is put off by each write that the client took', () => {
    const { scheduler } = createScheduler();
    scheduler.touch(4000);
    expect(scheduler.dueAt(4000)).toBe(9000);
  });

  it('is not due while a write is pending', () => {
    const { state, scheduler } = createScheduler();
    state.writing = true;
    expect(scheduler.dueAt(20_000)).toBe(25_000);
    state.writing = false;
    expect(scheduler.dueAt(20_000)).toBe(6000);
  });

  it('is never due after the client disconnected', () => {
    const { scheduler } = createScheduler();
    scheduler.stop();
    expect(scheduler.dueAt(20_000)).toBe(Number.POSITIVE_INFINITY);
  });
});
