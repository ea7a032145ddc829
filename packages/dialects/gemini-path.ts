/**
 * URLs of Gemini's API. A path names the model and, after a colon, the method
 * (https://ai.google.dev/api/all-methods); the query says how a stream is written.
 */
import type { RequestError, StreamFormat, UpstreamEndpoint, UrlTarget } from './contract.ts';
import { FETCHED_LATER } from './refused-collections.ts';

/** The versions of the API that are served; @google/genai calls v1 since its third release. */
const MODEL_PATH = /^\/(v1beta|v1)\/(?:models\/)+(.+):([A-Za-z]+)$/;

type Method = Readonly<{ endpoint: UpstreamEndpoint | 'embed_content'; isStream: boolean }>;

const METHODS: ReadonlyMap<string, Method> = new Map<string, Method>([
  ['generateContent', { endpoint: 'gemini', isStream: false }],
  ['streamGenerateContent', { endpoint: 'gemini', isStream: true }],
  ['countTokens', { endpoint: 'gemini_count_tokens', isStream: false }],
  ['embedContent', { endpoint: 'embed_content', isStream: false }],
  ['batchEmbedContents', { endpoint: 'embed_content', isStream: false }],
]);

/** Methods of Google's API that are not served, each with the reason. */
const REFUSED_METHODS: ReadonlyMap<string, string> = new Map([
  ['batchGenerateContent', FETCHED_LATER],
  ['asyncBatchEmbedContent', FETCHED_LATER],
  ['predictLongRunning', FETCHED_LATER],
  ['predict', 'its answers report no usage'],
  ['bidiGenerateContent', 'live sessions are not served'],
]);

/** Google's names of the query parameter for the form of an answer. */
const FORM_PARAMETERS = ['alt', '$alt'];

/** Returns the form that the query asks of a stream; undefined for one that is not served. */
function readStreamFormat(query: URLSearchParams): StreamFormat | undefined {
  const forms = new Set(FORM_PARAMETERS.flatMap((name) => query.getAll(name)));
  if (forms.size > 1) return undefined;
  const [form = 'json'] = forms;
  if (form === 'sse') return 'events';
  return form === 'json' ? 'array' : undefined;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

export type UrlTargetResult =
  | Readonly<{ ok: true; endpoint: Method['endpoint']; target: UrlTarget }>
  | (Readonly<{ ok: false }> & (RequestError | Readonly<{ reason: 'not_found' }>));

/** Reads the URL of a request to a method of a model; `path` is the canonical one. */
export function parseUrlTarget(path: string, query: URLSearchParams): UrlTargetResult {
  const [, version, encoded = '', name = ''] = MODEL_PATH.exec(path) ?? [];
  const model = decode(encoded);
  const method = METHODS.get(name);
  const explanation = REFUSED_METHODS.get(name);
  if (explanation !== undefined)
    return { ok: false, reason: 'unsupported_feature', field: name, explanation };
  if (version === undefined || model === null || model === '' || method === undefined)
    return { ok: false, reason: 'not_found' };
  const format = readStreamFormat(query);
  if (format === undefined || (format === 'events' && !method.isStream)) {
    const expected = method.isStream ? 'sse or json' : 'json';
    return { ok: false, reason: 'invalid_field', field: 'alt', expected };
  }
  const streamFormat = method.isStream ? format : null;
  return {
    ok: true,
    endpoint: method.endpoint,
    target: { version, model, method: name, streamFormat },
  };
}

/** Returns the path and query of a method of a model, below a provider's base URL. */
export function toUpstreamPath({ version, model, method, streamFormat }: UrlTarget): string {
  const query = streamFormat === 'events' ? '?alt=sse' : '';
  return `/${version}/models/${encodeURIComponent(model)}:${method}${query}`;
}
