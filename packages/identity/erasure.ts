/** The end of an identity, and of everything that is kept for a while only. */
import { eraseOwner, purgeExpired as purgeRows } from '@farebox/database';
import type { AccountId } from '@farebox/ledger';
import type { Erased, IdentityHouse } from './contract.ts';
import { LASTS } from './house.ts';

/** Rows of each table in one purge: a statement of a few milliseconds. */
const PURGED_AT_ONCE = 500;

/**
 * Every row about the person, in one batch, and the mark on the account that it is closed. It says
 * nothing to the account's object: whoever calls this has closed it, or repeats closing until it is.
 */
export function eraseIdentity(
  house: IdentityHouse,
  account: AccountId,
): Promise<Erased | undefined> {
  return eraseOwner(house.db, account, house.now());
}

/** Whoever gets as many as a few hundred calls again at once: there may be more. */
export function purgeExpired(house: IdentityHouse): Promise<number> {
  return purgeRows(house.db, {
    now: house.now(),
    idleMs: LASTS.sessionUnused,
    unconfirmedMs: LASTS.totpUnconfirmed,
    most: PURGED_AT_ONCE,
  });
}
