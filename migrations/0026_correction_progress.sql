ALTER TABLE "corrections" DROP CONSTRAINT "corrections_state";--> statement-breakpoint
ALTER TABLE "corrections" DROP CONSTRAINT "corrections_decided";--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "period_from" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "period_until" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "prices" jsonb;--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "notified_account" varchar(16);--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "notified_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_period" CHECK ("corrections"."period_from" < "corrections"."period_until");--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_state" CHECK ("corrections"."state" in ('planning', 'proposed', 'approved', 'applied', 'refused'));--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_decided" CHECK (("corrections"."state" in ('planning', 'proposed')) = ("corrections"."decided_by" is null));