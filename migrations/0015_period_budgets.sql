ALTER TABLE "notifications" ADD COLUMN "budget_period" varchar(8);--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "day_budget" bigint;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "week_budget" bigint;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "month_budget" bigint;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "max_output_price" bigint;--> statement-breakpoint
ALTER TABLE "notifications" ADD CONSTRAINT "notifications_budget_period" CHECK ("notifications"."budget_period" ~ '^[a-z]+$');--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_period_budgets" CHECK (least("api_keys"."day_budget", "api_keys"."week_budget", "api_keys"."month_budget") >= 0);--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_max_output_price" CHECK ("api_keys"."max_output_price" >= 0);