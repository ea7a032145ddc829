ALTER TABLE "deposit_differences" ADD COLUMN "kind" varchar(8) DEFAULT 'balance' NOT NULL;--> statement-breakpoint
ALTER TABLE "deposit_differences" DROP CONSTRAINT "deposit_differences_chain_address_audited_at_pk";--> statement-breakpoint
ALTER TABLE "deposit_differences" ADD CONSTRAINT "deposit_differences_chain_address_kind_audited_at_pk" PRIMARY KEY("chain","address","kind","audited_at");--> statement-breakpoint
ALTER TABLE "chain_cursors" ADD COLUMN "audit_after" varchar(42);--> statement-breakpoint
ALTER TABLE "chain_cursors" ADD COLUMN "audit_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "deposit_differences" ADD COLUMN "reread_below" bigint;--> statement-breakpoint
CREATE UNIQUE INDEX "deposit_differences_open" ON "deposit_differences" USING btree ("chain","address","kind") WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX "deposits_set_aside" ON "deposits" USING btree ("seen_at") WHERE state in ('held', 'closed');--> statement-breakpoint
ALTER TABLE "deposit_differences" ADD CONSTRAINT "deposit_differences_kind" CHECK (kind in ('balance', 'books', 'frozen'));