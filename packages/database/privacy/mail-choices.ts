/**
 * What a person chose about mail they may do without. A choice and its receipt are one batch: there is
 * never one without the other.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq } from 'drizzle-orm';
import { type Database, queryOrThrow } from '../connection/connection.ts';
import { consents, receipts } from '../schema/users.ts';

export type EmailConsent = Readonly<{ kind: string; given: boolean; since: Instant }>;

/** Only what was said; a kind nothing was said about has no row. */
export async function listConsents(
  db: Database,
  account: AccountId,
): Promise<readonly EmailConsent[]> {
  const rows = await queryOrThrow(
    db.select().from(consents).where(eq(consents.accountId, account)),
  );
  return rows.map(({ kind, given, since }) => ({ kind, given, since: since.getTime() }));
}

export async function setConsent(
  db: Database,
  consent: Readonly<{
    account: AccountId;
    kind: string;
    given: boolean;
    /** 32 hexadecimal characters. */
    receiptId: string;
    now: Instant;
  }>,
): Promise<void> {
  const { account: accountId, kind, given, receiptId } = consent;
  const now = new Date(consent.now);
  await queryOrThrow(
    db.batch([
      db
        .insert(consents)
        .values({ accountId, kind, given, since: now })
        .onConflictDoUpdate({
          target: [consents.accountId, consents.kind],
          set: { given, since: now },
        }),
      db.insert(receipts).values({
        id: receiptId,
        accountId,
        kind: given ? 'consent_given' : 'consent_withdrawn',
        about: kind,
        actor: 'user',
        at: now,
      }),
    ]),
  );
}
