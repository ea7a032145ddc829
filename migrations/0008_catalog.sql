CREATE TABLE "catalog_margins" (
	"version" integer NOT NULL,
	"scope" varchar(225) NOT NULL,
	"basis_points" integer NOT NULL,
	CONSTRAINT "catalog_margins_version_scope_pk" PRIMARY KEY("version","scope"),
	CONSTRAINT "catalog_margins_scope" CHECK ("catalog_margins"."scope" ~ '^[!-~]+$'),
	CONSTRAINT "catalog_margins_range" CHECK ("catalog_margins"."basis_points" between 0 and 10000)
);
--> statement-breakpoint
CREATE TABLE "catalog_models" (
	"version" integer NOT NULL,
	"provider" varchar(64) NOT NULL,
	"id" varchar(160) NOT NULL,
	"status" varchar(16) NOT NULL,
	"definition" jsonb,
	CONSTRAINT "catalog_models_version_provider_id_pk" PRIMARY KEY("version","provider","id"),
	CONSTRAINT "catalog_models_names" CHECK ("catalog_models"."provider" ~ '^[!-~]+$' and "catalog_models"."id" ~ '^[!-~]+$'),
	CONSTRAINT "catalog_models_status" CHECK (status in ('defined', 'withdrawn', 'released')),
	CONSTRAINT "catalog_models_defined" CHECK (("catalog_models"."status" = 'defined') = ("catalog_models"."definition" is not null))
);
--> statement-breakpoint
CREATE TABLE "catalog_proposals" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"author" varchar(254) NOT NULL,
	"reason" varchar(255) NOT NULL,
	"changes" jsonb NOT NULL,
	"needs_approval" boolean NOT NULL,
	"base_version" integer NOT NULL,
	"effective_at" timestamp (3) with time zone,
	"state" varchar(16) NOT NULL,
	"proposed_at" timestamp (3) with time zone NOT NULL,
	"decided_by" varchar(254),
	"decided_at" timestamp (3) with time zone,
	"version" integer,
	CONSTRAINT "catalog_proposals_id" CHECK ("catalog_proposals"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "catalog_proposals_state" CHECK ("catalog_proposals"."state" in ('proposed', 'accepted', 'rejected')),
	CONSTRAINT "catalog_proposals_decided" CHECK (("catalog_proposals"."state" = 'proposed') = ("catalog_proposals"."decided_by" is null)),
	CONSTRAINT "catalog_proposals_version" CHECK (("catalog_proposals"."state" = 'accepted') = ("catalog_proposals"."version" is not null)),
	CONSTRAINT "catalog_proposals_second" CHECK ("catalog_proposals"."state" <> 'accepted' or not "catalog_proposals"."needs_approval" or lower("catalog_proposals"."decided_by") <> lower("catalog_proposals"."author"))
);
--> statement-breakpoint
CREATE TABLE "catalog_versions" (
	"version" integer PRIMARY KEY NOT NULL,
	"author" varchar(254) NOT NULL,
	"reason" varchar(255) NOT NULL,
	"approved_by" varchar(254),
	"created_at" timestamp (3) with time zone NOT NULL,
	"effective_at" timestamp (3) with time zone NOT NULL,
	"previous_version" integer GENERATED ALWAYS AS (nullif(version - 1, 0)) STORED,
	CONSTRAINT "catalog_versions_first" CHECK ("catalog_versions"."version" >= 1),
	CONSTRAINT "catalog_versions_effective" CHECK ("catalog_versions"."effective_at" >= "catalog_versions"."created_at"),
	CONSTRAINT "catalog_versions_second" CHECK (lower("catalog_versions"."approved_by") <> lower("catalog_versions"."author"))
);
--> statement-breakpoint
ALTER TABLE "catalog_margins" ADD CONSTRAINT "catalog_margins_version_catalog_versions_version_fk" FOREIGN KEY ("version") REFERENCES "public"."catalog_versions"("version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "catalog_models" ADD CONSTRAINT "catalog_models_version_catalog_versions_version_fk" FOREIGN KEY ("version") REFERENCES "public"."catalog_versions"("version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "catalog_proposals" ADD CONSTRAINT "catalog_proposals_version_catalog_versions_version_fk" FOREIGN KEY ("version") REFERENCES "public"."catalog_versions"("version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "catalog_versions" ADD CONSTRAINT "catalog_versions_predecessor" FOREIGN KEY ("previous_version") REFERENCES "public"."catalog_versions"("version") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "catalog_models_model" ON "catalog_models" USING btree ("provider","id","version");--> statement-breakpoint
CREATE INDEX "catalog_proposals_open" ON "catalog_proposals" USING btree ("proposed_at") WHERE state = 'proposed';--> statement-breakpoint
CREATE INDEX "catalog_versions_effective_at" ON "catalog_versions" USING btree ("effective_at","version");--> statement-breakpoint
CREATE TRIGGER catalog_versions_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog_versions
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();--> statement-breakpoint
CREATE TRIGGER catalog_models_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog_models
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();--> statement-breakpoint
CREATE TRIGGER catalog_margins_are_final BEFORE UPDATE OR DELETE OR TRUNCATE ON catalog_margins
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
