import { describe, expect, it } from 'vitest';
import { err, type NoData, ok, type Result } from './index.ts';

type SignInResult = Result<
  { session: string },
  'invalid_credentials' | 'closed' | { reason: 'rate_limited'; retryAfterSeconds: number }
>;

/** Compiles only while `ok` and `reason` narrow the union. */
function describeResult(result: SignInResult): string {
  if (result.ok) return result.session;
  switch (result.reason) {
    case 'rate_limited':
      return `wait ${result.retryAfterSeconds}`;
    case 'invalid_credentials':
    case 'closed':
      return result.reason;
  }
}

function readOrFail<T>(value: T | undefined): Result<{ value: T }, 'missing'> {
  return value === undefined ? err('missing') : ok({ value });
}

describe('Result', () => {
  it('puts the data of a success beside ok', () => {
    expect(ok({ session: 's' })).toEqual({ ok: true, session: 's' });
    expect(ok()).toEqual({ ok: true });
  });

  it('puts the details of a failure beside its reason', () => {
    expect(err('closed')).toEqual({ ok: false, reason: 'closed' });
    expect(err('rate_limited', { retryAfterSeconds: 3 })).toEqual({
      ok: false,
      reason: 'rate_limited',
      retryAfterSeconds: 3,
    });
  });

  it('is the union that was written out before, in both directions', () => {
    type WrittenOut = Readonly<{ ok: true }> | Readonly<{ ok: false; reason: 'a' | 'b' }>;
    const before: WrittenOut = err<'a' | 'b'>('b');
    const now: Result<NoData, 'a' | 'b'> = before;
    const again: WrittenOut = now;
    expect(again).toEqual({ ok: false, reason: 'b' });
  });

  it('narrows by ok and by reason', () => {
    expect(describeResult(ok({ session: 's' }))).toBe('s');
    expect(describeResult(err('closed'))).toBe('closed');
    expect(describeResult(err('rate_limited', { retryAfterSeconds: 3 }))).toBe('wait 3');
  });

  it('narrows when the data is generic', () => {
    const read = readOrFail([1, 2]);
    expect(read.ok && read.value.length).toBe(2);
    expect(readOrFail(undefined)).toEqual({ ok: false, reason: 'missing' });
  });

  it('survives a structured clone, as Workers RPC makes one', () => {
    const result = ok({ amount: 1n });
    expect(structuredClone(result)).toEqual(result);
  });
});
