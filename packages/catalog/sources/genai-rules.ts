/**
 * The prices of a model of genai-prices as rules: decimals become whole nano-USD (rounded up where
 * the source has more digits), constraints and tiers become conditions. Runs only in a price update.
 */
import type { ConditionalPrice, ModelInfo, ModelPrice } from '@pydantic/genai-prices';
import type { Conditions, PriceRule, Schedule } from '../price-list.ts';

/**
 * Converts USD to nano-USD: 0.003625 is 3,625,000. Works on the text, because floats lose digits.
 */
export function toNanoUsd(usd: number): number {
  const [mantissa = '0', exponent = '0'] = usd.toString().split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const places = fraction.length - Number(exponent);
  const digits = BigInt(whole + fraction);
  if (places <= 9) return Number(digits * 10n ** BigInt(9 - places));
  const unit = 10n ** BigInt(places - 9);
  return Number((digits + unit - 1n) / unit);
}

type SourcePrice = ModelPrice[string];

/** Returns USD for a call of `input` tokens; undefined if the source states no price. */
export function tierPrice(price: SourcePrice, input: number): number | undefined {
  if (price === undefined || typeof price === 'number') return price;
  const tiers = price.tiers.filter(({ start }) => input > start).sort((a, b) => a.start - b.start);
  return tiers.at(-1)?.price ?? price.base;
}

/** Returns the prices of a model, each with its constraint; later ones win over earlier ones. */
export function conditionalPrices(model: ModelInfo): readonly ConditionalPrice[] {
  return Array.isArray(model.prices) ? model.prices : [{ prices: model.prices }];
}

type Prices = PriceRule['prices'];

/** The prices of a call whose whole input is more than `above` tokens. */
function tokenPrices(prices: ModelPrice, above: number, provider: string): Prices {
  const usd = (key: string): number | undefined => tierPrice(prices[key], above + 1);
  const input = usd('input_mtok') ?? 0;
  // Anthropic: a 5-minute write is 1.25 times the input, a 1-hour write twice.
  // https://platform.claude.com/docs/en/build-with-claude/prompt-caching#pricing
  const isAnthropic = provider === 'anthropic';
  const write5m = usd('cache_write_mtok') ?? (isAnthropic ? input * 1.25 : input);
  const write1h = usd('cache_write_1h_mtok') ?? (isAnthropic ? input * 2 : write5m);
  return {
    input_uncached: toNanoUsd(input),
    cache_read: toNanoUsd(usd('cache_read_mtok') ?? input),
    cache_write_5m: toNanoUsd(write5m),
    cache_write_1h: toNanoUsd(write1h),
    // One model prices thinking separately: the higher of its two output prices is charged.
    output: toNanoUsd(Math.max(usd('output_mtok') ?? 0, usd('output_reasoning_mtok') ?? 0)),
  };
}

function parseSecondOfDay(time: string): number {
  const [, hours, minutes, seconds] = /^(\d\d):(\d\d):(\d\d)Z$/.exec(time) ?? [];
  if (seconds === undefined) throw new Error(`a time of day the list cannot say: ${time}`);
  return Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds);
}

function findWindow({ constraint }: ConditionalPrice): Schedule['windows'][number] | undefined {
  if (constraint === undefined || constraint.type === 'start_date') return undefined;
  return [parseSecondOfDay(constraint.start_time), parseSecondOfDay(constraint.end_time)];
}

/** One condition of a rule, and its part of the rule's id. */
type Part = Readonly<{ id: string; when: Conditions }>;

const ALWAYS: Part = { id: '', when: {} };

function datePart({ constraint }: ConditionalPrice): Part {
  if (constraint?.type !== 'start_date') return ALWAYS;
  const { start_date: from } = constraint;
  return { id: `from-${from}`, when: { from } };
}

/** The parts of the day that have prices of their own, and the rest of it. */
function listTimes(
  base: ConditionalPrice,
  windowed: readonly ConditionalPrice[],
): readonly (readonly [Part, ModelPrice])[] {
  const [first] = windowed;
  if (first === undefined) return [[ALWAYS, base.prices]];
  const inputPrice = ({ prices }: ConditionalPrice) => tierPrice(prices.input_mtok, 0) ?? 0;
  const id = inputPrice(first) < inputPrice(base) ? 'off-peak' : 'peak';
  const windows = windowed.map(findWindow).filter((window) => window !== undefined);
  return [
    [{ id, when: { schedule: { windows } } }, first.prices],
    [ALWAYS, base.prices],
  ];
}

/** The sizes of input above which prices change, the largest first; -1 for the smallest call. */
function listSizes(all: readonly ConditionalPrice[]): number[] {
  const tiers = all
    .flatMap(({ prices }) => Object.values(prices))
    .flatMap((price) => (typeof price === 'object' ? price.tiers : []));
  return [...new Set([-1, ...tiers.map(({ start }) => start)])].sort((a, b) => b - a);
}

function sizePart(above: number, sizes: readonly number[]): Part {
  if (above < 0) return ALWAYS;
  const id = sizes.length > 2 ? `over-${above}` : 'long-context';
  return { id, when: { input: { tokens: above, inclusive: false } } };
}

type Parts = readonly [date: Part, time: Part, size: Part];

function buildRule(parts: Parts, prices: Prices, surcharges: Prices): PriceRule {
  const id = parts.flatMap((part) => (part.id === '' ? [] : [part.id])).join('+');
  const [date, time, size] = parts;
  const when = { ...date.when, ...time.when, ...size.when };
  return id === ''
    ? { id: 'standard', when, prices: { ...prices, ...surcharges } }
    : { id, when, prices };
}

/** Returns the rules of a model; the one without conditions has the prices of `surcharges` too. */
export function toRules(model: ModelInfo, provider: string, surcharges: Prices): PriceRule[] {
  const all = conditionalPrices(model);
  const windowed = all.filter((price) => findWindow(price) !== undefined);
  const dated = all.filter((price) => findWindow(price) === undefined).toReversed();
  const sizes = listSizes(all);
  const rules = dated.flatMap((base) =>
    listTimes(base, windowed).flatMap(([time, prices]) =>
      sizes.map((above) =>
        buildRule(
          [datePart(base), time, sizePart(above, sizes)],
          tokenPrices(prices, above, provider),
          surcharges,
        ),
      ),
    ),
  );
  return rules.sort((a, b) => Object.keys(b.when).length - Object.keys(a.when).length);
}
