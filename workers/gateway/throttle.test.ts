/** A key's token bucket: what it lets through, when it lets through again, and how much it remembers. */
import { describe, expect, it } from 'vitest';
import { Throttle } from './throttle.ts';

const START = 1_800_000_000_000;

function admitted(throttle: Throttle, key: string, now: number, calls: number): number {
  let through = 0;
  for (let call = 0; call < calls; call += 1) if (throttle.admit(key, now) === 0) through += 1;
  return through;
}

describe('a burst', () => {
  it('goes through up to its size, and not one call more', () => {
    const throttle = new Throttle({ perSecond: 5, burst: 10 });
    expect(admitted(throttle, 'a', START, 50)).toBe(10);
  });

  it('of one key costs no other key anything', () => {
    const throttle = new Throttle({ perSecond: 5, burst: 10 });
    admitted(throttle, 'a', START, 50);
    expect(admitted(throttle, 'b', START, 50)).toBe(10);
  });

  it('is answered with whole seconds after which a call does go through', () => {
    for (const perSecond of [0.2, 1, 5, 300]) {
      const throttle = new Throttle({ perSecond, burst: 2 });
      admitted(throttle, 'a', START, 10);
      const wait = throttle.admit('a', START);
      expect(Number.isInteger(wait)).toBe(true);
      expect(wait).toBeGreaterThanOrEqual(1);
      expect(throttle.admit('a', START + wait * 1000)).toBe(0);
    }
  });
});

describe('refilling', () => {
  it('goes by the rate', () => {
    const throttle = new Throttle({ perSecond: 5, burst: 10 });
    admitted(throttle, 'a', START, 50);
    expect(admitted(throttle, 'a', START + 1000, 50)).toBe(5);
    expect(admitted(throttle, 'a', START + 1200, 50)).toBe(1);
  });

  it('loses nothing to calls that are refused meanwhile', () => {
    const throttle = new Throttle({ perSecond: 1, burst: 1 });
    throttle.admit('a', START);
    for (let ms = 100; ms < 1000; ms += 100) expect(throttle.admit('a', START + ms)).toBe(1);
    expect(throttle.admit('a', START + 1001)).toBe(0);
  });

  it('never exceeds the burst, however long a key was quiet', () => {
    const throttle = new Throttle({ perSecond: 5, burst: 10 });
    admitted(throttle, 'a', START, 50);
    expect(admitted(throttle, 'a', START + 86_400_000, 50)).toBe(10);
  });

  it('lets the rate through over a long flood, and the burst once', () => {
    const throttle = new Throttle({ perSecond: 50, burst: 100 });
    let through = 0;
    for (let ms = 0; ms < 10_000; ms += 1) through += admitted(throttle, 'a', START + ms, 1);
    expect(through).toBeGreaterThanOrEqual(100 + 50 * 10 - 2);
    expect(through).toBeLessThanOrEqual(100 + 50 * 10);
  });
});

describe('remembering', () => {
  it('bears 20,000 keys: none of them is let through twice its burst', () => {
    const throttle = new Throttle({ perSecond: 1, burst: 1 });
    for (let key = 0; key < 20_000; key += 1) throttle.admit(`k${key}`, START);
    expect(throttle.admit('k0', START)).toBeGreaterThan(0);
    expect(throttle.admit('k19999', START)).toBeGreaterThan(0);
  });

  it('forgets one for each key beyond, and only one', () => {
    const throttle = new Throttle({ perSecond: 1, burst: 1 });
    for (let key = 0; key < 20_001; key += 1) throttle.admit(`k${key}`, START);
    // The newest and all but the oldest are still known; what was forgotten starts anew.
    expect(throttle.admit('k20000', START)).toBeGreaterThan(0);
    expect(throttle.admit('k1', START)).toBeGreaterThan(0);
    expect(throttle.admit('k0', START)).toBe(0);
  });
});
