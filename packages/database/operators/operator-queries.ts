/**
 * What operators may see of one account, and two changes that support may make. Every query is for
 * one account or one id, by an index. None returns a hash, a secret or a key's name, because the
 * owner chose the name and it may identify them. Which operator sees what is decided in the
 * operators' application.
 */
import type { AccountId, CallId, Instant, KeyId } from '@farebox/ledger';
import type { NanoUsd } from '@farebox/money';
import { and, asc, desc, eq, inArray, lt, sql } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { accounts, identities } from '../schema/accounts.ts';
import { emails } from '../schema/email.ts';
import { apiKeys, calls, ledgerEntries } from '../schema/ledger.ts';
import { consents, receipts } from '../schema/privacy.ts';
import { sessions } from '../schema/users.ts';

/** Finds accounts with a key that ends in these characters, newest first. */
export async function findAccountsByKeyEnding(
  db: Database,
  last4: string,
  limit: number,
): Promise<readonly AccountId[]> {
  const rows = await queryOrThrow(
    db
      .select({ id: apiKeys.accountId })
      .from(apiKeys)
      .where(and(eq(apiKeys.last4, last4), inArray(apiKeys.state, ['active', 'revoked'])))
      .orderBy(desc(apiKeys.createdAt))
      .limit(limit),
  );
  return [...new Set(rows.map((row) => row.id))];
}

export async function findAccountByCall(db: Database, id: CallId): Promise<AccountId | undefined> {
  const [row] = await queryOrThrow(
    db.select({ id: calls.accountId }).from(calls).where(eq(calls.id, id)).limit(1),
  );
  return row?.id;
}

export async function findAccountByEmail(
  db: Database,
  emailKey: string,
): Promise<AccountId | undefined> {
  const [row] = await queryOrThrow(
    db
      .select({ id: identities.accountId })
      .from(identities)
      .where(eq(identities.emailKey, emailKey)),
  );
  return row?.id;
}

/** The account's row, without personal data. */
export type AccountSummary = Readonly<{
  accountId: AccountId;
  createdAt: Instant;
  openedAt: Instant | null;
  closedAt: Instant | null;
  wipedAt: Instant | null;
}>;

export async function findAccountSummary(
  db: Database,
  id: AccountId,
): Promise<AccountSummary | undefined> {
  const [row] = await queryOrThrow(db.select().from(accounts).where(eq(accounts.id, id)));
  if (row === undefined) return undefined;
  return {
    accountId: row.id,
    createdAt: row.createdAt.getTime(),
    openedAt: row.openedAt?.getTime() ?? null,
    closedAt: row.closedAt?.getTime() ?? null,
    wipedAt: row.wipedAt?.getTime() ?? null,
  };
}

export type Owner = Readonly<{ email: string; language: string; verifiedAt: Instant | null }>;

/** Returns undefined once the account is deleted. */
export async function findOwner(db: Database, id: AccountId): Promise<Owner | undefined> {
  const { email, language, verifiedAt } = identities;
  const [row] = await queryOrThrow(
    db.select({ email, language, verifiedAt }).from(identities).where(eq(identities.accountId, id)),
  );
  if (row === undefined) return undefined;
  return { ...row, verifiedAt: row.verifiedAt?.getTime() ?? null };
}

export type KeySummary = Readonly<{
  keyId: KeyId;
  last4: string;
  state: string;
  budget: NanoUsd | null;
  expiresAt: Instant | null;
  createdAt: Instant;
  revokedAt: Instant | null;
}>;

export async function listKeySummaries(
  db: Database,
  id: AccountId,
): Promise<readonly KeySummary[]> {
  const { keyId, last4, state, budget, expiresAt, createdAt, revokedAt } = apiKeys;
  const rows = await queryOrThrow(
    db
      .select({ keyId, last4, state, budget, expiresAt, createdAt, revokedAt })
      .from(apiKeys)
      .where(eq(apiKeys.accountId, id))
      .orderBy(asc(createdAt), asc(keyId)),
  );
  return rows.map((row) => ({
    ...row,
    expiresAt: row.expiresAt?.getTime() ?? null,
    createdAt: row.createdAt.getTime(),
    revokedAt: row.revokedAt?.getTime() ?? null,
  }));
}

export type PageRequest = Readonly<{ before: number; limit: number }>;
export type EntrySummary = Readonly<{
  seq: number;
  id: string;
  kind: string;
  delta: NanoUsd;
  postedAfter: NanoUsd;
  at: Instant;
}>;

/** Lists ledger entries, newest first. */
export async function listEntrySummaries(
  db: Database,
  account: AccountId,
  page: PageRequest,
): Promise<readonly EntrySummary[]> {
  const { seq, id, kind, delta, postedAfter, at } = ledgerEntries;
  const rows = await queryOrThrow(
    db
      .select({ seq, id, kind, delta, postedAfter, at })
      .from(ledgerEntries)
      .where(and(eq(ledgerEntries.accountId, account), lt(seq, page.before)))
      .orderBy(desc(seq))
      .limit(page.limit),
  );
  return rows.map((row) => ({ ...row, at: row.at.getTime() }));
}

export type CallSummary = Readonly<{
  seq: number;
  id: CallId;
  keyId: KeyId;
  model: string;
  httpStatus: number | null;
  reason: string | null;
  inputTokens: number | null;
  outputTokens: number | null;
  charged: NanoUsd;
  shortfall: NanoUsd;
  createdAt: Instant;
}>;

/** Lists calls, newest entry first. */
export async function listCallSummaries(
  db: Database,
  account: AccountId,
  page: PageRequest,
): Promise<readonly CallSummary[]> {
  const rows = await queryOrThrow(
    db
      .select()
      .from(calls)
      .where(and(eq(calls.accountId, account), lt(calls.seq, page.before)))
      .orderBy(desc(calls.seq))
      .limit(page.limit),
  );
  return rows.map((row) => {
    const { seq, id, keyId, model, httpStatus, reason, charged, shortfall } = row;
    const input = [
      row.inputUncached,
      row.cacheRead,
      row.cacheWrite5m,
      row.cacheWrite30m,
      row.cacheWrite1h,
      row.cacheWrite12h,
    ];
    const inputTokens = input.reduce((sum, part) => (sum ?? 0) + (part ?? 0), null);
    const createdAt = row.createdAt.getTime();
    const tokens = { inputTokens, outputTokens: row.output };
    return { seq, id, keyId, model, httpStatus, reason, ...tokens, charged, shortfall, createdAt };
  });
}

export type EmailSummary = Readonly<{
  kind: string;
  state: string;
  reason: string | null;
  queuedAt: Instant;
  endedAt: Instant | null;
}>;
export type ConsentSummary = Readonly<{ kind: string; given: boolean; since: Instant }>;
export type ReceiptSummary = Readonly<{
  id: string;
  kind: string;
  about: string | null;
  actor: string;
  at: Instant;
}>;
/** Emails, consents, receipts and sessions of the owner, without anything that identifies them. */
export type Communication = Readonly<{
  emails: readonly EmailSummary[];
  consents: readonly ConsentSummary[];
  receipts: readonly ReceiptSummary[];
  sessions: number;
}>;

export async function getCommunication(
  db: Database,
  id: AccountId,
  { limit, now }: Readonly<{ limit: number; now: Instant }>,
): Promise<Communication> {
  const [mail, consent, receipt, [open]] = await queryOrThrow(
    db.batch([
      db
        .select()
        .from(emails)
        .where(eq(emails.accountId, id))
        .orderBy(desc(emails.queuedAt))
        .limit(limit),
      db.select().from(consents).where(eq(consents.accountId, id)).orderBy(asc(consents.kind)),
      db
        .select()
        .from(receipts)
        .where(eq(receipts.accountId, id))
        .orderBy(desc(receipts.at))
        .limit(limit),
      db
        .select({ count: sql`count(*)`.mapWith(Number) })
        .from(sessions)
        .where(
          and(
            eq(sessions.accountId, id),
            sql`${sessions.expiresAt} > ${new Date(now).toISOString()}::timestamptz`,
          ),
        ),
    ]),
  );
  return {
    emails: mail.map(({ kind, state, reason, queuedAt, endedAt }) => ({
      kind,
      state,
      reason,
      queuedAt: queuedAt.getTime(),
      endedAt: endedAt?.getTime() ?? null,
    })),
    consents: consent.map(({ kind, given, since }) => ({ kind, given, since: since.getTime() })),
    receipts: receipt.map((row) => ({
      id: row.id,
      kind: row.kind,
      about: row.about,
      actor: row.actor,
      at: row.at.getTime(),
    })),
    sessions: open?.count ?? 0,
  };
}

/** Signs out every browser and forgets all known devices. */
export async function deleteAllSessions(db: Database, id: AccountId): Promise<void> {
  await queryOrThrow(
    db.batch([
      db.execute(sql`delete from sessions where account_id = ${id}`),
      db.execute(sql`delete from sign_in_steps where account_id = ${id}`),
      db.execute(sql`delete from known_devices where account_id = ${id}`),
    ]),
  );
}

/**
 * Records a withdrawal that reached support, with the receipt that its owner sees in the console.
 */
export async function withdrawConsentByOperator(
  db: Database,
  withdrawal: Readonly<{ accountId: AccountId; kind: string; receiptId: string; now: Instant }>,
): Promise<void> {
  const { accountId, kind, receiptId } = withdrawal;
  const now = new Date(withdrawal.now);
  await queryOrThrow(
    db.batch([
      db
        .insert(consents)
        .values({ accountId, kind, given: false, since: now })
        .onConflictDoUpdate({
          target: [consents.accountId, consents.kind],
          set: { given: false, since: now },
        }),
      db.insert(receipts).values({
        id: receiptId,
        accountId,
        kind: 'consent_withdrawn',
        about: kind,
        actor: 'operator',
        at: now,
      }),
    ]),
  );
}
