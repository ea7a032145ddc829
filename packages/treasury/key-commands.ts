/**
 * The commands for the key file: `keys new`, `keys import` and `keys show`. They use no network.
 */
import { randomBytes } from 'node:crypto';
import { formatAddress } from '@farebox/deposits';
import type { CommandContext } from './command-context.ts';
import { type Options, readJson, textOption, UsageError, writeNew } from './command-line.ts';
import { type Family, GAS_PATH, PAYOUT_PATH } from './contract.ts';
import {
  createKeyring,
  isValidPassphrase,
  type Keyring,
  newMnemonic,
  open,
  parseMnemonic,
  seal,
} from './keyring.ts';

const FAMILIES: readonly Family[] = ['evm', 'tron'];

function describeKeys({ print }: CommandContext, keys: Keyring): void {
  for (const family of FAMILIES) {
    const account = keys.account(family);
    const first = formatAddress(family, account.addressAt({ chain: 0, index: 0 }));
    const gas = formatAddress(family, account.addressAt(GAS_PATH));
    print(`XPUB_${family.toUpperCase()}  ${account.xpub}`);
    print(`  fingerprint    ${account.fingerprint}`);
    print(`  first address  ${first}`);
    print(`  gas account    ${gas}`);
    print(`  payout account ${formatAddress(family, account.addressAt(PAYOUT_PATH))}`);
  }
}

async function newPassphrase({ prompt }: CommandContext): Promise<string> {
  const passphrase = await prompt.secret('Passphrase for the key file (at least 12 characters)');
  if (!isValidPassphrase(passphrase))
    throw new UsageError('The passphrase is shorter than 12 characters.');
  if ((await prompt.secret('Repeat the passphrase')) !== passphrase) {
    throw new UsageError('The passphrases don’t match.');
  }
  return passphrase;
}

async function saveKeys(
  context: CommandContext,
  options: Options,
  mnemonic: string,
): Promise<number> {
  const path = textOption(options, 'out');
  writeNew(path, seal(mnemonic, await newPassphrase(context), randomBytes));
  describeKeys(context, createKeyring(mnemonic));
  context.print(`Wrote ${path}. This file and its passphrase give access to all deposits.`);
  return 0;
}

export async function keysNew(context: CommandContext, options: Options): Promise<number> {
  const mnemonic = newMnemonic();
  const done = await saveKeys(context, options, mnemonic);
  context.print('Write these words down on paper now. They are not shown again:');
  context.print(mnemonic);
  return done;
}

export async function keysImport(context: CommandContext, options: Options): Promise<number> {
  const mnemonic = parseMnemonic(await context.prompt.secret('Mnemonic'));
  if (mnemonic === null) throw new UsageError('That is not a valid BIP-39 mnemonic.');
  return saveKeys(context, options, mnemonic);
}

/** Asks for the passphrase and opens the key file of --keys. */
export async function openKeys({ prompt }: CommandContext, options: Options): Promise<Keyring> {
  const file = readJson(textOption(options, 'keys'));
  const opened = open(file, await prompt.secret('Passphrase of the key file'));
  if (opened.ok) return createKeyring(opened.mnemonic);
  throw new UsageError(
    opened.reason === 'wrong_passphrase'
      ? 'Wrong passphrase.'
      : 'The file of --keys isn’t a Farebox key file.',
  );
}

export async function keysShow(context: CommandContext, options: Options): Promise<number> {
  describeKeys(context, await openKeys(context, options));
  return 0;
}
