ALTER TABLE "corrections" ADD COLUMN "planned_at" timestamp (3) with time zone;--> statement-breakpoint
ALTER TABLE "corrections" ADD COLUMN "planned_call" varchar(32);--> statement-breakpoint
ALTER TABLE "corrections" ADD CONSTRAINT "corrections_planned_until" CHECK (("corrections"."planned_at" is null) = ("corrections"."planned_call" is null));