/**
 * One row per API error: its status, whether an SDK may retry it, and its shape in both dialects,
 * as a response and inside a stream.
 */

import { DIALECTS, type Dialect, detectDialect } from '@farebox/dialects';
import { describe, expect, it } from 'vitest';
import { baseHeaders } from './base-headers.ts';
import { errorMessage } from './error-messages.ts';
import { errorEvent, errorResponse } from './error-response.ts';
import { type ApiError, ERROR_MAP, type ErrorReason } from './errors.ts';

const ID = 'a'.repeat(32);
const CONTEXT = { id: ID, deps: { siteUrl: null } };
const AUTH = 'authentication_error';
const INVALID = 'invalid_request_error';
const FORBIDDEN = 'permission_error';
const NOT_FOUND = 'not_found_error';
const provider = 'openai';
const missingAmount = 1_500_000_000n;

type ErrorCase = Readonly<{
  /** An error with the reason of its row. */
  apiError: ApiError;
  status: number;
  /** OpenAI's error type, then Anthropic's if it differs. */
  types: readonly [openai: string, anthropic?: string];
  retryAfter?: string;
  param?: string;
  allow?: string;
  /** Anthropic's status if it differs. */
  anthropicStatus?: number;
}>;

const badRequest = (apiError: ApiError, param?: string): ErrorCase => ({
  apiError,
  status: 400,
  types: [INVALID],
  ...(param === undefined ? {} : { param }),
});
const unauthorized = (apiError: ApiError): ErrorCase => ({ apiError, status: 401, types: [AUTH] });
const forbidden = (apiError: ApiError): ErrorCase => ({
  apiError,
  status: 403,
  types: [FORBIDDEN],
});
const rateLimited = (apiError: ApiError): ErrorCase => ({
  apiError,
  status: 429,
  types: ['rate_limit_error'],
  retryAfter: '3',
});
const paymentRequired = (apiError: ApiError): ErrorCase => ({
  apiError,
  status: 402,
  types: ['billing_error'],
});
const badGateway = (apiError: ApiError, status = 502): ErrorCase => ({
  apiError,
  status,
  types: ['server_error', 'api_error'],
});
const unavailable = (apiError: ApiError): ErrorCase => ({
  apiError,
  status: 503,
  types: ['server_error', 'overloaded_error'],
  retryAfter: '1',
});

const REQUEST_INFO = 'type.googleapis.com/google.rpc.RequestInfo';
const ERROR_INFO = 'type.googleapis.com/google.rpc.ErrorInfo';
const PLACE = { format: 'events', eventCount: 0, model: 'm', now: 0, requestId: ID } as const;

/** The type makes a new reason without a row a compile error. */
const CASES: Readonly<Record<ErrorReason, ErrorCase>> = {
  missing_api_key: unauthorized({ reason: 'missing_api_key' }),
  invalid_api_key: unauthorized({ reason: 'invalid_api_key' }),
  api_key_in_url: unauthorized({ reason: 'api_key_in_url' }),
  key_revoked: unauthorized({ reason: 'key_revoked' }),
  key_expired: unauthorized({ reason: 'key_expired' }),
  key_paused: forbidden({ reason: 'key_paused' }),
  https_required: forbidden({ reason: 'https_required' }),
  model_not_allowed: forbidden({ reason: 'model_not_allowed' }),
  model_too_expensive: {
    ...forbidden({
      reason: 'model_too_expensive',
      model: 'openai/gpt-5.4-pro',
      outputPrice: 180_000_000_000n,
      maxOutputPrice: 10_500_000_000n,
    }),
    param: 'model',
  },
  account_frozen: forbidden({ reason: 'account_frozen' }),
  account_closed: forbidden({ reason: 'account_closed' }),
  call_stopped: forbidden({ reason: 'call_stopped', stopReason: 'key_revoked' }),
  not_found: { apiError: { reason: 'not_found' }, status: 404, types: [NOT_FOUND] },
  wrong_base_url: badRequest({ reason: 'wrong_base_url', endpoint: '/v1/messages' }),
  generation_not_found: {
    apiError: { reason: 'generation_not_found' },
    status: 404,
    types: [NOT_FOUND],
  },
  answer_not_stored: {
    apiError: { reason: 'answer_not_stored' },
    status: 404,
    types: [NOT_FOUND],
  },
  model_not_found: {
    apiError: { reason: 'model_not_found', model: 'gtp-4', suggestions: ['openai/gpt-4'] },
    status: 404,
    types: [NOT_FOUND],
    param: 'model',
  },
  method_not_allowed: {
    apiError: { reason: 'method_not_allowed', allowed: 'POST' },
    status: 405,
    types: [INVALID],
    allow: 'POST',
  },
  body_too_large: {
    apiError: { reason: 'body_too_large', maxBytes: 20 },
    status: 413,
    types: [INVALID, 'request_too_large'],
  },
  unsupported_media_type: {
    apiError: { reason: 'unsupported_media_type', accepted: ['multipart/form-data'] },
    status: 415,
    types: [INVALID],
  },
  unsupported_content_encoding: {
    apiError: { reason: 'unsupported_content_encoding' },
    status: 415,
    types: [INVALID],
  },
  invalid_content_encoding: badRequest({ reason: 'invalid_content_encoding' }),
  incomplete_body: badRequest({ reason: 'incomplete_body' }),
  invalid_json: badRequest({ reason: 'invalid_json' }),
  not_an_object: badRequest({ reason: 'not_an_object' }),
  nesting_too_deep: badRequest({ reason: 'nesting_too_deep' }),
  duplicate_field: badRequest({ reason: 'duplicate_field', field: 'n' }, 'n'),
  missing_field: badRequest({ reason: 'missing_field', field: 'model' }, 'model'),
  invalid_field: badRequest(
    { reason: 'invalid_field', field: 'n', expected: 'a whole number' },
    'n',
  ),
  wrong_dialect: badRequest(
    { reason: 'wrong_dialect', field: 'system', correctEndpoint: '/v1/messages' },
    'system',
  ),
  unsupported_feature: badRequest(
    { reason: 'unsupported_feature', field: 'store', explanation: 'it stores' },
    'store',
  ),
  websocket_not_supported: {
    apiError: { reason: 'websocket_not_supported' },
    status: 426,
    types: ['invalid_request_error'],
  },
  model_not_supported_on_endpoint: badRequest(
    { reason: 'model_not_supported_on_endpoint', model: 'claude', endpoints: ['/v1/messages'] },
    'model',
  ),
  insufficient_balance: paymentRequired({
    reason: 'insufficient_balance',
    missingAmount,
    affordableOutput: 12,
  }),
  key_limit_exceeded: paymentRequired({
    reason: 'key_limit_exceeded',
    missingAmount,
    affordableOutput: 0,
  }),
  balance_held: rateLimited({
    reason: 'balance_held',
    missingAmount,
    affordableOutput: 12,
    retryAfterSeconds: 3,
  }),
  rate_limited: rateLimited({ reason: 'rate_limited', retryAfterSeconds: 3 }),
  too_many_concurrent_calls: rateLimited({
    reason: 'too_many_concurrent_calls',
    retryAfterSeconds: 3,
  }),
  refused_calls_slowed: rateLimited({ reason: 'refused_calls_slowed', retryAfterSeconds: 3 }),
  provider_share_exceeded: rateLimited({ reason: 'provider_share_exceeded', retryAfterSeconds: 3 }),
  refusal_limit_exceeded: rateLimited({ reason: 'refusal_limit_exceeded', retryAfterSeconds: 3 }),
  gateway_busy: unavailable({ reason: 'gateway_busy' }),
  ledger_unreachable: unavailable({ reason: 'ledger_unreachable' }),
  upstream_overloaded: {
    ...unavailable({ reason: 'upstream_overloaded', provider, retryAfter: '7' }),
    retryAfter: '7',
    anthropicStatus: 529,
  },
  upstream_rate_limited: {
    ...rateLimited({ reason: 'upstream_rate_limited', provider, retryAfter: '3' }),
  },
  upstream_account_error: badGateway({ reason: 'upstream_account_error', provider }),
  upstream_unreachable: badGateway({ reason: 'upstream_unreachable', provider }),
  upstream_disconnected: badGateway({ reason: 'upstream_disconnected', provider }),
  upstream_error: badGateway({
    reason: 'upstream_error',
    provider,
    message: 'No capacity for this model.',
    isRetryable: true,
  }),
  upstream_invalid_response: badGateway({ reason: 'upstream_invalid_response', provider }),
  upstream_timeout: {
    apiError: { reason: 'upstream_timeout', provider },
    status: 504,
    types: ['server_error', 'timeout_error'],
  },
  conflict: badGateway({ reason: 'conflict' }, 500),
  internal: badGateway({ reason: 'internal' }, 500),
};

/** The reasons that a retry can help; an SDK must not retry any other. */
const RETRYABLE: ReadonlySet<string> = new Set([
  'balance_held',
  'rate_limited',
  'too_many_concurrent_calls',
  'refused_calls_slowed',
  'provider_share_exceeded',
  'gateway_busy',
  'ledger_unreachable',
  'upstream_overloaded',
  'upstream_rate_limited',
  'upstream_unreachable',
  'upstream_disconnected',
  'upstream_error',
  'upstream_invalid_response',
]);

const cases = Object.entries(CASES);

/** Returns the body that the SDK of `dialect` expects. */
function expectedBody(reason: string, testCase: ErrorCase, dialect: Dialect): object {
  const [openai, anthropic = openai] = testCase.types;
  const details =
    'missingAmount' in testCase.apiError
      ? {
          missing_nano_usd: '1500000000',
          missing_usd: '1.5',
          affordable_max_output_tokens: testCase.apiError.affordableOutput,
        }
      : {};
  const error = { message: errorMessage(testCase.apiError), code: reason, ...details };
  if (dialect === 'messages') {
    return { type: 'error', error: { ...error, type: anthropic }, request_id: ID };
  }
  return { error: { ...error, type: openai, param: testCase.param ?? null, request_id: ID } };
}

describe('each API error', () => {
  it('has a row in this test and one in ERROR_MAP', () => {
    expect(Object.keys(CASES).sort()).toEqual(Object.keys(ERROR_MAP).sort());
    for (const [reason, testCase] of cases) expect(testCase.apiError.reason).toBe(reason);
  });

  it.each(cases)('is written in OpenAI’s shape: %s', async (reason, testCase) => {
    const response = errorResponse(testCase.apiError, 'chat', CONTEXT);
    expect(response.status).toBe(testCase.status);
    expect(await response.json()).toEqual(expectedBody(reason, testCase, 'chat'));
  });

  it.each(cases)('is written in Anthropic’s shape: %s', async (reason, testCase) => {
    const response = errorResponse(testCase.apiError, 'messages', CONTEXT);
    expect(response.status).toBe(testCase.anthropicStatus ?? testCase.status);
    expect(await response.json()).toEqual(expectedBody(reason, testCase, 'messages'));
  });

  it.each(cases)('is written in Google’s shape: %s', async (reason, testCase) => {
    const response = errorResponse(testCase.apiError, 'gemini', CONTEXT);
    expect(response.status).toBe(testCase.status);
    const { error } = (await response.json()) as { error: Record<string, unknown> };
    expect(error).toMatchObject({
      code: testCase.status,
      message: errorMessage(testCase.apiError),
    });
    expect(error.status).toMatch(/^[A-Z_]+$/);
    expect(error.details).toContainEqual({ '@type': REQUEST_INFO, requestId: ID });
    const info = { '@type': ERROR_INFO, reason: reason.toUpperCase(), domain: 'farebox' };
    expect(error.details).toContainEqual(expect.objectContaining(info));
  });

  it.each(cases)('is the last element of an array of events: %s', (_, testCase) => {
    for (const [eventCount, before] of [
      [0, ''],
      [2, '[{},{}'],
    ] as const) {
      const place = { ...PLACE, format: 'array' as const, eventCount };
      const end = new TextDecoder().decode(errorEvent(testCase.apiError, 'gemini', place));
      const events = JSON.parse(before + end);
      expect(events).toHaveLength(eventCount + 1);
      expect(events.at(-1)).toMatchObject({ error: { code: testCase.status } });
    }
  });

  it.each(cases)('has the headers that SDKs act on: %s', (reason, testCase) => {
    for (const dialect of ['chat', 'messages'] as const) {
      const { headers } = errorResponse(testCase.apiError, dialect, CONTEXT);
      expect(headers.get('content-type')).toBe('application/json');
      expect(headers.get('x-request-id')).toBe(ID);
      expect(headers.get('request-id')).toBe(ID);
      expect(headers.get('x-should-retry')).toBe(String(RETRYABLE.has(reason)));
      expect(headers.get('retry-after')).toBe(testCase.retryAfter ?? null);
      expect(headers.get('allow')).toBe(testCase.allow ?? null);
    }
  });

  it.each(cases)('is one event inside a stream: %s', (reason, testCase) => {
    const chat = new TextDecoder().decode(errorEvent(testCase.apiError, 'chat', PLACE));
    expect(chat).toMatch(/^data: [^\n]+\n\n$/);
    expect(JSON.parse(chat.slice(6))).toEqual(expectedBody(reason, testCase, 'chat'));
    const messages = new TextDecoder().decode(errorEvent(testCase.apiError, 'messages', PLACE));
    expect(messages).toMatch(/^event: error\ndata: [^\n]+\n\n$/);
    expect(JSON.parse(messages.slice(19))).toEqual(expectedBody(reason, testCase, 'messages'));
  });

  it.each(cases)('has a message of its own: %s', (_, testCase) => {
    expect(errorMessage(testCase.apiError)).toMatch(/^["A-Za-z].{10,}[.?]$/);
    expect(errorMessage(testCase.apiError)).not.toMatch(/undefined|null|NaN|\[object/);
  });
});

describe('the error message', () => {
  it('names the missing amount and the affordable output limit when the balance is insufficient', () => {
    const affordable = errorMessage({
      reason: 'insufficient_balance',
      missingAmount,
      affordableOutput: 12,
    });
    expect(affordable).toContain('1.5 USD');
    expect(affordable).toContain('at most 12 tokens');
    const none = errorMessage({
      reason: 'insufficient_balance',
      missingAmount,
      affordableOutput: 0,
    });
    expect(none).toContain('1.5 USD more. Add credits, or ask for less.');
    const key = errorMessage({
      reason: 'key_limit_exceeded',
      missingAmount,
      affordableOutput: 0,
    });
    expect(key).toContain("Raise the key's limit, or ask for less.");
    // An image has no output limit, nor has a recording.
    expect(none + key).not.toContain('output limit');
  });

  it('names the budget that renews, its size and when it does, in every dialect', async () => {
    const resetsAt = Date.UTC(2026, 10, 30);
    const renewing = {
      period: 'week',
      budget: 20_000_000_000n,
      resetsAt,
      retryAfterSeconds: 90,
    } as const;
    const amounts = { missingAmount, affordableOutput: 12 };
    const apiError: ApiError = { reason: 'key_limit_exceeded', ...amounts, renewing };
    for (const dialect of DIALECTS) {
      const response = errorResponse(apiError, dialect, CONTEXT);
      expect(response.status).toBe(402);
      expect(response.headers.get('retry-after')).toBe('90');
      expect(response.headers.get('x-should-retry')).toBe('false');
      const text = await response.text();
      expect(text).toContain('weekly budget of 20 USD');
      expect(text).toContain('resets at 2026-11-30T00:00:00.000Z');
    }
  });

  it('promises no renewal where the whole budget is too small for the call', () => {
    const renewing = { period: 'day', budget: 1n, resetsAt: 0, retryAfterSeconds: null } as const;
    const amounts = { missingAmount, affordableOutput: 0 };
    const apiError: ApiError = { reason: 'key_limit_exceeded', ...amounts, renewing };
    expect(errorResponse(apiError, 'chat', CONTEXT).headers.get('retry-after')).toBeNull();
    expect(errorMessage(apiError)).not.toContain('resets');
  });

  it('names the price of a model and the limit that it is above', () => {
    const { apiError } = CASES.model_too_expensive;
    expect(errorMessage(apiError)).toContain('up to 10.5 USD per million output tokens');
    expect(errorMessage(apiError)).toContain('"openai/gpt-5.4-pro" costs 180 USD');
  });

  it('suggests similar models for an unknown one, if there are any', () => {
    const near = errorMessage({
      reason: 'model_not_found',
      model: 'x',
      suggestions: ['a/b', 'c/d'],
    });
    expect(near).toContain('Did you mean a/b, c/d?');
    const far = errorMessage({ reason: 'model_not_found', model: 'x', suggestions: [] });
    expect(far).not.toContain('mean');
  });

  it('is the provider’s own where an error came in place of an answer, with its own advice', () => {
    const message = 'Unknown voice.';
    const apiError = { reason: 'upstream_error', provider, message, isRetryable: false } as const;
    expect(errorMessage(apiError)).toBe(message);
    expect(errorResponse(apiError, 'chat', CONTEXT).headers.get('x-should-retry')).toBe('false');
    expect(errorMessage({ ...apiError, message: null })).toBe('OpenAI answered with an error.');
  });

  it('leaves the pause to the SDK when a provider stated none', () => {
    for (const reason of ['upstream_overloaded', 'upstream_rate_limited'] as const) {
      const apiError: ApiError = { reason, provider, retryAfter: null };
      expect(errorResponse(apiError, 'chat', CONTEXT).headers.get('retry-after')).toBeNull();
    }
  });

  it('says why the account stopped a call', () => {
    const stopReasons = ['key_revoked', 'account_frozen', 'account_closed'] as const;
    const texts = stopReasons.map((stopReason) =>
      errorMessage({ reason: 'call_stopped', stopReason }),
    );
    expect(new Set(texts).size).toBe(3);
  });
});

describe('the dialect of an error response', () => {
  it.each([
    ['/v1/messages', {}, 'messages'],
    ['/v1/messages/count_tokens', {}, 'messages'],
    ['/v1/messages/batches', {}, 'messages'],
    ['/v1/chat/completions', {}, 'chat'],
    ['/v1/models', {}, 'chat'],
    ['/v1/models', { 'anthropic-version': '2023-06-01' }, 'messages'],
    ['/nothing', { 'anthropic-version': '2023-06-01' }, 'messages'],
    ['/nothing', {}, 'chat'],
  ] as const)('at %s with the headers %j is %s', (path, headers, dialect) => {
    expect(detectDialect(path, new Headers(headers))).toBe(dialect);
  });

  it('has the request id under the header name of each SDK', () => {
    expect(baseHeaders(ID)).toMatchObject({ 'request-id': ID, 'x-request-id': ID });
  });
});

describe('a rejection that has a code of its own in the SDKs', () => {
  it('has that code where Anthropic’s SDK looks for it', async () => {
    const apiError: ApiError = {
      reason: 'unsupported_feature',
      field: 'thread',
      explanation: 'it is stored',
      sdkCode: 'thread_unsupported_request',
    };
    const body = await errorResponse(apiError, 'messages', CONTEXT).json();
    expect(body).toMatchObject({
      type: 'error',
      error: {
        type: 'invalid_request_error',
        details: { error_code: 'thread_unsupported_request' },
      },
    });
  });
});

describe('the link of an error to its page', () => {
  const deps = { siteUrl: 'https://site.example' };

  it.each(DIALECTS)('names the page of its code in %s', (dialect) => {
    const { headers } = errorResponse({ reason: 'invalid_api_key' }, dialect, { id: ID, deps });
    expect(headers.get('link')).toBe(
      '<https://site.example/docs/errors/invalid_api_key>; rel="help"',
    );
    expect(headers.get('access-control-expose-headers')?.split(', ')).toContain('link');
  });

  it('is absent where the site has no address', () => {
    const { headers } = errorResponse({ reason: 'internal' }, 'chat', CONTEXT);
    expect(headers.get('link')).toBeNull();
  });
});
