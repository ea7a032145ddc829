/**
 * Models added by configuration, which the price file does not have yet. All of them are checked
 * before any is used; a price that is not a plain decimal in USD is rejected.
 */
import { NANO_PER_USD, parseUsd } from '@farebox/money';
import type { ListedModel, PriceList } from './price-list.ts';

/** Prices are decimal USD per million tokens, as text ("0.15"), so that no digit is lost. */
export type ExtraModel = Readonly<{
  provider: string;
  id: string;
  contextWindow: number;
  maxOutput: number;
  inputUsd: string;
  outputUsd: string;
  /** If absent, cached input has the price of input. */
  cacheReadUsd?: string;
  hidesReasoning?: boolean;
}>;

const ID = /^[a-zA-Z0-9][\w.:@/-]{0,150}$/;
/**
 * A price above this has the wrong unit: the most expensive known model costs 600 USD a million.
 */
const MAX_PRICE_USD = 10_000n;
/** The highest documented price, Google's 35 USD a thousand, holds for searches of extra models. */
const MAX_WEB_SEARCH_PRICE = 35_000_000_000_000;

function parsePrice(text: string): number | undefined {
  const amount = parseUsd(text);
  return amount === undefined || amount > MAX_PRICE_USD * NANO_PER_USD ? undefined : Number(amount);
}

function toListedModel(extra: ExtraModel): ListedModel | string {
  const input = parsePrice(extra.inputUsd);
  const output = parsePrice(extra.outputUsd);
  const read = parsePrice(extra.cacheReadUsd ?? extra.inputUsd);
  if (!ID.test(extra.id) || !/^[a-z0-9_-]{1,40}$/.test(extra.provider)) return 'id';
  if (input === undefined || output === undefined || read === undefined) return 'price';
  const limits = [extra.contextWindow, extra.maxOutput];
  if (!limits.every((limit) => Number.isSafeInteger(limit) && limit > 0)) return 'limit';
  const prices = {
    input_uncached: input,
    cache_read: read,
    output,
    web_search: MAX_WEB_SEARCH_PRICE,
  };
  return {
    id: extra.id,
    names: [extra.id.toLowerCase()],
    patterns: [],
    displayName: extra.id,
    limits: { context: extra.contextWindow, output: extra.maxOutput },
    hidesReasoning: extra.hidesReasoning ?? false,
    capabilities: {},
    lifecycle: { released: null, deprecatedOn: null, retiresOn: null, successor: null },
    isFree: input === 0 && output === 0,
    prices: [{ id: 'standard', when: {}, prices }],
    factors: [],
    provenance: {
      source: 'EXTRA_MODELS',
      sourceDate: '1970-01-01',
      confirmedOn: null,
      citation: null,
      disputed: false,
    },
    variants: [],
  };
}

/**
 * Returns the list with `extras` before its own models, so that they win; or the first bad entry.
 */
export function addModels(
  list: PriceList,
  extras: readonly ExtraModel[],
): Readonly<{ ok: true; list: PriceList }> | Readonly<{ ok: false; problem: string }> {
  const byProvider = new Map(list.providers.map(({ id, models }) => [id, models]));
  for (const [index, extra] of extras.entries()) {
    const entry = toListedModel(extra);
    if (typeof entry === 'string') return { ok: false, problem: `extra model ${index}: ${entry}` };
    byProvider.set(extra.provider, [entry, ...(byProvider.get(extra.provider) ?? [])]);
  }
  const providers = [...byProvider].map(([id, models]) => ({ id, models }));
  return { ok: true, list: { ...list, providers } };
}
