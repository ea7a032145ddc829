/**
 * Refunds paid on a local EVM chain and through a node with java-tron's behavior, with the commands
 * that an operator runs, one process each, from the operators' list to the report.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CHAIN_DEFAULTS, parseAddress } from '@farebox/deposits';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './cli.testing.ts';
import { PAYOUT_PATH } from './contract.ts';
import { createKeyring } from './keyring.ts';

const MNEMONIC = `${'abandon '.repeat(11)}about`;
const PASSPHRASE = 'correct horse battery';
/** For each network: a coin, what payments may cost, an address as its wallets write it. */
const NETWORKS = [
  ['bsc', 10n ** 18n, '0.05', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed'],
  ['tron', 10n ** 6n, '50', 'TJRabPrwbZy45sbavfcjinPJC18kjpRTv8'],
] as const;
const REFUND = 'a'.repeat(32);

const anvil = anvilPath();
if (anvil === null)
  process.stdout.write('anvil is not available on this platform: payouts are not tested.\n');

const suite = describe.skipIf(anvil === null);
suite.each(NETWORKS)('the refund commands on %s', (chain, coin, maxFee, address) => {
  const { family, decimals, token } = CHAIN_DEFAULTS[chain];
  const unit = 10n ** BigInt(decimals);
  const folder = mkdtempSync(join(tmpdir(), 'farebox-refunds-'));
  const account = createKeyring(MNEMONIC).account(family);
  const payout = account.addressAt(PAYOUT_PATH);
  let chains: LocalChains;
  let mining: NodeJS.Timeout;
  let rpc: readonly string[];

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    rpc = ['--rpc', chains.urls[chain]];
    const row = { refund: REFUND, attempt: 1, address, units: (9n * unit).toString() };
    const list = { version: 1, chain, refunds: [row] };
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
    const args = ['--keys', 'keys.json', '--confirm', '9', '--max-fee', maxFee, '--out', out];
    return run(folder, ['refunds', 'sign', ...files, ...args], [PASSPHRASE]);
  }

  async function readBalance(): Promise<bigint> {
    const hex = parseAddress(family, address) ?? '';
    const data = `0x70a08231${hex.slice(2).padStart(64, '0')}`;
    return BigInt(
      String(await chains.callAnvil(chain, 'eth_call', [{ to: token, data }, 'latest'])),
    );
  }

  it('pay a refund once, though signing crashes and everything is repeated', {
    timeout: 120_000,
  }, async () => {
    const empty = await plan('empty.json');
    expect(empty).toMatchObject({ code: 2 });
    expect(empty.err).toContain('needs 9 more USDT');
    const coins = `0x${(100n * coin).toString(16)}`;
    await chains.callAnvil(chain, 'anvil_setBalance', [payout, coins]);
    await chains.pay(chain, payout, 25n * unit);
    await chains.mine(chain, 1);
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
    mining = setInterval(() => void chains.mine(chain, 1), 300);
    const send = ['refunds', 'broadcast', '--signed', 'signed.json', ...rpc];
    for (const _ of ['first', 'again'])
      expect((await run(folder, send)).out).toContain('All transactions are mined.');
    expect(await readBalance()).toBe(9n * unit);
    await chains.mine(chain, 70);
    const report = ['refunds', 'report', '--signed', 'signed.json', ...rpc, '--out', 'report.json'];
    expect(await run(folder, report)).toMatchObject({ code: 0 });
    const made = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'));
    const signed = JSON.parse(readFileSync(join(folder, 'signed.json'), 'utf8'));
    const { txHash } = signed.steps[0];
    expect(made.paid).toEqual([{ refund: REFUND, chain, txHash }]);
    expect(made.unfinished).toEqual([]);
  });
});
