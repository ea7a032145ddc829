/**
 * Announces a new version of a legal text by one email per account, as the texts promise. A run
 * that failed after the emails were queued queues them again under the same ids, of which the
 * consumer sends each once.
 */
import {
  insertEmails,
  listAnnouncementRecipients,
  recordAnnouncementProgress,
} from '@farebox/database/email';
import { LEGAL_VERSIONS, type LegalVersion } from '@farebox/i18n';
import { type EmailQueue, legalEmailId, type QueuedEmail } from '@farebox/mail';
import type { ConsoleDeps } from './deps.ts';

/**
 * Emails of one version per run, which is every five minutes. A batch of a queue has at most 100
 * messages (https://developers.cloudflare.com/queues/platform/limits/).
 */
const MAX_EMAILS = 100;

type AnnouncementDeps = Readonly<{
  identity: Pick<ConsoleDeps['identity'], 'db' | 'secret' | 'now'>;
  mail: EmailQueue;
}>;

/** `announcedAt` is the moment at which the day of the announcement begins. */
type Announcement = LegalVersion & Readonly<{ announcedAt: number }>;

/** Returns the versions whose announcement has begun. */
function listAnnouncements(versions: readonly LegalVersion[], now: number): Announcement[] {
  return versions.flatMap((version) => {
    if (version.announcedOn === null) return [];
    const announcedAt = Date.parse(`${version.announcedOn}T00:00:00Z`);
    return announcedAt <= now ? [{ ...version, announcedAt }] : [];
  });
}

async function announce(
  { identity: { db, secret, now }, mail }: AnnouncementDeps,
  { document, version, effectiveFrom, announcedAt }: Announcement,
): Promise<void> {
  const key = { document, version };
  const limit = MAX_EMAILS;
  const query = { ...key, createdBefore: announcedAt, limit };
  const recipients = await listAnnouncementRecipients(db, query);
  if (recipients === undefined) return;
  const facts = { document, version, from: effectiveFrom };
  const emails = recipients.map(
    ({ account, email: to, language }): QueuedEmail => ({
      id: legalEmailId(secret, account, key),
      email: { kind: 'legal_text_changed', facts, to, language, account },
    }),
  );
  const rows = emails.map(({ id, email: { kind, account } }) => ({ id, kind, accountId: account }));
  await insertEmails(db, rows, now());
  if (emails.length > 0) await mail.sendBatch(emails.map((body) => ({ body })));
  await recordAnnouncementProgress(db, {
    ...key,
    lastAccount: recipients.at(-1)?.account ?? null,
    isFinished: recipients.length < limit,
    now: now(),
  });
}

/** Throws if the database or the queue is unavailable. */
export async function announceLegalVersions(
  deps: AnnouncementDeps,
  versions: readonly LegalVersion[] = LEGAL_VERSIONS,
): Promise<void> {
  for (const announcement of listAnnouncements(versions, deps.identity.now())) {
    await announce(deps, announcement);
  }
}
