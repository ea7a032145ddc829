import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  base64,
  base64NoPad,
  base64url,
  constantTimeEqual,
  constantTimeEqualBytes,
  deriveKey,
  keyedHash,
} from './index.ts';

const SECRET = Uint8Array.from({ length: 32 }, (_, index) => index);
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

/**
 * Computed with the separate copies in identity, mail and the console that this package replaced.
 */
const STORED: readonly (readonly [label: string, key: string | null, hash: string])[] = [
  [
    'farebox identity: throttles',
    'afe6b91719812b47afcc1c76b545155121996ba1311404febb1bcb549e17e812',
    '5d9c60c1384929638781abd151f96e1964db3342dc040905d50111d40901eefe',
  ],
  [
    'farebox identity: totp secrets',
    '9c01969331a568f5fb23ea3929104d9f36e88f025e1bfd6a96cbba926d13b06e',
    'dac404f7f9d402548a1e5c1f94affff88ccc7ffe3011a0812468285ce703025e',
  ],
  [
    'farebox identity: recovery codes',
    '37d26bf70905f16493a3ba91717f17844fb18caa680116d6251bf8c1dd497b24',
    '0ac09b5b0d821543c4f081832e6dfb14d83d28a1ab97fce7ce4344fb070e2ede',
  ],
  [
    'farebox mail: mailboxes',
    null,
    'ced2afc5fec05c443dd224405c73153560c72ee3a26516b21d86cff6a311b49f',
  ],
  [
    'farebox mail: unsubscribing',
    null,
    'eaec55e7447aa27d9673ee41e279b319f8a186af82ab69541de999c706a5ea80',
  ],
  [
    'farebox mail: notices',
    null,
    'ecf38f06857621abed3a51022a9039509f5bedb10609dc16e2fb419ea73bb6b0',
  ],
];

describe('deriveKey and keyedHash', () => {
  it.each(STORED)('give what is stored under the label %j', (label, key, hash) => {
    const derived = deriveKey(SECRET, label);
    if (key !== null) expect(hex(derived)).toBe(key);
    expect(keyedHash(derived, ['a', 'b"c', 'é'])).toBe(hash);
  });

  it('derive another key for another label or secret', () => {
    const other = Uint8Array.from(SECRET).fill(9, 31);
    const keys = [deriveKey(SECRET, 'a'), deriveKey(SECRET, 'b'), deriveKey(other, 'a')].map(hex);
    expect(new Set(keys).size).toBe(3);
  });

  it('derive a key once per secret and label', () => {
    expect(deriveKey(SECRET, 'a')).toBe(deriveKey(SECRET, 'a'));
  });

  it('hash two different lists of the same characters differently', () => {
    const key = deriveKey(SECRET, 'a');
    expect(keyedHash(key, ['ab', 'c'])).not.toBe(keyedHash(key, ['a', 'bc']));
    expect(keyedHash(key, ['a","b'])).not.toBe(keyedHash(key, ['a', 'b']));
  });
});

describe('base64 codecs', () => {
  it('encode as Node does and decode to the same bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => {
        const buffer = Buffer.from(bytes);
        expect(base64url.encode(bytes)).toBe(buffer.toString('base64url'));
        expect(base64.encode(bytes)).toBe(buffer.toString('base64'));
        expect(base64NoPad.encode(bytes)).toBe(buffer.toString('base64').replaceAll('=', ''));
        for (const codec of [base64, base64NoPad, base64url]) {
          expect(codec.decode(codec.encode(bytes))).toEqual(new Uint8Array(bytes));
        }
      }),
    );
  });

  it.each(['A', 'AA==', 'AB', 'A A', '+/+/', 'é', 'AAAA\n'])(
    'reject %j as unpadded base64url',
    (text) => {
      expect(base64url.decode(text)).toBeUndefined();
    },
  );

  it.each(['AA', 'AB==', 'AA=', '-_-_', '%%%'])('reject %j as padded base64', (text) => {
    expect(base64.decode(text)).toBeUndefined();
  });
});

describe('constant-time comparison', () => {
  it('agrees with === on texts', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 8 }), fc.string({ maxLength: 8 }), (a, b) => {
        expect(constantTimeEqual(a, b)).toBe(a === b);
        expect(constantTimeEqual(a, a)).toBe(true);
      }),
    );
  });

  it('agrees with an element-by-element comparison on bytes', () => {
    const bytes = fc.uint8Array({ maxLength: 8 });
    fc.assert(
      fc.property(bytes, bytes, (a, b) => {
        expect(constantTimeEqualBytes(a, b)).toBe(hex(a) === hex(b));
        expect(constantTimeEqualBytes(a, Uint8Array.from(a))).toBe(true);
      }),
    );
  });

  it('finds a difference in any position', () => {
    const text = 'f'.repeat(64);
    for (let at = 0; at < 64; at += 1) {
      const other = `${text.slice(0, at)}e${text.slice(at + 1)}`;
      expect(constantTimeEqual(text, other)).toBe(false);
    }
  });
});
