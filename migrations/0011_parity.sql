CREATE TABLE "catalog_releases" (
	"version" varchar(64) PRIMARY KEY NOT NULL,
	"list" jsonb NOT NULL,
	"stored_at" timestamp (3) with time zone NOT NULL
);
--> statement-breakpoint
CREATE TABLE "parity_reports" (
	"day" integer PRIMARY KEY NOT NULL,
	"last_at" timestamp (3) with time zone,
	"last_call" varchar(32),
	"completed_at" timestamp (3) with time zone,
	"calls" bigint NOT NULL,
	"differing" bigint NOT NULL,
	"skipped" bigint NOT NULL,
	"examples" varchar(32)[] NOT NULL,
	"list_version" varchar(64) NOT NULL,
	"list_date" varchar(10) NOT NULL,
	"disputed" integer NOT NULL,
	CONSTRAINT "parity_reports_counts" CHECK (least("parity_reports"."calls", "parity_reports"."differing", "parity_reports"."skipped", "parity_reports"."disputed") >= 0 and cardinality("parity_reports"."examples") <= 50)
);
--> statement-breakpoint
CREATE INDEX "calls_created" ON "calls" USING btree ("created_at","id");