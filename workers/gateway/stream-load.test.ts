/** When an isolate counts as carrying many streams. */
import { describe, expect, it } from 'vitest';
import { MIN_BUSY_STREAMS, StreamLoad } from './stream-load.ts';

function openMany(load: StreamLoad, count: number) {
  return Array.from({ length: count }, () => load.open());
}

describe('StreamLoad', () => {
  it('is busy from the sixteenth stream that is open and receives something', () => {
    const load = new StreamLoad();
    const entries = openMany(load, MIN_BUSY_STREAMS);
    const answers = entries.map((entry) => entry.touch(1_000));
    expect(answers.indexOf(true)).toBe(MIN_BUSY_STREAMS - 1);
  });

  it('is not busy with fifteen streams, however much they receive', () => {
    const load = new StreamLoad();
    const entries = openMany(load, MIN_BUSY_STREAMS - 1);
    for (let now = 0; now < 3_000; now += 5) {
      for (const entry of entries) expect(entry.touch(now)).toBe(false);
    }
  });

  it('is not busy with many streams that follow one another', () => {
    const load = new StreamLoad();
    for (let now = 0; now < 3_000; now += 5) {
      const entry = load.open();
      expect(entry.touch(now)).toBe(false);
      entry.close();
    }
  });

  it('is not busy for long after streams that ended without being closed', () => {
    const load = new StreamLoad();
    for (const entry of openMany(load, 100)) entry.touch(500);
    const entry = load.open();
    expect(entry.touch(1_500)).toBe(true);
    expect(entry.touch(2_500)).toBe(false);
  });

  it('stays busy while many streams receive something once in a second', () => {
    const load = new StreamLoad();
    const entries = openMany(load, MIN_BUSY_STREAMS);
    for (const entry of entries) entry.touch(0);
    for (let now = 1_000; now < 9_000; now += 1_000) {
      for (const entry of entries) expect(entry.touch(now)).toBe(true);
    }
  });
});
