/**
 * xAI. Its chat usage reports reasoning apart from completion_tokens (the recorded total is the sum
 * of prompt, completion and reasoning), and it prefers the newer name of the output limit.
 */
import type { ProviderSpec } from './contract.ts';

export const xai = {
  id: 'xai',
  name: 'xAI',
  envPrefix: 'XAI',
  baseUrl: 'https://api.x.ai/v1',
  mockPath: '/v1',
  dialects: ['chat', 'responses'],
  priceSourceId: 'x-ai',
  endpoints: (base) => ({
    chat: `${base}/chat/completions`,
    responses: `${base}/responses`,
    images: `${base}/images/generations`,
    image_edits: `${base}/images/edits`,
    responses_socket: `${base}/responses`,
  }),
  keyHeader: 'authorization',
  outputLimitField: 'max_completion_tokens',
  acceptsStreamOptions: true,
  // As recorded; docs.x.ai states the same numbers by model, in requests per minute.
  callsPerMinuteHeader: 'x-ratelimit-limit-requests',
  // docs.x.ai/developers/pricing, "Usage Guidelines Violation Fee": a request in violation is still
  // charged. The fixed fee there is for the Responses API only.
  quirks: { reasoning: 'separate', billsRefusedPrompts: true },
  calibration: {
    input: {
      // Grok 4 begins every prompt with a text of its own.
      preambles: [
        { models: /^grok-(vision-)?(beta|[123])/, base: 7, tools: 120 },
        { models: /^/, base: 130, tools: 170 },
      ],
      message: 1.5,
      toolScale: 1,
    },
    tokenScale: { ascii: 1, nonAscii: 1 },
    toolCallTokens: { first: 10, further: 5, argument: 11 },
    isEventPerToken: true,
  },
} as const satisfies ProviderSpec;
