CREATE TABLE "sweeps" (
	"at" timestamp (3) with time zone PRIMARY KEY NOT NULL,
	"accounts" integer NOT NULL,
	"behind" integer NOT NULL,
	"pending" bigint NOT NULL,
	"broken" integer NOT NULL,
	"unfinished" integer NOT NULL,
	CONSTRAINT "sweeps_counts" CHECK (least("sweeps"."accounts", "sweeps"."behind", "sweeps"."pending", "sweeps"."broken", "sweeps"."unfinished") >= 0)
);
--> statement-breakpoint
CREATE INDEX "api_keys_last4" ON "api_keys" USING btree ("last4");--> statement-breakpoint
CREATE INDEX "calls_id" ON "calls" USING btree ("id");--> statement-breakpoint
CREATE INDEX "calls_shortfalls" ON "calls" USING btree ("created_at") WHERE "calls"."shortfall" > 0;--> statement-breakpoint
CREATE INDEX "notices_at" ON "notices" USING btree ("at");