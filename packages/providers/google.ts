/**
 * Google's OpenAI-compatible face of Gemini (https://ai.google.dev/gemini-api/docs/openai). Its usage
 * leaves thinking out of completion_tokens; only total_tokens tells, hence `gap`.
 */
import type { Provider } from './contract.ts';

export const GOOGLE_BASE = 'https://generativelanguage.googleapis.com';

export function google(base: string, apiKey: string): Provider {
  return {
    id: 'google',
    endpoints: { chat: `${base}/v1beta/openai/chat/completions` },
    apiKey,
    keyHeader: 'authorization',
    outputLimitField: 'max_tokens',
    quirks: { reasoning: 'gap', toolCallOverheadTokens: 20 },
  };
}
