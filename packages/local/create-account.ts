/**
 * Creates an account with credit and an API key, without a browser or a deposit. Only the local
 * stack can do this: the credit's source is `local`, which no deployed Worker sends.
 */
import { randomBytes } from 'node:crypto';
import { connect } from '@farebox/database';
import { openAccount } from '@farebox/identity';
import { type KeyLimits, NO_LIMITS } from '@farebox/ledger';
import { parseUsd } from '@farebox/money';
import type { LedgerBridge } from './ledger-bridge.ts';

export type CreateAccountOptions = Readonly<{
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

/** The options are invalid. The message is shown to the user. */
export class InvalidOptions extends Error {}

async function credit(ledger: LedgerBridge, accountId: string, creditUsd: string): Promise<void> {
  const amount = parseUsd(creditUsd);
  if (amount === undefined) throw new InvalidOptions(`"${creditUsd}" isn’t an amount in USD.`);
  if (amount === 0n) return;
  const id = `local:${randomBytes(16).toString('hex')}`;
  const credited = await ledger.credits.credit(accountId, { id, amount, source: 'local' });
  if (!credited.ok) throw new InvalidOptions(`The credit was rejected: ${credited.reason}.`);
}

/** Creates a verified account. Throws `InvalidOptions` when a step is rejected. */
export async function createAccount(
  databaseUrl: string,
  ledger: LedgerBridge,
  options: CreateAccountOptions,
): Promise<LocalAccount> {
  const email = options.email ?? `local-${randomBytes(5).toString('hex')}@example.com`;
  const password = options.password ?? randomBytes(12).toString('base64url');
  const opened = await openAccount(connect(databaseUrl), ledger.accounts, {
    email,
    password,
    verified: true,
    now: Date.now(),
    random: (count: number) => new Uint8Array(randomBytes(count)),
  });
  if (!opened.ok) throw new InvalidOptions(`The account was rejected: ${opened.reason}.`);
  const { accountId } = opened;
  await credit(ledger, accountId, options.creditUsd);
  const limits = { ...NO_LIMITS, ...options.limits };
  const minted = await ledger.accounts.mintKey(accountId, {
    name: options.name ?? 'local',
    limits,
  });
  if (!minted.ok) throw new InvalidOptions(`The key was rejected: ${minted.reason}.`);
  return { email, password, accountId, apiKey: minted.apiKey };
}
