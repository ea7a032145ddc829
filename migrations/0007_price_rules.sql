ALTER TABLE "calls" DROP CONSTRAINT "calls_usage";--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "cache_write_30m" bigint;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "cache_write_12h" bigint;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "cache_write_30m_price" bigint;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "cache_write_12h_price" bigint;--> statement-breakpoint
ALTER TABLE "calls" ADD COLUMN "price_rule" varchar(160);--> statement-breakpoint
UPDATE "calls" SET "cache_write_30m" = 0, "cache_write_12h" = 0 WHERE "input_uncached" IS NOT NULL;--> statement-breakpoint
UPDATE "calls" SET "cache_write_30m_price" = 0, "cache_write_12h_price" = 0 WHERE "input_uncached_price" IS NOT NULL;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_price_rule_shape" CHECK ("calls"."price_rule" ~ '^[!-~]+$');--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_usage" CHECK (least("calls"."input_uncached", "calls"."cache_read", "calls"."cache_write_5m", "calls"."cache_write_30m", "calls"."cache_write_1h", "calls"."cache_write_12h", "calls"."output", "calls"."output_reasoning") >= 0);