/** The spec of every dialect. A name in `DIALECTS` without a spec here is a compile error. */
import { CHAT_DIALECT } from './chat-dialect.ts';
import { DIALECTS, type Dialect, type RequestError, type UpstreamEndpoint } from './contract.ts';
import type { DialectSpec } from './dialect-spec.ts';
import { MESSAGES_DIALECT } from './messages-dialect.ts';

export const DIALECT_SPECS: Readonly<Record<Dialect, DialectSpec>> = {
  chat: CHAT_DIALECT,
  messages: MESSAGES_DIALECT,
};

/** The dialect of each endpoint that is called at a provider. */
export const ENDPOINT_DIALECTS: Readonly<Record<UpstreamEndpoint, Dialect>> = {
  chat: 'chat',
  messages: 'messages',
  count_tokens: 'messages',
};

/**
 * The field in which a limit of ours goes into a body: the one that the provider prefers if the dialect
 * has it, else the dialect's first. A field that the dialect lacks would leave the output unbounded.
 */
export function getOutputLimitField(dialect: Dialect, preferred: string): string {
  const { fields } = DIALECT_SPECS[dialect].request.outputLimit;
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
  const byPath = DIALECTS.find((dialect) => path.startsWith(DIALECT_SPECS[dialect].path));
  return byPath ?? DEFAULT_DIALECT;
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
