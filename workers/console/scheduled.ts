/**
 * What the console does every few minutes on its own: finishes deletions, and purges what has outlived its
 * use (docs/storage.md says after how long). Each part goes on where another fails.
 */
import { deleteOldEmails } from '@farebox/database/email';
import { purgeExpired } from '@farebox/identity';
import { logEvent } from '@farebox/telemetry';
import { finishDeletions } from './account-deletion.ts';
import type { ConsoleDeps } from './deps.ts';

const DAY_MS = 86_400_000;
/** Long enough for a person, or support, to find out why a letter did not come. */
const MAIL_RETENTION_MS = 90 * DAY_MS;
/** Queues keep nothing longer than this (Cloudflare Queues, message retention: 4 days unless set). */
const MAIL_LOST_AFTER_MS = 4 * DAY_MS;
const PURGE_BATCH_SIZE = 500;
/** So that one tick ends, however much there is. */
const MAX_PURGE_BATCHES = 20;

/** Again as long as about a whole round went. */
async function purgeInBatches(purge: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < MAX_PURGE_BATCHES; batch += 1) {
    if ((await purge()) < PURGE_BATCH_SIZE) return;
  }
}

export async function runScheduled(deps: ConsoleDeps): Promise<void> {
  const { identity } = deps;
  const purgeEmails = () =>
    deleteOldEmails(identity.db, {
      now: identity.now(),
      retentionMs: MAIL_RETENTION_MS,
      lostAfterMs: MAIL_LOST_AFTER_MS,
      limit: PURGE_BATCH_SIZE,
    });
  const tasks = [
    () => finishDeletions(deps),
    () => purgeInBatches(() => purgeExpired(identity)),
    () => purgeInBatches(purgeEmails),
  ];
  for (const task of tasks) {
    try {
      await task();
    } catch {
      logEvent({ event: 'unexpected', where: 'console.scheduled', call: null });
    }
  }
}
