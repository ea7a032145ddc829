/**
 * xAI. Its chat usage reports reasoning apart from completion_tokens (the recorded total is the sum
 * of prompt, completion and reasoning), and it prefers the newer name of the output limit.
 */
import type { ProviderSpec } from './contract.ts';

export const xai = {
  id: 'xai',
  envPrefix: 'XAI',
  baseUrl: 'https://api.x.ai/v1',
  mockPath: '/v1',
  dialects: ['chat'],
  priceSourceId: 'x-ai',
  endpoints: (base) => ({ chat: `${base}/chat/completions` }),
  keyHeader: 'authorization',
  outputLimitField: 'max_completion_tokens',
  // docs.x.ai/developers/pricing, "Usage Guidelines Violation Fee": a request in violation is still
  // charged. The fixed fee there is for the Responses API only.
  quirks: { reasoning: 'separate', billsRefusedPrompts: true },
  calibration: {
    tokenScale: { ascii: 1, nonAscii: 1 },
    toolCallTokens: { first: 10, further: 5, argument: 11 },
    isEventPerToken: true,
  },
} as const satisfies ProviderSpec;
