ALTER TABLE "swept_deposits" ADD COLUMN "state" varchar(12) DEFAULT 'reported' NOT NULL;--> statement-breakpoint
ALTER TABLE "swept_deposits" ADD COLUMN "destination" varchar(42);--> statement-breakpoint
ALTER TABLE "swept_deposits" ADD COLUMN "checked_at" timestamp (3) with time zone;--> statement-breakpoint
CREATE INDEX "swept_deposits_unconfirmed" ON "swept_deposits" USING btree ("chain") WHERE state <> 'confirmed';--> statement-breakpoint
ALTER TABLE "swept_deposits" ADD CONSTRAINT "swept_deposits_state" CHECK (state in ('reported', 'confirmed', 'contradicted'));