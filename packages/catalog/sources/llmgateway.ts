/**
 * The hand-kept list of llmgateway.io: an upstream that copies neither models.dev nor
 * genai-prices. A witness: its prices are compared, never taken; only release dates are.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { PROVIDER_IDS } from '@farebox/providers/list';
import * as v from 'valibot';
import { LLMGATEWAY, type OpenPackage } from './packages.ts';
import type { Source, StatedPrices, StatedTier, Statement } from './statement.ts';

/** USD per token, as text: "2.0e-6". */
const PER_TOKEN = v.pipe(
  v.string(),
  v.transform((text) => Math.round(Number(text) * 1e15) / 1e9),
);
const PRICES = {
  inputPrice: PER_TOKEN,
  outputPrice: PER_TOKEN,
  cachedInputPrice: v.optional(PER_TOKEN),
  cacheWriteInputPrice: v.optional(PER_TOKEN),
};
const TIER = v.object({ ...PRICES, upToTokens: v.nullable(v.number()) });
const OFFER = v.object({
  ...PRICES,
  providerId: v.string(),
  externalId: v.string(),
  pricingTiers: v.optional(v.array(TIER)),
  contextSize: v.optional(v.number()),
  maxOutput: v.optional(v.number()),
  tools: v.optional(v.boolean()),
  vision: v.optional(v.boolean()),
  reasoning: v.optional(v.boolean()),
  jsonOutputSchema: v.optional(v.boolean()),
  peakPricing: v.optional(v.object({ offPeak: v.object(PRICES) })),
});
const MODEL = v.object({
  name: v.string(),
  releasedAt: v.optional(v.date()),
  free: v.optional(v.boolean()),
  providers: v.array(v.unknown()),
});
const MODULE = v.object({ models: v.array(v.unknown()) });

/** Our id of one of its providers, or undefined for one that the list has no models of. */
function toProviderId(id: string): string | undefined {
  return PROVIDER_IDS.find((own) => own === id.replace(/-ai-studio$/, ''));
}

function toPrices(prices: v.InferOutput<v.ObjectSchema<typeof PRICES, undefined>>): StatedPrices {
  return {
    input: prices.inputPrice,
    output: prices.outputPrice,
    // 0 where long input is not cached at all.
    cacheRead: prices.cachedInputPrice === 0 ? undefined : prices.cachedInputPrice,
    cacheWrite: prices.cacheWriteInputPrice,
  };
}

/** Its tiers end at a number of tokens; ours begin after one. */
function toTiers(tiers: readonly v.InferOutput<typeof TIER>[]): StatedTier[] {
  return tiers.flatMap((tier, index) => {
    const above = tiers[index - 1]?.upToTokens;
    return above === undefined || above === null ? [] : [{ ...toPrices(tier), above }];
  });
}

function toStatement(
  model: v.InferOutput<typeof MODEL>,
  offer: v.InferOutput<typeof OFFER>,
): Statement {
  const { contextSize: context, maxOutput: output } = offer;
  return {
    prices: toPrices(offer.peakPricing?.offPeak ?? offer),
    tiers: toTiers(offer.pricingTiers ?? []),
    displayName: model.name,
    limits: context === undefined || output === undefined ? undefined : { context, output },
    capabilities: {
      ...(offer.tools === undefined ? {} : { tools: offer.tools }),
      ...(offer.vision === undefined ? {} : { imageInput: offer.vision }),
      ...(offer.reasoning === undefined ? {} : { reasoning: offer.reasoning }),
      ...(offer.jsonOutputSchema === undefined ? {} : { structuredOutput: offer.jsonOutputSchema }),
    },
    released: model.releasedAt?.toISOString().slice(0, 10),
  };
}

export async function readLlmgateway(openPackage: OpenPackage): Promise<Source> {
  const path = join(openPackage(LLMGATEWAY), 'dist/index.js');
  const { models } = v.parse(MODULE, await import(pathToFileURL(path).href));
  const statements = new Map<string, Statement>();
  for (const entry of models) {
    const model = v.safeParse(MODEL, entry);
    if (!model.success || model.output.free === true) continue;
    for (const data of model.output.providers) {
      const offer = v.safeParse(OFFER, data);
      const provider = offer.success ? toProviderId(offer.output.providerId) : undefined;
      if (!offer.success || provider === undefined) continue;
      const name = `${provider}/${offer.output.externalId.toLowerCase()}`;
      if (!statements.has(name)) statements.set(name, toStatement(model.output, offer.output));
    }
  }
  const { spec: name, publishedOn } = LLMGATEWAY;
  return { stamp: { name, publishedOn, upstream: 'llmgateway' }, isReseller: false, statements };
}
