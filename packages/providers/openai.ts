/**
 * OpenAI. Its reasoning models refuse `max_tokens` ("Use 'max_completion_tokens' instead"), and every
 * chat model takes the newer name, which also bounds hidden reasoning.
 */
import type { Provider } from './contract.ts';

export const OPENAI_BASE = 'https://api.openai.com/v1';

export function openai(base: string, apiKey: string): Provider {
  return {
    id: 'openai',
    endpoints: { chat: `${base}/chat/completions` },
    apiKey,
    keyHeader: 'authorization',
    outputLimitField: 'max_completion_tokens',
    quirks: { reasoning: 'inside', toolCallOverheadTokens: 10 },
  };
}
