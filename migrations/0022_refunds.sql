CREATE TABLE "refunds" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"chain" varchar(8) NOT NULL,
	"address" varchar(42) NOT NULL,
	"amount" bigint NOT NULL,
	"fee" bigint NOT NULL,
	"state" varchar(16) NOT NULL,
	"confirmation_hash" varchar(64),
	"requested_at" timestamp (3) with time zone NOT NULL,
	"confirmed_at" timestamp (3) with time zone,
	"approved_by" varchar(254),
	"decided_by" varchar(254),
	"decided_at" timestamp (3) with time zone,
	"reason" varchar(32),
	"attempt" smallint DEFAULT 0 NOT NULL,
	"exported_at" timestamp (3) with time zone,
	"tx_hash" varchar(66),
	"ended_at" timestamp (3) with time zone,
	"released_at" timestamp (3) with time zone,
	"notified_at" timestamp (3) with time zone,
	CONSTRAINT "refunds_id_shape" CHECK ("refunds"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "refunds_chain" CHECK ("refunds"."chain" in ('tron', 'bsc', 'polygon')),
	CONSTRAINT "refunds_address_shape" CHECK ("refunds"."address" ~ '^0x[0-9a-f]{40}$'),
	CONSTRAINT "refunds_amounts" CHECK ("refunds"."fee" >= 0 and "refunds"."amount" > "refunds"."fee"),
	CONSTRAINT "refunds_state" CHECK (state in ('requested', 'confirmed', 'reserved', 'half_approved', 'approved', 'exported', 'sent', 'paid', 'declined', 'cancelled', 'expired')),
	CONSTRAINT "refunds_transaction" CHECK ("refunds"."tx_hash" ~ '^0x[0-9a-f]{64}$'),
	CONSTRAINT "refunds_has_transaction" CHECK (("refunds"."state" in ('sent', 'paid')) = ("refunds"."tx_hash" is not null)),
	CONSTRAINT "refunds_ended" CHECK (("refunds"."state" in ('paid', 'declined', 'cancelled', 'expired')) = ("refunds"."ended_at" is not null)),
	CONSTRAINT "refunds_reason_shape" CHECK ("refunds"."reason" ~ '^[a-z_]+$')
);
--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_kind";--> statement-breakpoint
ALTER TABLE "ledger_entries" DROP CONSTRAINT "ledger_entries_sign";--> statement-breakpoint
ALTER TABLE "refunds" ADD CONSTRAINT "refunds_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE UNIQUE INDEX "refunds_open" ON "refunds" USING btree ("account_id") WHERE state not in ('paid', 'declined', 'cancelled', 'expired');--> statement-breakpoint
CREATE UNIQUE INDEX "refunds_confirmation" ON "refunds" USING btree ("confirmation_hash");--> statement-breakpoint
CREATE UNIQUE INDEX "refunds_payment" ON "refunds" USING btree ("chain","tx_hash");--> statement-breakpoint
CREATE INDEX "refunds_account" ON "refunds" USING btree ("account_id","requested_at");--> statement-breakpoint
CREATE INDEX "refunds_state_requested" ON "refunds" USING btree ("state","requested_at");--> statement-breakpoint
CREATE INDEX "refunds_unfinished" ON "refunds" USING btree ("requested_at") WHERE state in ('requested', 'confirmed') or (ended_at is not null and (released_at is null or notified_at is null));--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_kind" CHECK ("ledger_entries"."kind" in ('credit', 'charge', 'adjustment', 'refund'));--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_sign" CHECK (("ledger_entries"."kind" <> 'credit' or "ledger_entries"."delta" > 0) and ("ledger_entries"."kind" <> 'refund' or "ledger_entries"."delta" < 0) and ("ledger_entries"."kind" <> 'charge' or "ledger_entries"."delta" <= 0 or "ledger_entries"."id" like '%:late'));