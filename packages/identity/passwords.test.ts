/** Passwords, against hashes made by another implementation (OpenSSL). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hashPassword, needsRehash, passwordError, verifyPassword } from './index.ts';

const SALT = Uint8Array.from({ length: 16 }, (_, index) => index);
const PASSWORD = 'correct horse battery staple';
const STORED =
  '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU';
/** A hash with cheaper parameters, as an older release might have stored it. */
const OLDER =
  '$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$ktxdZwGWI4aL3geSdeUi9LfoIT00FO2Fy8KsikERcog';

describe('passwords', () => {
  it('are stored as standard argon2id hashes, and verify', async () => {
    expect(await hashPassword(PASSWORD, SALT)).toBe(STORED);
    expect(await verifyPassword(PASSWORD, STORED)).toBe(true);
    expect(await verifyPassword(`${PASSWORD} `, STORED)).toBe(false);
    expect(needsRehash(STORED)).toBe(false);
  });

  it('verify with the parameters they were stored with, and report that they need rehashing', async () => {
    expect(await verifyPassword(PASSWORD, OLDER)).toBe(true);
    expect(await verifyPassword('', OLDER)).toBe(false);
    expect(needsRehash(OLDER)).toBe(true);
  });

  it('never verify against malformed hashes', async () => {
    for (const stored of ['', PASSWORD, OLDER.slice(0, -1), OLDER.replace('argon2id', 'argon2i')]) {
      expect(await verifyPassword(PASSWORD, stored)).toBe(false);
      expect(needsRehash(stored)).toBe(true);
    }
  });

  it('have 12 to 128 characters of any kind, counted after normalization', async () => {
    const long = Array.from({ length: 129 }, (_, index) =>
      String.fromCodePoint(0x4e00 + 7 * index),
    );
    expect(passwordError(long.slice(0, 11).join(''))).toBe('password_too_short');
    expect(passwordError(long.slice(0, 12).join(''))).toBeUndefined();
    expect(passwordError(long.slice(0, 128).join(''))).toBeUndefined();
    expect(passwordError(long.join(''))).toBe('password_too_long');
    const composed = await hashPassword('caf\u00e9 caf\u00e9 caf\u00e9', SALT);
    expect(await hashPassword('cafe\u0301 cafe\u0301 cafe\u0301', SALT)).toBe(composed);
  });

  it('are rejected when they leaked, in any letter case or width', () => {
    expect(passwordError('weihnachtsbau')).toBe('password_breached');
    expect(passwordError('ＷEIHNACHTSBAU')).toBe('password_breached');
    expect(passwordError('weihnachtsbaum am Fenster')).toBeUndefined();
  });

  it('are rejected when they are runs, repetitions, keyboard rows or related words', () => {
    const runs = [
      'aaaaaaaaaaaa',
      'abcdefghijklmnop',
      '987654321098',
      'qwertyuiop[]',
      'йцукенгшщзхъ',
    ];
    const repeats = [
      'abcabcabcabc',
      'Tr0ub4Tr0ub4Tr0ub4',
      '\u{1F511}'.repeat(12),
      'xyxyxyxyxyxyxy',
    ];
    const words = ['farebox-2026', 'FareBox!FareBox!', 'password123456', 'пароль123456'];
    const walks = ['1qaz2wsx3edc', 'qwerty12345asdfg', 'zxcvbnm,./zxcvbnm,./'];
    for (const trivial of [...runs, ...repeats, ...words, ...walks]) {
      expect([trivial, passwordError(trivial)]).toEqual([trivial, 'password_too_simple']);
    }
    expect(passwordError('grace.hopper1906', 'grace.hopper@navy.example')).toBe(
      'password_too_simple',
    );
    expect(passwordError('grace.hopper1906', 'ada@example.com')).toBeUndefined();
    expect(passwordError('Ada@Example.com', 'ada@example.com')).toBe('password_too_simple');
  });

  it('are accepted when they were drawn at random', () => {
    const drawn = fc.uint8Array({ minLength: 12, maxLength: 64 });
    // Of 2^96 draws and more, one that is a run of keys or on the list is not met in a thousand.
    const random = fc.noShrink(drawn).map((bytes) => Buffer.from(bytes).toString('base64url'));
    const spread = random.filter((text) => new Set(text).size >= 10);
    fc.assert(
      fc.property(spread, (text) => {
        expect(passwordError(text, 'ada@example.com')).toBeUndefined();
      }),
      { numRuns: 500, seed: 20261124 },
    );
  });
});
