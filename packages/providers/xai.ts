/**
 * xAI. Its chat usage reports reasoning beside completion_tokens (the recorded total is the sum of
 * prompt, completion and reasoning), and it prefers the newer name of the output limit.
 */
import type { Provider } from './contract.ts';

export const XAI_BASE = 'https://api.x.ai/v1';

export function xai(base: string, apiKey: string): Provider {
  return {
    id: 'xai',
    endpoints: { chat: `${base}/chat/completions` },
    apiKey,
    keyHeader: 'authorization',
    outputLimitField: 'max_completion_tokens',
    quirks: { reasoning: 'beside', toolCallOverheadTokens: 20 },
  };
}
