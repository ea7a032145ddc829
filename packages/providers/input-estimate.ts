/** What a provider is likely to count as the input of a request (docs/decisions/0026). Pure. */
import type { EstimatedInput } from '@farebox/dialects';
import type { Calibration } from './contract.ts';

/**
 * Estimates the input tokens of a request to the model of this name at the provider: the tokens of
 * its texts, and what the provider's format adds to them. Not rounded.
 */
export function estimateInputTokens(
  { textTokens, toolTokens, mediaTokens, messages, tools }: EstimatedInput,
  { input, tokenScale }: Calibration,
  model: string,
): number {
  const preamble = input.preambles.find(({ models }) => models.test(model));
  const toolsTokens = tools === 0 ? 0 : (preamble?.tools ?? 0) + input.toolScale * toolTokens;
  const textsTokens = input.message * messages + tokenScale.ascii * textTokens;
  return (preamble?.base ?? 0) + textsTokens + toolsTokens + mediaTokens;
}
