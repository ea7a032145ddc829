/**
 * The configuration an operator writes into the bindings: it is valid as a whole, or disabled and
 * reported.
 */
import { HDKey } from '@scure/bip32';
import { describe, expect, it } from 'vitest';
import { parseConfiguration } from './index.ts';

const master = HDKey.fromMasterSeed(new Uint8Array(32).fill(3));
const XPUB = master.derive("m/44'/60'/0'").publicExtendedKey;
const OLD = master.derive("m/44'/60'/1'").publicExtendedKey;

describe('chain variables', () => {
  it('give the providers in order, with their headers', () => {
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
  ])('with %s set to "%s" disable their network and no other', (name, text) => {
    const { chains, invalidVariables } = parseConfiguration({ [name]: text });
    expect(invalidVariables).toContain(name);
    expect(chains.map((chain) => chain.name)).toEqual(['tron', 'polygon']);
  });

  it('never give large amounts fewer confirmations than small ones', () => {
    const { chains } = parseConfiguration({ POLYGON_DEPTH: '900' });
    expect(chains.find(({ name }) => name === 'polygon')).toMatchObject({
      depth: 900,
      largeDepth: 900,
    });
  });
});

describe('XPUB_EVM and XPUB_TRON', () => {
  it('give the current key and the former keys still watched', () => {
    const { currentKeys, keys, invalidVariables } = parseConfiguration({
      XPUB_EVM: `${XPUB}, ${OLD}`,
    });
    expect(invalidVariables).toEqual([]);
    expect(keys.size).toBe(2);
    expect([...keys.keys()][0]).toBe(currentKeys.get('evm')?.fingerprint);
    expect(currentKeys.get('tron')).toBeUndefined();
  });

  it.each([
    ['a private key', master.derive("m/44'/60'/0'").privateExtendedKey],
    ['a key of another depth', master.derive("m/44'/60'").publicExtendedKey],
    ['a mistyped key', XPUB.replace(/.$/, (last) => (last === 'a' ? 'b' : 'a'))],
  ])('give no key at all with %s in the list', (_, bad) => {
    const { currentKeys, keys, invalidVariables } = parseConfiguration({
      XPUB_EVM: `${XPUB},${bad}`,
    });
    expect(invalidVariables).toEqual(['XPUB_EVM']);
    expect(keys.size).toBe(0);
    expect(currentKeys.get('evm')).toBeUndefined();
  });
});

describe('BLOCKED_SENDERS', () => {
  const TRON_SENDER = 'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH';
  const EVM_SENDER = '0x9858EfFD232B4033E47d90003D41EC34EcaEda94';
  const TRON_HEX = '0xc8599111f29c1e1e061265b4af93ea1f274ad78a';
  const EVM_HEX = '0x9858effd232b4033e47d90003d41ec34ecaeda94';

  it('accepts addresses in the formats of their networks', () => {
    const { blockedSenders, invalidVariables } = parseConfiguration({
      BLOCKED_SENDERS: `${TRON_SENDER}, ${EVM_SENDER}`,
    });
    expect(invalidVariables).toEqual([]);
    expect(blockedSenders).toEqual([TRON_HEX, EVM_HEX]);
  });

  it('is reported as invalid when an address can’t be parsed', () => {
    const { blockedSenders, invalidVariables } = parseConfiguration({
      BLOCKED_SENDERS: TRON_SENDER.replace(/H$/, 'X'),
    });
    expect([blockedSenders, invalidVariables]).toEqual([[], ['BLOCKED_SENDERS']]);
  });

  it('keeps the valid addresses blocked when another one can’t be parsed', () => {
    const { blockedSenders } = parseConfiguration({
      BLOCKED_SENDERS: `${TRON_SENDER.replace(/H$/, 'X')},${EVM_SENDER}`,
    });
    expect(blockedSenders).toEqual([EVM_HEX]);
  });

  it('is also read from its former name BARRED_SENDERS', () => {
    const former = parseConfiguration({ BARRED_SENDERS: TRON_SENDER });
    expect(former.blockedSenders).toEqual([TRON_HEX]);
    const both = parseConfiguration({ BLOCKED_SENDERS: EVM_SENDER, BARRED_SENDERS: TRON_SENDER });
    expect(both.blockedSenders).toEqual([EVM_HEX, TRON_HEX]);
    expect(parseConfiguration({ BARRED_SENDERS: 'x' }).invalidVariables).toEqual([
      'BARRED_SENDERS',
    ]);
  });
});
