/** Anthropic: Messages and its free token count, both authenticated by `x-api-key`. */
import type { ProviderSpec } from './contract.ts';

export const anthropic = {
  id: 'anthropic',
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
  quirks: { reasoning: 'included', toolCallOverheadTokens: 40 },
} as const satisfies ProviderSpec;
