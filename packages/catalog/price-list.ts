/**
 * The shape of a price list: `prices.generated.json`, and a model of the catalogue in Postgres. JSON
 * with whole numbers only; a price is nano-USD per million units. A bucket counts tokens, a surcharge
 * what `SURCHARGE_UNITS` of `@farebox/money` says. Ask before changing this shape (AGENTS.md).
 */
import type { Operation } from '@farebox/dialects';
import {
  BUCKETS,
  type Bucket,
  type Region,
  type ServiceTier,
  type Speed,
  SURCHARGE_KINDS,
  SURCHARGE_UNITS,
  type SurchargeKind,
} from '@farebox/money';

/** A compaction's tokens have their bucket's price; every other surcharge has one of its own. */
export type PricedSurchargeKind = Exclude<SurchargeKind, `compaction_${string}`>;

export function isPricedSurcharge(kind: SurchargeKind): kind is PricedSurchargeKind {
  return !kind.startsWith('compaction_');
}

export const PRICED_SURCHARGE_KINDS: readonly PricedSurchargeKind[] =
  SURCHARGE_KINDS.filter(isPricedSurcharge);

/** What a rule can price. */
export type PriceKey = Bucket | PricedSurchargeKind;

export const PRICE_KEYS: readonly PriceKey[] = [...BUCKETS, ...PRICED_SURCHARGE_KINDS];

/** The keys whose price is for tokens. */
export const TOKEN_PRICE_KEYS: ReadonlySet<PriceKey> = new Set([
  ...BUCKETS,
  ...PRICED_SURCHARGE_KINDS.filter((kind) => SURCHARGE_UNITS[kind] === 'token'),
]);

/** Whose data a list is made of. Copies of one `upstream` count as one source. */
export type SourceStamp = Readonly<{
  name: string;
  /** The source's own date, YYYY-MM-DD. */
  publishedOn: string;
  upstream: string;
}>;

/** Holidays by local date. Outside `[from, until]` nobody knows yet whether a day is one. */
export type HolidayCalendar = Readonly<{
  source: string;
  from: string;
  until: string;
  days: readonly string[];
}>;

/** When a rule holds within the week. */
export type Schedule = Readonly<{
  /** `[start, end)` in seconds of the UTC day; a window wraps midnight where end < start. */
  windows: readonly (readonly [number, number])[];
  /** ISO weekdays, 1 is Monday; all days if absent. */
  weekdays?: readonly number[];
  /** The calendar on whose days the rule does not hold. */
  except?: string;
  /** The calendar on whose days alone the rule holds. */
  only?: string;
  /** The offset of the day that weekdays and holidays refer to; 0 if absent. */
  utcOffsetMinutes?: number;
}>;

/** A number of input tokens from which (`inclusive`) or above which a rule holds. */
export type InputCondition = Readonly<{
  tokens: number;
  inclusive: boolean;
  /** The buckets that count; all of the input if absent. */
  buckets?: readonly Bucket[];
}>;

/** All of them must hold. A rule without conditions always does. */
export type Conditions = Readonly<{
  /** Instants as ISO text with a zone, or a date for its UTC midnight; `until` is exclusive. */
  from?: string;
  until?: string;
  schedule?: Schedule;
  input?: InputCondition;
  tier?: ServiceTier;
  speed?: Speed;
  region?: Region;
  /** Of an image, as a request writes it: `2k`, `1024x1024`. */
  size?: string;
  quality?: string;
}>;

export type PriceRule = Readonly<{
  /** Named in bills: `standard`, `peak`, `long-context`, `peak+long-context`. */
  id: string;
  when: Conditions;
  /** What a rule leaves out has the price of the next less specific rule. */
  prices: Readonly<Partial<Record<PriceKey, number>>>;
}>;

/**
 * Multiplies prices of rules that do not state its dimension themselves. It has one dimension: a
 * tier, a speed or a region.
 */
export type PriceFactor = Readonly<{
  /** Named in bills: `flex`, `priority`, `fast`, `us`. */
  id: string;
  when: Pick<Conditions, 'tier' | 'speed' | 'region' | 'from' | 'until'>;
  numerator: number;
  denominator: number;
  /** What it multiplies; everything that counts tokens if absent. */
  buckets?: readonly PriceKey[];
}>;

export type ModelLimits = Readonly<{ context: number; output: number }>;

export const CAPABILITIES = [
  'tools',
  'structuredOutput',
  'reasoning',
  'imageInput',
  'documentInput',
  'audioInput',
] as const;

/** What a model can do; absent where no source says. */
export type Capabilities = Readonly<Partial<Record<(typeof CAPABILITIES)[number], boolean>>>;

/** Dates as YYYY-MM-DD; null where no source has one. */
export type Lifecycle = Readonly<{
  released: string | null;
  deprecatedOn: string | null;
  retiresOn: string | null;
  /** The id of the model that its provider recommends instead. */
  successor: string | null;
}>;

/** The source of rows that were taken by hand from the providers' own pages. */
export const PROVIDER_PAGES = 'provider pages';

export type Provenance = Readonly<{
  /** The `name` of one of the list's sources. */
  source: string;
  sourceDate: string;
  /** The date on which the provider's own page was seen to say so. */
  confirmedOn: string | null;
  /** The page that says so. */
  citation: string | null;
  /** True where sources differ. */
  disputed: boolean;
}>;

/** A name of a model with limits or surcharges of its own, at the model's prices. */
export type ListedVariant = Readonly<{
  name: string;
  limits: ModelLimits;
  hidesReasoning: boolean;
  surcharges: Readonly<Partial<Record<PricedSurchargeKind, number>>>;
}>;

export type ListedModel = Readonly<{
  id: string;
  /** Every exact name of this model in lower case, including the id if callers may use it. */
  names: readonly string[];
  /**
   * Alternatives of conditions for the names not listed: `^text` starts with, `*text` contains,
   * `$text` ends with, `/text` a regular expression. An alternative holds when all its conditions
   * do.
   */
  patterns: readonly (readonly string[])[];
  displayName: string;
  limits: ModelLimits;
  /** True if the model does not show all of its reasoning. */
  hidesReasoning: boolean;
  capabilities: Capabilities;
  lifecycle: Lifecycle;
  /** The operations that the model serves and nothing else; absent for a model that converses. */
  operations?: readonly Operation[];
  /** True for a model that costs nothing; only such a model may have a price of zero. */
  isFree: boolean;
  /** The most specific rule first: the first one that holds is the price (`sortRules`). */
  prices: readonly PriceRule[];
  factors: readonly PriceFactor[];
  provenance: Provenance;
  variants: readonly ListedVariant[];
}>;

export type ListedProvider = Readonly<{ id: string; models: readonly ListedModel[] }>;

/** The platform's margin in basis points of the provider's price, or on top-ups. */
export type MarginRule =
  | Readonly<{ provider: string | null; model: string | null; basisPoints: number }>
  | Readonly<{ topUps: true; basisPoints: number }>;

export type PriceList = Readonly<{
  version: string;
  /** The date of the newest source, YYYY-MM-DD; never the day of the update by itself. */
  date: string;
  sources: readonly SourceStamp[];
  calendars: Readonly<Record<string, HolidayCalendar>>;
  margins: readonly MarginRule[];
  providers: readonly ListedProvider[];
}>;
