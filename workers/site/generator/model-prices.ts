/** The price list as rows: each model of the native providers with its published prices. Pure. */
import { isRetired, listModels, type Model, publishPrices } from '@farebox/catalog';
import { formatUsd } from '@farebox/money';
import { PROVIDER_IDS } from '@farebox/providers/list';

/** USD per million tokens as decimal text; null where the model has no such price. */
export type Amounts = Readonly<{
  input: string | null;
  output: string | null;
  cacheRead: string | null;
}>;

/** What has to hold for a price: each member that is there. Texts of it are in the site's languages. */
export type PriceCondition = Readonly<{
  /** The input has more tokens than this. */
  inputTokensAbove?: number;
  /** In UTC, such as `08:00` and `20:00`. */
  hours?: Readonly<{ from: string; to: string }>;
  /** In UTC, 0 for Monday. */
  weekdays?: readonly number[];
  /** Days on which it does not hold, or alone holds, as YYYY-MM-DD. */
  exceptDates?: readonly string[];
  onlyDates?: readonly string[];
  /** Of an image. */
  size?: string;
  quality?: string;
  /** Words of the API. */
  tier?: string;
  speed?: string;
  region?: string;
  /** The day from which it holds, YYYY-MM-DD. */
  from?: string;
}>;

/** A price under a condition. */
export type ConditionalPrice = Readonly<{ condition: PriceCondition }> & Amounts;

export type PriceRow = Readonly<{
  model: string;
  displayName: string;
  provider: string;
  amounts: Amounts;
  /** The provider's own prices where the platform has a margin. */
  providersOwn: Amounts | null;
  more: readonly ConditionalPrice[];
  contextWindow: number;
  /** The day on which the provider's own page was seen to say so, YYYY-MM-DD. */
  confirmedOn: string | null;
  citation: string | null;
  retiresOn: string | null;
  /** The day of its release, YYYY-MM-DD; null where no source states it. */
  releasedOn: string | null;
  /** Whether it answers messages, and is no model of images, speech or embeddings. */
  isConversational: boolean;
}>;

type Published = ReturnType<typeof publishPrices>['pricing'];
type PublishedAmounts = Readonly<{
  prompt?: string;
  completion?: string;
  input_cache_read?: string;
}>;
type Override = Published['overrides'][number];

/** Published prices are USD per token; a price has at most 15 decimals there. */
const DECIMALS_PER_TOKEN = 15;

/** Converts USD per token to USD per million tokens, exactly. */
function toPerMillion(perToken: string | undefined): string | null {
  if (perToken === undefined) return null;
  const [whole = '0', fraction = ''] = perToken.split('.');
  return formatUsd(BigInt(whole + fraction.padEnd(DECIMALS_PER_TOKEN, '0')));
}

function toAmounts(published: PublishedAmounts): Amounts {
  const { prompt, completion, input_cache_read: cacheRead } = published;
  return {
    input: toPerMillion(prompt),
    output: toPerMillion(completion),
    cacheRead: toPerMillion(cacheRead),
  };
}

/** Both are zero for a model that is billed by another unit, such as an image. */
function isBilledByToken({ input, output }: Amounts): boolean {
  return input !== '0' || output !== '0';
}

function toClock(time: number): string {
  const digits = String(time).padStart(4, '0');
  return `${digits.slice(0, 2)}:${digits.slice(2)}`;
}

const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];

function toCondition(override: Override): PriceCondition {
  const { min_prompt_tokens: inputTokensAbove, utc_days: days } = override;
  const { utc_start: start, utc_end: end } = override;
  const { except_dates: exceptDates, only_dates: onlyDates } = override;
  const { image_size: size, image_quality: quality } = override;
  return {
    ...(inputTokensAbove === undefined ? {} : { inputTokensAbove }),
    ...(start === undefined || end === undefined
      ? {}
      : { hours: { from: toClock(start), to: toClock(end) } }),
    ...(days === undefined ? {} : { weekdays: days.map((day) => WEEKDAYS.indexOf(day)) }),
    ...(exceptDates === undefined ? {} : { exceptDates }),
    ...(onlyDates === undefined ? {} : { onlyDates }),
    ...(size === undefined ? {} : { size }),
    ...(quality === undefined ? {} : { quality }),
  };
}

function listConditionalPrices(pricing: Published): ConditionalPrice[] {
  const byTerm = (
    terms: Readonly<Record<string, PublishedAmounts>>,
    toTerm: (value: string) => PriceCondition,
  ) =>
    Object.entries(terms)
      .filter(([value]) => value !== 'standard' && value !== 'global')
      .map(([value, amounts]) => ({ condition: toTerm(value), ...toAmounts(amounts) }));
  return [
    ...pricing.overrides.map((override) => ({
      condition: toCondition(override),
      ...toAmounts(override),
    })),
    ...byTerm(pricing.service_tiers, (tier) => ({ tier })),
    ...byTerm(pricing.speeds, (speed) => ({ speed })),
    ...byTerm(pricing.regions, (region) => ({ region })),
    ...pricing.upcoming.map((upcoming) => ({
      condition: { from: upcoming.from.slice(0, 10) },
      ...toAmounts(upcoming),
    })),
  ].filter(({ input, output }) => input !== null || output !== null);
}

const NO_AMOUNTS: Amounts = { input: null, output: null, cacheRead: null };

function toRow(model: Model, at: number): PriceRow {
  const { pricing, provider_pricing: own } = publishPrices(model, at);
  const amounts = toAmounts(pricing);
  const isByToken = isBilledByToken(amounts);
  return {
    model: model.name,
    displayName: model.displayName,
    provider: model.provider,
    amounts: isByToken ? amounts : NO_AMOUNTS,
    providersOwn: own === undefined ? null : toAmounts(own),
    more: isByToken ? listConditionalPrices(pricing) : [],
    contextWindow: model.contextWindow,
    confirmedOn: model.provenance.confirmedOn,
    citation: model.provenance.citation,
    retiresOn: model.lifecycle.retiresOn,
    releasedOn: model.lifecycle.released,
    isConversational: model.operations.length === 0,
  };
}

/** The newest first, since it is what most readers look for; those of one day by name. */
function compareRows(one: PriceRow, other: PriceRow): number {
  const [a, b] = [one.releasedOn ?? '', other.releasedOn ?? ''];
  if (a !== b) return a > b ? -1 : 1;
  return one.model < other.model ? -1 : 1;
}

/** Returns the newest conversational model of each provider, as long as nobody gave it up. */
export function listNewestRows(rows: readonly PriceRow[]): PriceRow[] {
  return PROVIDER_IDS.flatMap((id) => {
    const newest = rows
      .filter(({ provider }) => provider === id)
      .find(({ isConversational, retiresOn }) => isConversational && retiresOn === null);
    return newest === undefined ? [] : [newest];
  });
}

/** Returns the models that can be called at `at` (milliseconds since the epoch), newest first. */
export function listPriceRows(at: number): PriceRow[] {
  return listModels(PROVIDER_IDS)
    .filter((model) => !isRetired(model, at))
    .map((model) => toRow(model, at))
    .sort(compareRows);
}
