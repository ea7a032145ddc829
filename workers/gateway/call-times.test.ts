import { describe, expect, it } from 'vitest';
import { CallTimes } from './call-times.ts';

describe('the durations of a call', () => {
  it('are whole milliseconds from the arrival of the request', () => {
    const times = new CallTimes(1_000.25);
    times.recordOutput(1_320.75);
    times.recordOutput(1_900);
    expect(times.durations(2_900.5)).toEqual({ firstTokenMs: 321, totalMs: 1_900 });
  });

  it('have no first token where no output was recorded', () => {
    expect(new CallTimes(5).durations(12)).toEqual({ firstTokenMs: null, totalMs: 7 });
  });

  it('end with the answer, however long its bill takes', () => {
    const times = new CallTimes(0);
    times.recordEnd(40);
    times.recordEnd(90);
    expect(times.durations(9_000)).toEqual({ firstTokenMs: null, totalMs: 40 });
    expect(times.durations(30)).toEqual({ firstTokenMs: null, totalMs: 30 });
  });

  it('are never below zero, whatever the clock does', () => {
    const times = new CallTimes(100);
    times.recordOutput(90);
    expect(times.durations(80)).toEqual({ firstTokenMs: 0, totalMs: 0 });
  });
});
