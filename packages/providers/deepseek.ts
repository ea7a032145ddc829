/**
 * DeepSeek: chat at the base itself, Messages under `/anthropic`
 * (https://api-docs.deepseek.com/guides/anthropic_api). It documents no token count, so none is offered.
 */
import type { Provider } from './contract.ts';

export const DEEPSEEK_BASE = 'https://api.deepseek.com';

export function deepseek(base: string, apiKey: string): Provider {
  // DeepSeek also answers chat under /v1, so people configure that; its Messages are not under it.
  const root = base.replace(/\/v1$/, '');
  return {
    id: 'deepseek',
    endpoints: {
      chat: `${base}/chat/completions`,
      messages: `${root}/anthropic/v1/messages`,
    },
    apiKey,
    keyHeader: 'authorization',
    outputLimitField: 'max_tokens',
    quirks: { reasoning: 'inside', toolCallOverheadTokens: 40 },
  };
}
