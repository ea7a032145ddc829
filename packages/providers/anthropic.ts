/** Anthropic: Messages and its free token count, both authenticated by `x-api-key`. */
import type { ProviderSpec } from './contract.ts';

export const anthropic = {
  id: 'anthropic',
  name: 'Anthropic',
  envPrefix: 'ANTHROPIC',
  baseUrl: 'https://api.anthropic.com',
  mockPath: '',
  dialects: ['messages'],
  endpoints: (base) => ({
    messages: `${base}/v1/messages`,
    count_tokens: `${base}/v1/messages/count_tokens`,
  }),
  keyHeader: 'x-api-key',
  outputLimitField: 'max_tokens',
  acceptsStreamOptions: false,
  // "Rate limits", "Response headers": requests are limited by the minute (RPM).
  callsPerMinuteHeader: 'anthropic-ratelimit-requests-limit',
  quirks: {
    reasoning: 'included',
    // Release notes of 2026-06-02: a refusal without output is not billed. The page "Refusals and
    // fallback" narrows it (September 2026): not in every category, but in these and without one.
    unbilledRefusals: [null, 'cyber', 'general_harms'],
  },
  calibration: {
    input: {
      // "Tool use", "Pricing": the system prompt of tools has 346 tokens, before Claude 4 294.
      preambles: [
        { models: /^claude-[123]/, base: 5, tools: 294 },
        { models: /^/, base: 5, tools: 346 },
      ],
      message: 3,
      toolScale: 2,
    },
    tokenScale: { ascii: 1.2, nonAscii: 1.6 },
    toolCallTokens: { first: 31, further: 17, argument: 10 },
    isEventPerToken: false,
  },
} as const satisfies ProviderSpec;
