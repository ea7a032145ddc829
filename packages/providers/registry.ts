/**
 * The providers that this deployment offers. A provider without a key is not offered. A setting
 * that could send a key to the wrong place throws here, at configuration, and not during a call.
 */
import { isOperation, type Operation } from '@farebox/dialects';
import { validateBaseUrl } from './base-url.ts';
import type {
  CompatibleDialect,
  Provider,
  ProviderEndpoints,
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
  callsPerMinuteHeader: 'x-ratelimit-limit-requests',
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

/** The operations stand at OpenAI's paths; which of them a model serves, the catalog says. */
const OPERATION_PATHS: Readonly<Record<Operation, string>> = {
  embeddings: 'embeddings',
  images: 'images/generations',
  image_edits: 'images/edits',
  speech: 'audio/speech',
  transcriptions: 'audio/transcriptions',
  translations: 'audio/translations',
  moderations: 'moderations',
  rerank: 'rerank',
};

function buildEndpoints(dialects: readonly CompatibleDialect[]): UpstreamSpec['endpoints'] {
  const paths = [
    ...dialects.map((dialect) => [dialect, COMPATIBLE_PATHS[dialect]] as const),
    ...Object.entries(OPERATION_PATHS),
  ];
  return (base) => Object.fromEntries(paths.map(([name, path]) => [name, `${base}/${path}`]));
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

/** Checks the URLs of endpoints that stand elsewhere than below the base URL. */
function validateUrls(id: ProviderId, urls: Readonly<Record<string, string>>): ProviderEndpoints {
  const entries = Object.entries(urls).map(([endpoint, url]) => {
    if (!isOperation(endpoint)) throw new Error(`provider ${id} has no endpoint ${endpoint}`);
    return [endpoint, validateBaseUrl(id, url)];
  });
  return Object.fromEntries(entries);
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
  for (const {
    id,
    baseUrl,
    apiKey,
    acceptsStreamOptions = true,
    dialects,
    urls,
  } of settings.extra) {
    if (PROVIDER_IDS.includes(id) || providers.has(id))
      throw new Error(`provider ${id} is configured twice`);
    if (apiKey === '') continue;
    const endpoints = buildEndpoints(dialects ?? ['chat']);
    const spec = { ...OPENAI_COMPATIBLE, acceptsStreamOptions, endpoints };
    const provider = createProvider(id, spec, baseUrl, apiKey);
    const own = { ...provider.endpoints, ...validateUrls(id, urls ?? {}) };
    providers.set(id, { ...provider, endpoints: own });
  }
  return providers;
}
