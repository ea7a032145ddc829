/**
 * OpenRouter's own list of models, newer than the base source's copy of it. The list is the
 * provider's page, so that a row taken from it is confirmed at the provider.
 */
import { hidesReasoning } from '../documented-overrides.ts';
import type { ListedModel, PriceRule } from '../price-list.ts';
import { findAgreeing } from './disagreements.ts';
import type { Source, StatedPrices, Statement } from './statement.ts';

const PROVIDER = 'openrouter';
const PAGE = 'https://openrouter.ai/api/v1/models';
/** The highest price that any provider documents for a search: 35 USD a thousand. */
const MAX_WEB_SEARCH_PRICE = 35_000_000_000_000;

const nano = (usd: number): number => Math.ceil(Math.round(usd * 1e12) / 1e3);

/**
 * A write costs its stated price alone: on Gemini, the storage. Anthropic's one-hour writes cost
 * twice the input.
 * https://openrouter.ai/docs/guides/best-practices/prompt-caching
 */
function toPrices(name: string, { input, output, cacheRead, cacheWrite }: StatedPrices) {
  return {
    input_uncached: nano(input),
    cache_read: nano(cacheRead ?? input),
    cache_write_5m: nano(cacheWrite ?? input),
    ...(name.includes('anthropic/') ? { cache_write_1h: nano(input * 2) } : {}),
    output: nano(output),
  };
}

function toRules(name: string, { prices, tiers }: Statement): PriceRule[] {
  const long = tiers.map((tier, index): PriceRule => {
    return {
      id: index === 0 ? 'long-context' : `over-${tier.above}`,
      when: { input: { tokens: tier.above, inclusive: false } },
      prices: toPrices(name, tier),
    };
  });
  const standard = { ...toPrices(name, prices), web_search: MAX_WEB_SEARCH_PRICE };
  return [...long.toReversed(), { id: 'standard', when: {}, prices: standard }];
}

const buildProvenance = ({ stamp }: Source): ListedModel['provenance'] => {
  return {
    source: stamp.name,
    sourceDate: stamp.publishedOn,
    confirmedOn: stamp.publishedOn,
    citation: PAGE,
    disputed: false,
  };
};

function toListedModel(name: string, statement: Statement, source: Source): ListedModel[] {
  const { prices, limits } = statement;
  if (prices.input <= 0 || prices.output <= 0 || limits === undefined) return [];
  return [
    {
      id: name,
      names: [name],
      patterns: [],
      displayName: statement.displayName,
      limits,
      hidesReasoning: hidesReasoning(PROVIDER, name),
      capabilities: statement.capabilities,
      lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
      isFree: false,
      prices: toRules(name, statement),
      factors: [],
      provenance: buildProvenance(source),
      variants: [],
    },
  ];
}

/**
 * Returns whether input or output falls to less than half. One list alone is not believed then: the
 * list shows its cheapest endpoint, which need not be the one that serves a call.
 */
function isSteepFall(model: ListedModel, { prices }: Statement): boolean {
  const base = model.prices.find(({ id }) => id === 'standard')?.prices;
  return (
    nano(prices.input) * 2 < (base?.input_uncached ?? 0) ||
    nano(prices.output) * 2 < (base?.output ?? 0)
  );
}

/** Brings the base's copy of OpenRouter's list up to date with the newer one of `source`. */
export function refreshOpenRouter(models: readonly ListedModel[], source: Source): ListedModel[] {
  const asProvider = { ...source, isReseller: false };
  const prefix = `${PROVIDER}/`;
  const stated = new Map(
    [...source.statements]
      .filter(([name]) => name.startsWith(prefix) && !name.startsWith(`${prefix}~`))
      .map(([name, statement]) => [name.slice(prefix.length), statement]),
  );
  const known = new Set(models.flatMap(({ id, names }) => [id.toLowerCase(), ...names]));
  const refreshed = models.map((model) => {
    const statement = stated.get(model.id.toLowerCase());
    if (statement === undefined || model.isFree) return model;
    const provenance = buildProvenance(source);
    const isSame = findAgreeing(PROVIDER, model, [asProvider]).length > 0;
    if (isSame) return { ...model, provenance };
    if (statement.prices.input <= 0) return model;
    if (isSteepFall(model, statement)) {
      return { ...model, provenance: { ...model.provenance, disputed: true } };
    }
    return { ...model, prices: toRules(model.id, statement), provenance };
  });
  const added = [...stated]
    .filter(([name]) => !known.has(name))
    .flatMap(([name, statement]) => toListedModel(name, statement, source));
  return [...refreshed, ...added];
}
