ALTER TABLE "calls" ADD COLUMN "margin_basis_points" smallint;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_margin" CHECK ("calls"."margin_basis_points" between 0 and 10000);