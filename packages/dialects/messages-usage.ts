/** The usage of Anthropic's Messages as disjoint buckets. Pure. */
import { CountReader, childObject, isJsonObject, type JsonObject } from './json-fields.ts';
import { isListPriceTier, type NormalizedUsage, toSurcharges } from './normalized-usage.ts';

/** Returns cache writes by lifetime. The total may exceed its split; the rest lives 5 minutes. */
function cacheWrites(reader: CountReader, usage: JsonObject) {
  const split = childObject(usage, 'cache_creation');
  const fiveMinuteWrites = reader.readOrZero(split, 'ephemeral_5m_input_tokens');
  const oneHourWrites = reader.readOrZero(split, 'ephemeral_1h_input_tokens');
  const total =
    reader.read(usage, 'cache_creation_input_tokens') ?? fiveMinuteWrites + oneHourWrites;
  const oneHour = Math.min(oneHourWrites, total);
  return { fiveMinutes: total - oneHour, oneHour, total };
}

type Compaction = { input: number; read: number; write: number; output: number; unknown: number };

/**
 * Sums the passes that the top-level counts leave out. Compaction is billed like any input and
 * output of the same model (https://platform.claude.com/docs/en/build-with-claude/compaction);
 * other kinds, such as another model's advice, have prices we cannot know.
 */
function sumCompactions(reader: CountReader, usage: JsonObject): Compaction {
  const sum = { input: 0, read: 0, write: 0, output: 0, unknown: 0 };
  const iterations = usage.iterations;
  if (!Array.isArray(iterations)) return sum;
  for (const iteration of iterations) {
    if (!isJsonObject(iteration) || iteration.type === 'message') continue;
    if (iteration.type !== 'compaction') {
      sum.unknown++;
      continue;
    }
    sum.input += reader.readOrZero(iteration, 'input_tokens');
    sum.read += reader.readOrZero(iteration, 'cache_read_input_tokens');
    sum.write += cacheWrites(reader, iteration).total;
    sum.output += reader.readOrZero(iteration, 'output_tokens');
  }
  return sum;
}

/** Counts modifiers for which the list price does not hold: tier, speed, place of inference. */
function countPriceModifiers(usage: JsonObject): number {
  const geo = usage.inference_geo;
  const isGlobal =
    geo === undefined || geo === null || geo === '' || geo === 'global' || geo === 'not_available';
  return (
    (isListPriceTier(usage.service_tier) ? 0 : 1) +
    (isListPriceTier(usage.speed) ? 0 : 1) +
    (isGlobal ? 0 : 1)
  );
}

/** Normalizes a merged usage object. Without both of its counts there is no usage. */
export function normalizeMessagesUsage(usage: JsonObject): NormalizedUsage {
  const reader = new CountReader();
  const input = reader.read(usage, 'input_tokens');
  const output = reader.read(usage, 'output_tokens');
  const tools = childObject(usage, 'server_tool_use');
  const writes = cacheWrites(reader, usage);
  const read = reader.readOrZero(usage, 'cache_read_input_tokens');
  const thinking = reader.readOrZero(
    childObject(usage, 'output_tokens_details'),
    'thinking_tokens',
  );
  const compaction = sumCompactions(reader, usage);
  const surcharges = toSurcharges({
    web_search: reader.readOrZero(tools, 'web_search_requests'),
    compaction_input: compaction.input,
    compaction_cache_read: compaction.read,
    compaction_cache_write: compaction.write,
    compaction_output: compaction.output,
  });
  const unpriceable = reader.invalidCount + compaction.unknown + countPriceModifiers(usage);
  if (input === null || output === null) return { usage: null, surcharges, unpriceable };
  return {
    usage: {
      input_uncached: input,
      cache_read: read,
      cache_write_5m: writes.fiveMinutes,
      cache_write_30m: 0,
      cache_write_1h: writes.oneHour,
      cache_write_12h: 0,
      output,
      output_reasoning: Math.min(thinking, output),
    },
    surcharges,
    unpriceable,
  };
}
