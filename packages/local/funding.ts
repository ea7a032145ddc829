/** The faucet: test USDT from this machine's own chains to an account's own address, as a person would send it. */
import { connect, findIdentity } from '@farebox/database';
import {
  CHAIN_DEFAULTS,
  CHAINS,
  type ChainName,
  readConfiguration,
  verifiedAddress,
} from '@farebox/deposits';
import { UnreasonableWish } from './account-making.ts';
import type { LocalChains } from './chains.ts';
import type { Doors } from './doors.ts';

export type FundingWish = Readonly<{
  /** The account's id, or its address. */
  account: string;
  chain: string;
  /** Decimal USDT. */
  amount: string;
}>;

export type Funded = Readonly<{ transaction: string; address: string }>;

function chainOf(text: string): ChainName {
  const chain = CHAINS.find((name) => name === text);
  if (chain === undefined) throw new UnreasonableWish(`--chain is one of ${CHAINS.join(', ')}.`);
  return chain;
}

function unitsOf(amount: string, decimals: number): bigint {
  const [, whole = '', fraction = ''] = /^(\d{1,9})(?:\.(\d{1,18}))?$/.exec(amount) ?? [];
  if (whole === '' || fraction.length > decimals) {
    throw new UnreasonableWish(`"${amount}" is not an amount of USDT on this network.`);
  }
  return BigInt(whole + fraction.padEnd(decimals, '0'));
}

export async function fund(
  stack: Readonly<{ databaseUrl: string; doors: Doors }>,
  chains: LocalChains,
  wish: FundingWish,
): Promise<Funded> {
  const chain = chainOf(wish.chain);
  const { decimals, family } = CHAIN_DEFAULTS[chain];
  const units = unitsOf(wish.amount, decimals);
  const db = connect(stack.databaseUrl);
  const account = /^[0-9a-f]{16}$/.test(wish.account)
    ? wish.account
    : (await findIdentity(db, wish.account.toLowerCase()))?.accountId;
  if (account === undefined) throw new UnreasonableWish('There is no such account here.');
  if ((await stack.doors.accounts.standing(account)) === null) {
    throw new UnreasonableWish('There is no such account here.');
  }
  const { current } = readConfiguration(chains.texts);
  const house = { db, accounts: stack.doors.accounts, current, now: Date.now };
  const shown = await verifiedAddress(house, account, family);
  if (!shown.ok) throw new UnreasonableWish(`The account has no address: ${shown.reason}.`);
  const transaction = await chains.pay(chain, shown.address.hex, units);
  return { transaction, address: shown.address.text };
}
