import { describe, expect, it } from 'vitest';
import { newCallId } from './request-id.ts';

const AT = Date.UTC(2026, 10, 27);

describe('the id of a call', () => {
  it('is a UUID of version 7 without dashes', () => {
    expect(newCallId(AT)).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
  });

  it('sorts by the millisecond in which it was made, as text', () => {
    const times = [0, 1, AT, AT + 1, AT + 1_000_000, 2 ** 48 - 1];
    const ids = times.map(newCallId);
    expect(ids.toSorted()).toEqual(ids);
  });

  it('differs from those of the same millisecond', () => {
    const ids = Array.from({ length: 10_000 }, () => newCallId(AT));
    expect(new Set(ids).size).toBe(10_000);
  });
});
