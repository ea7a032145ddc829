/**
 * Address derivation against the vectors of other wallets, for the mnemonic of eleven "abandon" and
 * "about".
 */
import { HDKey } from '@scure/bip32';
import { describe, expect, it } from 'vitest';
import { derivePayoutAccount } from './addresses.ts';
import { deriveAddress, formatAddress, parseAddress, parseWatchKey } from './index.ts';

// BIP-39's own vector: the seed of that mnemonic without a passphrase.
const SEED = Buffer.from(
  '5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4',
  'hex',
);
const ROOT = HDKey.fromMasterSeed(SEED);
const EVM = ROOT.derive("m/44'/60'/0'");
const TRON = ROOT.derive("m/44'/195'/0'");

const VECTORS = [
  ['evm', EVM, 0, '0x9858EfFD232B4033E47d90003D41EC34EcaEda94'],
  ['evm', EVM, 1, '0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0'],
  ['tron', TRON, 0, 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH'],
  ['tron', TRON, 1, 'TSeJkUh4Qv67VNFwY8LaAxERygNdy6NQZK'],
] as const;

describe('deriveAddress', () => {
  it.each(VECTORS)(
    'derives and formats %s addresses like other wallets',
    (family, account, index, text) => {
      const read = parseWatchKey(account.publicExtendedKey);
      if (!read.ok) throw new Error(read.reason);
      const hex = deriveAddress(read.key, index);
      expect(hex).toMatch(/^0x[0-9a-f]{40}$/);
      expect(formatAddress(family, hex)).toBe(text);
      expect(parseAddress(family, text)).toBe(hex);
      expect(() => deriveAddress(read.key, 2 ** 31)).toThrow();
    },
  );

  it.each([
    ['evm', EVM],
    ['tron', TRON],
  ] as const)('derives the payout account that the %s wallet’s m/…/1/1 is', (_, account) => {
    const read = parseWatchKey(account.publicExtendedKey);
    if (!read.ok) throw new Error(read.reason);
    const internal = account.deriveChild(1);
    expect(derivePayoutAccount(read.key)).toBe(deriveAddress({ external: internal }, 1));
    expect(derivePayoutAccount(read.key)).not.toBe(deriveAddress(read.key, 1));
  });

  it('is not given private keys, master keys or mistyped keys by parseWatchKey', () => {
    expect(parseWatchKey(EVM.privateExtendedKey)).toEqual({ ok: false, reason: 'private' });
    const master = parseWatchKey(ROOT.publicExtendedKey);
    expect(master).toEqual({ ok: false, reason: 'not_an_account_key' });
    const text = EVM.publicExtendedKey;
    const typo = text.slice(0, -1) + (text.endsWith('a') ? 'b' : 'a');
    expect(parseWatchKey(typo)).toEqual({ ok: false, reason: 'malformed' });
  });

  it('is the inverse of parseAddress, which rejects wrong checksums', () => {
    expect(parseAddress('tron', 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdh')).toBeNull();
    expect(parseAddress('evm', '0x9858efFD232B4033E47d90003D41EC34EcaEda94')).toBeNull();
    expect(parseAddress('evm', 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH')).toBeNull();
    expect(parseAddress('tron', '0x9858EfFD232B4033E47d90003D41EC34EcaEda94')).toBeNull();
  });

  it.each([
    ['a no-break space', ' TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH\u00a0', 'tron'],
    ['a zero-width space', '\u200bTUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH', 'tron'],
    ['a mark of direction', '0x9858EfFD232B4033E47d90003D41EC34EcaEda94\u200e', 'evm'],
    ['a soft hyphen', '0x9858EfFD232B4033E47d\u00ad90003D41EC34EcaEda94', 'evm'],
    ['capital letters only', '0x9858EFFD232B4033E47D90003D41EC34ECAEDA94', 'evm'],
  ] as const)('is read with %s', (_, text, family) => {
    const address = parseAddress(family, text);
    expect(address && formatAddress(family, address)).toMatch(
      /^(TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH|0x9858EfFD232B4033E47d90003D41EC34EcaEda94)$/,
    );
  });

  it('is not read from a text with a space or other characters in it', () => {
    for (const wrong of ['0x9858EfFD232B4033E47d 90003D41EC34EcaEda94', '0xG'.padEnd(42, '0')])
      expect(parseAddress('evm', wrong)).toBeNull();
  });
});
