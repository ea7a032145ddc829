CREATE TABLE "price_acknowledgements" (
	"difference" varchar(64) PRIMARY KEY NOT NULL,
	"model" varchar(225) NOT NULL,
	"operator" varchar(254) NOT NULL,
	"reason" varchar(255) NOT NULL,
	"acknowledged_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "price_acknowledgements_id" CHECK ("price_acknowledgements"."difference" ~ '^[0-9a-f]{64}$')
);
--> statement-breakpoint
ALTER TABLE "parity_reports" DROP CONSTRAINT "parity_reports_prices";--> statement-breakpoint
ALTER TABLE "parity_reports" ADD COLUMN "new_prices" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "parity_reports" ADD CONSTRAINT "parity_reports_prices" CHECK (least("parity_reports"."stale", "parity_reports"."differing_prices", "parity_reports"."new_prices") >= 0 and jsonb_array_length("parity_reports"."price_differences") <= 50 and jsonb_typeof("parity_reports"."provider_costs") = 'array');