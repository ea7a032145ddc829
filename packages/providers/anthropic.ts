/** Anthropic: Messages and its free token count, both keyed by `x-api-key`. */
import type { Provider } from './contract.ts';

export const ANTHROPIC_BASE = 'https://api.anthropic.com';

export function anthropic(base: string, apiKey: string): Provider {
  return {
    id: 'anthropic',
    endpoints: {
      messages: `${base}/v1/messages`,
      count_tokens: `${base}/v1/messages/count_tokens`,
    },
    apiKey,
    keyHeader: 'x-api-key',
    outputLimitField: 'max_tokens',
    quirks: { reasoning: 'inside', toolCallOverheadTokens: 40 },
  };
}
