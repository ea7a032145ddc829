-- Renames tables, columns, constraints, indexes and stored values to the terms of docs/glossary.md.
-- Written by hand, because the generator replaces a renamed table by an empty one. No row is added or
-- removed.
ALTER TABLE "sweeps" RENAME TO "reconciliation_runs";--> statement-breakpoint
ALTER TABLE "reconciliation_runs" RENAME CONSTRAINT "sweeps_pkey" TO "reconciliation_runs_pkey";--> statement-breakpoint
ALTER TABLE "reconciliation_runs" RENAME CONSTRAINT "sweeps_counts" TO "reconciliation_runs_counts";--> statement-breakpoint
ALTER TABLE "throttle_counters" RENAME TO "rate_limit_counters";--> statement-breakpoint
ALTER TABLE "rate_limit_counters" RENAME CONSTRAINT "throttle_counters_pkey" TO "rate_limit_counters_pkey";--> statement-breakpoint
ALTER INDEX "throttle_counters_resets_at" RENAME TO "rate_limit_counters_resets_at";--> statement-breakpoint
ALTER TABLE "notices" RENAME TO "notifications";--> statement-breakpoint
ALTER TABLE "notifications" RENAME CONSTRAINT "notices_account_id_id_pk" TO "notifications_account_id_id_pk";--> statement-breakpoint
ALTER TABLE "notifications" RENAME CONSTRAINT "notices_kind_shape" TO "notifications_kind_shape";--> statement-breakpoint
ALTER TABLE "notifications" RENAME CONSTRAINT "notices_model_shape" TO "notifications_model_shape";--> statement-breakpoint
ALTER TABLE "notifications" RENAME CONSTRAINT "notices_account_id_accounts_id_fk" TO "notifications_account_id_accounts_id_fk";--> statement-breakpoint
ALTER INDEX "notices_account" RENAME TO "notifications_account";--> statement-breakpoint
ALTER INDEX "notices_at" RENAME TO "notifications_at";--> statement-breakpoint
ALTER TABLE "mails" RENAME TO "emails";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_pkey" TO "emails_pkey";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_id_shape" TO "emails_id_shape";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_kind_shape" TO "emails_kind_shape";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_reason_shape" TO "emails_reason_shape";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_state" TO "emails_state";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_provider_id" TO "emails_provider_id";--> statement-breakpoint
ALTER TABLE "emails" RENAME CONSTRAINT "mails_account_id_accounts_id_fk" TO "emails_account_id_accounts_id_fk";--> statement-breakpoint
ALTER INDEX "mails_account" RENAME TO "emails_account";--> statement-breakpoint
ALTER INDEX "mails_queued_at" RENAME TO "emails_queued_at";--> statement-breakpoint
ALTER INDEX "mails_failures" RENAME TO "emails_failures";--> statement-breakpoint
ALTER TABLE "mail_tokens" RENAME TO "email_tokens";--> statement-breakpoint
ALTER TABLE "email_tokens" RENAME CONSTRAINT "mail_tokens_pkey" TO "email_tokens_pkey";--> statement-breakpoint
ALTER TABLE "email_tokens" RENAME CONSTRAINT "mail_tokens_purpose" TO "email_tokens_purpose";--> statement-breakpoint
ALTER TABLE "email_tokens" RENAME CONSTRAINT "mail_tokens_new_email" TO "email_tokens_new_email";--> statement-breakpoint
ALTER TABLE "email_tokens" RENAME CONSTRAINT "mail_tokens_account_id_accounts_id_fk" TO "email_tokens_account_id_accounts_id_fk";--> statement-breakpoint
ALTER INDEX "mail_tokens_account" RENAME TO "email_tokens_account";--> statement-breakpoint
ALTER INDEX "mail_tokens_expires_at" RENAME TO "email_tokens_expires_at";--> statement-breakpoint
ALTER TABLE "mail_events" RENAME COLUMN "mail_id" TO "email_id";--> statement-breakpoint
ALTER TABLE "mail_events" RENAME TO "email_events";--> statement-breakpoint
ALTER TABLE "email_events" RENAME CONSTRAINT "mail_events_pkey" TO "email_events_pkey";--> statement-breakpoint
ALTER TABLE "email_events" RENAME CONSTRAINT "mail_events_kind_shape" TO "email_events_kind_shape";--> statement-breakpoint
ALTER TABLE "email_events" RENAME CONSTRAINT "mail_events_mail_id_mails_id_fk" TO "email_events_email_id_emails_id_fk";--> statement-breakpoint
ALTER INDEX "mail_events_mail" RENAME TO "email_events_email";--> statement-breakpoint
ALTER TABLE "sessions" RENAME COLUMN "proved_at" TO "last_auth_at";--> statement-breakpoint
ALTER TABLE "chain_cursors" RENAME COLUMN "looked_at" TO "last_polled_at";--> statement-breakpoint
ALTER TABLE "chain_cursors" RENAME COLUMN "trouble" TO "last_error";--> statement-breakpoint
ALTER TABLE "chain_cursors" RENAME COLUMN "reread_next" TO "rescan_next";--> statement-breakpoint
ALTER TABLE "chain_cursors" RENAME COLUMN "reread_until" TO "rescan_until";--> statement-breakpoint
ALTER TABLE "chain_cursors" RENAME COLUMN "reread_at" TO "rescan_at";--> statement-breakpoint
ALTER TABLE "deposit_differences" RENAME COLUMN "reread_below" TO "rescan_below";--> statement-breakpoint
ALTER TABLE "deposit_differences" RENAME COLUMN "settled_at" TO "resolved_at";--> statement-breakpoint
ALTER TABLE "passkey_challenges" DROP CONSTRAINT "passkey_challenges_purpose";--> statement-breakpoint
UPDATE "passkey_challenges" SET "purpose" = 'reauthenticate' WHERE "purpose" = 'prove';--> statement-breakpoint
ALTER TABLE "passkey_challenges" ADD CONSTRAINT "passkey_challenges_purpose" CHECK ("passkey_challenges"."purpose" in ('register', 'sign_in', 'reauthenticate'));--> statement-breakpoint
ALTER TABLE "receipts" DROP CONSTRAINT "receipts_actor";--> statement-breakpoint
UPDATE "receipts" SET "actor" = 'user' WHERE "actor" = 'person';--> statement-breakpoint
ALTER TABLE "receipts" ADD CONSTRAINT "receipts_actor" CHECK ("receipts"."actor" in ('user', 'operator', 'link'));--> statement-breakpoint
UPDATE "notifications" SET "kind" = 'expensive_model' WHERE "kind" = 'dear_model';--> statement-breakpoint
UPDATE "emails" SET "kind" = 'expensive_model' WHERE "kind" = 'dear_model';--> statement-breakpoint
UPDATE "emails" SET "reason" = 'unspecified' WHERE "reason" = 'unsaid';--> statement-breakpoint
ALTER TABLE "deposit_differences" DROP CONSTRAINT "deposit_differences_kind";--> statement-breakpoint
UPDATE "deposit_differences" SET "kind" = 'ledger' WHERE "kind" = 'books';--> statement-breakpoint
ALTER TABLE "deposit_differences" ADD CONSTRAINT "deposit_differences_kind" CHECK (kind in ('balance', 'ledger', 'frozen'));--> statement-breakpoint
DROP INDEX "deposits_waiting";--> statement-breakpoint
DROP INDEX "deposits_set_aside";--> statement-breakpoint
ALTER TABLE "deposits" DROP CONSTRAINT "deposits_state";--> statement-breakpoint
ALTER TABLE "deposits" DROP CONSTRAINT "deposits_amount";--> statement-breakpoint
ALTER TABLE "deposits" ALTER COLUMN "state" SET DATA TYPE varchar(16);--> statement-breakpoint
UPDATE "deposits" SET
  "state" = CASE "state" WHEN 'seen' THEN 'pending' WHEN 'held' THEN 'in_review' ELSE "state" END,
  "reason" = CASE "reason" WHEN 'barred_sender' THEN 'blocked_sender' ELSE "reason" END,
  "found_by" = CASE "found_by" WHEN 'reread' THEN 'rescan' ELSE "found_by" END
WHERE "state" in ('seen', 'held') or "reason" = 'barred_sender' or "found_by" = 'reread';--> statement-breakpoint
ALTER TABLE "deposits" ADD CONSTRAINT "deposits_state" CHECK (state in ('pending', 'final', 'credited', 'dust', 'in_review', 'closed'));--> statement-breakpoint
ALTER TABLE "deposits" ADD CONSTRAINT "deposits_amount" CHECK (("deposits"."state" = 'pending') = ("deposits"."amount" is null));--> statement-breakpoint
CREATE INDEX "deposits_waiting" ON "deposits" USING btree ("chain","state","block_number") WHERE state in ('pending', 'final', 'dust', 'in_review');--> statement-breakpoint
CREATE INDEX "deposits_in_review" ON "deposits" USING btree ("seen_at") WHERE state in ('in_review', 'closed');
