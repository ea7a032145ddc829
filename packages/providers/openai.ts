/**
 * OpenAI. Its reasoning models reject `max_tokens` ("Use 'max_completion_tokens' instead"), and
 * every chat model accepts the newer name, which also limits hidden reasoning.
 */
import type { ProviderSpec } from './contract.ts';

export const openai = {
  id: 'openai',
  name: 'OpenAI',
  envPrefix: 'OPENAI',
  baseUrl: 'https://api.openai.com/v1',
  mockPath: '/v1',
  dialects: ['chat', 'responses'],
  endpoints: (base) => ({
    chat: `${base}/chat/completions`,
    responses: `${base}/responses`,
    responses_socket: `${base}/responses`,
    responses_compact: `${base}/responses/compact`,
    responses_input_tokens: `${base}/responses/input_tokens`,
    embeddings: `${base}/embeddings`,
    images: `${base}/images/generations`,
    image_edits: `${base}/images/edits`,
    speech: `${base}/audio/speech`,
    transcriptions: `${base}/audio/transcriptions`,
    translations: `${base}/audio/translations`,
    moderations: `${base}/moderations`,
  }),
  keyHeader: 'authorization',
  outputLimitField: 'max_completion_tokens',
  // The o series and everything since GPT-5 ("Reasoning models" of OpenAI's guide), also fine-tuned.
  refusesMaxTokens: /^(?:ft:)?(?:o\d|gpt-(?:[5-9]|\d\d)|codex|computer-use)/,
  acceptsStreamOptions: true,
  limitsToolCalls: true,
  // "Rate limits in headers" of OpenAI's guide. Per minute: recorded, 10000 has a reset of 6 ms.
  callsPerMinuteHeader: 'x-ratelimit-limit-requests',
  quirks: {
    reasoning: 'included',
    // OpenAI's search models search once for every answer, whether the request asks for it or not.
    searchModels: /(^|-)search(-|$)/,
    // Recorded: calls of functions whose usage, the total too, is zero.
    reportsZeroUsage: ['responses'],
  },
  calibration: {
    input: {
      preambles: [{ models: /^/, base: 2, tools: 20 }],
      message: 3.5,
      toolScale: 0.8,
    },
    tokenScale: { ascii: 1, nonAscii: 1 },
    toolCallTokens: { first: 8, further: 20, argument: 0 },
    isEventPerToken: true,
  },
} as const satisfies ProviderSpec;
