/** The operator's keys: standard vectors, a file that opens for its passphrase alone, and nothing private that comes out. */
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

describe('the keys of a mnemonic', () => {
  it.each([
    ['evm', 0, '0x9858EfFD232B4033E47d90003D41EC34EcaEda94'],
    ['evm', 1, '0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0'],
    ['tron', 0, 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH'],
    ['tron', 1, 'TSeJkUh4Qv67VNFwY8LaAxERygNdy6NQZK'],
  ] as const)('%s %i are the ones wallets show', (family, index, text) => {
    const account = createKeyring(MNEMONIC).account(family);
    const path = { chain: 0, index } as const;
    expect(formatAddress(family, account.addressAt(path))).toBe(text);
    expect(deriveAddressAt(account.xpub, path)).toBe(account.addressAt(path));
  });

  it('that pay for gas are no deposit address', () => {
    const account = createKeyring(MNEMONIC).account('evm');
    const deposits = Array.from({ length: 50 }, (_, index) =>
      account.addressAt({ chain: 0, index }),
    );
    expect(deposits).not.toContain(account.addressAt({ chain: 1, index: 0 }));
  });

  it('are given out as public ones only', () => {
    const account = createKeyring(MNEMONIC).account('evm');
    expect(account.xpub).toMatch(/^xpub/);
    expect(JSON.stringify(Object.values(account))).not.toContain('xprv');
    expect(Object.keys(account).sort()).toEqual(['addressAt', 'fingerprint', 'sign', 'xpub']);
  });
});

describe('a mnemonic', () => {
  it('that is new has 24 words, and is another each time', () => {
    expect(newMnemonic().split(' ')).toHaveLength(24);
    expect(newMnemonic()).not.toBe(newMnemonic());
  });

  it('is taken however it was spaced, and refused where a word is wrong', () => {
    expect(parseMnemonic(`  ${MNEMONIC.replaceAll(' ', '   ').toUpperCase()}\n`)).toBe(MNEMONIC);
    expect(parseMnemonic(MNEMONIC.replace('about', 'abandon'))).toBeNull();
    expect(parseMnemonic('')).toBeNull();
  });
});

describe('a key file', () => {
  const file = seal(MNEMONIC, 'correct horse battery', randomBytes);

  it('opens for its passphrase alone', () => {
    expect(open(file, 'correct horse battery')).toEqual({ ok: true, mnemonic: MNEMONIC });
    expect(open(file, 'correct horse batterz')).toEqual({ ok: false, reason: 'wrong_passphrase' });
  });

  it('that was changed does not open', () => {
    const changed = {
      ...file,
      sealed: file.sealed.replace(/.$/, (last) => (last === '0' ? '1' : '0')),
    };
    expect(open(changed, 'correct horse battery')).toMatchObject({ ok: false });
    expect(open({ ...file, version: 2 }, 'x')).toEqual({ ok: false, reason: 'not_a_key_file' });
    expect(open(null, 'x')).toEqual({ ok: false, reason: 'not_a_key_file' });
  });

  it('says nothing of the words', () => {
    expect(JSON.stringify(file)).not.toContain('abandon');
  });
});
