/**
 * Google: Gemini's own API (https://ai.google.dev/api) and its OpenAI-compatible endpoint
 * (https://ai.google.dev/gemini-api/docs/openai). The usage of the latter leaves thinking out of
 * completion_tokens; only total_tokens includes it, hence `from_total`.
 */
import type { ProviderSpec } from './contract.ts';

export const google = {
  id: 'google',
  name: 'Google',
  envPrefix: 'GEMINI',
  baseUrl: 'https://generativelanguage.googleapis.com',
  mockPath: '',
  dialects: ['chat', 'gemini'],
  endpoints: (base) => ({
    chat: `${base}/v1beta/openai/chat/completions`,
    // The version of the API and the model follow.
    gemini: base,
    gemini_count_tokens: base,
    embeddings: `${base}/v1beta/openai/embeddings`,
  }),
  keyHeader: 'authorization',
  endpointKeyHeaders: { gemini: 'x-goog-api-key', gemini_count_tokens: 'x-goog-api-key' },
  outputLimitField: 'max_tokens',
  acceptsStreamOptions: true,
  // Recorded answers of the compatible endpoint never have details of their tokens.
  endpointsWithoutModalities: ['chat'],
  // Its answers state no rate, and its limits are shown in AI Studio only, by model and tier
  // (ai.google.dev/gemini-api/docs/rate-limits). This is what the first paid tier had for Flash.
  assumedCallsPerMinute: 1_000,
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
