CREATE TABLE "status_days" (
	"component" varchar(16) NOT NULL,
	"day" integer NOT NULL,
	"checks" integer NOT NULL,
	"failures" integer NOT NULL,
	"is_up" boolean NOT NULL,
	"since" timestamp (3) with time zone NOT NULL,
	"checked_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "status_days_component_day_pk" PRIMARY KEY("component","day"),
	CONSTRAINT "status_days_component" CHECK ("status_days"."component" ~ '^[a-z0-9_-]+$'),
	CONSTRAINT "status_days_counts" CHECK ("status_days"."failures" between 0 and "status_days"."checks")
);
--> statement-breakpoint
CREATE TABLE "status_incidents" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"component" varchar(16) NOT NULL,
	"summary" varchar(250) NOT NULL,
	"operator" varchar(254) NOT NULL,
	"opened_at" timestamp (3) with time zone NOT NULL,
	"resolved_at" timestamp (3) with time zone,
	CONSTRAINT "status_incidents_order" CHECK ("status_incidents"."resolved_at" >= "status_incidents"."opened_at")
);
