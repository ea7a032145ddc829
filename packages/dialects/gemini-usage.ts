/**
 * The usage of Gemini's generateContent (`usageMetadata`) as disjoint buckets. Pure. Its counts add
 * up to `totalTokenCount` in every recording: prompt, results of tools, candidates and thoughts.
 */
import { NO_USAGE } from '@farebox/money';
import type { UsageContext } from './dialect-spec.ts';
import { CountReader, isJsonObject, type JsonObject } from './json-fields.ts';
import { NO_USAGE_REPORTED, type NormalizedUsage, toSurcharges } from './normalized-usage.ts';
import { readServedTerms } from './service-terms.ts';

/** Adds up the tokens of one modality in a list of `{modality, tokenCount}`. */
function readModality(
  reader: CountReader,
  usage: JsonObject,
  field: string,
  modality: string,
): number {
  const details = Array.isArray(usage[field]) ? usage[field] : [];
  return details
    .filter(isJsonObject)
    .filter((detail) => detail.modality === modality)
    .reduce((sum, detail) => sum + reader.readOrZero(detail, 'tokenCount'), 0);
}

type Counts = Readonly<{ prompt: number; toolUse: number; candidates: number; thoughts: number }>;

/**
 * Returns the counts, or null if there are none. Google leaves out a count of zero, and all counts
 * of a prompt that it blocks; the total tells a count that is missing beside others.
 */
function readCounts(reader: CountReader, usage: JsonObject): Counts | null {
  const total = reader.read(usage, 'totalTokenCount');
  const prompt = reader.read(usage, 'promptTokenCount');
  const candidates =
    reader.read(usage, 'candidatesTokenCount') ?? reader.read(usage, 'responseTokenCount');
  const thoughts = reader.readOrZero(usage, 'thoughtsTokenCount');
  const toolUse = reader.readOrZero(usage, 'toolUsePromptTokenCount');
  if (reader.invalidCount > 0 && (prompt === null || candidates === null)) return null;
  if (prompt !== null) {
    const unstated = Math.max(0, (total ?? 0) - prompt - toolUse - thoughts);
    return { prompt, toolUse, thoughts, candidates: candidates ?? unstated };
  }
  if (total === null) return null;
  const output = (candidates ?? 0) + thoughts;
  return {
    prompt: Math.max(0, total - toolUse - output),
    toolUse,
    thoughts,
    candidates: candidates ?? 0,
  };
}

/** Normalizes a usage object. */
export function normalizeGeminiUsage(
  usage: JsonObject,
  { serviceTier, searchQueries, mapsPrompts = 0 }: UsageContext,
): NormalizedUsage {
  const reader = new CountReader();
  const counts = readCounts(reader, usage);
  if (counts === null) return { ...NO_USAGE_REPORTED, unpriceable: reader.invalidCount };
  const { prompt, toolUse, candidates, thoughts } = counts;
  const cacheRead = Math.min(reader.readOrZero(usage, 'cachedContentTokenCount'), prompt);
  const uncached = prompt - cacheRead + toolUse;
  const output = candidates + thoughts;
  const read = (field: string, modality: string) => readModality(reader, usage, field, modality);
  const audio = read('promptTokensDetails', 'AUDIO') + read('toolUsePromptTokensDetails', 'AUDIO');
  const audioCached = Math.min(read('cacheTokensDetails', 'AUDIO'), cacheRead);
  const audioInput = Math.max(0, Math.min(audio - audioCached, uncached));
  const audioOutput = Math.min(read('candidatesTokensDetails', 'AUDIO'), candidates);
  const imageOutput = Math.min(read('candidatesTokensDetails', 'IMAGE'), candidates - audioOutput);
  const terms = readServedTerms({ tier: usage.serviceTier ?? serviceTier });
  return {
    ...NO_USAGE_REPORTED,
    usage: {
      ...NO_USAGE,
      input_uncached: uncached - audioInput,
      cache_read: cacheRead - audioCached,
      output: output - audioOutput - imageOutput,
      output_reasoning: thoughts,
    },
    surcharges: toSurcharges({
      web_search: searchQueries,
      maps_grounded_prompt: mapsPrompts,
      audio_input: audioInput,
      audio_cache_read: audioCached,
      audio_output: audioOutput,
      image_output: imageOutput,
    }),
    served: terms.served,
    unpriceable: reader.invalidCount + terms.unknown,
  };
}
