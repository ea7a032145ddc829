CREATE TABLE "chain_cursors" (
	"chain" varchar(8) PRIMARY KEY NOT NULL,
	"next_block" bigint NOT NULL,
	"last_hash" varchar(66),
	"head" bigint,
	"final" bigint,
	"final_at" timestamp (3) with time zone,
	"looked_at" timestamp (3) with time zone,
	"advanced_at" timestamp (3) with time zone,
	"trouble" varchar(40),
	"halted_at" timestamp (3) with time zone,
	"window" integer NOT NULL,
	"reread_next" bigint,
	"reread_until" bigint,
	"reread_at" timestamp (3) with time zone,
	CONSTRAINT "chain_cursors_chain" CHECK (chain in ('tron', 'bsc', 'polygon'))
);
--> statement-breakpoint
CREATE TABLE "chain_incidents" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "chain_incidents_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"chain" varchar(8) NOT NULL,
	"kind" varchar(40) NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"block_number" bigint,
	"expected" varchar(78),
	"found" varchar(78),
	"provider" integer,
	"resolved_at" timestamp (3) with time zone,
	"resolved_by" varchar(254),
	CONSTRAINT "chain_incidents_chain" CHECK (chain in ('tron', 'bsc', 'polygon'))
);
--> statement-breakpoint
CREATE TABLE "deposit_addresses" (
	"family" varchar(4) NOT NULL,
	"address" varchar(42) NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"fingerprint" varchar(16) NOT NULL,
	"index" bigint NOT NULL,
	"created_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "deposit_addresses_family_address_pk" PRIMARY KEY("family","address"),
	CONSTRAINT "deposit_addresses_index" UNIQUE("family","fingerprint","index"),
	CONSTRAINT "deposit_addresses_account" UNIQUE("account_id","family","fingerprint"),
	CONSTRAINT "deposit_addresses_shape" CHECK ("deposit_addresses"."address" ~ '^0x[0-9a-f]{40}$')
);
--> statement-breakpoint
CREATE TABLE "deposit_differences" (
	"chain" varchar(8) NOT NULL,
	"address" varchar(42) NOT NULL,
	"audited_at" timestamp (3) with time zone NOT NULL,
	"held" numeric(78, 0) NOT NULL,
	"swept" numeric(78, 0) NOT NULL,
	"recorded" numeric(78, 0) NOT NULL,
	"settled_at" timestamp (3) with time zone,
	CONSTRAINT "deposit_differences_chain_address_audited_at_pk" PRIMARY KEY("chain","address","audited_at"),
	CONSTRAINT "deposit_differences_chain" CHECK (chain in ('tron', 'bsc', 'polygon'))
);
--> statement-breakpoint
CREATE TABLE "deposit_keys" (
	"family" varchar(4) NOT NULL,
	"fingerprint" varchar(16) NOT NULL,
	"current" boolean NOT NULL,
	"next_index" bigint NOT NULL,
	"pinned_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "deposit_keys_family_fingerprint_pk" PRIMARY KEY("family","fingerprint"),
	CONSTRAINT "deposit_keys_family" CHECK (family in ('evm', 'tron')),
	CONSTRAINT "deposit_keys_fingerprint" CHECK ("deposit_keys"."fingerprint" ~ '^[0-9a-f]{16}$'),
	CONSTRAINT "deposit_keys_index" CHECK ("deposit_keys"."next_index" between 0 and 2147483648)
);
--> statement-breakpoint
CREATE TABLE "deposit_remainders" (
	"chain" varchar(8) NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"units" numeric(78, 0) NOT NULL,
	CONSTRAINT "deposit_remainders_chain_account_id_pk" PRIMARY KEY("chain","account_id"),
	CONSTRAINT "remainders_chain" CHECK (chain in ('tron', 'bsc', 'polygon'))
);
--> statement-breakpoint
CREATE TABLE "deposits" (
	"chain" varchar(8) NOT NULL,
	"tx_hash" varchar(66) NOT NULL,
	"log_index" integer NOT NULL,
	"block_number" bigint NOT NULL,
	"block_hash" varchar(66) NOT NULL,
	"contract" varchar(42) NOT NULL,
	"sender" varchar(42) NOT NULL,
	"recipient" varchar(42) NOT NULL,
	"account_id" varchar(16) NOT NULL,
	"units" numeric(78, 0) NOT NULL,
	"amount" bigint,
	"state" varchar(8) NOT NULL,
	"reason" varchar(40),
	"found_by" varchar(8) NOT NULL,
	"seen_at" timestamp (3) with time zone NOT NULL,
	"final_at" timestamp (3) with time zone,
	"credited_at" timestamp (3) with time zone,
	CONSTRAINT "deposits_chain_tx_hash_log_index_pk" PRIMARY KEY("chain","tx_hash","log_index"),
	CONSTRAINT "deposits_chain" CHECK (chain in ('tron', 'bsc', 'polygon')),
	CONSTRAINT "deposits_tx" CHECK ("deposits"."tx_hash" ~ '^0x[0-9a-f]{64}$'),
	CONSTRAINT "deposits_units" CHECK ("deposits"."units" > 0),
	CONSTRAINT "deposits_state" CHECK (state in ('seen', 'final', 'credited', 'dust', 'held', 'closed')),
	CONSTRAINT "deposits_amount" CHECK (("deposits"."state" = 'seen') = ("deposits"."amount" is null))
);
--> statement-breakpoint
CREATE TABLE "swept_deposits" (
	"chain" varchar(8) NOT NULL,
	"tx_hash" varchar(66) NOT NULL,
	"address" varchar(42) NOT NULL,
	"units" numeric(78, 0) NOT NULL,
	"reported_at" timestamp (3) with time zone NOT NULL,
	CONSTRAINT "swept_deposits_chain_tx_hash_address_pk" PRIMARY KEY("chain","tx_hash","address"),
	CONSTRAINT "swept_deposits_chain" CHECK (chain in ('tron', 'bsc', 'polygon'))
);
--> statement-breakpoint
ALTER TABLE "deposit_addresses" ADD CONSTRAINT "deposit_addresses_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deposit_addresses" ADD CONSTRAINT "deposit_addresses_key" FOREIGN KEY ("family","fingerprint") REFERENCES "public"."deposit_keys"("family","fingerprint") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deposit_remainders" ADD CONSTRAINT "deposit_remainders_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
ALTER TABLE "deposits" ADD CONSTRAINT "deposits_account_id_accounts_id_fk" FOREIGN KEY ("account_id") REFERENCES "public"."accounts"("id") ON DELETE no action ON UPDATE no action;--> statement-breakpoint
CREATE INDEX "chain_incidents_open" ON "chain_incidents" USING btree ("chain","at") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "deposits_account" ON "deposits" USING btree ("account_id","seen_at");--> statement-breakpoint
CREATE INDEX "deposits_waiting" ON "deposits" USING btree ("chain","state","block_number") WHERE state in ('seen', 'final', 'dust', 'held');--> statement-breakpoint
CREATE INDEX "deposits_recipient" ON "deposits" USING btree ("chain","recipient");--> statement-breakpoint
CREATE INDEX "swept_deposits_address" ON "swept_deposits" USING btree ("chain","address");