ALTER TABLE "calls" DROP CONSTRAINT "calls_fees_shape";--> statement-breakpoint
ALTER TABLE "usage_days" ADD COLUMN "input_charged" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "usage_days" ADD COLUMN "cache_read_charged" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "usage_days" ADD COLUMN "cache_write_charged" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "usage_days" ADD COLUMN "output_charged" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "usage_days" ADD COLUMN "other_charged" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "usage_days" ADD COLUMN "cache_saved" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "calls" ADD CONSTRAINT "calls_fees_shape" CHECK (jsonb_typeof("calls"."fees") = 'array'
        and jsonb_array_length("calls"."fees") between 0 and 16
        and jsonb_array_length("calls"."fees") = jsonb_array_length(jsonb_path_query_array("calls"."fees", 'strict $[*] ? (@.kind like_regex "^[a-z0-9_]{1,32}$" && @.count >= 0 && @.nano_usd_per_million like_regex "^[0-9]{1,18}$")', '{}', true))
        and not jsonb_path_exists("calls"."fees", 'lax $[*].keyvalue() ? (@.key != "kind" && @.key != "count" && @.key != "nano_usd_per_million")', '{}', true));--> statement-breakpoint
ALTER TABLE "usage_days" ADD CONSTRAINT "usage_days_kinds" CHECK (least("usage_days"."input_charged", "usage_days"."cache_read_charged", "usage_days"."cache_write_charged", "usage_days"."output_charged", "usage_days"."other_charged", "usage_days"."cache_saved") >= 0);--> statement-breakpoint
-- Days whose calls are kept get their kinds from these, as packages/money/spend-kinds.ts splits a
-- charge. The other days stay at 0: what they have in "charged" beside the kinds is unknown.
WITH "surcharges" AS (
  SELECT c."account_id", c."id",
    CASE
      WHEN f."kind" IN ('audio_input', 'image_input', 'compaction_input') THEN 'input'
      WHEN f."kind" IN ('audio_cache_read', 'image_cache_read', 'compaction_cache_read') THEN 'cache_read'
      WHEN f."kind" IN ('compaction_cache_write', 'compaction_cache_write_1h') THEN 'cache_write'
      WHEN f."kind" IN ('audio_output', 'image_output', 'compaction_output') THEN 'output'
      ELSE 'other'
    END AS "kind",
    f."count" * f."nano_usd_per_million" AS "cost"
  FROM "calls" c, jsonb_to_recordset(c."fees") AS f("kind" text, "count" numeric, "nano_usd_per_million" numeric)
), "fees" AS (
  SELECT "account_id", "id",
    coalesce(sum("cost") FILTER (WHERE "kind" = 'input'), 0) AS "input",
    coalesce(sum("cost") FILTER (WHERE "kind" = 'cache_read'), 0) AS "cache_read",
    coalesce(sum("cost") FILTER (WHERE "kind" = 'cache_write'), 0) AS "cache_write",
    coalesce(sum("cost") FILTER (WHERE "kind" = 'output'), 0) AS "output",
    coalesce(sum("cost") FILTER (WHERE "kind" = 'other'), 0) AS "other"
  FROM "surcharges" GROUP BY "account_id", "id"
), "costs" AS (
  SELECT c."account_id", c."key_id", c."model", c."charged"::numeric AS "charged",
    floor(extract(epoch FROM c."created_at") / 86400)::int AS "day",
    coalesce(c."input_uncached"::numeric * c."input_uncached_price", 0) + coalesce(f."input", 0) AS "input",
    coalesce(c."cache_read"::numeric * c."cache_read_price", 0) + coalesce(f."cache_read", 0) AS "cache_read",
    coalesce(c."cache_write_5m"::numeric * c."cache_write_5m_price", 0)
      + coalesce(c."cache_write_30m"::numeric * c."cache_write_30m_price", 0)
      + coalesce(c."cache_write_1h"::numeric * c."cache_write_1h_price", 0)
      + coalesce(c."cache_write_12h"::numeric * c."cache_write_12h_price", 0)
      + coalesce(f."cache_write", 0) AS "cache_write",
    coalesce(c."output"::numeric * c."output_price", 0) + coalesce(f."output", 0) AS "output",
    coalesce(f."other", 0) AS "other",
    CASE WHEN c."charged" = 0 THEN 0
      ELSE coalesce(div(greatest(c."cache_read"::numeric * (c."input_uncached_price" - c."cache_read_price"), 0), 1000000), 0)
    END AS "saved"
  FROM "calls" c LEFT JOIN "fees" f ON f."account_id" = c."account_id" AND f."id" = c."id"
), "totals" AS (
  SELECT *, "input" + "cache_read" + "cache_write" + "output" + "other" AS "total" FROM "costs"
), "explained" AS (
  SELECT *, least("charged", div("total" + 999999, 1000000)) AS "explained", greatest("total", 1) AS "divisor"
  FROM "totals"
), "split" AS (
  SELECT "account_id", "key_id", "model", "day", "charged", "explained", "saved",
    div("explained" * "input", "divisor") AS "input",
    div("explained" * "cache_read", "divisor") AS "cache_read",
    div("explained" * "cache_write", "divisor") AS "cache_write",
    div("explained" * "output", "divisor") AS "output",
    div("explained" * "other", "divisor") AS "other"
  FROM "explained"
), "days" AS (
  SELECT "account_id", "key_id", "model", "day",
    sum("explained" - "cache_read" - "cache_write" - "output" - "other") AS "input",
    sum("cache_read") AS "cache_read", sum("cache_write") AS "cache_write", sum("output") AS "output",
    sum("other" + "charged" - "explained") AS "other", sum("saved") AS "saved"
  FROM "split" GROUP BY "account_id", "key_id", "model", "day"
)
UPDATE "usage_days" d SET "input_charged" = s."input", "cache_read_charged" = s."cache_read",
  "cache_write_charged" = s."cache_write", "output_charged" = s."output", "other_charged" = s."other",
  "cache_saved" = s."saved"
FROM "days" s
WHERE d."account_id" = s."account_id" AND d."day" = s."day" AND d."key_id" = s."key_id"
  AND d."model" = s."model";
