/**
 * Google's OpenAI-compatible endpoint of Gemini (https://ai.google.dev/gemini-api/docs/openai). Its
 * usage leaves thinking out of completion_tokens; only total_tokens includes it, hence
 * `from_total`.
 */
import type { ProviderSpec } from './contract.ts';

export const google = {
  id: 'google',
  envPrefix: 'GEMINI',
  baseUrl: 'https://generativelanguage.googleapis.com',
  mockPath: '',
  dialects: ['chat'],
  endpoints: (base) => ({ chat: `${base}/v1beta/openai/chat/completions` }),
  keyHeader: 'authorization',
  outputLimitField: 'max_tokens',
  acceptsStreamOptions: true,
  quirks: { reasoning: 'from_total' },
  calibration: {
    input: {
      preambles: [{ models: /^/, base: 0, tools: 0 }],
      message: 1,
      toolScale: 0.7,
    },
    tokenScale: { ascii: 1, nonAscii: 0.95 },
    toolCallTokens: { first: 7, further: 7, argument: 2 },
    isEventPerToken: false,
  },
} as const satisfies ProviderSpec;
