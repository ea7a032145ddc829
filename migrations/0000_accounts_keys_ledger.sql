CREATE TABLE "accounts" (
	"id" varchar(16) PRIMARY KEY NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"opened_at" timestamp (3) with time zone,
	CONSTRAINT "accounts_id_shape" CHECK ("accounts"."id" ~ '^[0-9a-f]{16}$')
);
--> statement-breakpoint
CREATE TABLE "api_keys" (
	"account_id" varchar(16) NOT NULL,
	"key_id" bigint NOT NULL,
	"name" varchar(64) NOT NULL,
	"last4" varchar(4) NOT NULL,
	"secret_hash" varchar(64) NOT NULL,
	"state" varchar(8) NOT NULL,
	"budget" bigint,
	"expires_at" timestamp (3) with time zone,
	"models" varchar(128)[],
	"calls_per_minute" integer,
	"concurrent_calls" integer,
	"created_at" timestamp (3) with time zone NOT NULL,
	"activated_at" timestamp (3) with time zone,
	"revoked_at" timestamp (3) with time zone,
	CONSTRAINT "api_keys_account_id_key_id_pk" PRIMARY KEY("account_id","key_id"),
	CONSTRAINT "api_keys_key_id_range" CHECK ("api_keys"."key_id" between 0 and 4294967295),
	CONSTRAINT "api_keys_last4_shape" CHECK ("api_keys"."last4" ~ '^[0-9A-Za-z]{4}$'),
	CONSTRAINT "api_keys_secret_hash_shape" CHECK ("api_keys"."secret_hash" ~ '^[0-9a-f]{64}$'),
	CONSTRAINT "api_keys_state" CHECK ("api_keys"."state" in ('pending', 'active', 'revoked')),
	CONSTRAINT "api_keys_revoked_at" CHECK (("api_keys"."state" = 'revoked') = ("api_keys"."revoked_at" is not null)),
	CONSTRAINT "api_keys_models" CHECK (cardinality("api_keys"."models") <= 500),
	CONSTRAINT "api_keys_budget" CHECK ("api_keys"."budget" >= 0)
);
--> statement-breakpoint
CREATE TABLE "calls" (
	"account_id" varchar(16) NOT NULL,
	"id" varchar(32) NOT NULL,
	"seq" bigint NOT NULL,
	"key_id" bigint NOT NULL,
	"model" varchar(128) NOT NULL,
	"provider" varchar(64) NOT NULL,
	"dialect" varchar(16) NOT NULL,
	"stream" boolean NOT NULL,
	"http_status" smallint,
	"status" varchar(8) NOT NULL,
	"reason" varchar(40),
	"input_uncached" bigint,
	"cache_read" bigint,
	"cache_write_5m" bigint,
	"cache_write_1h" bigint,
	"output" bigint,
	"output_reasoning" bigint,
	"input_uncached_price" bigint,
	"cache_read_price" bigint,
	"cache_write_5m_price" bigint,
	"cache_write_1h_price" bigint,
	"output_price" bigint,
	"fees" jsonb NOT NULL,
	"charged" bigint NOT NULL,
	"shortfall" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "calls_account_id_id_pk" PRIMARY KEY("account_id","id"),
	CONSTRAINT "calls_entry" UNIQUE("account_id","seq"),
	CONSTRAINT "calls_id_shape" CHECK ("calls"."id" ~ '^[0-9a-f]{32}$'),
	CONSTRAINT "calls_names_shape" CHECK ("calls"."model" ~ '^[!-~]+$' and "calls"."provider" ~ '^[!-~]+$'),
	CONSTRAINT "calls_dialect_shape" CHECK ("calls"."dialect" ~ '^[a-z_]+$'),
	CONSTRAINT "calls_status" CHECK ("calls"."status" in ('settled', 'void')),
	CONSTRAINT "calls_reason_shape" CHECK ("calls"."reason" ~ '^[a-z0-9_]+$'),
	CONSTRAINT "calls_money" CHECK ("calls"."charged" >= 0 and "calls"."shortfall" >= 0),
	CONSTRAINT "calls_usage" CHECK (least("calls"."input_uncached", "calls"."cache_read", "calls"."cache_write_5m", "calls"."cache_write_1h", "calls"."output", "calls"."output_reasoning") >= 0),
	CONSTRAINT "calls_fees_shape" CHECK (jsonb_typeof("calls"."fees") = 'array'
        and jsonb_array_length("calls"."fees") between 0 and 16
        and jsonb_array_length("calls"."fees") = jsonb_array_length(jsonb_path_query_array("calls"."fees", 'strict $[*] ? (@.kind like_regex "^[a-z_]{1,32}$" && @.count >= 0 && @.nano_usd_per_million like_regex "^[0-9]{1,18}$")', '{}', true))
        and not jsonb_path_exists("calls"."fees", 'lax $[*].keyvalue() ? (@.key != "kind" && @.key != "count" && @.key != "nano_usd_per_million")', '{}', true))
);
--> statement-breakpoint
CREATE TABLE "identities" (
	"account_id" varchar(16) PRIMARY KEY NOT NULL,
	"email" varchar(254) NOT NULL,
	"email_key" varchar(254) NOT NULL,
	"password_hash" varchar(255) NOT NULL,
	"language" varchar(35) NOT NULL,
	"verified_at" timestamp (3) with time zone,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "identities_email_key" UNIQUE("email_key"),
	CONSTRAINT "identities_language_shape" CHECK ("identities"."language" ~ '^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$')
);
--> statement-breakpoint
CREATE TABLE "ledger_entries" (
	"account_id" varchar(16) NOT NULL,
	"seq" bigint NOT NULL,
	"id" varchar(160) NOT NULL,
	"kind" varchar(16) NOT NULL,
	"delta" bigint NOT NULL,
	"posted_after" bigint NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"previous_seq" bigint GENERATED ALWAYS AS (nullif(seq - 1, 0)) STORED,
	"posted_before" bigint GENERATED ALWAYS AS (posted_after - delta) STORED,
	CONSTRAINT "ledger_entries_account_id_seq_pk" PRIMARY KEY("account_id","seq"),
	CONSTRAINT "ledger_entries_id" UNIQUE("account_id","id"),
	CONSTRAINT "ledger_entries_balance" UNIQUE("account_id","seq","posted_after"),
	CONSTRAINT "ledger_entries_first" CHECK ("ledger_entries"."seq" > 1 or ("ledger_entries"."seq" = 1 and "ledger_entries"."posted_after" = "ledger_entries"."delta")),
	CONSTRAINT "ledger_entries_never_negative" CHECK ("ledger_entries"."posted_after" between 0 and 9007199254740991),
	CONSTRAINT "ledger_entries_kind" CHECK ("ledger_entries"."kind" in ('credit', 'charge', 'adjustment')),
	CONSTRAINT "ledger_entries_sign" CHECK (("ledger_entries"."kind" <> 'credit' or "ledger_entries"."delta" > 0) and ("ledger_entries"."kind" <> 'charge' or "ledger_entries"."delta" <= 0 or "ledger_entries"."id" like '%:late')),
	CONSTRAINT "ledger_entries_id_shape" CHECK ("ledger_entries"."id" ~ '^[!-~]+$')
);
--> statement-breakpoint
ALTER TABLE "api_keys" ADD CONSTRAINT "api_keys_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_of_entry" FOREIGN KEY ("account_id","seq") REFERENCES "public"."ledger_entries"("account_id","seq") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "identities" ADD CONSTRAINT "identities_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "ledger_entries" ADD CONSTRAINT "ledger_entries_predecessor" FOREIGN KEY ("account_id","previous_seq","posted_before") REFERENCES "public"."ledger_entries"("account_id","seq","posted_after") ON DELETE no action ON UPDATE no action;