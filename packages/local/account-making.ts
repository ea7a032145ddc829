/**
 * An account with money and a key, without a browser or a deposit. Only the local stack can do this:
 * the credit's source is `local`, which no deployed Worker ever sends.
 */
import { randomBytes } from 'node:crypto';
import { connect } from '@farebox/database';
import { openAccount } from '@farebox/identity';
import { type KeyLimits, NO_LIMITS } from '@farebox/ledger';
import { parseUsd } from '@farebox/money';
import type { Doors } from './doors.ts';

export type AccountWish = Readonly<{
  /** Decimal USD. */
  creditUsd: string;
  limits?: Partial<KeyLimits>;
  email?: string;
  password?: string;
  /** The key's name. */
  name?: string;
}>;

export type LocalAccount = Readonly<{
  email: string;
  password: string;
  accountId: string;
  apiKey: string;
}>;

/** Said to a person: the wish can't be granted as it stands. */
export class UnreasonableWish extends Error {}

async function credit(doors: Doors, accountId: string, creditUsd: string): Promise<void> {
  const amount = parseUsd(creditUsd);
  if (amount === undefined) throw new UnreasonableWish(`"${creditUsd}" is not an amount in USD.`);
  if (amount === 0n) return;
  const id = `local:${randomBytes(16).toString('hex')}`;
  const credited = await doors.credits.credit(accountId, { id, amount, source: 'local' });
  if (!credited.ok) throw new UnreasonableWish(`The credit was refused: ${credited.reason}.`);
}

export async function makeAccount(
  databaseUrl: string,
  doors: Doors,
  wish: AccountWish,
): Promise<LocalAccount> {
  const email = wish.email ?? `local-${randomBytes(5).toString('hex')}@example.com`;
  const password = wish.password ?? randomBytes(12).toString('base64url');
  const opened = await openAccount(connect(databaseUrl), doors.accounts, {
    email,
    password,
    verified: true,
    now: Date.now(),
    random: (count: number) => new Uint8Array(randomBytes(count)),
  });
  if (!opened.ok) throw new UnreasonableWish(`The account was refused: ${opened.reason}.`);
  const { accountId } = opened;
  await credit(doors, accountId, wish.creditUsd);
  const limits = { ...NO_LIMITS, ...wish.limits };
  const minted = await doors.accounts.mintKey(accountId, { name: wish.name ?? 'local', limits });
  if (!minted.ok) throw new UnreasonableWish(`The key was refused: ${minted.reason}.`);
  return { email, password, accountId, apiKey: minted.apiKey };
}
