CREATE TABLE "usage_days" (
	"account_id" varchar(16) NOT NULL,
	"day" integer NOT NULL,
	"key_id" bigint NOT NULL,
	"model" varchar(128) NOT NULL,
	"calls" integer NOT NULL,
	"input_tokens" bigint NOT NULL,
	"output_tokens" bigint NOT NULL,
	"charged" bigint NOT NULL,
	CONSTRAINT "usage_days_account_id_day_key_id_model_pk" PRIMARY KEY("account_id","day","key_id","model"),
	CONSTRAINT "usage_days_model_shape" CHECK ("usage_days"."model" ~ '^[!-~]+$'),
	CONSTRAINT "usage_days_sums" CHECK (least("usage_days"."calls", "usage_days"."input_tokens", "usage_days"."output_tokens", "usage_days"."charged") >= 0)
);
--> statement-breakpoint
CREATE TABLE "consents" (
	"account_id" varchar(16) NOT NULL,
	"kind" varchar(32) NOT NULL,
	"given" boolean NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "consents_account_id_kind_pk" PRIMARY KEY("account_id","kind"),
	CONSTRAINT "consents_kind_shape" CHECK ("consents"."kind" ~ '^[a-z_]+$')
);
--> statement-breakpoint
CREATE TABLE "known_devices" (
	"token_hash" varchar(64) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "mail_events" (
	"id" varchar(64) PRIMARY KEY NOT NULL,
	"mail_id" varchar(32) NOT NULL,
	"kind" varchar(16) NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "mail_events_kind_shape" CHECK ("mail_events"."kind" ~ '^[a-z_]+$')
);
--> statement-breakpoint
CREATE TABLE "mail_tokens" (
	"token_hash" varchar(64) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"purpose" varchar(16) NOT NULL,
	"new_email" varchar(254),
	"new_email_key" varchar(254),
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "mail_tokens_purpose" CHECK ("mail_tokens"."purpose" in ('reset', 'change_email')),
	CONSTRAINT "mail_tokens_new_email" CHECK (("mail_tokens"."purpose" = 'change_email') = ("mail_tokens"."new_email" is not null and "mail_tokens"."new_email_key" is not null))
);
--> statement-breakpoint
CREATE TABLE "mails" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"account_id" varchar(16),
	"kind" varchar(32) NOT NULL,
	"state" varchar(16) NOT NULL,
	"reason" varchar(40),
	"provider_id" varchar(128),
	"queued_at" timestamp (3) with time zone NOT NULL,
	"sent_at" timestamp (3) with time zone,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "mails_provider_id" UNIQUE("provider_id"),
	CONSTRAINT "mails_id_shape" CHECK ("mails"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "mails_kind_shape" CHECK ("mails"."kind" ~ '^[a-z_]+$'),
	CONSTRAINT "mails_reason_shape" CHECK ("mails"."reason" ~ '^[A-Za-z0-9_-]+$'),
	CONSTRAINT "mails_state" CHECK ("mails"."state" in ('queued', 'sent', 'delivered', 'bounced', 'complained', 'rejected', 'delayed', 'suppressed', 'failed'))
);
--> statement-breakpoint
CREATE TABLE "notices" (
	"account_id" varchar(16) NOT NULL,
	"id" varchar(64) NOT NULL,
	"kind" varchar(32) NOT NULL,
	"key_id" bigint,
	"model" varchar(128),
	"amount" bigint,
	"at" timestamp (3) with time zone NOT NULL,
	"dismissed_at" timestamp (3) with time zone,
	CONSTRAINT "notices_account_id_id_pk" PRIMARY KEY("account_id","id"),
	CONSTRAINT "notices_kind_shape" CHECK ("notices"."kind" ~ '^[a-z_]+$'),
	CONSTRAINT "notices_model_shape" CHECK ("notices"."model" ~ '^[!-~]+$')
);
--> statement-breakpoint
CREATE TABLE "passkey_challenges" (
	"challenge_hash" varchar(64) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"purpose" varchar(16) NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "passkey_challenges_purpose" CHECK ("passkey_challenges"."purpose" in ('register', 'sign_in', 'prove'))
);
--> statement-breakpoint
CREATE TABLE "passkeys" (
	"credential_id" varchar(1364) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"public_key" varchar(1024) NOT NULL,
	"counter" bigint NOT NULL,
	"name" varchar(64) NOT NULL,
	"transports" varchar(16)[] NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"used_at" timestamp (3) with time zone
);
--> statement-breakpoint
CREATE TABLE "receipts" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"kind" varchar(32) NOT NULL,
	"about" varchar(32),
	"actor" varchar(16) NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "receipts_id_shape" CHECK ("receipts"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "receipts_words" CHECK ("receipts"."kind" ~ '^[a-z_]+$' and "receipts"."about" ~ '^[a-z_]+$'),
	CONSTRAINT "receipts_actor" CHECK ("receipts"."actor" in ('person', 'operator', 'link'))
);
--> statement-breakpoint
CREATE TABLE "recovery_codes" (
	"account_id" varchar(16) NOT NULL,
	"code_hash" varchar(64) NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "recovery_codes_account_id_code_hash_pk" PRIMARY KEY("account_id","code_hash")
);
--> statement-breakpoint
CREATE TABLE "sessions" (
	"token_hash" varchar(64) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"handle" varchar(16) NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL,
	"proved_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "sessions_handle" UNIQUE("handle"),
	CONSTRAINT "sessions_handle_shape" CHECK ("sessions"."handle" ~ '^[0-9a-f]{16}$')
);
--> statement-breakpoint
CREATE TABLE "sign_in_steps" (
	"token_hash" varchar(64) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"tries" integer NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "sign_ups" (
	"token_hash" varchar(64) PRIMARY KEY NOT NULL,
	"email" varchar(254) NOT NULL,
	"email_key" varchar(254) NOT NULL,
	"password_hash" varchar(255) NOT NULL,
	"language" varchar(35) NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"expires_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "suppressions" (
	"mailbox_hash" varchar(64) PRIMARY KEY NOT NULL,
	"reason" varchar(16) NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "suppressions_reason" CHECK ("suppressions"."reason" in ('bounced', 'complained'))
);
--> statement-breakpoint
CREATE TABLE "throttle_counters" (
	"bucket" varchar(64) PRIMARY KEY NOT NULL,
	"count" integer NOT NULL,
	"resets_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "totp_factors" (
	"account_id" varchar(16) PRIMARY KEY NOT NULL,
	"sealed_secret" varchar(160) NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"last_step" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "adjustments" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"delta" bigint NOT NULL,
	"reason" varchar(255) NOT NULL,
	"state" varchar(16) NOT NULL,
	"proposed_by" varchar(254) NOT NULL,
	"proposed_at" timestamp (3) with time zone NOT NULL,
	"decided_by" varchar(254),
	"decided_at" timestamp (3) with time zone,
	CONSTRAINT "adjustments_id_shape" CHECK ("adjustments"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "adjustments_state" CHECK ("adjustments"."state" in ('proposed', 'approved', 'applied', 'refused')),
	CONSTRAINT "adjustments_decided" CHECK (("adjustments"."state" = 'proposed') = ("adjustments"."decided_by" is null))
);
--> statement-breakpoint
CREATE TABLE "operator_actions" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"operator" varchar(254) NOT NULL,
	"action" varchar(40) NOT NULL,
	"subject" varchar(16),
	"reason" varchar(255) NOT NULL,
	"outcome" varchar(40) NOT NULL,
	"previous_seq" bigint GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
	"previous_hash" varchar(64) NOT NULL,
	"hash" varchar(64) NOT NULL,
	CONSTRAINT "operator_actions_hash" UNIQUE("seq","hash"),
	CONSTRAINT "operator_actions_words" CHECK ("operator_actions"."action" ~ '^[a-z_]+$' and "operator_actions"."outcome" ~ '^[a-z_]+$'),
	CONSTRAINT "operator_actions_hashes" CHECK ("operator_actions"."previous_hash" || "operator_actions"."hash" ~ '^[0-9a-f]{128}$'),
	CONSTRAINT "operator_actions_first" CHECK ("operator_actions"."seq" >= 1)
);
--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "closed_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "accounts" ADD COLUMN "wiped_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "usage_days" ADD CONSTRAINT "usage_days_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "consents" ADD CONSTRAINT "consents_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "known_devices" ADD CONSTRAINT "known_devices_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mail_events" ADD CONSTRAINT "mail_events_mail_id_mails_id_fk" FOREIGN KEY ("mail_id") REFERENCES "public"."mails"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mail_tokens" ADD CONSTRAINT "mail_tokens_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "mails" ADD CONSTRAINT "mails_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "notices" ADD CONSTRAINT "notices_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passkey_challenges" ADD CONSTRAINT "passkey_challenges_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "passkeys" ADD CONSTRAINT "passkeys_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "receipts" ADD CONSTRAINT "receipts_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "recovery_codes" ADD CONSTRAINT "recovery_codes_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sessions" ADD CONSTRAINT "sessions_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "sign_in_steps" ADD CONSTRAINT "sign_in_steps_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "totp_factors" ADD CONSTRAINT "totp_factors_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "adjustments" ADD CONSTRAINT "adjustments_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "operator_actions" ADD CONSTRAINT "operator_actions_predecessor" FOREIGN KEY ("previous_seq","previous_hash") REFERENCES "public"."operator_actions"("seq","hash") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "known_devices_account" ON "known_devices" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "known_devices_expires_at" ON "known_devices" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "mail_events_mail" ON "mail_events" USING btree ("mail_id");--> statement-breakpoint
CREATE INDEX "mail_tokens_account" ON "mail_tokens" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "mail_tokens_expires_at" ON "mail_tokens" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "mails_account" ON "mails" USING btree ("account_id","queued_at");--> statement-breakpoint
CREATE INDEX "mails_queued_at" ON "mails" USING btree ("queued_at");--> statement-breakpoint
CREATE INDEX "mails_failures" ON "mails" USING btree ("state","queued_at");--> statement-breakpoint
CREATE INDEX "notices_account" ON "notices" USING btree ("account_id","at");--> statement-breakpoint
CREATE INDEX "passkey_challenges_account" ON "passkey_challenges" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "passkey_challenges_expires_at" ON "passkey_challenges" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "passkeys_account" ON "passkeys" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "receipts_account" ON "receipts" USING btree ("account_id","at");--> statement-breakpoint
CREATE INDEX "sessions_account" ON "sessions" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "sessions_expires_at" ON "sessions" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "sign_in_steps_account" ON "sign_in_steps" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "sign_in_steps_expires_at" ON "sign_in_steps" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "sign_ups_expires_at" ON "sign_ups" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "throttle_counters_resets_at" ON "throttle_counters" USING btree ("resets_at");--> statement-breakpoint
CREATE INDEX "adjustments_state" ON "adjustments" USING btree ("state","proposed_at");--> statement-breakpoint
CREATE INDEX "adjustments_account" ON "adjustments" USING btree ("account_id");--> statement-breakpoint
CREATE INDEX "operator_actions_subject" ON "operator_actions" USING btree ("subject","seq");--> statement-breakpoint
CREATE INDEX "accounts_closing" ON "accounts" USING btree ("closed_at") WHERE "accounts"."closed_at" is not null and "accounts"."wiped_at" is null;--> statement-breakpoint
CREATE INDEX "calls_latest" ON "calls" USING btree ("account_id","created_at","id");--> statement-breakpoint
CREATE INDEX "ledger_entries_money" ON "ledger_entries" USING btree ("account_id","seq") WHERE "ledger_entries"."kind" <> 'charge';--> statement-breakpoint
ALTER TABLE "accounts" ADD CONSTRAINT "accounts_wiped_after_closed" CHECK ("accounts"."wiped_at" is null or "accounts"."closed_at" is not null);--> statement-breakpoint
INSERT INTO "usage_days" ("account_id", "day", "key_id", "model", "calls", "input_tokens", "output_tokens", "charged")
SELECT account_id, floor(extract(epoch from created_at) / 86400)::integer, key_id, model, count(*)::integer,
  coalesce(sum(coalesce(input_uncached, 0) + coalesce(cache_read, 0) + coalesce(cache_write_5m, 0) + coalesce(cache_write_1h, 0)), 0)::bigint,
  coalesce(sum(output), 0)::bigint, sum(charged)::bigint
FROM calls GROUP BY 1, 2, 3, 4;--> statement-breakpoint
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'lines of % are never changed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;--> statement-breakpoint
CREATE TRIGGER operator_actions_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON operator_actions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
