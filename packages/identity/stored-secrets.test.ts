/**
 * Values in the database depend on these outputs. All were computed before key derivation moved to
 * packages/crypto.
 */
import { describe, expect, it } from 'vitest';
import { generateCodes } from './recovery-codes.ts';
import { hashToken, newToken } from './tokens.ts';
import { openTotpSecret, sealTotpSecret } from './totp-secrets.ts';

const ACCOUNT = '0123456789abcdef';
const DEPS = {
  secret: Uint8Array.from({ length: 32 }, (_, index) => index),
  random: (bytes: number) => new Uint8Array(bytes).fill(7),
};
const TOTP_SECRET = new Uint8Array(20).fill(5);
const SEALED = 'BwcHBwcHBwcHBwcHnfgg3qyUGLk9d-AFIHGY16WwWN0JIcW-P2s8iZft4m_NiJDQ';

describe('stored secrets', () => {
  it('opens a TOTP secret that an earlier version sealed, and seals it to the same text', async () => {
    expect(await openTotpSecret(DEPS, ACCOUNT, SEALED)).toEqual(TOTP_SECRET);
    expect(await sealTotpSecret(DEPS, ACCOUNT, TOTP_SECRET)).toBe(SEALED);
  });

  it('does not open a TOTP secret that was sealed for another account or under another secret', async () => {
    expect(await openTotpSecret(DEPS, 'fedcba9876543210', SEALED)).toBeUndefined();
    const other = { secret: new Uint8Array(32) };
    expect(await openTotpSecret(other, ACCOUNT, SEALED)).toBeUndefined();
  });

  it('hashes a recovery code to the value that is stored', () => {
    const { codes, hashes } = generateCodes(DEPS, ACCOUNT);
    expect(codes[0]).toBe('0W3G-E1R7-0W3G-E1R7');
    expect(hashes[0]).toBe('580c66ad2782bc99d3f143e4aa6907298a1a76584d7b213446319179f94d1012');
  });

  it('makes tokens of 43 characters and stores their SHA-256', () => {
    const token = newToken(DEPS);
    expect(token).toBe('BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc');
    expect(hashToken(token)).toBe(
      'dc4bf80c77473d130fa0de86ba4018fe98bb214005e6a5891d12ba91446f9e81',
    );
  });
});
