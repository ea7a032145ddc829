/**
 * Chat Completions usage, of OpenAI and of those who imitate it, as disjoint buckets. Pure. Each rule
 * was held against recorded answers that state their own total or their own charge.
 */
import type { Provider } from './contract.ts';
import { Counter, type Fields, inside } from './count.ts';
import { extrasOf, isListPrice, NOTHING, type Normalised } from './normalised.ts';

type Reported = Readonly<{
  prompt: number;
  completion: number;
  reasoning: number;
  total: number | null;
}>;

/** Output with reasoning in it, whichever way this provider reports that. */
function wholeOutput(quirk: Provider['quirks']['reasoning'], reported: Reported) {
  const { prompt, completion, reasoning, total } = reported;
  const gap = total === null ? null : Math.max(0, total - prompt - completion);
  if (quirk === 'gap' && gap !== null && gap > 0)
    return { output: completion + gap, reasoning: reasoning > 0 ? reasoning : gap };
  // xAI: the total says whether reasoning was left out of completion_tokens.
  if (quirk === 'beside' && (gap === null || gap === reasoning))
    return { output: completion + reasoning, reasoning };
  return { output: completion, reasoning: Math.min(reasoning, completion) };
}

/** Input that was neither read from a cache nor written to one. */
function uncachedInput(prompt: number, read: number, write: number, image: number): number {
  // xAI may report more cached tokens than the prompt has, and charges them all; images come apart.
  // Its own charges (cost_in_usd_ticks) are met exactly this way.
  if (read > prompt) return Math.min(image, prompt);
  // Gemini behind OpenRouter counts the same tokens as read and as written.
  if (read + write > prompt) return Math.max(0, prompt - Math.max(read, write));
  return prompt - read - write;
}

/** Whether every answer of this model is billed one search (OpenAI's search models in chat). */
export function searchesAlways(provider: Provider, model: string): boolean {
  return provider.id === 'openai' && /(^|-)search(-|$)/.test(model);
}

/** Normalises one usage object; without both of its counts it is no usage. */
export function normaliseChat(
  provider: Provider,
  model: string,
  usage: Fields,
  tier: unknown,
): Normalised {
  const counter = new Counter();
  const input = inside(usage, 'prompt_tokens_details');
  const output = inside(usage, 'completion_tokens_details');
  const prompt = counter.read(usage, 'prompt_tokens');
  const completion = counter.read(usage, 'completion_tokens');
  if (prompt === null || completion === null) return { ...NOTHING, unpriceable: counter.refused };
  const whole = wholeOutput(provider.quirks.reasoning, {
    prompt,
    completion,
    reasoning: counter.readOrNone(output, 'reasoning_tokens'),
    total: counter.read(usage, 'total_tokens'),
  });
  const read =
    counter.readOrNone(input, 'cached_tokens') ||
    counter.readOrNone(usage, 'prompt_cache_hit_tokens');
  const write = counter.readOrNone(input, 'cache_write_tokens');
  const image = counter.readOrNone(input, 'image_tokens');
  const uncached = uncachedInput(prompt, read, write, image);
  // Sound and pictures have prices of their own; what a cache held of them stays a cache read.
  const audioIn = Math.min(counter.readOrNone(input, 'audio_tokens'), uncached);
  const audioOut = Math.min(counter.readOrNone(output, 'audio_tokens'), whole.output);
  const pictures = Math.min(counter.readOrNone(output, 'image_tokens'), whole.output - audioOut);
  const text = whole.output - audioOut - pictures;
  const sources = counter.readOrNone(usage, 'num_sources_used');
  return {
    usage: {
      input_uncached: uncached - audioIn,
      cache_read: read,
      cache_write_5m: write,
      cache_write_1h: 0,
      output: text,
      output_reasoning: Math.min(whole.reasoning, text),
    },
    extras: extrasOf({
      web_search: sources + (searchesAlways(provider, model) ? 1 : 0),
      audio_input: audioIn,
      audio_output: audioOut,
      image_output: pictures,
    }),
    unpriceable: counter.refused + (isListPrice(tier) ? 0 : 1),
  };
}
