/**
 * The usage of Responses as disjoint buckets, of OpenAI, xAI, DeepSeek and compatible providers. Here
 * output includes reasoning at all of them, xAI too (its recorded totals say so). Pure.
 */
import { NO_USAGE } from '@farebox/money';
import { countServerTools, readStatedCost, uncachedInput } from './chat-usage.ts';
import type { UsageContext } from './dialect-spec.ts';
import { CountReader, childObject, type JsonObject } from './json-fields.ts';
import { NO_USAGE_REPORTED, type NormalizedUsage, toSurcharges } from './normalized-usage.ts';
import { readServedTerms } from './service-terms.ts';

type Counts = Readonly<{ input: number; output: number }>;

/** Of input, output and total any two tell the third; an output alone is no usage. */
function readCounts(reader: CountReader, usage: JsonObject): Counts | null {
  const total = reader.read(usage, 'total_tokens');
  const input = reader.read(usage, 'input_tokens') ?? reader.read(usage, 'prompt_tokens');
  const output = reader.read(usage, 'output_tokens') ?? reader.read(usage, 'completion_tokens');
  if (input !== null && output !== null) return { input, output };
  if (total === null || reader.invalidCount > 0) return null;
  if (input !== null) return { input, output: Math.max(0, total - input) };
  return output === null ? null : { input: Math.max(0, total - output), output };
}

/**
 * Normalizes a usage object. xAI counts the calls of its own tools in it; for others `searchQueries`
 * counts the searches among the answer's items.
 */
export function normalizeResponsesUsage(
  usage: JsonObject,
  { serviceTier, searchQueries }: UsageContext,
): NormalizedUsage {
  const reader = new CountReader();
  const input = childObject(usage, 'input_tokens_details');
  const output = childObject(usage, 'output_tokens_details');
  const counts = readCounts(reader, usage);
  if (counts === null) return { ...NO_USAGE_REPORTED, unpriceable: reader.invalidCount };
  const cacheRead = reader.readOrZero(input, 'cached_tokens');
  const cacheWrite = reader.readOrZero(input, 'cache_write_tokens');
  const imageInput = reader.readOrZero(input, 'image_tokens');
  const uncached = uncachedInput(counts.input, cacheRead, cacheWrite, imageInput);
  const audioInput = Math.min(reader.readOrZero(input, 'audio_tokens'), uncached);
  const audioOutput = Math.min(reader.readOrZero(output, 'audio_tokens'), counts.output);
  const textOutput = counts.output - audioOutput;
  const reasoning = reader.readOrZero(output, 'reasoning_tokens');
  const terms = readServedTerms({ tier: serviceTier });
  const tools = countServerTools(reader, usage);
  const countsTools = usage.num_server_side_tools_used !== undefined;
  const searches = countsTools ? tools.counts.web_search : searchQueries;
  return {
    ...NO_USAGE_REPORTED,
    usage: {
      ...NO_USAGE,
      input_uncached: uncached - audioInput,
      cache_read: cacheRead,
      cache_write_5m: cacheWrite,
      output: textOutput,
      output_reasoning: Math.min(reasoning, textOutput),
    },
    surcharges: toSurcharges({
      ...tools.counts,
      web_search: searches,
      audio_input: audioInput,
      audio_output: audioOutput,
    }),
    served: terms.served,
    statedCost: readStatedCost(usage),
    unpriceable: reader.invalidCount + terms.unknown + tools.unknown,
  };
}
