/**
 * The schema of a price list, for whatever comes from outside the release: the update script, the
 * catalogue in Postgres. Cold; the Workers' own file is parsed in tests only.
 */
import { BUCKETS, INPUT_BUCKETS } from '@farebox/money';
import * as v from 'valibot';
import {
  CAPABILITIES,
  PRICED_SURCHARGE_KINDS,
  type PriceKey,
  type PriceList,
  REGIONS,
  SERVICE_TIERS,
  SPEEDS,
} from './price-list.ts';

/** 100 USD a unit, and 10,000 USD a million tokens. */
const MAX_UNIT_PRICE = 100_000_000_000 * 1_000_000;
const MAX_TOKEN_PRICE = 10_000 * 1_000_000_000;
const MAX_RULES = 24;

const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const TEXT = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
const DATE = v.pipe(v.string(), v.isoDate());
/** A date, or an instant with its zone. */
const INSTANT = v.union([DATE, v.pipe(v.string(), v.isoTimestamp())]);
const RULE_ID = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9+-]{0,63}$/));

function priceBelow(max: number) {
  return v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(max));
}

const TOKEN_KEYS: readonly PriceKey[] = [...BUCKETS, 'audio_input', 'audio_output', 'image_output'];
const PRICE_KEYS: readonly PriceKey[] = [...BUCKETS, ...PRICED_SURCHARGE_KINDS];

function buildPriceEntries(keys: readonly PriceKey[]) {
  return Object.fromEntries(
    keys.map((key) => {
      const max = TOKEN_KEYS.includes(key) ? MAX_TOKEN_PRICE : MAX_UNIT_PRICE;
      return [key, v.exactOptional(priceBelow(max))];
    }),
  );
}

const PRICES = v.strictObject(buildPriceEntries(PRICE_KEYS));
const SURCHARGES = v.strictObject(buildPriceEntries(PRICED_SURCHARGE_KINDS));

const SECOND_OF_DAY = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(86_400));
const WEEKDAY = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7));

const SCHEDULE = v.strictObject({
  windows: v.pipe(
    v.array(v.pipe(v.tuple([SECOND_OF_DAY, SECOND_OF_DAY]), v.readonly())),
    v.minLength(1),
  ),
  weekdays: v.exactOptional(v.pipe(v.array(WEEKDAY), v.minLength(1))),
  except: v.exactOptional(TEXT),
  only: v.exactOptional(TEXT),
  utcOffsetMinutes: v.exactOptional(
    v.pipe(v.number(), v.integer(), v.minValue(-840), v.maxValue(840)),
  ),
});

const INPUT = v.strictObject({
  tokens: COUNT,
  inclusive: v.boolean(),
  buckets: v.exactOptional(v.pipe(v.array(v.picklist(INPUT_BUCKETS)), v.minLength(1))),
});

const SERVED = {
  tier: v.exactOptional(v.picklist(SERVICE_TIERS)),
  speed: v.exactOptional(v.picklist(SPEEDS)),
  region: v.exactOptional(v.picklist(REGIONS)),
};
const DATED = { from: v.exactOptional(INSTANT), until: v.exactOptional(INSTANT) };

const RULE = v.strictObject({
  id: RULE_ID,
  when: v.strictObject({
    ...DATED,
    schedule: v.exactOptional(SCHEDULE),
    input: v.exactOptional(INPUT),
    ...SERVED,
  }),
  prices: PRICES,
});

const FACTOR = v.strictObject({
  id: RULE_ID,
  when: v.strictObject({ ...DATED, ...SERVED }),
  numerator: COUNT,
  denominator: COUNT,
  buckets: v.exactOptional(v.array(v.picklist(PRICE_KEYS))),
});

const LIMITS = v.strictObject({ context: COUNT, output: COUNT });

export const LISTED_MODEL = v.strictObject({
  id: TEXT,
  names: v.array(TEXT),
  patterns: v.array(v.array(TEXT)),
  displayName: TEXT,
  limits: LIMITS,
  hidesReasoning: v.boolean(),
  capabilities: v.strictObject(v.entriesFromList(CAPABILITIES, v.exactOptional(v.boolean()))),
  lifecycle: v.strictObject({
    released: v.nullable(DATE),
    deprecatedOn: v.nullable(DATE),
    retiresOn: v.nullable(DATE),
    successor: v.nullable(TEXT),
  }),
  isFree: v.boolean(),
  prices: v.pipe(v.array(RULE), v.minLength(1), v.maxLength(MAX_RULES)),
  factors: v.pipe(v.array(FACTOR), v.maxLength(MAX_RULES)),
  provenance: v.strictObject({
    source: TEXT,
    sourceDate: DATE,
    confirmedOn: v.nullable(DATE),
    citation: v.nullable(TEXT),
    disputed: v.boolean(),
  }),
  variants: v.array(
    v.strictObject({
      name: TEXT,
      limits: LIMITS,
      hidesReasoning: v.boolean(),
      surcharges: SURCHARGES,
    }),
  ),
});

const BASIS_POINTS = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(10_000));

const MARGIN = v.union([
  v.strictObject({
    provider: v.nullable(TEXT),
    model: v.nullable(TEXT),
    basisPoints: BASIS_POINTS,
  }),
  v.strictObject({ topUps: v.literal(true), basisPoints: BASIS_POINTS }),
]);

const PRICE_LIST = v.strictObject({
  version: v.pipe(v.string(), v.regex(/^[0-9A-Za-z.+-]{1,64}$/)),
  date: DATE,
  sources: v.array(v.strictObject({ name: TEXT, publishedOn: DATE, upstream: TEXT })),
  calendars: v.record(
    v.string(),
    v.strictObject({ source: TEXT, from: DATE, until: DATE, days: v.array(DATE) }),
  ),
  margins: v.array(MARGIN),
  providers: v.array(v.strictObject({ id: TEXT, models: v.array(LISTED_MODEL) })),
}) satisfies v.GenericSchema<unknown, PriceList>;

export type Problem = Readonly<{ path: string; message: string }>;

export type ParsedPriceList =
  | Readonly<{ ok: true; list: PriceList }>
  | Readonly<{ ok: false; problems: readonly Problem[] }>;

function toProblem(issue: v.BaseIssue<unknown>): Problem {
  return { path: v.getDotPath(issue) ?? '', message: issue.message };
}

/** Parses a price list, or returns everything that is wrong with it, with paths. */
export function parsePriceList(value: unknown): ParsedPriceList {
  const parsed = v.safeParse(PRICE_LIST, value);
  return parsed.success
    ? { ok: true, list: parsed.output }
    : { ok: false, problems: parsed.issues.map(toProblem) };
}
