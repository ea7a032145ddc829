/**
 * Sessions and known devices. A token is stored as its hash; the owner refers to a session by its
 * handle.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { and, eq, ne, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { firstRow, type RawRow, toEpochMs, toTimestamp } from '../connection/raw-sql.ts';
import { sessions } from '../schema/users.ts';

export type NewSession = Readonly<{
  accountId: AccountId;
  tokenHash: string;
  handle: string;
  deviceHash: string;
  /** The device token that the new one replaces. */
  replacedDeviceHash: string | null;
  /** Whether a second factor opens the session. */
  factorShown: boolean;
  now: Instant;
  expiresAt: Instant;
  deviceExpiresAt: Instant;
}>;

/**
 * What allows the session: the hash of the verified password, or the pending sign-in that is
 * consumed.
 */
export type SessionGrant =
  | Readonly<{ passwordHash: string }>
  | Readonly<{ mfaChallengeHash: string }>;

/** CTEs that follow `allowed(account_id)`: without a row there, no session is inserted. */
export function buildSessionInserts(session: NewSession) {
  const { accountId, tokenHash, handle, deviceHash, replacedDeviceHash } = session;
  const now = toTimestamp(session.now);
  return sql`opened as (
      insert into sessions
        (token_hash, account_id, handle, created_at, seen_at, last_auth_at, last_factor_at, expires_at)
      select ${tokenHash}, account_id, ${handle}, ${now}, ${now}, ${now},
        ${session.factorShown ? now : sql`null::timestamptz`}, ${toTimestamp(session.expiresAt)}
      from allowed where account_id = ${accountId}
      returning account_id
    ), device as (
      insert into known_devices (token_hash, account_id, created_at, expires_at)
      select ${deviceHash}, account_id, ${now}, ${toTimestamp(session.deviceExpiresAt)} from opened
    ), replaced as (
      delete from known_devices where token_hash = ${replacedDeviceHash}
        and account_id = ${accountId} and exists (select 1 from opened)
    )`;
}

export async function insertSession(
  db: Database,
  session: NewSession,
  grant: SessionGrant,
): Promise<boolean> {
  const allowed =
    'mfaChallengeHash' in grant
      ? sql`delete from sign_in_steps
          where token_hash = ${grant.mfaChallengeHash} and expires_at > ${toTimestamp(session.now)}
          returning account_id`
      : sql`select account_id from identities
          where account_id = ${session.accountId} and password_hash = ${grant.passwordHash}`;
  const row = await firstRow(
    db,
    sql`with allowed as (${allowed}), ${buildSessionInserts(session)} select account_id from opened`,
  );
  return row !== undefined;
}

export type Session = Readonly<{
  accountId: AccountId;
  email: string;
  language: string;
  handle: string;
  lastAuthAt: Instant;
  lastFactorAt: Instant | null;
}>;

/** How long an unused session lasts, and how old `seen_at` may get before it is updated. */
export type SessionTimeouts = Readonly<{ idleMs: number; touchIntervalMs: number }>;

type SessionRow = RawRow & {
  account_id: string;
  email: string;
  language: string;
  handle: string;
  last_auth_at: string;
  last_factor_at: string | null;
};

/** Finds the owner of a session that has neither expired nor been idle for too long. */
export async function findSession(
  db: Database,
  tokenHash: string,
  now: Instant,
  timeouts: SessionTimeouts,
): Promise<Session | undefined> {
  const row = await firstRow<SessionRow>(
    db,
    sql`
    with found as (
      select s.token_hash, s.account_id, s.handle, s.last_auth_at, s.last_factor_at, s.seen_at, i.email, i.language
      from sessions s join identities i on i.account_id = s.account_id
        join accounts a on a.id = s.account_id and a.closed_at is null
      where s.token_hash = ${tokenHash} and s.expires_at > ${toTimestamp(now)}
        and s.seen_at > ${toTimestamp(now - timeouts.idleMs)}
    ), seen as (
      update sessions set seen_at = ${toTimestamp(now)} from found
      where sessions.token_hash = found.token_hash and found.seen_at <= ${toTimestamp(now - timeouts.touchIntervalMs)}
    )
    select account_id, email, language, handle, ${toEpochMs(sql`last_auth_at`)} as last_auth_at,
      ${toEpochMs(sql`last_factor_at`)} as last_factor_at
    from found`,
  );
  if (row === undefined) return undefined;
  const { email, language, handle } = row;
  return {
    accountId: row.account_id,
    email,
    language,
    handle,
    lastAuthAt: Number(row.last_auth_at),
    lastFactorAt: row.last_factor_at === null ? null : Number(row.last_factor_at),
  };
}

export type Reauthentication = Readonly<{
  accountId: AccountId;
  handle: string;
  /** Whether it was a second factor or a recovery code, and not the password. */
  factorShown: boolean;
  now: Instant;
}>;

/** Records that the user showed a password or a factor again. */
export async function markReauthenticated(
  db: Database,
  { accountId, handle, factorShown, now }: Reauthentication,
): Promise<void> {
  const at = new Date(now);
  await queryOrThrow(
    db
      .update(sessions)
      .set({ lastAuthAt: at, ...(factorShown ? { lastFactorAt: at } : {}) })
      .where(and(eq(sessions.handle, handle), eq(sessions.accountId, accountId))),
  );
}

export type SessionSummary = Readonly<{
  handle: string;
  /** The name its owner gave it. */
  name: string | null;
  createdAt: Instant;
  seenAt: Instant;
  /** When a second factor or a recovery code was last shown in the session. */
  lastFactorAt: Instant | null;
}>;

/** Lists the valid sessions, most recently used first. */
export async function selectSessions(
  db: Database,
  accountId: AccountId,
  now: Instant,
  idleMs: number,
): Promise<readonly SessionSummary[]> {
  const rows = await queryOrThrow(
    db
      .select({
        handle: sessions.handle,
        name: sessions.name,
        createdAt: sessions.createdAt,
        seenAt: sessions.seenAt,
        lastFactorAt: sessions.lastFactorAt,
      })
      .from(sessions)
      .where(
        and(
          eq(sessions.accountId, accountId),
          sql`${sessions.expiresAt} > ${toTimestamp(now)} and ${sessions.seenAt} > ${toTimestamp(now - idleMs)}`,
        ),
      )
      .orderBy(sql`${sessions.seenAt} desc, ${sessions.handle}`),
  );
  return rows.map((row) => ({
    handle: row.handle,
    name: row.name,
    createdAt: row.createdAt.getTime(),
    seenAt: row.seenAt.getTime(),
    lastFactorAt: row.lastFactorAt?.getTime() ?? null,
  }));
}

/** Names a session of the account; null takes the name away. */
export async function updateSessionName(
  db: Database,
  accountId: AccountId,
  handle: string,
  name: string | null,
): Promise<void> {
  await queryOrThrow(
    db
      .update(sessions)
      .set({ name })
      .where(and(eq(sessions.accountId, accountId), eq(sessions.handle, handle))),
  );
}

export async function deleteSessionByToken(db: Database, tokenHash: string): Promise<void> {
  await queryOrThrow(db.delete(sessions).where(eq(sessions.tokenHash, tokenHash)));
}

export async function deleteSession(
  db: Database,
  accountId: AccountId,
  handle: string,
): Promise<void> {
  await queryOrThrow(
    db.delete(sessions).where(and(eq(sessions.accountId, accountId), eq(sessions.handle, handle))),
  );
}

export async function deleteOtherSessions(
  db: Database,
  accountId: AccountId,
  handle: string,
): Promise<void> {
  await queryOrThrow(
    db.delete(sessions).where(and(eq(sessions.accountId, accountId), ne(sessions.handle, handle))),
  );
}
