/**
 * The usage of Chat Completions as disjoint buckets, of OpenAI and compatible providers. Pure. Each
 * rule was checked against recorded answers that state their own total or charge.
 */
import type { NanoUsd } from '@farebox/money';
import type { UsageContext, UsageQuirks } from './dialect-spec.ts';
import { CountReader, childObject, type JsonObject, toCount } from './json-fields.ts';
import { NO_USAGE_REPORTED, type NormalizedUsage, toSurcharges } from './normalized-usage.ts';
import { readServedTerms } from './service-terms.ts';

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
export function uncachedInput(
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

type Counts = Readonly<{ prompt: number; completion: number; total: number | null }>;

/**
 * Returns the counts of a usage object, or null if there are none. Of prompt, completion and total
 * any two tell the third: Gemini leaves `completion_tokens` out where all of the output is thinking
 * (agentgateway issue 1464). A completion alone is no usage.
 */
function readCounts(
  reader: CountReader,
  usage: JsonObject,
  reasoningQuirk: UsageQuirks['reasoning'],
): Counts | null {
  const total = reader.read(usage, 'total_tokens');
  const prompt = reader.read(usage, 'prompt_tokens') ?? reader.read(usage, 'input_tokens');
  const completion = reader.read(usage, 'completion_tokens') ?? reader.read(usage, 'output_tokens');
  if (prompt !== null && completion !== null) return { prompt, completion, total };
  if (total === null || reader.invalidCount > 0) return null;
  // With this quirk the gap between the counts and the total is the reasoning.
  if (prompt !== null && reasoningQuirk === 'from_total') return { prompt, completion: 0, total };
  if (prompt !== null) return { prompt, completion: Math.max(0, total - prompt), total };
  if (completion === null) return null;
  return { prompt: Math.max(0, total - completion), completion, total };
}

/**
 * Counts the calls of xAI's own tools (https://docs.x.ai/developers/pricing). Its details name each
 * tool; without them every call is a search, as is each source of the older live search. Calls of
 * MCP tools cost their tokens only.
 */
export function countServerTools(reader: CountReader, usage: JsonObject) {
  const details = childObject(usage, 'server_side_tool_usage_details');
  const counts = {
    web_search: reader.readOrZero(details, 'web_search_calls'),
    x_search: reader.readOrZero(details, 'x_search_calls'),
    code_execution: reader.readOrZero(details, 'code_interpreter_calls'),
    file_search: reader.readOrZero(details, 'file_search_calls'),
    document_search: reader.readOrZero(details, 'document_search_calls'),
  };
  const free = reader.readOrZero(details, 'mcp_calls');
  const named = Object.values(counts).reduce((sum, count) => sum + count, free);
  const all = reader.readOrZero(usage, 'num_server_side_tools_used');
  const sources = reader.readOrZero(usage, 'num_sources_used');
  // Pictures and tools without a name here are calls that no count above covers.
  const images = reader.readOrZero(details, 'image_generation_calls');
  if (named + images === 0)
    return { counts: { ...counts, web_search: all > 0 ? all : sources }, unknown: 0 };
  return { counts, unknown: images > 0 || all > named ? 1 : 0 };
}

/** xAI states its charge in ticks of 10^-10 USD (https://docs.x.ai/developers/cost-tracking). */
const TICKS_PER_NANO_USD = 10n;
const TICK_DECIMALS = 10;
/** Above it no answer costs; a larger number is no cost in USD. */
const MAX_STATED_USD = 1_000_000;

/**
 * OpenRouter states its charge in USD, as a JSON number
 * (https://openrouter.ai/docs/use-cases/usage-accounting).
 */
function readCostInTicks({ cost }: JsonObject): bigint | null {
  if (typeof cost !== 'number' || !(cost >= 0 && cost <= MAX_STATED_USD)) return null;
  return BigInt(cost.toFixed(TICK_DECIMALS).replace('.', ''));
}

/** Returns what the provider says that it charges, in nano-USD; null where it says nothing. */
export function readStatedCost(usage: JsonObject): NanoUsd | null {
  const count = toCount(usage.cost_in_usd_ticks);
  const ticks = count === null ? readCostInTicks(usage) : BigInt(count);
  return ticks === null ? null : (ticks + TICKS_PER_NANO_USD - 1n) / TICKS_PER_NANO_USD;
}

/** Normalizes a usage object. Without both of its counts there is no usage. */
export function normalizeChatUsage(
  usage: JsonObject,
  { quirks, model, serviceTier, searchQueries }: UsageContext,
): NormalizedUsage {
  const reader = new CountReader();
  const input = childObject(usage, 'prompt_tokens_details');
  const output = childObject(usage, 'completion_tokens_details');
  const counts = readCounts(reader, usage, quirks.reasoning);
  if (counts === null) {
    const partial = {
      // A zero says nothing.
      input: toCount(usage.prompt_tokens ?? usage.input_tokens) || null,
      output: toCount(usage.completion_tokens ?? usage.output_tokens) || null,
    };
    return { ...NO_USAGE_REPORTED, partial, unpriceable: reader.invalidCount };
  }
  const { prompt } = counts;
  const reasoning = reader.readOrZero(output, 'reasoning_tokens');
  const total = totalOutput(quirks.reasoning, { ...counts, reasoning });
  // OpenAI, DeepSeek and Moonshot each have a name of their own for the same count.
  const cacheRead =
    reader.readOrZero(input, 'cached_tokens') ||
    reader.readOrZero(usage, 'prompt_cache_hit_tokens') ||
    reader.readOrZero(usage, 'cached_tokens');
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
  const terms = readServedTerms({ tier: serviceTier });
  const tools = countServerTools(reader, usage);
  const search = quirks.searchModels?.test(model) === true ? 1 : 0;
  return {
    ...NO_USAGE_REPORTED,
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
      ...tools.counts,
      web_search: tools.counts.web_search + search + searchQueries,
      audio_input: audioInput,
      audio_output: audioOutput,
      image_output: imageOutput,
    }),
    served: terms.served,
    statedCost: readStatedCost(usage),
    unpriceable: reader.invalidCount + terms.unknown + tools.unknown,
  };
}
