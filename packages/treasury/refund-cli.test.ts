/**
 * Refunds paid on a local EVM chain with the commands that an operator runs, one process each, from
 * the operators' list to the report.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS } from '@farebox/deposits';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './cli.testing.ts';
import { PAYOUT_PATH } from './contract.ts';
import { createKeyring } from './keyring.ts';

const MNEMONIC = `${'abandon '.repeat(11)}about`;
const PASSPHRASE = 'correct horse battery';
const COIN = 10n ** 18n;
const ADDRESS = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const REFUND = 'a'.repeat(32);

const anvil = anvilPath();
if (anvil === null)
  process.stdout.write('anvil is not available on this platform: payouts are not tested.\n');

describe.skipIf(anvil === null)('the refund commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-refunds-'));
  const account = createKeyring(MNEMONIC).account('evm');
  const payout = account.addressAt(PAYOUT_PATH);
  let chains: LocalChains;
  let mining: NodeJS.Timeout;
  let rpc: readonly string[];

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    rpc = ['--rpc', chains.urls.bsc];
    const row = { refund: REFUND, attempt: 1, address: ADDRESS, units: (9n * COIN).toString() };
    const list = { version: 1, chain: 'bsc', refunds: [row] };
    writeFileSync(join(folder, 'refunds.json'), JSON.stringify(list));
    writeFileSync(join(folder, 'record.jsonl'), '');
    await run(folder, ['keys', 'import', '--out', 'keys.json'], [MNEMONIC, PASSPHRASE, PASSPHRASE]);
  }, 60_000);
  afterAll(async () => {
    clearInterval(mining);
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function plan(out: string, margin = '50') {
    const args = ['--refunds', 'refunds.json', ...rpc, '--xpub', account.xpub, '--out', out];
    return run(folder, ['refunds', 'plan', ...args, '--margin', margin]);
  }

  function sign(planned: string, out: string) {
    const files = ['--plan', planned, '--refunds', 'refunds.json', '--record', 'record.jsonl'];
    const args = ['--keys', 'keys.json', '--confirm', '9', '--max-fee', '0.05', '--out', out];
    return run(folder, ['refunds', 'sign', ...files, ...args], [PASSPHRASE]);
  }

  async function readBalance(address: string): Promise<bigint> {
    const data = `0x70a08231${address.toLowerCase().slice(2).padStart(64, '0')}`;
    const call = [{ to: CHAIN_DEFAULTS.bsc.token, data }, 'latest'];
    return BigInt(String(await chains.callAnvil('bsc', 'eth_call', call)));
  }

  it('pay a refund once, though signing crashes and everything is repeated', {
    timeout: 120_000,
  }, async () => {
    const empty = await plan('empty.json');
    expect(empty).toMatchObject({ code: 2 });
    expect(empty.err).toContain('needs 9 more USDT');
    await chains.callAnvil('bsc', 'anvil_setBalance', [payout, `0x${COIN.toString(16)}`]);
    await chains.pay('bsc', payout, 25n * COIN);
    await chains.mine('bsc', 1);
    expect(await plan('plan.json')).toMatchObject({ code: 0, err: '' });
    // At another price it is another transaction.
    expect(await plan('other.json', '60')).toMatchObject({ code: 0, err: '' });
    // The signed file can't be written: what a crash after the record leaves behind.
    const crashed = await sign('plan.json', join('missing', 'signed.json'));
    expect(crashed).toMatchObject({ code: 2 });
    const record = readFileSync(join(folder, 'record.jsonl'), 'utf8');
    expect(record).toContain(REFUND);
    expect(existsSync(join(folder, 'missing'))).toBe(false);
    const other = await sign('other.json', 'other-signed.json');
    expect(other).toMatchObject({ code: 1 });
    expect(other.out).toContain('already_signed. Nothing was signed.');
    expect(existsSync(join(folder, 'other-signed.json'))).toBe(false);
    expect(await sign('plan.json', 'signed.json')).toMatchObject({ code: 0 });
    mining = setInterval(() => void chains.mine('bsc', 1), 300);
    const send = ['refunds', 'broadcast', '--signed', 'signed.json', ...rpc];
    for (const _ of ['first', 'again'])
      expect((await run(folder, send)).out).toContain('All transactions are mined.');
    expect(await readBalance(ADDRESS)).toBe(9n * COIN);
    await chains.mine('bsc', 70);
    const report = ['refunds', 'report', '--signed', 'signed.json', ...rpc, '--out', 'report.json'];
    expect(await run(folder, report)).toMatchObject({ code: 0 });
    const made = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    const signed = JSON.parse(readFileSync(join(folder, 'signed.json'), 'utf8'));
    const { txHash } = signed.steps[0];
    expect(made.paid).toEqual([{ refund: REFUND, chain: 'bsc', txHash }]);
    expect(made.unfinished).toEqual([]);
  });
});
