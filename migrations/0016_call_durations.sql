ALTER TABLE "calls" ADD COLUMN "first_token_ms" integer;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "total_ms" integer;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_durations" CHECK (least("calls"."first_token_ms", "calls"."total_ms") >= 0);