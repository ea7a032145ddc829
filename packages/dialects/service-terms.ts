/**
 * The words of the APIs for tiers, speeds and regions, in requests and in answers. Each provider's
 * own page says what a word means; the price list says what it costs.
 */
import {
  type Region,
  type ServiceTerms,
  type ServiceTier,
  type Speed,
  STANDARD_TERMS,
} from '@farebox/money';
import type { JsonNode, RequestAnalysis, Rule } from './analysis.ts';

/**
 * `fast` is OpenAI's name for `priority` since 2026-07-30; answers still say `priority`
 * (developers.openai.com, "Fast mode"). `on_demand` is Groq's standard.
 */
const TIERS: ReadonlyMap<string, ServiceTier> = new Map([
  ['auto', 'standard'],
  ['default', 'standard'],
  ['standard', 'standard'],
  ['standard_only', 'standard'],
  ['on_demand', 'standard'],
  ['flex', 'flex'],
  ['priority', 'priority'],
  ['fast', 'priority'],
  ['ultrafast', 'ultrafast'],
]);

/** https://platform.claude.com/docs/en/build-with-claude/fast-mode */
const SPEEDS: ReadonlyMap<string, Speed> = new Map([
  ['standard', 'standard'],
  ['fast', 'fast'],
]);

/**
 * https://platform.claude.com/docs/en/manage-claude/data-residency. Models before the parameter
 * answer `not_available`.
 */
const REGIONS: ReadonlyMap<string, Region> = new Map([
  ['global', 'global'],
  ['not_available', 'global'],
  ['us', 'us'],
  ['eu', 'eu'],
]);

/** The field of a request that asks for each of the terms. */
export const TERM_FIELDS: Readonly<Record<keyof ServiceTerms, string>> = {
  tier: 'service_tier',
  speed: 'speed',
  region: 'inference_geo',
};

function buildRule<T>(
  words: ReadonlyMap<string, T>,
  accepted: readonly string[],
  record: (analysis: RequestAnalysis, value: T) => void,
): Rule {
  return {
    effect: 'bounded',
    check: (node: JsonNode, analysis: RequestAnalysis, field: string) => {
      const word = node.kind === 'string' ? node.text : null;
      const value = word === null || !accepted.includes(word) ? undefined : words.get(word);
      if (value === undefined)
        analysis.rejectPricing(field, `its value has no known price; use ${accepted.join(', ')}`);
      else record(analysis, value);
    },
  };
}

/** Accepts these words for a tier; whether a model has a price for it is for the plan to say. */
export function tierRule(accepted: readonly string[]): Rule {
  return buildRule(TIERS, accepted, (analysis, tier) => {
    analysis.terms = { ...analysis.terms, tier };
  });
}

export const SPEED_RULE: Rule = buildRule(SPEEDS, ['standard', 'fast'], (analysis, speed) => {
  analysis.terms = { ...analysis.terms, speed };
});

export const REGION_RULE: Rule = buildRule(REGIONS, ['global', 'us', 'eu'], (analysis, region) => {
  analysis.terms = { ...analysis.terms, region };
});

/** What an answer says of the terms on which it was served; absent where it says nothing. */
export type ServedTerms = Readonly<Partial<ServiceTerms>>;

/** The members of an answer that name its terms. */
export type ReportedTerms = Readonly<{ tier?: unknown; speed?: unknown; region?: unknown }>;

function readWord<T>(words: ReadonlyMap<string, T>, word: unknown): T | 'unknown' | undefined {
  if (word === undefined || word === null || word === '' || word === 'auto') return undefined;
  // Gemini's native answers write SERVICE_TIER_PRIORITY.
  const name = typeof word === 'string' ? word.toLowerCase().replace('service_tier_', '') : '';
  return words.get(name) ?? 'unknown';
}

/** Returns the tier that a word of a request or an answer names; undefined for none of its own. */
export function readTier(word: unknown): ServiceTier | 'unknown' | undefined {
  return readWord(TIERS, word);
}

/** Returns the terms that an answer states, and how many of its statements have no known price. */
export function readServedTerms(
  reported: ReportedTerms,
): Readonly<{ served: ServedTerms; unknown: number }> {
  const tier = readWord(TIERS, reported.tier);
  const speed = readWord(SPEEDS, reported.speed);
  const region = readWord(REGIONS, reported.region);
  return {
    served: {
      ...(tier === undefined || tier === 'unknown' ? {} : { tier }),
      ...(speed === undefined || speed === 'unknown' ? {} : { speed }),
      ...(region === undefined || region === 'unknown' ? {} : { region }),
    },
    unknown: [tier, speed, region].filter((value) => value === 'unknown').length,
  };
}

/** Returns the word for a term as a caller writes it. */
export function nameTerm(dimension: keyof ServiceTerms, value: string): string {
  return dimension === 'tier' && value === STANDARD_TERMS.tier ? 'default' : value;
}
