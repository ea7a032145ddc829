/**
 * The treasury's commands as an operator runs them, one process each, from the mnemonic to the
 * report.
 */
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { anvilPath, type LocalChains, startChains } from '@farebox/local';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from './cli.testing.ts';
import { GAS_PATH } from './contract.ts';
import { createKeyring } from './keyring.ts';

const MNEMONIC = `${'abandon '.repeat(11)}about`;
const PASSPHRASE = 'correct horse battery';
const COIN = 10n ** 18n;

describe('the key commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-keys-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'keys.json');

  it('import keys, show only their public parts, and never overwrite a file', async () => {
    const made = await run(
      folder,
      ['keys', 'import', '--out', file],
      [MNEMONIC, PASSPHRASE, PASSPHRASE],
    );
    expect(made).toMatchObject({ code: 0 });
    expect(made.out).toContain('0x9858EfFD232B4033E47d90003D41EC34EcaEda94');
    expect(made.out).toContain('TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH');
    expect(made.out + made.err).not.toContain('abandon');
    expect(made.out).not.toContain('xprv');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const before = readFileSync(file, 'utf8');
    const again = await run(folder, ['keys', 'new', '--out', file], [PASSPHRASE, PASSPHRASE]);
    expect(again.code).toBe(2);
    expect(again.err).toContain('already exists');
    expect(readFileSync(file, 'utf8')).toBe(before);
    const shown = await run(folder, ['keys', 'show', '--keys', file], [PASSPHRASE]);
    expect(shown.out.split('\n').filter((line) => line !== '')).toEqual(
      made.out.split('\n').slice(0, 10),
    );
  });

  it('show the words of new keys once', async () => {
    const path = join(folder, 'new.json');
    const made = await run(folder, ['keys', 'new', '--out', path], [PASSPHRASE, PASSPHRASE]);
    const words = made.out.trim().split('\n').at(-1) ?? '';
    expect(words.split(' ')).toHaveLength(24);
    expect(made.out).toContain(createKeyring(words).account('evm').xpub);
    const shown = await run(folder, ['keys', 'show', '--keys', path], [PASSPHRASE]);
    expect(shown.out).not.toContain(words);
  });

  it.each([
    [
      'an invalid mnemonic',
      ['keys', 'import', '--out', 'x.json'],
      ['one two three'],
      'not a valid BIP-39 mnemonic',
    ],
    [
      'a short passphrase',
      ['keys', 'new', '--out', 'x.json'],
      ['short', 'short'],
      'shorter than 12',
    ],
    [
      'two different passphrases',
      ['keys', 'new', '--out', 'x.json'],
      [PASSPHRASE, `${PASSPHRASE}!`],
      'don’t match',
    ],
    [
      'a wrong passphrase',
      ['keys', 'show', '--keys', 'keys.json'],
      ['something else'],
      'Wrong passphrase',
    ],
    ['a missing file', ['keys', 'show', '--keys', 'nothing.json'], [], 'can’t be read'],
    ['an unknown command', ['export', 'child'], [], 'treasury keys new'],
    ['an unknown option', ['keys', 'show', '--private'], [], 'treasury keys new'],
  ])('reject %s', async (_, args, stdinLines, expectedError) => {
    const result = await run(folder, args, stdinLines);
    expect(result).toMatchObject({ code: 2, out: '' });
    expect(result.err).toContain(expectedError);
  });
});

const anvil = anvilPath();

describe.skipIf(anvil === null)('the sweep commands', () => {
  const folder = mkdtempSync(join(tmpdir(), 'farebox-cli-'));
  const account = createKeyring(MNEMONIC).account('evm');
  const destination = '0x00000000000000000000000000000000000c01d0';
  let chains: LocalChains;
  let mining: NodeJS.Timeout;

  beforeAll(async () => {
    chains = await startChains(anvil ?? '', { stateDir: folder, blockSeconds: null });
    const lines = [0, 1].map((index) => {
      const address = account.addressAt({ chain: 0, index });
      return JSON.stringify({ fingerprint: account.fingerprint, index, address });
    });
    writeFileSync(join(folder, 'addresses.jsonl'), `${lines.join('\n')}\n`);
    writeFileSync(join(folder, 'allow.txt'), `# the cold wallet\n${destination}\n`);
    const gas = account.addressAt(GAS_PATH);
    await chains.callAnvil('bsc', 'anvil_setBalance', [gas, `0x${COIN.toString(16)}`]);
    await chains.pay('bsc', account.addressAt({ chain: 0, index: 1 }), 25n * COIN);
    await chains.mine('bsc', 2);
    mining = setInterval(() => void chains.mine('bsc', 1), 300);
    await run(folder, ['keys', 'import', '--out', 'keys.json'], [MNEMONIC, PASSPHRASE, PASSPHRASE]);
  }, 60_000);
  afterAll(async () => {
    clearInterval(mining);
    await chains?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('sweep addresses from plan to report', { timeout: 60_000 }, async () => {
    const rpc = ['--rpc', chains.urls.bsc];
    const sweepArgs = ['--addresses', 'addresses.jsonl', '--to', destination, '--minimum', '5'];
    const plan = ['plan', '--chain', 'bsc', ...rpc, '--xpub', account.xpub, ...sweepArgs];
    const planned = await run(folder, [...plan, '--coin-price', '600', '--out', 'plan.json']);
    expect(planned).toMatchObject({ code: 0, err: '' });
    expect(planned.out).toContain('1 addresses, 25 USDT');
    const sign = ['sign', '--plan', 'plan.json', '--keys', 'keys.json', '--allow', 'allow.txt'];
    const maxFeeArgs = ['--max-fee', '0.05', '--out', 'signed.json'];
    const other = await run(
      folder,
      [...sign, '--confirm', `0x${'1'.repeat(40)}`, ...maxFeeArgs],
      [PASSPHRASE],
    );
    expect(other).toMatchObject({ code: 1 });
    expect(other.out).toContain('destination_not_confirmed. Nothing was signed.');
    const signed = await run(
      folder,
      [...sign, '--confirm', destination, ...maxFeeArgs],
      [PASSPHRASE],
    );
    expect(signed).toMatchObject({ code: 0 });
    const sent = await run(folder, ['broadcast', '--signed', 'signed.json', ...rpc]);
    expect(sent.out).toContain('All transactions are mined.');
    const early = await run(folder, [
      'report',
      '--signed',
      'signed.json',
      ...rpc,
      '--out',
      'early.json',
    ]);
    expect(early.code).toBe(1);
    await chains.mine('bsc', 70);
    const report = await run(folder, [
      'report',
      '--signed',
      'signed.json',
      ...rpc,
      '--out',
      'report.json',
    ]);
    expect(report).toMatchObject({ code: 0 });
    expect(JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8'))).toMatchObject({
      swept: [
        {
          chain: 'bsc',
          address: account.addressAt({ chain: 0, index: 1 }),
          units: `${25n * COIN}`,
        },
      ],
      unfinished: [],
    });
  });

  it('say which option or file is invalid', async () => {
    const rpc = ['--rpc', chains.urls.bsc];
    const plan = [
      'plan',
      '--chain',
      'bsc',
      ...rpc,
      '--xpub',
      account.xpub,
      '--addresses',
      'addresses.jsonl',
    ];
    const rest = ['--minimum', '5', '--coin-price', '600', '--out', 'other.json'];
    const tron = await run(folder, [
      ...plan,
      '--to',
      'TUEZSdKsoDHQMeZwihtdoBiN46zxhGWYdH',
      ...rest,
    ]);
    expect(tron.err).toContain('isn’t an address on bsc');
    const none = await run(folder, [...plan, '--to', destination, ...rest.slice(2)]);
    expect(none.err).toContain('--minimum is required');
    const keys = await run(folder, ['sign', '--plan', 'allow.txt', '--keys', 'keys.json']);
    expect(keys.err).toContain('allow.txt isn’t JSON');
  });
});
