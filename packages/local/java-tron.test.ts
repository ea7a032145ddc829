/**
 * The local TRON rejects and returns the same as java-tron, so that code tested on it works with a
 * real node.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS } from '@farebox/deposits';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { anvilPath, type LocalChains, startChains } from './index.ts';

const anvil = anvilPath();
const { token } = CHAIN_DEFAULTS.tron;
const RECIPIENT = '0x00000000000000000000000000000000000000aa';

describe.skipIf(anvil === null)('serveJavaTron', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-tron-'));
  let chains: LocalChains;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    await chains.mine('tron', 20);
    await chains.pay('tron', RECIPIENT, 5n);
    await chains.mine('tron', 1);
  }, 60_000);
  afterAll(async () => {
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function post(body: unknown, url = chains.urls.tron): Promise<Response> {
    return fetch(url, { method: 'POST', body: JSON.stringify(body) });
  }

  async function call(method: string, ...params: unknown[]) {
    const answer = await post({ jsonrpc: '2.0', id: 7, method, params });
    const { id, result, error } = Object(await answer.json());
    expect(id).toBe(7);
    return error === undefined ? result : error.code;
  }

  it.each([
    ['eth_getBlockByNumber', ['pending', false]],
    ['eth_getBlockByNumber', ['safe', false]],
    ['eth_getBalance', [RECIPIENT, '0x1']],
    ['eth_getBalance', [RECIPIENT, 'finalized']],
    ['eth_call', [{ to: token, data: '0x' }, '0x3']],
    ['eth_getLogs', [{ fromBlock: '0x0', toBlock: '0x1389' }]],
    ['eth_getLogs', [{ address: Array.from({ length: 1001 }, () => RECIPIENT) }]],
    ['eth_getLogs', [{ address: `0x41${RECIPIENT.slice(2)}` }]],
    ['eth_getLogs', [{ topics: [null, null, Array.from({ length: 1001 }, () => RECIPIENT)] }]],
    ['eth_getLogs', [{ fromBlock: '0x9', toBlock: '0x3' }]],
  ])('rejects %s of %j', async (method, params) => {
    expect(await call(method, ...params)).toBe(-32602);
  });

  it('has no method for Ethereum transactions or nonces', async () => {
    expect(await call('eth_sendRawTransaction', '0x00')).toBe(-32601);
    expect(await call('eth_getTransactionCount', RECIPIENT, 'latest')).toBe(-32601);
  });

  it('clamps a range beyond the head without an error', async () => {
    const logs = await call('eth_getLogs', { fromBlock: '0x0', toBlock: '0x1388', address: token });
    expect(logs).toHaveLength(1);
    const past = { fromBlock: '0x1000', toBlock: '0x1010', address: token };
    expect(await call('eth_getLogs', past)).toEqual([]);
  });

  it('returns blocks without a logs bloom', async () => {
    const block = await call('eth_getBlockByNumber', 'finalized', false);
    expect(block).toMatchObject({ logsBloom: `0x${'0'.repeat(512)}`, stateRoot: '0x', uncles: [] });
    expect(await call('eth_chainId')).toBe('0x2b6653dc');
  });

  it('accepts batches of up to 100 requests, by POST at /jsonrpc only', async () => {
    const one = { jsonrpc: '2.0', id: 1, method: 'eth_chainId', params: [] };
    const postBatch = async (count: number) =>
      (await post(Array.from({ length: count }, () => one))).json();
    expect(await postBatch(100)).toHaveLength(100);
    expect(await postBatch(101)).toMatchObject({ error: { code: -32005 } });
    expect((await fetch(chains.urls.tron)).status).toBe(405);
    expect((await post(one, chains.urls.tron.replace('/jsonrpc', ''))).status).toBe(404);
    expect(
      await (await fetch(chains.urls.tron, { method: 'POST', body: '{' })).json(),
    ).toMatchObject({
      error: { code: -32700 },
    });
  });
});
