/**
 * DeepSeek: chat at the base URL itself, Messages under `/anthropic`
 * (https://api-docs.deepseek.com/guides/anthropic_api). It documents no token count, so none is
 * offered.
 */
import type { ProviderSpec } from './contract.ts';

export const deepseek = {
  id: 'deepseek',
  name: 'DeepSeek',
  envPrefix: 'DEEPSEEK',
  baseUrl: 'https://api.deepseek.com',
  mockPath: '/v1',
  dialects: ['chat', 'messages', 'responses'],
  endpoints: (base) => ({
    chat: `${base}/chat/completions`,
    // https://api-docs.deepseek.com/guides/responses_api
    responses: `${base}/responses`,
    // DeepSeek also serves chat under /v1, so operators configure that; its Messages are not under
    // it.
    messages: `${base.replace(/\/v1$/, '')}/anthropic/v1/messages`,
  }),
  keyHeader: 'authorization',
  outputLimitField: 'max_tokens',
  acceptsStreamOptions: true,
  // It limits no account's rate (api-docs.deepseek.com/quick_start/rate_limit), so no share is set.
  quirks: { reasoning: 'included' },
  calibration: {
    input: {
      preambles: [
        { models: /v4|flash/, base: 80, tools: 245 },
        { models: /^/, base: 1, tools: 250 },
      ],
      message: 1,
      toolScale: 1.4,
    },
    tokenScale: { ascii: 1, nonAscii: 0.95 },
    toolCallTokens: { first: 23, further: 10, argument: 11 },
    isEventPerToken: true,
  },
} as const satisfies ProviderSpec;
