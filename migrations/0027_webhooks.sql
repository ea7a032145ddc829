CREATE TABLE "webhook_attempts" (
	"event_id" varchar(32) NOT NULL,
	"attempt" smallint NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"webhook_id" varchar(16) NOT NULL,
	"kind" varchar(32) NOT NULL,
	"due_at" timestamp (3) with time zone NOT NULL,
	"ended_at" timestamp (3) with time zone,
	"outcome" varchar(16),
	"status" smallint,
	CONSTRAINT "webhook_attempts_event_id_attempt_pk" PRIMARY KEY("event_id","attempt"),
	CONSTRAINT "webhook_attempts_id_shape" CHECK ("webhook_attempts"."event_id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "webhook_attempts_kind_shape" CHECK ("webhook_attempts"."kind" ~ '^[a-z_]+$'),
	CONSTRAINT "webhook_attempts_outcome" CHECK (outcome in ('delivered', 'rejected', 'redirected', 'timed_out', 'unreachable', 'unresolved', 'private_address', 'cancelled')),
	CONSTRAINT "webhook_attempts_ended" CHECK (("webhook_attempts"."ended_at" is null) = ("webhook_attempts"."outcome" is null) and "webhook_attempts"."attempt" > 0)
);
--> statement-breakpoint
CREATE TABLE "webhooks" (
	"id" varchar(16) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"endpoint" varchar(255) NOT NULL,
	"kinds" varchar(32)[] NOT NULL,
	"version" integer DEFAULT 1 NOT NULL,
	"rotated_at" timestamp (3) with time zone,
	"failures" smallint DEFAULT 0 NOT NULL,
	"disabled_at" timestamp (3) with time zone,
	"notified_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "webhooks_account" UNIQUE("account_id"),
	CONSTRAINT "webhooks_id_shape" CHECK ("webhooks"."id" ~ '^[0-9a-f]{16}$'),
	CONSTRAINT "webhooks_endpoint_shape" CHECK ("webhooks"."endpoint" ~ '^https?://[!-~]+$'),
	CONSTRAINT "webhooks_version" CHECK ("webhooks"."version" > 0 and "webhooks"."failures" >= 0)
);
--> statement-breakpoint
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhook_attempts" ADD CONSTRAINT "webhook_attempts_webhook_id_webhooks_id_fk" FOREIGN KEY ("webhook_id") REFERENCES "public"."webhooks"("id") ON DELETE cascade ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "webhooks" ADD CONSTRAINT "webhooks_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "webhook_attempts_webhook" ON "webhook_attempts" USING btree ("webhook_id");--> statement-breakpoint
CREATE INDEX "webhook_attempts_account" ON "webhook_attempts" USING btree ("account_id","due_at");--> statement-breakpoint
CREATE INDEX "webhook_attempts_due_at" ON "webhook_attempts" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "webhooks_disabled" ON "webhooks" USING btree ("disabled_at") WHERE disabled_at is not null and notified_at is null;