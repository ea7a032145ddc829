/** Loads the account's keys: their state from the account object, their names from Postgres. */
import { type KeyRow, listKeys } from '@farebox/database/statements';
import type { KeyStatus } from '@farebox/ledger';
import type { Context } from 'hono';
import type { SignedInEnv } from '../session.ts';
import { isPageKey } from './page-key.ts';

export type KeyWithStatus = Readonly<{
  row: KeyRow;
  status: KeyStatus;
  state: KeyState;
  /** True for a key that the playground made for its page. */
  isPageKey: boolean;
}>;
export type KeyState = 'active' | 'paused' | 'expired' | 'revoked';

function toKeyState(row: KeyRow, status: KeyStatus, now: number): KeyState {
  const { limits, pausedAt, revokedAt } = status;
  // The account object is authoritative; the row may be out of date.
  if (revokedAt !== null || row.state === 'revoked') return 'revoked';
  if (limits.expiresAt !== null && limits.expiresAt <= now) return 'expired';
  return pausedAt === null ? 'active' : 'paused';
}

/** Loads all keys of the account, newest first. */
export async function loadKeys(c: Context<SignedInEnv>): Promise<readonly KeyWithStatus[]> {
  const { deps, user } = c.var;
  const [rows, statuses] = await Promise.all([
    listKeys(deps.identity.db, user.account),
    deps.accounts.keys(user.account),
  ]);
  const byId = new Map(statuses.map((status) => [status.keyId, status]));
  const now = deps.identity.now();
  return rows
    .flatMap((row) => {
      const status = byId.get(row.keyId);
      if (status === undefined) return [];
      const state = toKeyState(row, status, now);
      return [{ row, status, state, isPageKey: isPageKey(row.name, status) }];
    })
    .reverse();
}

/** Returns whether the list of keys shows it: one of a page leaves the list when it ends. */
export function isListed({
  state,
  isPageKey: ofPage,
}: Pick<KeyWithStatus, 'state' | 'isPageKey'>): boolean {
  return !ofPage || state === 'active' || state === 'paused';
}

/** Loads the key named in the path; undefined unless it belongs to the user. */
export async function loadKey(c: Context<SignedInEnv>): Promise<KeyWithStatus | undefined> {
  const id = c.req.param('id') ?? '';
  if (!/^\d{1,10}$/.test(id)) return undefined;
  return (await loadKeys(c)).find(({ row }) => row.keyId === Number(id));
}
