ALTER TABLE "deposits" ADD COLUMN "fee" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deposits" ADD COLUMN "fee_basis_points" integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "deposits" ADD CONSTRAINT "deposits_fee" CHECK ("deposits"."fee" >= 0 and "deposits"."fee_basis_points" between 0 and 5000);