CREATE TABLE "correction_calls" (
	"account_id" varchar(16) NOT NULL,
	"call_id" varchar(32) NOT NULL,
	"correction_id" varchar(32) NOT NULL,
	"amount" bigint NOT NULL,
	"state" varchar(16) NOT NULL,
	"ended_at" timestamp (3) with time zone,
	CONSTRAINT "correction_calls_account_id_call_id_pk" PRIMARY KEY("account_id","call_id"),
	CONSTRAINT "correction_calls_call_shape" CHECK ("correction_calls"."call_id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "correction_calls_amount" CHECK ("correction_calls"."amount" > 0),
	CONSTRAINT "correction_calls_state" CHECK ("correction_calls"."state" in ('planned', 'applied', 'refused')),
	CONSTRAINT "correction_calls_ended" CHECK (("correction_calls"."state" = 'planned') = ("correction_calls"."ended_at" is null))
);
--> statement-breakpoint
CREATE TABLE "corrections" (
	"id" varchar(32) PRIMARY KEY NOT NULL,
	"model" varchar(128),
	"price_rule" varchar(160),
	"calls" integer NOT NULL,
	"accounts" integer NOT NULL,
	"amount" bigint NOT NULL,
	"reason" varchar(255) NOT NULL,
	"state" varchar(16) NOT NULL,
	"proposed_by" varchar(254) NOT NULL,
	"proposed_at" timestamp (3) with time zone NOT NULL,
	"decided_by" varchar(254),
	"decided_at" timestamp (3) with time zone,
	CONSTRAINT "corrections_id_shape" CHECK ("corrections"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "corrections_rule" CHECK (("corrections"."model" is null) = ("corrections"."price_rule" is null)),
	CONSTRAINT "corrections_sums" CHECK (least("corrections"."calls", "corrections"."accounts", "corrections"."amount") >= 0),
	CONSTRAINT "corrections_state" CHECK ("corrections"."state" in ('proposed', 'approved', 'applied', 'refused')),
	CONSTRAINT "corrections_decided" CHECK (("corrections"."state" = 'proposed') = ("corrections"."decided_by" is null))
);
--> statement-breakpoint
ALTER TABLE "correction_calls" ADD CONSTRAINT "correction_calls_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "correction_calls" ADD CONSTRAINT "correction_calls_correction_id_corrections_id_fk" FOREIGN KEY ("correction_id") REFERENCES "public"."corrections"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "correction_calls_planned" ON "correction_calls" USING btree ("correction_id","state");--> statement-breakpoint
CREATE INDEX "corrections_state" ON "corrections" USING btree ("state","proposed_at");