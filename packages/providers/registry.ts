/**
 * The providers that this deployment offers. A provider without a key is not offered. A setting
 * that could send a key to the wrong place throws here, at configuration, and not during a call.
 */
import { validateBaseUrl } from './base-url.ts';
import type {
  CompatibleDialect,
  Provider,
  ProviderId,
  ProviderSettings,
  UpstreamSpec,
} from './contract.ts';
import { PROVIDER_IDS, PROVIDERS } from './list.ts';

/** The paths of the dialects that a provider added by configuration may speak. */
const COMPATIBLE_PATHS = { chat: 'chat/completions', responses: 'responses' } as const;

/**
 * The spec of a provider added by configuration, with the field of Chat Completions that all of them
 * know.
 */
const OPENAI_COMPATIBLE: Omit<UpstreamSpec, 'endpoints'> = {
  keyHeader: 'authorization',
  outputLimitField: 'max_tokens',
  acceptsStreamOptions: true,
  quirks: { reasoning: 'included' },
  // Some serve one model and some a hundred: between what the known providers have.
  calibration: {
    input: {
      preambles: [{ models: /^/, base: 2, tools: 20 }],
      message: 3.5,
      toolScale: 0.8,
    },
    tokenScale: { ascii: 1, nonAscii: 1 },
    toolCallTokens: { first: 12, further: 12, argument: 4 },
    isEventPerToken: true,
  },
};

function buildEndpoints(dialects: readonly CompatibleDialect[]): UpstreamSpec['endpoints'] {
  return (base) =>
    Object.fromEntries(
      dialects.map((dialect) => [dialect, `${base}/${COMPATIBLE_PATHS[dialect]}`]),
    );
}

function createProvider(
  id: ProviderId,
  spec: UpstreamSpec,
  baseUrl: string,
  apiKey: string,
): Provider {
  const { endpoints, ...constants } = spec;
  return { ...constants, id, apiKey, endpoints: endpoints(validateBaseUrl(id, baseUrl)) };
}

/** Builds the providers that have a key. Throws on an unsafe base URL or an id used twice. */
export function configureProviders(settings: ProviderSettings): ReadonlyMap<ProviderId, Provider> {
  const providers = new Map<ProviderId, Provider>();
  for (const spec of PROVIDERS) {
    const { id } = spec;
    const apiKey = settings.apiKeys[id] ?? '';
    if (apiKey === '') continue;
    const baseUrl = settings.baseUrls[id] ?? spec.baseUrl;
    providers.set(id, createProvider(id, spec, baseUrl, apiKey));
  }
  for (const { id, baseUrl, apiKey, acceptsStreamOptions = true, dialects } of settings.extra) {
    if (PROVIDER_IDS.includes(id) || providers.has(id))
      throw new Error(`provider ${id} is configured twice`);
    if (apiKey === '') continue;
    const endpoints = buildEndpoints(dialects ?? ['chat']);
    const spec = { ...OPENAI_COMPATIBLE, acceptsStreamOptions, endpoints };
    providers.set(id, createProvider(id, spec, baseUrl, apiKey));
  }
  return providers;
}
