/** Who is signed in, and where else. */
import {
  endSession as endRow,
  endSessionByToken,
  endSessionsExcept,
  findSession,
  listSessions as listRows,
} from '@farebox/database';
import type { IdentityHouse, Person, SessionRow, Token } from './contract.ts';
import { LASTS, SEEN_EVERY_MS, tokenHash } from './house.ts';

export async function findPerson(
  house: IdentityHouse,
  session: Token,
): Promise<Person | undefined> {
  const pace = { idleMs: LASTS.sessionUnused, seenEveryMs: SEEN_EVERY_MS };
  const found = await findSession(house.db, tokenHash(session), house.now(), pace);
  if (found === undefined) return undefined;
  const { accountId, email, language, handle, provedAt } = found;
  return { account: accountId, email, language, session: handle, provedAt };
}

export function signOut(house: IdentityHouse, session: Token): Promise<void> {
  return endSessionByToken(house.db, tokenHash(session));
}

export async function listSessions(
  house: IdentityHouse,
  person: Person,
): Promise<readonly SessionRow[]> {
  const rows = await listRows(house.db, person.account, house.now(), LASTS.sessionUnused);
  return rows.map((row) => ({ ...row, current: row.handle === person.session }));
}

/** One of the person's own; a handle of anybody else's ends nothing. */
export function endSession(house: IdentityHouse, person: Person, handle: string): Promise<void> {
  return endRow(house.db, person.account, handle);
}

export function endOtherSessions(house: IdentityHouse, person: Person): Promise<void> {
  return endSessionsExcept(house.db, person.account, person.session);
}
