/**
 * Anthropic Messages usage as disjoint buckets. Pure. A stream reports twice: message_start opens and
 * message_delta is cumulative, so later keys replace earlier ones and are never added to them.
 */
import { Counter, type Fields, inside, isFields } from './count.ts';
import { extrasOf, isListPrice, type Normalised } from './normalised.ts';

/** The later report over the earlier one, key by key; a null says nothing. */
export function mergeUsage(earlier: Fields, later: Fields): Fields {
  const merged: Record<string, unknown> = { ...earlier };
  for (const [key, value] of Object.entries(later)) if (value !== null) merged[key] = value;
  return merged;
}

/** Cache writes by lifetime. The total may be newer than its split; what the split leaves open is 5 min. */
function cacheWrites(counter: Counter, usage: Fields) {
  const split = inside(usage, 'cache_creation');
  const short = counter.readOrNone(split, 'ephemeral_5m_input_tokens');
  const long = counter.readOrNone(split, 'ephemeral_1h_input_tokens');
  const total = counter.read(usage, 'cache_creation_input_tokens') ?? short + long;
  const oneHour = Math.min(long, total);
  return { fiveMinutes: total - oneHour, oneHour, total };
}

type Compaction = { input: number; read: number; write: number; output: number; unknown: number };

/**
 * Passes that the top-level counts leave out. Compaction is billed like any input and output of the
 * same model (https://platform.claude.com/docs/en/build-with-claude/compaction); other kinds, such as
 * another model's advice, have prices we cannot know.
 */
function iterationsOf(counter: Counter, usage: Fields): Compaction {
  const sum = { input: 0, read: 0, write: 0, output: 0, unknown: 0 };
  const iterations = usage.iterations;
  if (!Array.isArray(iterations)) return sum;
  for (const iteration of iterations) {
    if (!isFields(iteration) || iteration.type === 'message') continue;
    if (iteration.type !== 'compaction') {
      sum.unknown++;
      continue;
    }
    sum.input += counter.readOrNone(iteration, 'input_tokens');
    sum.read += counter.readOrNone(iteration, 'cache_read_input_tokens');
    sum.write += cacheWrites(counter, iteration).total;
    sum.output += counter.readOrNone(iteration, 'output_tokens');
  }
  return sum;
}

/** Modifiers of the price that the list price does not hold for: tier, speed, place of inference. */
function modifiers(usage: Fields): number {
  const geo = usage.inference_geo;
  const anywhere =
    geo === undefined || geo === null || geo === '' || geo === 'global' || geo === 'not_available';
  return (
    (isListPrice(usage.service_tier) ? 0 : 1) +
    (isListPrice(usage.speed) ? 0 : 1) +
    (anywhere ? 0 : 1)
  );
}

/** Normalises one (merged) usage object; without both of its counts it is no usage. */
export function normaliseMessages(usage: Fields): Normalised {
  const counter = new Counter();
  const input = counter.read(usage, 'input_tokens');
  const output = counter.read(usage, 'output_tokens');
  const tools = inside(usage, 'server_tool_use');
  const writes = cacheWrites(counter, usage);
  const read = counter.readOrNone(usage, 'cache_read_input_tokens');
  const thinking = counter.readOrNone(inside(usage, 'output_tokens_details'), 'thinking_tokens');
  const compaction = iterationsOf(counter, usage);
  const extras = extrasOf({
    web_search: counter.readOrNone(tools, 'web_search_requests'),
    compaction_input: compaction.input,
    compaction_cache_read: compaction.read,
    compaction_cache_write: compaction.write,
    compaction_output: compaction.output,
  });
  const unpriceable = counter.refused + compaction.unknown + modifiers(usage);
  if (input === null || output === null) return { usage: null, extras, unpriceable };
  return {
    usage: {
      input_uncached: input,
      cache_read: read,
      cache_write_5m: writes.fiveMinutes,
      cache_write_1h: writes.oneHour,
      output,
      output_reasoning: Math.min(thinking, output),
    },
    extras,
    unpriceable,
  };
}
