/**
 * Chat Completions events, and their usage as disjoint buckets, of OpenAI and compatible providers.
 * Pure. Each rule was checked against recorded answers that state their own total or charge.
 */
import type { AnswerRecorder, UsageContext, UsageQuirks } from './dialect-spec.ts';
import { CountReader, childObject, isJsonObject, type JsonObject } from './json-fields.ts';
import {
  isListPriceTier,
  NO_USAGE_REPORTED,
  type NormalizedUsage,
  toSurcharges,
} from './normalized-usage.ts';

type ReportedUsage = Readonly<{
  prompt: number;
  completion: number;
  reasoning: number;
  total: number | null;
}>;

/** Returns the output including reasoning, however this provider reports it. */
function totalOutput(reasoningQuirk: UsageQuirks['reasoning'], reported: ReportedUsage) {
  const { prompt, completion, reasoning, total } = reported;
  const unreported = total === null ? null : Math.max(0, total - prompt - completion);
  if (reasoningQuirk === 'from_total' && unreported !== null && unreported > 0)
    return { output: completion + unreported, reasoning: reasoning > 0 ? reasoning : unreported };
  // xAI: the total says whether reasoning was left out of completion_tokens.
  if (reasoningQuirk === 'separate' && (unreported === null || unreported === reasoning))
    return { output: completion + reasoning, reasoning };
  return { output: completion, reasoning: Math.min(reasoning, completion) };
}

/** Returns the input that was neither read from a cache nor written to one. */
function uncachedInput(
  prompt: number,
  cacheRead: number,
  cacheWrite: number,
  imageInput: number,
): number {
  // xAI may report more cached tokens than the prompt has and charges all of them, and images
  // apart. This reproduces its own charges (cost_in_usd_ticks) exactly.
  if (cacheRead > prompt) return Math.min(imageInput, prompt);
  // Gemini behind OpenRouter counts the same tokens as read and as written.
  if (cacheRead + cacheWrite > prompt) return Math.max(0, prompt - Math.max(cacheRead, cacheWrite));
  return prompt - cacheRead - cacheWrite;
}

/** Reads one chunk of a stream, or a whole answer. */
export function readChatEvent(event: JsonObject, recorder: AnswerRecorder): void {
  const choices = Array.isArray(event.choices) ? event.choices : [];
  for (const choice of choices)
    if (isJsonObject(choice) && typeof choice.finish_reason === 'string') recorder.markFinished();
  if (event.service_tier !== undefined && event.service_tier !== null)
    recorder.setServiceTier(event.service_tier);
  // Some providers repeat a running count in every chunk, so it is final only at or after the
  // finish.
  const usage = event.usage;
  if (isJsonObject(usage)) recorder.setUsage(usage, recorder.finished || choices.length === 0);
}

/** True for the chunk that `stream_options.include_usage` adds. */
export function isUsageOnlyChunk(event: unknown): boolean {
  if (!isJsonObject(event) || !isJsonObject(event.usage)) return false;
  const choices = event.choices;
  return Array.isArray(choices) && choices.length === 0 && (event.error ?? null) === null;
}

/** Normalizes a usage object. Without both of its counts there is no usage. */
export function normalizeChatUsage(
  usage: JsonObject,
  { quirks, model, serviceTier }: UsageContext,
): NormalizedUsage {
  const reader = new CountReader();
  const input = childObject(usage, 'prompt_tokens_details');
  const output = childObject(usage, 'completion_tokens_details');
  const prompt = reader.read(usage, 'prompt_tokens');
  const completion = reader.read(usage, 'completion_tokens');
  if (prompt === null || completion === null)
    return { ...NO_USAGE_REPORTED, unpriceable: reader.invalidCount };
  const total = totalOutput(quirks.reasoning, {
    prompt,
    completion,
    reasoning: reader.readOrZero(output, 'reasoning_tokens'),
    total: reader.read(usage, 'total_tokens'),
  });
  const cacheRead =
    reader.readOrZero(input, 'cached_tokens') ||
    reader.readOrZero(usage, 'prompt_cache_hit_tokens');
  const cacheWrite = reader.readOrZero(input, 'cache_write_tokens');
  const imageInput = reader.readOrZero(input, 'image_tokens');
  const uncached = uncachedInput(prompt, cacheRead, cacheWrite, imageInput);
  // Audio and images have prices of their own; cached ones remain cache reads.
  const audioInput = Math.min(reader.readOrZero(input, 'audio_tokens'), uncached);
  const audioOutput = Math.min(reader.readOrZero(output, 'audio_tokens'), total.output);
  const imageOutput = Math.min(
    reader.readOrZero(output, 'image_tokens'),
    total.output - audioOutput,
  );
  const textOutput = total.output - audioOutput - imageOutput;
  const searchSources = reader.readOrZero(usage, 'num_sources_used');
  return {
    usage: {
      input_uncached: uncached - audioInput,
      cache_read: cacheRead,
      cache_write_5m: cacheWrite,
      cache_write_30m: 0,
      cache_write_1h: 0,
      cache_write_12h: 0,
      output: textOutput,
      output_reasoning: Math.min(total.reasoning, textOutput),
    },
    surcharges: toSurcharges({
      web_search: searchSources + (quirks.searchModels?.test(model) === true ? 1 : 0),
      audio_input: audioInput,
      audio_output: audioOutput,
      image_output: imageOutput,
    }),
    unpriceable: reader.invalidCount + (isListPriceTier(serviceTier) ? 0 : 1),
  };
}
