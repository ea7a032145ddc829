ALTER TABLE "parity_reports" ADD COLUMN "stale" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "parity_reports" ADD COLUMN "differing_prices" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "parity_reports" ADD COLUMN "price_differences" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "parity_reports" ADD COLUMN "provider_costs" jsonb DEFAULT '[]'::jsonb NOT NULL;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "provider_cost" bigint;--> statement-breakpoint
ALTER TABLE "parity_reports" ADD CONSTRAINT "parity_reports_prices" CHECK (least("parity_reports"."stale", "parity_reports"."differing_prices") >= 0 and jsonb_array_length("parity_reports"."price_differences") <= 50 and jsonb_typeof("parity_reports"."provider_costs") = 'array');--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_provider_cost" CHECK ("calls"."provider_cost" >= 0);