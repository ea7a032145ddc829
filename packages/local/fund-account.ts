/** Sends test USDT on a local chain to an account's deposit address, as a user would. */
import { connect } from '@farebox/database';
import { findIdentity } from '@farebox/database/users';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type ChainName,
  getVerifiedAddress,
  parseConfiguration,
} from '@farebox/deposits';
import type { LocalChains } from './chains.ts';
import { InvalidOptions } from './create-account.ts';
import type { LedgerBridge } from './ledger-bridge.ts';

export type FundOptions = Readonly<{
  /** The account's id or email address. */
  account: string;
  chain: string;
  /** Decimal USDT. */
  amount: string;
}>;

export type FundResult = Readonly<{ transaction: string; address: string }>;

function parseChain(text: string): ChainName {
  const chain = CHAINS.find((name) => name === text);
  if (chain === undefined) throw new InvalidOptions(`--chain must be one of ${CHAINS.join(', ')}.`);
  return chain;
}

function parseUnits(amount: string, decimals: number): bigint {
  const [, whole = '', fraction = ''] = /^(\d{1,9})(?:\.(\d{1,18}))?$/.exec(amount) ?? [];
  if (whole === '' || fraction.length > decimals) {
    throw new InvalidOptions(`"${amount}" isn’t an amount of USDT on this chain.`);
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

/** Pays the account's verified address. Throws `InvalidOptions` when that isn't possible. */
export async function fund(
  stack: Readonly<{ databaseUrl: string; ledger: LedgerBridge }>,
  chains: LocalChains,
  options: FundOptions,
): Promise<FundResult> {
  const chain = parseChain(options.chain);
  const { decimals, family } = CHAIN_DEFAULTS[chain];
  const units = parseUnits(options.amount, decimals);
  const db = connect(stack.databaseUrl);
  const account = /^[0-9a-f]{16}$/.test(options.account)
    ? options.account
    : (await findIdentity(db, options.account.toLowerCase()))?.accountId;
  if (account === undefined) throw new InvalidOptions('The account doesn’t exist.');
  if ((await stack.ledger.accounts.status(account)) === null) {
    throw new InvalidOptions('The account doesn’t exist.');
  }
  const { currentKeys } = parseConfiguration(chains.bindings);
  const deps = { db, accounts: stack.ledger.accounts, currentKeys, now: Date.now };
  const verified = await getVerifiedAddress(deps, account, family);
  if (!verified.ok)
    throw new InvalidOptions(`The account has no deposit address: ${verified.reason}.`);
  const transaction = await chains.pay(chain, verified.address.hex, units);
  return { transaction, address: verified.address.text };
}
