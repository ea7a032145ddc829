/**
 * Facts that the providers document and the price source lacks, each with its page. Used only when
 * prices are updated. Where nothing is documented, the higher price is taken, and the smaller
 * output limit (the provider rejects a limit above the model's own with 400).
 */
import { CURATED, getCurated } from './curated/index.ts';

/** The highest price that any provider documents: Google's grounding for Gemini 2.x. */
const MAX_SEARCH_PRICE = 35;

/**
 * Returns USD per thousand searches of `provider/model`: a curated row where one overrides, else the
 * source's figure.
 */
export function searchPrice(name: string, listedPrice: number | undefined): number {
  const [provider = ''] = name.split('/', 1);
  const model = name.slice(provider.length + 1);
  const row = getCurated(CURATED, provider).toolPrices.find(
    ({ kind, models }) => kind === 'web_search' && models.test(model),
  );
  if (row?.overridesSource === true) return row.usdPerThousand;
  return listedPrice ?? row?.usdPerThousand ?? MAX_SEARCH_PRICE;
}

/**
 * Returns USD per million audio tokens, `[input, output]`, of models that the source prices by
 * text.
 */
export function audioPrice(name: string): readonly [number, number] | undefined {
  // https://platform.openai.com/docs/pricing#audio-tokens
  if (name.startsWith('openai/gpt-4o-mini-audio')) return [10, 20];
  // The 2024-10-01 snapshot listed 100 and 200, later ones 40 and 80; one entry, so the higher.
  if (name.startsWith('openai/gpt-4o-audio-preview')) return [100, 200];
  return undefined;
}

type Limits = Readonly<{ name: RegExp; context: number; output: number }>;

/** Limits of models that no source has, from the providers' model pages. */
const DOCUMENTED_LIMITS: readonly Limits[] = [
  // https://platform.claude.com/docs/en/about-claude/models/overview
  { name: /^anthropic\/claude-(2|v1|3-(opus|sonnet|haiku))/, context: 200_000, output: 4096 },
  { name: /^anthropic\//, context: 200_000, output: 8192 },
  // https://platform.openai.com/docs/models
  { name: /^openai\/gpt-3\.5/, context: 16_385, output: 4096 },
  { name: /^openai\/gpt-4(-0|-32k|$)/, context: 32_768, output: 8192 },
  { name: /^openai\/gpt-4-(turbo|vision|1106)/, context: 128_000, output: 4096 },
  { name: /^openai\/(gpt-4\.5|gpt-4o|chatgpt-4o|gpt-audio)/, context: 128_000, output: 16_384 },
  { name: /^openai\/gpt-[5-9]/, context: 400_000, output: 16_384 },
  { name: /^openai\//, context: 128_000, output: 4096 },
  // https://ai.google.dev/gemini-api/docs/models
  { name: /^google\/gemini-(1\.0|pro$)/, context: 32_768, output: 2048 },
  { name: /^google\/gemini-([2-9]\.5|[3-9])/, context: 1_048_576, output: 32_768 },
  { name: /^google\/gemma/, context: 131_072, output: 8192 },
  { name: /^google\//, context: 2_097_152, output: 8192 },
  // https://docs.x.ai/docs/models
  { name: /^xai\/grok-[23]/, context: 131_072, output: 8192 },
  { name: /^xai\//, context: 2_000_000, output: 30_000 },
  // https://api-docs.deepseek.com/quick_start/pricing
  { name: /^deepseek\//, context: 131_072, output: 8192 },
];

export function documentedLimits(name: string): Readonly<{ context: number; output: number }> {
  return (
    DOCUMENTED_LIMITS.find((entry) => entry.name.test(name)) ?? { context: 131_072, output: 4096 }
  );
}

const HIDES_REASONING: readonly RegExp[] = [
  // https://platform.openai.com/docs/guides/reasoning: reasoning tokens are never shown.
  /^openai\/(o\d|codex|gpt-[5-9](?!.*-chat))/,
  /^openai\/gpt-5\.[1-9].*-chat/,
  // https://ai.google.dev/gemini-api/docs/thinking: on by default since 2.5, shown only if asked.
  /^google\/gemini-(2\.5|[3-9]|2\.0-flash-thinking)/,
  // https://docs.x.ai/docs/guides/reasoning: only grok-3-mini shows all of its reasoning.
  /^xai\/grok-(?!2|3|.*non-reasoning|.*voice)/,
];

/**
 * Returns whether a model hides reasoning. OpenRouter's names are `vendor/model` in its own
 * spelling.
 */
export function hidesReasoning(provider: string, name: string): boolean {
  const full = provider === 'openrouter' ? name.replace(/^x-ai\//, 'xai/') : `${provider}/${name}`;
  return HIDES_REASONING.some((pattern) => pattern.test(full));
}

/**
 * Models of other endpoints than Chat Completions and Messages, and other customers' fine-tunes.
 */
const SERVED_ELSEWHERE =
  /(^|\/)(ft:|.*\.ft-|text-|davinci|curie|babbage|ada$|whisper|voyage)|embed|moderation|realtime|transcribe|-tts|-live-|^gemini-live|gpt-image|-ocr|grok-voice|native-audio|-instruct-0914|gpt-3\.5-turbo-instruct|gemini-omni|guard-/;

export function isServedElsewhere(provider: string, id: string): boolean {
  const name = id.toLowerCase();
  const { notServed } = getCurated(CURATED, provider);
  return notServed?.test(name) === true || SERVED_ELSEWHERE.test(name);
}
