/**
 * The keyring: standard test vectors, the encrypted key file, and that no private key is returned.
 */
import { randomBytes } from 'node:crypto';
import { formatAddress } from '@farebox/deposits';
import { describe, expect, it } from 'vitest';
import {
  createKeyring,
  deriveAddressAt,
  newMnemonic,
  open,
  parseMnemonic,
  seal,
} from './keyring.ts';

const MNEMONIC = `${'abandon '.repeat(11)}about`;

describe('createKeyring', () => {
  it.each([
    ['evm', 0, '0x9858EfFD232B4033E47d90003D41EC34EcaEda94'],
    ['evm', 1, '0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0'],
    ['tron', 0, 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH'],
    ['tron', 1, 'TSeJkUh4Qv67VNFwY8LaAxERygNdy6NQZK'],
  ] as const)('derives the same %s address %i as other wallets', (family, index, text) => {
    const account = createKeyring(MNEMONIC).account(family);
    const path = { chain: 0, index } as const;
    expect(formatAddress(family, account.addressAt(path))).toBe(text);
    expect(deriveAddressAt(account.xpub, path)).toBe(account.addressAt(path));
  });

  it('derives a gas account that is not a deposit address', () => {
    const account = createKeyring(MNEMONIC).account('evm');
    const deposits = Array.from({ length: 50 }, (_, index) =>
      account.addressAt({ chain: 0, index }),
    );
    expect(deposits).not.toContain(account.addressAt({ chain: 1, index: 0 }));
  });

  it('returns no private key', () => {
    const account = createKeyring(MNEMONIC).account('evm');
    expect(account.xpub).toMatch(/^xpub/);
    expect(JSON.stringify(Object.values(account))).not.toContain('xprv');
    expect(Object.keys(account).sort()).toEqual(['addressAt', 'fingerprint', 'sign', 'xpub']);
  });
});

describe('a mnemonic', () => {
  it('has 24 words and differs each time when newly generated', () => {
    expect(newMnemonic().split(' ')).toHaveLength(24);
    expect(newMnemonic()).not.toBe(newMnemonic());
  });

  it('is accepted with any spacing and case, and rejected when a word is wrong', () => {
    expect(parseMnemonic(`  ${MNEMONIC.replaceAll(' ', '   ').toUpperCase()}\n`)).toBe(MNEMONIC);
    expect(parseMnemonic(MNEMONIC.replace('about', 'abandon'))).toBeNull();
    expect(parseMnemonic('')).toBeNull();
  });
});

describe('a key file', () => {
  const file = seal(MNEMONIC, 'correct horse battery', randomBytes);

  it('opens only with its passphrase', () => {
    expect(open(file, 'correct horse battery')).toEqual({ ok: true, mnemonic: MNEMONIC });
    expect(open(file, 'correct horse batterz')).toEqual({ ok: false, reason: 'wrong_passphrase' });
  });

  it('does not open after it was changed', () => {
    const changed = {
      ...file,
      sealed: file.sealed.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    };
    expect(open(changed, 'correct horse battery')).toMatchObject({ ok: false });
    expect(open({ ...file, version: 2 }, 'x')).toEqual({ ok: false, reason: 'not_a_key_file' });
    expect(open(null, 'x')).toEqual({ ok: false, reason: 'not_a_key_file' });
  });

  it('does not contain the words in plain text', () => {
    expect(JSON.stringify(file)).not.toContain('abandon');
  });
});
