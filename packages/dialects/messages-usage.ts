/** The usage of Anthropic's Messages as disjoint buckets. Pure. */
import { NO_USAGE, totalInputTokens, type Usage } from '@farebox/money';
import { CountReader, childObject, isJsonObject, type JsonObject, toCount } from './json-fields.ts';
import { NO_USAGE_REPORTED, type NormalizedUsage, toSurcharges } from './normalized-usage.ts';
import { readServedTerms } from './service-terms.ts';

/**
 * Returns cache writes by lifetime. The total may exceed its split; the rest lives 5 minutes. A
 * total of zero beside a split says nothing.
 */
function readCacheWrites(reader: CountReader, usage: JsonObject) {
  const split = childObject(usage, 'cache_creation');
  const fiveMinuteWrites = reader.readOrZero(split, 'ephemeral_5m_input_tokens');
  const oneHourWrites = reader.readOrZero(split, 'ephemeral_1h_input_tokens');
  const total =
    reader.readOrZero(usage, 'cache_creation_input_tokens') || fiveMinuteWrites + oneHourWrites;
  const oneHour = Math.min(oneHourWrites, total);
  return { cache_write_5m: total - oneHour, cache_write_1h: oneHour };
}

/** Returns the buckets of a usage object, or of one of its iterations; null without its counts. */
function readBuckets(reader: CountReader, usage: JsonObject): Usage | null {
  const input = reader.read(usage, 'input_tokens');
  const output = reader.read(usage, 'output_tokens');
  const details = childObject(usage, 'output_tokens_details');
  const thinking = reader.readOrZero(details, 'thinking_tokens');
  const rest = {
    cache_read: reader.readOrZero(usage, 'cache_read_input_tokens'),
    ...readCacheWrites(reader, usage),
  };
  if (input === null || output === null) return null;
  const output_reasoning = Math.min(thinking, output);
  return { ...NO_USAGE, ...rest, input_uncached: input, output, output_reasoning };
}

type Iterations = Pick<NormalizedUsage, 'passes' | 'otherModelPasses'> &
  Readonly<{ turns: readonly Usage[]; unknown: number }>;

/**
 * Reads the turns of a call. The top-level counts add up the messages and leave the other kinds out.
 * Compaction is billed like any input and output of the same model
 * (https://platform.claude.com/docs/en/build-with-claude/compaction), and another model's advice at
 * that model's prices; other kinds have prices we cannot know.
 */
function readIterations(reader: CountReader, usage: JsonObject): Iterations {
  const passes: Usage[] = [];
  const turns: Usage[] = [];
  const otherModelPasses: { model: string; usage: Usage }[] = [];
  let unknown = 0;
  const iterations = Array.isArray(usage.iterations) ? usage.iterations : [];
  for (const iteration of iterations) {
    if (!isJsonObject(iteration)) continue;
    const { type, model } = iteration;
    const buckets = readBuckets(reader, iteration);
    if (type === 'message') turns.push(buckets ?? NO_USAGE);
    // The tokens of a pass are in no other count.
    else if (buckets === null) unknown++;
    else if (type === 'compaction') passes.push(buckets);
    else if (type === 'advisor_message' && typeof model === 'string')
      otherModelPasses.push({ model, usage: buckets });
    else unknown++;
  }
  return { passes, otherModelPasses, turns, unknown };
}

function findLargest(turns: readonly Usage[]): Usage | null {
  let largest: Usage | null = null;
  for (const turn of turns) {
    if (largest === null || totalInputTokens(turn) > totalInputTokens(largest)) largest = turn;
  }
  return turns.length > 1 ? largest : null;
}

/** Normalizes a merged usage object. Without both of its counts there is no usage. */
export function normalizeMessagesUsage(usage: JsonObject): NormalizedUsage {
  const reader = new CountReader();
  const buckets = readBuckets(reader, usage);
  const tools = childObject(usage, 'server_tool_use');
  const { turns, unknown, ...passes } = readIterations(reader, usage);
  const terms = readServedTerms({
    tier: usage.service_tier,
    speed: usage.speed,
    region: usage.inference_geo,
  });
  return {
    ...NO_USAGE_REPORTED,
    usage: buckets,
    partial: {
      input: toCount(usage.input_tokens) || null,
      output: toCount(usage.output_tokens) || null,
    },
    largestTurn: findLargest(turns),
    ...passes,
    surcharges: toSurcharges({ web_search: reader.readOrZero(tools, 'web_search_requests') }),
    served: terms.served,
    unpriceable: reader.invalidCount + unknown + terms.unknown,
  };
}
