/** What an operator writes into the bindings, understood whole or switched off and named. */
import { HDKey } from '@scure/bip32';
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from './index.ts';

const master = HDKey.fromMasterSeed(new Uint8Array(32).fill(3));
const XPUB = master.derive("m/44'/60'/0'").publicExtendedKey;
const OLD = master.derive("m/44'/60'/1'").publicExtendedKey;

describe('providers', () => {
  it('are read in order, with their headers', () => {
    const { chains, invalidVariables } = parseConfiguration({
      TRON_RPC_URLS:
        'https://one.example/jsonrpc|TRON-PRO-API-KEY: a-key, https://two.example/jsonrpc',
    });
    expect(invalidVariables).toEqual([]);
    expect(chains.map(({ name, providers }) => [name, providers])).toEqual([
      [
        'tron',
        [
          {
            url: 'https://one.example/jsonrpc',
            header: { name: 'TRON-PRO-API-KEY', value: 'a-key' },
          },
          { url: 'https://two.example/jsonrpc' },
        ],
      ],
      ['bsc', []],
      ['polygon', []],
    ]);
  });

  it.each([
    ['BSC_RPC_URLS', 'ftp://one.example'],
    ['BSC_RPC_URLS', 'https://one.example|nothing'],
    ['BSC_DEPTH', 'deep'],
    ['BSC_WINDOW', '-1'],
    ['BSC_TOKEN', '0x1234'],
    ['BSC_CHAIN_ID', '0x38'],
  ])('of %s "%s" switch their network off, and the others stay', (name, text) => {
    const { chains, invalidVariables } = parseConfiguration({ [name]: text });
    expect(invalidVariables).toContain(name);
    expect(chains.map((chain) => chain.name)).toEqual(['tron', 'polygon']);
  });

  it('of large sums wait no less than of small ones', () => {
    const { chains } = parseConfiguration({ POLYGON_DEPTH: '900' });
    expect(chains.find(({ name }) => name === 'polygon')).toMatchObject({
      depth: 900,
      largeDepth: 900,
    });
  });
});

describe('public keys', () => {
  it('are the current one and those still watched', () => {
    const { currentKeys, keys, invalidVariables } = parseConfiguration({
      XPUB_EVM: `${XPUB}, ${OLD}`,
    });
    expect(invalidVariables).toEqual([]);
    expect(keys.size).toBe(2);
    expect([...keys.keys()][0]).toBe(currentKeys.get('evm')?.fingerprint);
    expect(currentKeys.get('tron')).toBeUndefined();
  });

  it.each([
    ['a private one', master.derive("m/44'/60'/0'").privateExtendedKey],
    ['one of another depth', master.derive("m/44'/60'").publicExtendedKey],
    ['a mistyped one', XPUB.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))],
  ])('with %s among them are none at all', (_, bad) => {
    const { currentKeys, keys, invalidVariables } = parseConfiguration({
      XPUB_EVM: `${XPUB},${bad}`,
    });
    expect(invalidVariables).toEqual(['XPUB_EVM']);
    expect(keys.size).toBe(0);
    expect(currentKeys.get('evm')).toBeUndefined();
  });
});

describe('barred senders', () => {
  it('are read as their networks write them', () => {
    const { blockedSenders, invalidVariables } = parseConfiguration({
      BARRED_SENDERS:
        'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH, 0x9858EfFD232B4033E47d90003D41EC34EcaEda94',
    });
    expect(invalidVariables).toEqual([]);
    expect(blockedSenders).toEqual([
      '0xc8599111f29c1e1e061265b4af93ea1f274ad78a',
      '0x9858effd232b4033e47d90003d41ec34ecaeda94',
    ]);
  });

  it('that can’t be read are named', () => {
    const { blockedSenders, invalidVariables } = parseConfiguration({
      BARRED_SENDERS: 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdX',
    });
    expect([blockedSenders, invalidVariables]).toEqual([[], ['BARRED_SENDERS']]);
  });
});
