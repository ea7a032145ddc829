/**
 * Deposit addresses that are safe to show. An address is issued in Postgres, bound in the account's
 * Durable Object, read back from there and derived from the operator's key again. If any of these
 * differ no address is shown, because one of the copies may have been tampered with.
 */
import type { Database } from '@farebox/database';
import { issueAddress, pinKey } from '@farebox/database/deposits';
import type { AccountId, AccountsRpc, AddressFamily, Instant } from '@farebox/ledger';
import { err, ok, type Result } from '@farebox/result';
import { deriveAddress, formatAddress, type WatchKey } from './addresses.ts';
import type { VerifiedAddress } from './contract.ts';

export type AddressDeps = Readonly<{
  db: Database;
  accounts: Pick<AccountsRpc, 'bindAddress' | 'addresses'>;
  currentKeys: ReadonlyMap<AddressFamily, WatchKey>;
  now: () => Instant;
}>;

export type VerifiedAddressResult = Result<
  { address: VerifiedAddress },
  'not_configured' | 'mismatch' | 'closed'
>;

/** The account's address of a family. Issued on the first call. */
export async function getVerifiedAddress(
  deps: AddressDeps,
  account: AccountId,
  family: AddressFamily,
): Promise<VerifiedAddressResult> {
  const key = deps.currentKeys.get(family);
  if (key === undefined) return err('not_configured');
  const { db, accounts } = deps;
  const now = deps.now();
  if (!(await pinKey(db, family, key.fingerprint, now)).ok) return err('mismatch');
  const derive = (_: string, index: number) => deriveAddress(key, index);
  const issued = await issueAddress(db, account, family, now, derive);
  if (issued === undefined || issued.fingerprint !== key.fingerprint) {
    return err('mismatch');
  }
  const { fingerprint, index } = issued;
  const bound = await accounts.bindAddress(account, { family, fingerprint, index });
  if (!bound.ok) return err(bound.reason === 'conflict' ? 'mismatch' : 'closed');
  const boundAddress = (await accounts.addresses(account)).find(
    (address) => address.family === family && address.fingerprint === fingerprint,
  );
  const hex = boundAddress === undefined ? null : deriveAddress(key, boundAddress.index);
  if (hex === null || hex !== issued.address) return err('mismatch');
  return ok({ address: { family, text: formatAddress(family, hex), hex } });
}
