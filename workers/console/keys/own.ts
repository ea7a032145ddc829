/** The account's keys as its object has them, with the names that only their rows have. */
import { type KeyRow, listKeys } from '@farebox/database';
import type { KeyStanding } from '@farebox/ledger';
import type { Context } from 'hono';
import type { Somebody } from '../visitor.ts';

export type OwnKey = Readonly<{ row: KeyRow; standing: KeyStanding; state: KeyState }>;
export type KeyState = 'active' | 'paused' | 'expired' | 'revoked';

function stateOf(row: KeyRow, standing: KeyStanding, now: number): KeyState {
  const { limits, pausedAt, revokedAt } = standing;
  // The object decides; a row can only be late.
  if (revokedAt !== null || row.state === 'revoked') return 'revoked';
  if (limits.expiresAt !== null && limits.expiresAt <= now) return 'expired';
  return pausedAt === null ? 'active' : 'paused';
}

/** Newest first. */
export async function ownKeys(c: Context<Somebody>): Promise<readonly OwnKey[]> {
  const { house, person } = c.var;
  const [rows, standings] = await Promise.all([
    listKeys(house.identity.db, person.account),
    house.accounts.keys(person.account),
  ]);
  const byId = new Map(standings.map((standing) => [standing.keyId, standing]));
  const now = house.identity.now();
  return rows
    .flatMap((row) => {
      const standing = byId.get(row.keyId);
      return standing === undefined ? [] : [{ row, standing, state: stateOf(row, standing, now) }];
    })
    .reverse();
}

/** The one the path names, and only if it is the person's own. */
export async function namedKey(c: Context<Somebody>): Promise<OwnKey | undefined> {
  const id = c.req.param('id') ?? '';
  if (!/^\d{1,10}$/.test(id)) return undefined;
  return (await ownKeys(c)).find(({ row }) => row.keyId === Number(id));
}
