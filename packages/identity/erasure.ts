/** Erases an identity, and deletes expired rows. */
import { deleteExpiredRows, eraseOwner } from '@farebox/database/privacy';
import type { AccountId } from '@farebox/ledger';
import type { ErasedIdentity, IdentityDeps } from './contract.ts';
import { TTL } from './lifetimes.ts';

/** The maximum number of rows per table in one purge, which takes a few milliseconds. */
const ROWS_PER_PURGE = 500;

/**
 * Erases every row about the user in one batch and marks the account as closed. The account object
 * isn't called: the caller has closed it, or repeats closing it until it succeeds.
 */
export function eraseIdentity(
  deps: IdentityDeps,
  account: AccountId,
): Promise<ErasedIdentity | undefined> {
  return eraseOwner(deps.db, account, deps.now());
}

/**
 * Returns the number of deleted rows. A caller that gets some hundreds calls again, because there
 * may be more.
 */
export function purgeExpired(deps: IdentityDeps): Promise<number> {
  return deleteExpiredRows(deps.db, {
    now: deps.now(),
    idleMs: TTL.sessionUnused,
    unconfirmedMs: TTL.totpUnconfirmed,
    limit: ROWS_PER_PURGE,
  });
}
