/** The end of an identity, and of everything that is kept for a while only. */
import { deleteExpiredRows, eraseOwner } from '@farebox/database/privacy';
import type { AccountId } from '@farebox/ledger';
import type { ErasedIdentity, IdentityDeps } from './contract.ts';
import { TTL } from './lifetimes.ts';

/** Rows of each table in one purge: a statement of a few milliseconds. */
const ROWS_PER_PURGE = 500;

/**
 * Every row about the person, in one batch, and the mark on the account that it is closed. It says
 * nothing to the account's object: whoever calls this has closed it, or repeats closing until it is.
 */
export function eraseIdentity(
  deps: IdentityDeps,
  account: AccountId,
): Promise<ErasedIdentity | undefined> {
  return eraseOwner(deps.db, account, deps.now());
}

/** Whoever gets as many as a few hundred calls again at once: there may be more. */
export function purgeExpired(deps: IdentityDeps): Promise<number> {
  return deleteExpiredRows(deps.db, {
    now: deps.now(),
    idleMs: TTL.sessionUnused,
    unconfirmedMs: TTL.totpUnconfirmed,
    limit: ROWS_PER_PURGE,
  });
}
