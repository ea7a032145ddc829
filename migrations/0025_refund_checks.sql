ALTER TABLE "refunds" ADD COLUMN "checked_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "refunds" ADD COLUMN "checks" smallint DEFAULT 0 NOT NULL;