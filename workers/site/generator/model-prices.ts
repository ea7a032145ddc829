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

/** A price under a condition, such as `tier flex` or `> 200000 input tokens`. */
export type ConditionalPrice = Readonly<{ condition: string }> & Amounts;

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

function describeOverride(override: Override): string {
  const { min_prompt_tokens: tokens, utc_start: start, utc_end: end, utc_days: days } = override;
  const { image_size: size, image_quality: quality } = override;
  const parts = [
    tokens === undefined ? '' : `> ${tokens} input tokens`,
    start === undefined || end === undefined ? '' : `${toClock(start)}–${toClock(end)} UTC`,
    days === undefined ? '' : days.map((day) => day.slice(0, 3)).join(' '),
    size === undefined ? '' : `size ${size}`,
    quality === undefined ? '' : `quality ${quality}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function listConditionalPrices(pricing: Published): ConditionalPrice[] {
  const byTerm = (name: string, terms: Readonly<Record<string, PublishedAmounts>>) =>
    Object.entries(terms)
      .filter(([value]) => value !== 'standard' && value !== 'global')
      .map(([value, amounts]) => ({ condition: `${name} ${value}`, ...toAmounts(amounts) }));
  return [
    ...pricing.overrides.map((override) => ({
      condition: describeOverride(override),
      ...toAmounts(override),
    })),
    ...byTerm('tier', pricing.service_tiers),
    ...byTerm('speed', pricing.speeds),
    ...byTerm('region', pricing.regions),
    ...pricing.upcoming.map((upcoming) => ({
      condition: `from ${upcoming.from.slice(0, 10)}`,
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
  };
}

/** Returns the models that can be called at `at` (milliseconds since the epoch), by name. */
export function listPriceRows(at: number): PriceRow[] {
  return listModels(PROVIDER_IDS)
    .filter((model) => !isRetired(model, at))
    .map((model) => toRow(model, at))
    .sort((one, other) => (one.model < other.model ? -1 : 1));
}
