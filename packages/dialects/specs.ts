/** The spec of every dialect. A name in `DIALECTS` without a spec here is a compile error. */
import { CHAT_DIALECT } from './chat-dialect.ts';
import { DIALECTS, type Dialect, type RequestError, type UpstreamEndpoint } from './contract.ts';
import type { DialectSpec, RequestSpec } from './dialect-spec.ts';
import {
  CHAT_PATH,
  COUNT_TOKENS_PATH,
  GEMINI_COUNT_TOKENS_PATH,
  GEMINI_PATH,
  MESSAGES_PATH,
  RESPONSES_COMPACT_PATH,
  RESPONSES_INPUT_TOKENS_PATH,
  RESPONSES_PATH,
} from './endpoint-paths.ts';
import { GEMINI_COUNT_REQUEST, GEMINI_DIALECT } from './gemini-dialect.ts';
import type { JsonObject } from './json-fields.ts';
import { MESSAGES_DIALECT } from './messages-dialect.ts';
import { findCollection } from './refused-collections.ts';
import {
  RESPONSES_COMPACT_REQUEST,
  RESPONSES_DIALECT,
  RESPONSES_SOCKET_REQUEST,
} from './responses-dialect.ts';

export const DIALECT_SPECS: Readonly<Record<Dialect, DialectSpec>> = {
  chat: CHAT_DIALECT,
  messages: MESSAGES_DIALECT,
  responses: RESPONSES_DIALECT,
  gemini: GEMINI_DIALECT,
};

/** An endpoint of the gateway, which is one of the same name at each provider that has it. */
export type EndpointSpec = Readonly<{
  path: string;
  dialect: Dialect;
  request: RequestSpec;
}> &
  (
    | Readonly<{ kind: 'call' }>
    /** A WebSocket, on which each event of the client is a call. */
    | Readonly<{ kind: 'socket' }>
    /** Counts the tokens of a request, which costs nothing. */
    | Readonly<{
        kind: 'count';
        /** Returns the answer that states so many tokens. */
        toCount: (tokens: number) => JsonObject;
        /** Returns how a body names the model with this name at the provider. */
        toModelName?: (name: string) => string;
      }>
  );

export const ENDPOINT_SPECS: Readonly<Record<UpstreamEndpoint, EndpointSpec>> = {
  chat: { path: CHAT_PATH, dialect: 'chat', request: CHAT_DIALECT.request, kind: 'call' },
  messages: {
    path: MESSAGES_PATH,
    dialect: 'messages',
    request: MESSAGES_DIALECT.request,
    kind: 'call',
  },
  count_tokens: {
    path: COUNT_TOKENS_PATH,
    dialect: 'messages',
    request: MESSAGES_DIALECT.request,
    kind: 'count',
    toCount: (tokens) => ({ input_tokens: tokens }),
  },
  responses: {
    path: RESPONSES_PATH,
    dialect: 'responses',
    request: RESPONSES_DIALECT.request,
    kind: 'call',
  },
  responses_socket: {
    path: RESPONSES_PATH,
    dialect: 'responses',
    request: RESPONSES_SOCKET_REQUEST,
    kind: 'socket',
  },
  responses_compact: {
    path: RESPONSES_COMPACT_PATH,
    dialect: 'responses',
    request: RESPONSES_COMPACT_REQUEST,
    kind: 'call',
  },
  responses_input_tokens: {
    path: RESPONSES_INPUT_TOKENS_PATH,
    dialect: 'responses',
    request: RESPONSES_DIALECT.request,
    kind: 'count',
    toCount: (tokens) => ({ object: 'response.input_tokens', input_tokens: tokens }),
  },
  gemini: { path: GEMINI_PATH, dialect: 'gemini', request: GEMINI_DIALECT.request, kind: 'call' },
  gemini_count_tokens: {
    path: GEMINI_COUNT_TOKENS_PATH,
    dialect: 'gemini',
    request: GEMINI_COUNT_REQUEST,
    kind: 'count',
    toCount: (tokens) => ({ totalTokens: tokens }),
    toModelName: (name) => `models/${name}`,
  },
};

/**
 * The field in which a limit of ours goes into a body: the one that the provider prefers if the
 * endpoint has it, else its first. A field that it lacks would leave the output unbounded. Undefined
 * where the endpoint has none.
 */
export function getOutputLimitField(
  endpoint: UpstreamEndpoint,
  preferred: string,
): string | undefined {
  const { fields } = ENDPOINT_SPECS[endpoint].request.outputLimit;
  return fields.includes(preferred) ? preferred : fields[0];
}

/** The dialect of an answer to a request that names none. */
const DEFAULT_DIALECT: Dialect = 'chat';

/** The dialect in which a client reads errors: by the header its SDK sends, else by the path. */
export function detectDialect(path: string, headers: Headers): Dialect {
  const byHeader = DIALECTS.find((dialect) => {
    const { identifyingHeader } = DIALECT_SPECS[dialect];
    return identifyingHeader !== null && headers.has(identifyingHeader);
  });
  if (byHeader !== undefined) return byHeader;
  const byPath = DIALECTS.find((dialect) => path.startsWith(DIALECT_SPECS[dialect].pathPrefix));
  return byPath ?? DEFAULT_DIALECT;
}

/** Returns why a path of the dialect's own API is not served; undefined for any other path. */
export function findRefusedCollection(path: string, dialect: Dialect): RequestError | undefined {
  const field = findCollection(path) ?? '';
  const explanation = DIALECT_SPECS[dialect].refusedCollections.get(field);
  return explanation === undefined
    ? undefined
    : { reason: 'unsupported_feature', field, explanation };
}

/** Returns whether a query has a parameter in which the dialect's own API takes a key. */
export function hasKeyParameter(query: URLSearchParams, dialect: Dialect): boolean {
  return DIALECT_SPECS[dialect].keyParameters.some((parameter) => query.has(parameter));
}

/** Returns the values of a header that was sent once or more often (RFC 9110 section 5.3). */
function listValues(headers: Headers, name: string): readonly string[] {
  const values = (headers.get(name) ?? '').split(',').map((value) => value.trim());
  return values.filter((value) => value !== '');
}

/** Returns the error of a request whose headers ask for answers that our rules do not know. */
export function checkHeaders(dialect: Dialect, headers: Headers): RequestError | null {
  for (const { name, accepted } of DIALECT_SPECS[dialect].request.forwardedHeaders) {
    if (accepted === null) continue;
    if (listValues(headers, name).every((value) => accepted.includes(value))) continue;
    return { reason: 'invalid_field', field: name, expected: accepted.join(' or ') };
  }
  return null;
}

/** Returns the caller's headers that the provider gets, and those that stand in for missing ones. */
export function getForwardedHeaders(dialect: Dialect, headers: Headers): Record<string, string> {
  const forwarded: Record<string, string> = {};
  for (const { name, fallback, accepted } of DIALECT_SPECS[dialect].request.forwardedHeaders) {
    const [first] = listValues(headers, name);
    const value = accepted === null && first !== undefined ? headers.get(name) : first;
    const sent = value ?? fallback;
    if (sent !== null) forwarded[name] = sent;
  }
  return forwarded;
}
