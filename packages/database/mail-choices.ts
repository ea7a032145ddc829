/**
 * What a person chose about mail they may do without. A choice and its receipt are one batch: there is
 * never one without the other.
 */
import type { AccountId, Instant } from '@farebox/ledger';
import { eq } from 'drizzle-orm';
import { type Database, demand } from './connection.ts';
import { consents, receipts } from './schema-people.ts';

export type MailChoice = Readonly<{ kind: string; given: boolean; since: Instant }>;

/** Only what was said; a kind nothing was said about has no row. */
export async function mailChoices(
  db: Database,
  account: AccountId,
): Promise<readonly MailChoice[]> {
  const rows = await demand(db.select().from(consents).where(eq(consents.accountId, account)));
  return rows.map(({ kind, given, since }) => ({ kind, given, since: since.getTime() }));
}

export async function chooseMail(
  db: Database,
  choice: Readonly<{
    account: AccountId;
    kind: string;
    given: boolean;
    /** 32 hexadecimal characters. */
    receiptId: string;
    now: Instant;
  }>,
): Promise<void> {
  const { account: accountId, kind, given, receiptId } = choice;
  const now = new Date(choice.now);
  await demand(
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
        actor: 'person',
        at: now,
      }),
    ]),
  );
}
