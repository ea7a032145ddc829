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

  const TWO = 'https://one.example,https://two.example';

  it.each([
    ['BSC_RPC_URLS', 'ftp://one.example'],
    ['BSC_RPC_URLS', 'https://one.example|nothing'],
    ['BSC_DEPTH', 'deep'],
    ['BSC_WINDOW', '-1'],
    ['BSC_WINDOW', '0'],
    ['BSC_TOKEN', '0x1234'],
    ['BSC_CHAIN_ID', '0x38'],
    ['BSC_ONE_PROVIDER', 'yes'],
    ['BSC_LARGE_DEPTH', '63'],
  ])('with %s set to "%s" disable their network and no other', (name, text) => {
    const { chains, invalidVariables } = parseConfiguration({ [name]: text });
    expect(invalidVariables).toContain(name);
    expect(chains.map((chain) => chain.name)).toEqual(['tron', 'polygon']);
  });

  it.each([
    ['plain http to another machine', 'http://one.example,https://two.example'],
    ['plain http to a private address', 'http://10.0.0.7:8545,https://two.example'],
    ['a name that only begins like loopback', 'http://localhost.example,https://two.example'],
    ['credentials in the URL', 'https://user:secret@one.example,https://two.example'],
    ['the same URL twice', 'https://one.example,https://one.example'],
    ['the same host with other paths', 'https://one.example/a,https://one.example/b'],
    ['the same host with other ports', 'https://one.example:1,https://one.example:2'],
    ['the same host in other letter case', 'https://one.example,https://ONE.example'],
    ['the same host with a final dot', 'https://one.example,https://one.example.'],
    ['the same host among three', 'https://one.example,https://two.example,https://one.example'],
    ['one provider', 'https://one.example'],
    ['hosts of one provider', 'https://a.one.example,https://b.one.example'],
    ['a host and its parent', 'https://one.example,https://polygon.one.example'],
  ])('with %s as providers disable their network and no other', (_, urls) => {
    const { chains, invalidVariables } = parseConfiguration({ POLYGON_RPC_URLS: urls });
    expect(invalidVariables).toEqual(['POLYGON_RPC_URLS']);
    expect(chains.map(({ name }) => name)).toEqual(['tron', 'bsc']);
  });

  it.each([
    ['two hosts', { POLYGON_RPC_URLS: TWO }],
    ['two addresses', { POLYGON_RPC_URLS: 'https://192.0.2.1,https://198.51.100.1' }],
    ['hosts of two', { POLYGON_RPC_URLS: 'https://a.one.example,https://a.two.example' }],
    [
      'hosts of one provider and _ONE_PROVIDER',
      {
        POLYGON_RPC_URLS: 'https://a.one.example,https://b.one.example',
        POLYGON_ONE_PROVIDER: 'true',
      },
    ],
    [
      'one host and _ONE_PROVIDER',
      { POLYGON_RPC_URLS: 'https://one.example', POLYGON_ONE_PROVIDER: 'true' },
    ],
    ['a node of one’s own and a host', { POLYGON_RPC_URLS: 'http://[::1]:1,https://one.example' }],
    ['one node on loopback', { POLYGON_RPC_URLS: 'http://127.0.0.1:8545', POLYGON_DEPTH: '0' }],
    ['two nodes on loopback', { POLYGON_RPC_URLS: 'http://localhost:1,http://localhost:2' }],
  ])('accept %s', (_, env) => {
    const { chains, invalidVariables } = parseConfiguration(env);
    expect(invalidVariables).toEqual([]);
    const polygon = chains.find(({ name }) => name === 'polygon');
    expect(polygon?.providers).toHaveLength(env.POLYGON_RPC_URLS.split(',').length);
  });

  it.each([
    ['POLYGON', '0', false],
    ['POLYGON', '63', false],
    ['POLYGON', '64', true],
    ['BSC', '0', false],
    ['BSC', '14', false],
    ['BSC', '15', true],
    ['TRON', '0', true],
  ])('with %s_DEPTH=%s off loopback are valid: %s', (chain, depth, isValid) => {
    const { invalidVariables } = parseConfiguration({
      [`${chain}_RPC_URLS`]: TWO,
      [`${chain}_DEPTH`]: depth,
    });
    expect(invalidVariables).toEqual(isValid ? [] : [`${chain}_DEPTH`]);
  });

  it('give large amounts at least the confirmations of small ones', () => {
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
