/** The account's keys as its object has them, with the names that only their rows have. */
import { type KeyRow, listKeys } from '@farebox/database/statements';
import type { KeyStatus } from '@farebox/ledger';
import type { Context } from 'hono';
import type { SignedInEnv } from '../session.ts';

export type KeyWithStatus = Readonly<{ row: KeyRow; status: KeyStatus; state: KeyState }>;
export type KeyState = 'active' | 'paused' | 'expired' | 'revoked';

function toKeyState(row: KeyRow, status: KeyStatus, now: number): KeyState {
  const { limits, pausedAt, revokedAt } = status;
  // The object decides; a row can only be late.
  if (revokedAt !== null || row.state === 'revoked') return 'revoked';
  if (limits.expiresAt !== null && limits.expiresAt <= now) return 'expired';
  return pausedAt === null ? 'active' : 'paused';
}

/** Newest first. */
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
      return status === undefined ? [] : [{ row, status, state: toKeyState(row, status, now) }];
    })
    .reverse();
}

/** The one the path names, and only if it is the person's own. */
export async function loadKey(c: Context<SignedInEnv>): Promise<KeyWithStatus | undefined> {
  const id = c.req.param('id') ?? '';
  if (!/^\d{1,10}$/.test(id)) return undefined;
  return (await loadKeys(c)).find(({ row }) => row.keyId === Number(id));
}
