/** Passwords through the front, against hashes that another implementation (OpenSSL's) made. */
import { describe, expect, it } from 'vitest';
import { hashPassword, needsRehash, passwordFlaw, verifyPassword } from './index.ts';

const SALT = Uint8Array.from({ length: 16 }, (_, index) => index);
const PASSWORD = 'correct horse battery staple';
const STORED =
  '$argon2id$v=19$m=19456,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$gYJZtjEAJqjg26xdLmknq8/bB7MiWPrE9hsYuA+SkIU';
/** As an older release with cheaper parameters might have stored it. */
const OLDER =
  '$argon2id$v=19$m=64,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$ktxdZwGWI4aL3geSdeUi9LfoIT00FO2Fy8KsikERcog';

describe('a password', () => {
  it('is stored as any argon2id would, and verifies', async () => {
    expect(await hashPassword(PASSWORD, SALT)).toBe(STORED);
    expect(await verifyPassword(PASSWORD, STORED)).toBe(true);
    expect(await verifyPassword(`${PASSWORD} `, STORED)).toBe(false);
    expect(needsRehash(STORED)).toBe(false);
  });

  it('verifies by the parameters it was stored with, and asks for better ones', async () => {
    expect(await verifyPassword(PASSWORD, OLDER)).toBe(true);
    expect(await verifyPassword('', OLDER)).toBe(false);
    expect(needsRehash(OLDER)).toBe(true);
  });

  it('never verifies against what is no hash', async () => {
    for (const stored of ['', PASSWORD, OLDER.slice(0, -1), OLDER.replace('argon2id', 'argon2i')]) {
      expect(await verifyPassword(PASSWORD, stored)).toBe(false);
      expect(needsRehash(stored)).toBe(true);
    }
  });

  it('is 12 to 128 characters of any kind, however they were composed', async () => {
    expect(passwordFlaw('x'.repeat(11))).toBe('password_too_short');
    expect(passwordFlaw('\u{1F511}'.repeat(12))).toBeUndefined();
    expect(passwordFlaw('x'.repeat(128))).toBeUndefined();
    expect(passwordFlaw('x'.repeat(129))).toBe('password_too_long');
    const composed = await hashPassword('caf\u00e9 caf\u00e9 caf\u00e9', SALT);
    expect(await hashPassword('cafe\u0301 cafe\u0301 cafe\u0301', SALT)).toBe(composed);
  });
});
