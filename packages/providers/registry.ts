/**
 * The providers this deployment offers: one line each. A provider without a key is not offered; a
 * setting that could send a key to the wrong place throws here, at configuration, and not in a call.
 */
import { ANTHROPIC_BASE, anthropic } from './anthropic.ts';
import { validateBaseUrl } from './base-url.ts';
import type { Provider, ProviderId, ProviderSettings } from './contract.ts';
import { DEEPSEEK_BASE, deepseek } from './deepseek.ts';
import { GOOGLE_BASE, google } from './google.ts';
import { OPENAI_BASE, openai } from './openai.ts';
import { XAI_BASE, xai } from './xai.ts';

type ProviderFactory = (base: string, apiKey: string) => Provider;

const PROVIDER_FACTORIES: ReadonlyMap<ProviderId, readonly [base: string, make: ProviderFactory]> =
  new Map([
    ['openai', [OPENAI_BASE, openai]],
    ['anthropic', [ANTHROPIC_BASE, anthropic]],
    ['google', [GOOGLE_BASE, google]],
    ['xai', [XAI_BASE, xai]],
    ['deepseek', [DEEPSEEK_BASE, deepseek]],
  ]);

/** A further provider that speaks plain Chat Completions; `max_tokens` is the name they all know. */
function openAiCompatible(id: ProviderId, base: string, apiKey: string): Provider {
  return {
    id,
    endpoints: { chat: `${base}/chat/completions` },
    apiKey,
    keyHeader: 'authorization',
    outputLimitField: 'max_tokens',
    quirks: { reasoning: 'inside', toolCallOverheadTokens: 40 },
  };
}

/** Builds the providers that have a key. Throws on an unsafe base URL or an id used twice. */
export function configureProviders(settings: ProviderSettings): ReadonlyMap<ProviderId, Provider> {
  const providers = new Map<ProviderId, Provider>();
  for (const [id, [base, create]] of PROVIDER_FACTORIES) {
    const apiKey = settings.apiKeys[id] ?? '';
    if (apiKey === '') continue;
    providers.set(id, create(validateBaseUrl(id, settings.baseUrls[id] ?? base), apiKey));
  }
  for (const { id, baseUrl, apiKey } of settings.extra) {
    if (PROVIDER_FACTORIES.has(id) || providers.has(id))
      throw new Error(`provider ${id} is configured twice`);
    if (apiKey === '') continue;
    providers.set(id, openAiCompatible(id, validateBaseUrl(id, baseUrl), apiKey));
  }
  return providers;
}
