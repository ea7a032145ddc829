/** What endpoints answer: the errors of their steps, and each kind of success. */
import type { Dialect } from '@farebox/dialects';
import { listCodes, type Step } from './error-steps.ts';
import { ERROR_HEADERS, headers, ID_HEADERS, QUOTA_HEADERS } from './headers.ts';
import {
  type Content,
  object,
  type Reference,
  type ResponseObject,
  type Responses,
  ref,
  type Schema,
} from './json-schema.ts';

export function json(schema: Schema, example?: unknown): Content {
  return { 'application/json': { schema, ...(example === undefined ? {} : { example }) } };
}

const MEANINGS: Readonly<Record<number, string>> = {
  400: 'The request is invalid or not supported.',
  401: 'The API key is missing, invalid or no longer valid.',
  402: 'The balance or a budget is too small. Retry-After is set where a budget by day, week or month has too little left: until it renews, or some seconds where only calls in progress reserve the rest.',
  403: 'The call is not allowed. A paused key (key_paused) is resumed by its owner, or at midnight UTC.',
  404: 'The model or the call does not exist.',
  405: 'The path takes another method.',
  413: 'The body is too large.',
  415: 'The body is not what the endpoint takes.',
  426: 'No provider of the model takes WebSockets. Use POST.',
  429: 'Too much at a time. Retry-After says how long to wait.',
  500: 'An error of the gateway.',
  502: 'The provider failed.',
  503: 'The gateway or the provider is overloaded. Retry-After is set.',
  504: 'The provider timed out.',
  529: 'The provider is overloaded, in Anthropic’s status for it.',
};

const HEADERS_BY_STATUS: Readonly<Record<number, Readonly<Record<string, Reference>>>> = {
  401: headers('www-authenticate'),
  402: headers('retry-after'),
  405: headers('allow'),
  415: headers('accept-encoding'),
  429: { ...headers('retry-after'), ...QUOTA_HEADERS },
  503: headers('retry-after'),
  529: headers('retry-after'),
};

/** The statuses of a provider's own answer that is forwarded, and of errors that only name a code. */
const FORWARDED_STATUSES = [400, 404, 413];

export type Failure = Readonly<{
  steps: readonly Step[];
  dialect: Dialect;
  /** The largest body, in bytes. */
  maxBytes?: number;
}>;

const MEGABYTE = 1024 * 1024;

function describeStatus(status: number, { maxBytes }: Failure): string {
  if (status === 413 && maxBytes !== undefined)
    return `The body is larger than ${maxBytes / MEGABYTE} MB.`;
  return MEANINGS[status] ?? '';
}

const ERROR_SHAPES: Readonly<Record<Dialect, string>> = {
  chat: 'Error',
  messages: 'Error',
  responses: 'Error',
  gemini: 'GoogleError',
};

/** The shape of our errors to clients that send no header of another dialect. */
function errorSchema(status: number | null, { steps, dialect }: Failure): Schema {
  const ours = ref(ERROR_SHAPES[dialect]);
  if (!steps.includes('provider')) return ours;
  if (status === null) return ref('ProviderError');
  return FORWARDED_STATUSES.includes(status) ? { anyOf: [ours, ref('ProviderError')] } : ours;
}

function errorResponse(status: number, codes: readonly string[], failure: Failure): ResponseObject {
  const hasQuota = failure.steps.includes('hold') && status === 402;
  return {
    description: `${describeStatus(status, failure)} Codes: ${codes.join(', ')}.`,
    headers: {
      ...ERROR_HEADERS,
      ...HEADERS_BY_STATUS[status],
      ...(hasQuota ? QUOTA_HEADERS : {}),
    },
    content: json(errorSchema(status, failure)),
  };
}

/** The errors of an endpoint, by status. */
export function errorResponses(failure: Failure): Responses {
  const ours = [...listCodes(failure.steps, failure.dialect)].map(
    ([status, codes]) => [String(status), errorResponse(status, codes, failure)] as const,
  );
  if (!failure.steps.includes('provider')) return Object.fromEntries(ours);
  const forwarded: ResponseObject = {
    description: 'Another answer by which the provider rejected the request, with its own status.',
    headers: ERROR_HEADERS,
    content: json(errorSchema(null, failure)),
  };
  return { ...Object.fromEntries(ours), '4XX': forwarded };
}

const COST_HEADERS = headers('x-farebox-cost-usd');

/** A provider's answer to a conversation. */
export const RELAYED: ResponseObject = {
  description: 'The provider’s own response, byte for byte.',
  headers: {
    ...ID_HEADERS,
    ...headers('x-farebox-max-output-tokens'),
    ...COST_HEADERS,
    ...QUOTA_HEADERS,
  },
};

/** The same with the fields that are set where a request of Responses leaves them out. */
export const RELAYED_RESPONSES: ResponseObject = {
  ...RELAYED,
  headers: { ...RELAYED.headers, ...headers('x-farebox-store', 'x-farebox-max-tool-calls') },
};

/** A provider's answer to an operation. */
export const RELAYED_OPERATION: ResponseObject = {
  ...RELAYED,
  headers: { ...ID_HEADERS, ...COST_HEADERS, ...QUOTA_HEADERS },
};

export const TOKEN_COUNT: ResponseObject = {
  description:
    'The provider’s own count, byte for byte, or our estimate for a model whose provider has none for this endpoint.',
  headers: { ...ID_HEADERS, ...headers('x-farebox-token-count') },
};

/** An answer of ours. */
export function success(description: string, schema: Schema, example?: unknown): Responses {
  return { 200: { description, headers: ID_HEADERS, content: json(schema, example) } };
}

/** An answer of ours about the account, below `data`. */
export function dataSuccess(description: string, schema: Schema, example?: unknown): Responses {
  const whole = example === undefined ? undefined : { data: example };
  return success(description, object({ data: schema }), whole);
}
