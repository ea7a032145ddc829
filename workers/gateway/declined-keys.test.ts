/** Keys whose requests without a hold are declined for a while. */
import { describe, expect, it } from 'vitest';
import { DeclinedKeys } from './declined-keys.ts';

const ALICE = 'a'.repeat(16);
const BOB = 'b'.repeat(16);
const KEY = { keyId: 1, secretHash: 's' };
const SLOWED = { reason: 'refused_calls_slowed', retryAfterSeconds: 4 } as const;

describe('DeclinedKeys', () => {
  it('declines the key until its pause is over, and no other key and no other account', () => {
    const keys = new DeclinedKeys();
    keys.add(ALICE, KEY, SLOWED, 1_000);
    expect(keys.find(ALICE, KEY, 1_000)).toEqual(SLOWED);
    expect(keys.find(ALICE, KEY, 3_500)).toEqual({ ...SLOWED, retryAfterSeconds: 2 });
    expect(keys.find(ALICE, { ...KEY, keyId: 2 }, 1_000)).toBeNull();
    expect(keys.find(BOB, KEY, 1_000)).toBeNull();
    expect(keys.find(ALICE, KEY, 5_000)).toBeNull();
  });

  it('keeps the last thousand, however many keys there are', () => {
    const keys = new DeclinedKeys();
    for (let keyId = 0; keyId < 5_000; keyId++) keys.add(ALICE, { ...KEY, keyId }, SLOWED, 0);
    expect(keys.find(ALICE, { ...KEY, keyId: 3_999 }, 0)).toBeNull();
    expect(keys.find(ALICE, { ...KEY, keyId: 4_000 }, 0)).toEqual(SLOWED);
  });
});
