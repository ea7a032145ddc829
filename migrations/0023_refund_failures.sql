ALTER TABLE "refunds" ADD COLUMN "exported_by" varchar(254);--> statement-breakpoint
ALTER TABLE "refunds" ADD COLUMN "failure_reported_by" varchar(254);