/** The faucet: test USDT from this machine's own chains to an account's own address, as a person would send it. */
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
  /** The account's id, or its address. */
  account: string;
  chain: string;
  /** Decimal USDT. */
  amount: string;
}>;

export type FundResult = Readonly<{ transaction: string; address: string }>;

function parseChain(text: string): ChainName {
  const chain = CHAINS.find((name) => name === text);
  if (chain === undefined) throw new InvalidOptions(`--chain is one of ${CHAINS.join(', ')}.`);
  return chain;
}

function parseUnits(amount: string, decimals: number): bigint {
  const [, whole = '', fraction = ''] = /^(\d{1,9})(?:\.(\d{1,18}))?$/.exec(amount) ?? [];
  if (whole === '' || fraction.length > decimals) {
    throw new InvalidOptions(`"${amount}" is not an amount of USDT on this network.`);
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

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
  if (account === undefined) throw new InvalidOptions('There is no such account here.');
  if ((await stack.ledger.accounts.status(account)) === null) {
    throw new InvalidOptions('There is no such account here.');
  }
  const { currentKeys } = parseConfiguration(chains.bindings);
  const deps = { db, accounts: stack.ledger.accounts, currentKeys, now: Date.now };
  const verified = await getVerifiedAddress(deps, account, family);
  if (!verified.ok) throw new InvalidOptions(`The account has no address: ${verified.reason}.`);
  const transaction = await chains.pay(chain, verified.address.hex, units);
  return { transaction, address: verified.address.text };
}
