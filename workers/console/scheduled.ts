/**
 * The cron of the console: finishes account deletions and refunds, tells owners about corrected
 * bills and disabled webhooks, records the status of all components for the status page, announces new versions of the
 * legal texts, and purges expired rows (docs/storage.md lists the retention periods). A task that fails does not stop the others.
 */

import { deleteOldEmails } from '@farebox/database/email';
import { deleteOldAttempts } from '@farebox/database/webhooks';
import { purgeExpired } from '@farebox/identity';
import { DAY_MS } from '@farebox/ledger';
import { logEvent } from '@farebox/telemetry';
import { finishDeletions } from './account-deletion.ts';
import type { ConsoleDeps } from './deps.ts';
import { announceLegalVersions } from './legal-announcements.ts';
import { emailDisabledWebhooks } from './notifications/webhooks/disabled-emails.ts';
import { checkStatus, type Fetch } from './status/record-status.ts';
import { emailCorrectedAccounts } from './transactions/correction-emails.ts';
import { finishRefunds } from './transactions/refunds/finish-refunds.ts';

/** Long enough for a user or support to find out why an email did not arrive. */
const MAIL_RETENTION_MS = 90 * DAY_MS;
/** Long enough to find out why a receiver missed an event. */
const WEBHOOK_LOG_RETENTION_MS = 30 * DAY_MS;
/** The default message retention of Cloudflare Queues; an email still queued after it is lost. */
const MAIL_LOST_AFTER_MS = 4 * DAY_MS;
const PURGE_BATCH_SIZE = 500;
/** Bounds one run, however many rows have expired. */
const MAX_PURGE_BATCHES = 20;

/** Repeats `purge` until a batch is not full. */
async function purgeInBatches(purge: () => Promise<number>): Promise<void> {
  for (let batch = 0; batch < MAX_PURGE_BATCHES; batch += 1) {
    if ((await purge()) < PURGE_BATCH_SIZE) return;
  }
}

export async function runScheduled(deps: ConsoleDeps, fetchUrl: Fetch): Promise<void> {
  const { identity } = deps;
  const purgeEmails = () =>
    deleteOldEmails(identity.db, {
      now: identity.now(),
      retentionMs: MAIL_RETENTION_MS,
      lostAfterMs: MAIL_LOST_AFTER_MS,
      limit: PURGE_BATCH_SIZE,
    });
  const purgeWebhookLog = () =>
    deleteOldAttempts(identity.db, {
      before: identity.now() - WEBHOOK_LOG_RETENTION_MS,
      limit: PURGE_BATCH_SIZE,
    });
  const tasks = [
    () => finishDeletions(deps),
    () => finishRefunds(deps),
    () => emailCorrectedAccounts(deps),
    () => emailDisabledWebhooks(deps),
    () => checkStatus(deps, fetchUrl),
    () => announceLegalVersions(deps),
    () => purgeInBatches(() => purgeExpired(identity)),
    () => purgeInBatches(purgeEmails),
    () => purgeInBatches(purgeWebhookLog),
  ];
  for (const task of tasks) {
    try {
      await task();
    } catch {
      logEvent({ event: 'unexpected', where: 'console.scheduled', call: null });
    }
  }
}
