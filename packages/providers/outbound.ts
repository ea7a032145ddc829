/**
 * The only fetch to models. Request headers are built from scratch, so that none of the caller's
 * reaches a provider by accident; response headers are an allow-list, so that nothing of Farebox's
 * account reaches the caller. An error's text goes to the caller and is never logged or thrown.
 */
import { ENDPOINT_SPECS, getForwardedHeaders, isOperation } from '@farebox/dialects';
import type {
  SocketRequest,
  SocketResult,
  UpstreamFailure,
  UpstreamRequest,
  UpstreamResult,
} from './contract.ts';
import { readUpTo } from './read-up-to.ts';
import { toRequestBody } from './upstream-body.ts';
import { classifyUpstreamError, isContentRefusal } from './upstream-errors.ts';

const USER_AGENT = 'farebox/0.1';
/** https://ai.google.dev/gemini-api/docs/priority-inference: the tier that served the call. */
const SERVED_TIER_HEADER = 'x-gemini-service-tier';
const MAX_ERROR_BYTES = 65_536;
/**
 * Query parameters that are not forwarded: keys (Gemini's clients put theirs there; ours is in a
 * header) and Google's system parameters, some of which remove parts of an answer, even its usage
 * (cloud.google.com/apis/docs/system-parameters).
 */
const BLOCKED_QUERY_PARAMETER =
  /^\$|^(key|api[-_]?key|access_token|oauth_token|fields|alt|callback|prettyPrint|quotaUser|uploadType|upload_protocol)$/i;

/** An operation forwards nothing of the caller's, and may be answered by a text or a recording. */
function buildDialectHeaders({ endpoint, headers }: UpstreamRequest): Record<string, string> {
  if (isOperation(endpoint)) return { accept: '*/*' };
  const forwarded = getForwardedHeaders(ENDPOINT_SPECS[endpoint].dialect, headers);
  return { ...forwarded, accept: 'application/json, text/event-stream' };
}

function keyHeaders({
  provider,
  endpoint,
}: Pick<UpstreamRequest, 'provider' | 'endpoint'>): Record<string, string> {
  const name = provider.endpointKeyHeaders?.[endpoint] ?? provider.keyHeader;
  return { [name]: name === 'authorization' ? `Bearer ${provider.apiKey}` : provider.apiKey };
}

/** Builds the headers as a plain record: `fetch` makes its own Headers from any input. */
function buildHeaders(request: UpstreamRequest): Record<string, string> {
  const { contentType = 'application/json' } = request;
  return {
    ...buildDialectHeaders(request),
    'content-type': contentType,
    // Compressed events would be held back until a block is full, and cost CPU to decompress.
    'accept-encoding': 'identity',
    'user-agent': USER_AGENT,
    ...keyHeaders(request),
  };
}

function decodeParameterName(parameter: string): string {
  const [name = ''] = parameter.split('=', 1);
  try {
    return decodeURIComponent(name.replaceAll('+', ' ')).trim();
  } catch {
    return '$';
  }
}

function filterQuery(query: string): string {
  if (query.length < 2 || !query.startsWith('?')) return '';
  const allowed = query
    .slice(1)
    .split('&')
    .filter((parameter) => !BLOCKED_QUERY_PARAMETER.test(decodeParameterName(parameter)));
  return allowed.length === 0 ? '' : `?${allowed.join('&')}`;
}

/**
 * Parses Retry-After, seconds or an HTTP date (RFC 9110, 10.2.3), or the same in milliseconds as
 * OpenAI and Azure send it, to whole seconds; null otherwise.
 */
function parseRetryAfter({ headers }: Response, now: number): string | null {
  const value = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}(\.\d{1,9})?$/.test(value)) return String(Math.ceil(Number(value)));
  const milliseconds = headers.get('retry-after-ms')?.trim() ?? '';
  if (/^\d{1,9}(\.\d{1,9})?$/.test(milliseconds))
    return String(Math.ceil(Number(milliseconds) / 1000));
  const date = /^[A-Z][a-z]{2},/.test(value) ? Date.parse(value) : Number.NaN;
  return Number.isNaN(date) ? null : String(Math.max(0, Math.ceil((date - now) / 1000)));
}

/** Reports the requests per minute that the provider's headers state, if they do. */
function reportStatedRate(
  { provider, onRateStated }: UpstreamRequest,
  { headers }: Response,
): void {
  const { callsPerMinuteHeader: name } = provider;
  const value = name === undefined ? '' : (headers.get(name) ?? '');
  if (/^[1-9]\d{0,8}$/.test(value)) onRateStated?.(Number(value));
}

/** Google states the pause in the error: `RetryInfo` of google.rpc, `"retryDelay": "34s"`. */
const RETRY_DELAY = /"retryDelay"\s*:\s*"(\d{1,6})(?:\.\d+)?s"/;

async function toUpstreamFailure(response: Response, now: number): Promise<UpstreamFailure> {
  const { status } = response;
  // A truncated error is still an error: its status decides.
  const { bytes: errorBody } = await readUpTo(response.body, MAX_ERROR_BYTES);
  const text = new TextDecoder().decode(errorBody);
  const retryAfter = parseRetryAfter(response, now) ?? RETRY_DELAY.exec(text)?.[1] ?? null;
  const reason = classifyUpstreamError(status, text);
  if (reason === 'provider_account_error') return { ok: false, reason, status };
  if (reason === 'overloaded') return { ok: false, reason, status, retryAfter };
  const contentType = response.headers.get('content-type') ?? 'application/octet-stream';
  const refusal = { errorBody, isContentRefusal: isContentRefusal(text) };
  return { ok: false, reason, status, ...refusal, contentType, retryAfter };
}

/** Returns the length of a body that is not decompressed on the way. */
function getBodyLength({ headers }: Response): number | null {
  const length = headers.get('content-length');
  if (length === null || !/^\d{1,15}$/.test(length)) return null;
  return headers.has('content-encoding') ? null : Number(length);
}

function toUpstreamSuccess(response: Response): UpstreamResult {
  const contentType = response.headers.get('content-type');
  const body = response.body ?? new Blob([]).stream();
  const servedTier = response.headers.get(SERVED_TIER_HEADER);
  return {
    ok: true,
    status: response.status,
    contentType,
    servedTier,
    length: getBodyLength(response),
    body,
    arrayBuffer: () => response.arrayBuffer(),
  };
}

/**
 * Sends a request. Resolves when the headers, or the whole of an error, have arrived; never
 * rejects.
 */
export async function send(
  request: UpstreamRequest,
  now: () => number = Date.now,
): Promise<UpstreamResult> {
  const url = request.provider.endpoints[request.endpoint];
  if (url === undefined) throw new Error('the provider has no such endpoint');
  const { abort } = request;
  if (abort.signal.aborted) return { ok: false, reason: 'aborted' };
  let timedOut = false;
  const stopTimer = request.timer.start(request.firstByteMs, () => {
    timedOut = !abort.signal.aborted;
    abort.abort();
  });
  const body = toRequestBody(request.body, request.onBodySent);
  const init = {
    method: 'POST',
    headers: buildHeaders(request),
    body,
    // Followed, a redirect would carry the key to wherever it points.
    redirect: 'manual' as const,
    signal: abort.signal,
    // Node asks for this with a streamed body; workerd ignores it.
    duplex: 'half' as const,
  };
  try {
    const response = await fetch(url + (request.path ?? '') + filterQuery(request.query), init);
    request.onBodySent?.();
    reportStatedRate(request, response);
    return response.ok ? toUpstreamSuccess(response) : await toUpstreamFailure(response, now());
  } catch {
    if (timedOut) return { ok: false, reason: 'timeout' };
    return { ok: false, reason: abort.signal.aborted ? 'aborted' : 'unreachable' };
  } finally {
    stopTimer();
  }
}

/** The version of the WebSocket mode that is asked for where the client names none. */
const SOCKET_BETA = 'responses_websockets=2026-02-06';

/**
 * Opens a WebSocket at a provider; never rejects. A provider that answers without one has failed, with
 * the status that it gives.
 */
export async function connectSocket(
  { provider, endpoint, beta, abort }: SocketRequest,
  now: () => number = Date.now,
): Promise<SocketResult> {
  const url = provider.endpoints[endpoint];
  if (url === undefined) throw new Error('the provider has no such endpoint');
  const headers = {
    upgrade: 'websocket',
    'user-agent': USER_AGENT,
    'openai-beta': beta ?? SOCKET_BETA,
    ...keyHeaders({ provider, endpoint }),
  };
  try {
    const response = await fetch(url, { headers, redirect: 'manual', signal: abort.signal });
    const socket = response.webSocket;
    if (socket === null || socket === undefined) return await toUpstreamFailure(response, now());
    socket.accept();
    return { ok: true, socket };
  } catch {
    return { ok: false, reason: abort.signal.aborted ? 'aborted' : 'unreachable' };
  }
}
