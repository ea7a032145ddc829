/**
 * The parser of price lists, for whatever comes from outside the release: the update script, the
 * catalogue in Postgres. Cold; the Workers' own file is parsed in tests only.
 */
import { OPERATIONS } from '@farebox/dialects';
import { INPUT_BUCKETS, REGIONS, SERVICE_TIERS, SPEEDS } from '@farebox/money';
import * as v from 'valibot';
import { type CheckedModel, checkListedModel, type Problem } from './listed-model-checks.ts';
import { decodeCalendars } from './price-conditions.ts';

export type { Problem } from './listed-model-checks.ts';
export type * from './price-list.ts';

import {
  CAPABILITIES,
  type HolidayCalendar,
  PRICE_KEYS,
  PRICED_SURCHARGE_KINDS,
  type PriceKey,
  type PriceList,
  TOKEN_PRICE_KEYS,
} from './price-list.ts';

/** 100 USD a unit, and 10,000 USD a million tokens. */
const MAX_UNIT_PRICE = 100_000_000_000 * 1_000_000;
const MAX_TOKEN_PRICE = 10_000 * 1_000_000_000;
const MAX_RULES = 24;

const COUNT = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const TEXT = v.pipe(v.string(), v.minLength(1), v.maxLength(200));
/** A list beyond these years is a mistake, and the check of its rules goes day by day. */
const YEARS = /^(19[7-9]|20\d)\d-/;

/** JavaScript reads February 30 as March 2. */
function isDayOfCalendar(text: string): boolean {
  const day = text.slice(0, 10);
  const at = Date.parse(day);
  return YEARS.test(day) && !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}
const DAY_OF_CALENDAR = v.check(isDayOfCalendar, 'There is no such day from 1970 to 2099');
const DATE = v.pipe(v.string(), v.isoDate(), DAY_OF_CALENDAR);
/** A date, or an instant with its zone. */
const INSTANT = v.union([DATE, v.pipe(v.string(), v.isoTimestamp(), DAY_OF_CALENDAR)]);
/**
 * A bill names version, rule and up to three factors in the 160 characters of `price_rule`.
 */
const VERSION = v.pipe(v.string(), v.regex(/^[0-9A-Za-z.+-]{1,40}$/));
const RULE_ID = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9+-]{0,39}$/));
const FACTOR_ID = v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,23}$/));

function priceBelow(max: number) {
  return v.pipe(v.number(), v.safeInteger(), v.minValue(0), v.maxValue(max));
}

function buildPriceEntries(keys: readonly PriceKey[]) {
  return Object.fromEntries(
    keys.map((key) => {
      const max = TOKEN_PRICE_KEYS.has(key) ? MAX_TOKEN_PRICE : MAX_UNIT_PRICE;
      return [key, v.exactOptional(priceBelow(max))];
    }),
  );
}

const PRICES = v.strictObject(buildPriceEntries(PRICE_KEYS));
const SURCHARGES = v.strictObject(buildPriceEntries(PRICED_SURCHARGE_KINDS));

const SECOND_OF_DAY = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(86_400));
const WEEKDAY = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(7));

/** From the first second, before the second one; it may wrap midnight. */
const WINDOW = v.pipe(
  v.tuple([SECOND_OF_DAY, SECOND_OF_DAY]),
  v.check(([start, end]) => start < 86_400 && start !== end, 'The window is empty'),
  v.readonly(),
);

const SCHEDULE = v.strictObject({
  windows: v.pipe(v.array(WINDOW), v.minLength(1)),
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

/** A size or quality of images: `1024x1024`, `1.5k`, `hd`. */
const IMAGE_TERM = v.pipe(v.string(), v.regex(/^[0-9a-z][0-9a-z._-]{0,19}$/));

const RULE = v.strictObject({
  id: RULE_ID,
  when: v.strictObject({
    ...DATED,
    schedule: v.exactOptional(SCHEDULE),
    input: v.exactOptional(INPUT),
    ...SERVED,
    size: v.exactOptional(IMAGE_TERM),
    quality: v.exactOptional(IMAGE_TERM),
  }),
  prices: PRICES,
});

const FACTOR = v.strictObject({
  id: FACTOR_ID,
  when: v.strictObject({ ...DATED, ...SERVED }),
  numerator: COUNT,
  denominator: COUNT,
  buckets: v.exactOptional(v.array(v.picklist(PRICE_KEYS))),
});

/** A hold is made of limits: an absurd one refuses every call. */
const MAX_LIMIT = 100_000_000;
const LIMIT = v.pipe(COUNT, v.maxValue(MAX_LIMIT));
const LIMITS = v.strictObject({ context: LIMIT, output: LIMIT });

const LISTED_MODEL = v.strictObject({
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
  operations: v.exactOptional(v.pipe(v.array(v.picklist(OPERATIONS)), v.minLength(1))),
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
  version: VERSION,
  date: DATE,
  sources: v.array(v.strictObject({ name: TEXT, publishedOn: DATE, upstream: TEXT })),
  calendars: v.record(
    v.string(),
    v.strictObject({ source: TEXT, from: DATE, until: DATE, days: v.array(DATE) }),
  ),
  margins: v.array(MARGIN),
  providers: v.array(v.strictObject({ id: TEXT, models: v.array(LISTED_MODEL) })),
}) satisfies v.GenericSchema<unknown, PriceList>;

export type ParsedPriceList =
  | Readonly<{ ok: true; list: PriceList }>
  | Readonly<{ ok: false; problems: readonly Problem[] }>;

function toProblem(issue: v.BaseIssue<unknown>): Problem {
  return { path: v.getDotPath(issue) ?? '', message: issue.message };
}

function withPath(prefix: string, problems: readonly Problem[]): Problem[] {
  return problems.map(({ path, message }) => ({ path: `${prefix}.${path}`, message }));
}

/**
 * Parses one model, as a catalogue holds it, or returns everything that is wrong with it. Its rules
 * come back in the order that `ListedModel` asks for.
 */
export function parseListedModel(
  value: unknown,
  calendars: Readonly<Record<string, HolidayCalendar>>,
): CheckedModel {
  const parsed = v.safeParse(LISTED_MODEL, value);
  return parsed.success
    ? checkListedModel(parsed.output, decodeCalendars(calendars))
    : { ok: false, problems: parsed.issues.map(toProblem) };
}

/** A margin of a model that no provider has would never apply. */
function checkMargins({ margins, providers }: PriceList): Problem[] {
  const ids = new Set(providers.map(({ id }) => id));
  const rules = margins.map((margin) =>
    'topUps' in margin ? 'topUps' : `${margin.provider ?? '*'}/${margin.model ?? '*'}`,
  );
  return margins.flatMap((margin, index) => {
    const path = `margins.${index}`;
    const problems: Problem[] = [];
    if (!('topUps' in margin) && margin.provider !== null && !ids.has(margin.provider))
      problems.push({ path, message: `there is no provider ${margin.provider}` });
    if (rules.indexOf(rules[index] ?? '') !== index)
      problems.push({ path, message: 'another rule has the same provider and model' });
    return problems;
  });
}

function checkProviders({ providers }: PriceList, known: readonly string[] | undefined): Problem[] {
  return providers.flatMap(({ id }, index) => {
    const path = `providers.${index}.id`;
    const isTwice = providers.findIndex((other) => other.id === id) !== index;
    if (isTwice) return [{ path, message: `${id} is listed twice` }];
    return known === undefined || known.includes(id)
      ? []
      : [{ path, message: `there is no provider ${id}` }];
  });
}

/**
 * Parses a price list, or returns everything that is wrong with it. `providers` are the ids that it
 * may have; any if absent. The rules of its models come back in order.
 */
export function parsePriceList(value: unknown, providers?: readonly string[]): ParsedPriceList {
  const parsed = v.safeParse(PRICE_LIST, value);
  if (!parsed.success) return { ok: false, problems: parsed.issues.map(toProblem) };
  const list = parsed.output;
  const calendars = decodeCalendars(list.calendars);
  const problems = [...checkProviders(list, providers), ...checkMargins(list)];
  const ordered = list.providers.map(({ id, models }, providerIndex) => ({
    id,
    models: models.flatMap((model, index) => {
      const checked = checkListedModel(model, calendars);
      if (checked.ok) return checked.model;
      problems.push(...withPath(`providers.${providerIndex}.models.${index}`, checked.problems));
      return [];
    }),
  }));
  return problems.length > 0
    ? { ok: false, problems }
    : { ok: true, list: { ...list, providers: ordered } };
}
