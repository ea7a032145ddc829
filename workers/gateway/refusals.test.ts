/**
 * One row for each way a call can be refused: its status, whether an SDK may repeat it, and its shape in
 * both dialects, as an answer and inside a stream.
 */
import { describe, expect, it } from 'vitest';
import {
  dialectOf,
  type ErrorDialect,
  idHeaders,
  type Reason,
  type Refusal,
  refuse,
  refuseInStream,
  textOf,
  WIRE,
} from './refusals.ts';

const ID = 'a'.repeat(32);
const AUTH = 'authentication_error';
const INVALID = 'invalid_request_error';
const DENIED = 'permission_error';
const ABSENT = 'not_found_error';
const provider = 'openai';
const short = 1_500_000_000n;

type Row = Readonly<{
  /** A whole refusal of the reason it stands under. */
  refusal: Refusal;
  status: number;
  /** What each dialect calls it: OpenAI's type, then Anthropic's where it is another. */
  types: readonly [openai: string, anthropic?: string];
  retryAfter?: string;
  param?: string;
  allow?: string;
  /** Where Anthropic's status differs. */
  anthropicStatus?: number;
}>;

const bad = (refusal: Refusal, param?: string): Row => ({
  refusal,
  status: 400,
  types: [INVALID],
  ...(param === undefined ? {} : { param }),
});
const key = (refusal: Refusal): Row => ({ refusal, status: 401, types: [AUTH] });
const denied = (refusal: Refusal): Row => ({ refusal, status: 403, types: [DENIED] });
const limited = (refusal: Refusal): Row => ({
  refusal,
  status: 429,
  types: ['rate_limit_error'],
  retryAfter: '3',
});
const spent = (refusal: Refusal): Row => ({ refusal, status: 402, types: ['billing_error'] });
const broken = (refusal: Refusal, status = 502): Row => ({
  refusal,
  status,
  types: ['server_error', 'api_error'],
});
const busy = (refusal: Refusal): Row => ({
  refusal,
  status: 503,
  types: ['server_error', 'overloaded_error'],
  retryAfter: '1',
});

/** Its type makes a new reason without a row here a compile error. */
const ROWS: Readonly<Record<Reason, Row>> = {
  key_missing: key({ reason: 'key_missing' }),
  key_malformed: key({ reason: 'key_malformed' }),
  key_unknown: key({ reason: 'key_unknown' }),
  key_revoked: key({ reason: 'key_revoked' }),
  key_expired: key({ reason: 'key_expired' }),
  key_paused: denied({ reason: 'key_paused' }),
  plain_http: denied({ reason: 'plain_http' }),
  model_not_allowed: denied({ reason: 'model_not_allowed' }),
  account_frozen: denied({ reason: 'account_frozen' }),
  account_closed: denied({ reason: 'account_closed' }),
  call_stopped: denied({ reason: 'call_stopped', why: 'key_revoked' }),
  not_found: { refusal: { reason: 'not_found' }, status: 404, types: [ABSENT] },
  call_unknown: { refusal: { reason: 'call_unknown' }, status: 404, types: [ABSENT] },
  model_unknown: {
    refusal: { reason: 'model_unknown', model: 'gtp-4', suggestions: ['openai/gpt-4'] },
    status: 404,
    types: [ABSENT],
    param: 'model',
  },
  method_not_allowed: {
    refusal: { reason: 'method_not_allowed', allowed: 'POST' },
    status: 405,
    types: [INVALID],
    allow: 'POST',
  },
  body_too_large: {
    refusal: { reason: 'body_too_large', limitBytes: 20 },
    status: 413,
    types: [INVALID, 'request_too_large'],
  },
  body_cut: bad({ reason: 'body_cut' }),
  not_json: bad({ reason: 'not_json' }),
  not_an_object: bad({ reason: 'not_an_object' }),
  too_deep: bad({ reason: 'too_deep' }),
  duplicate_field: bad({ reason: 'duplicate_field', field: 'n' }, 'n'),
  missing_field: bad({ reason: 'missing_field', field: 'model' }, 'model'),
  invalid_field: bad({ reason: 'invalid_field', field: 'n', expected: 'a whole number' }, 'n'),
  wrong_dialect: bad(
    { reason: 'wrong_dialect', field: 'system', belongsTo: '/v1/messages' },
    'system',
  ),
  unsupported_feature: bad(
    { reason: 'unsupported_feature', field: 'store', why: 'it stores' },
    'store',
  ),
  model_elsewhere: bad(
    { reason: 'model_elsewhere', model: 'claude', endpoints: ['/v1/messages'] },
    'model',
  ),
  balance_empty: spent({ reason: 'balance_empty', short, fits: 12 }),
  key_budget_spent: spent({ reason: 'key_budget_spent', short, fits: 0 }),
  balance_held: limited({ reason: 'balance_held', short, fits: 12, retryAfterSeconds: 3 }),
  rate_limited: limited({ reason: 'rate_limited', retryAfterSeconds: 3 }),
  too_many_concurrent_calls: limited({
    reason: 'too_many_concurrent_calls',
    retryAfterSeconds: 3,
  }),
  gateway_busy: busy({ reason: 'gateway_busy' }),
  ledger_unreachable: busy({ reason: 'ledger_unreachable' }),
  upstream_overloaded: {
    ...busy({ reason: 'upstream_overloaded', provider, retryAfter: '7' }),
    retryAfter: '7',
    anthropicStatus: 529,
  },
  upstream_account: broken({ reason: 'upstream_account', provider }),
  upstream_unreachable: broken({ reason: 'upstream_unreachable', provider }),
  upstream_cut: broken({ reason: 'upstream_cut', provider }),
  upstream_silent: {
    refusal: { reason: 'upstream_silent', provider },
    status: 504,
    types: ['server_error', 'timeout_error'],
  },
  conflict: broken({ reason: 'conflict' }, 500),
  internal: broken({ reason: 'internal' }, 500),
};

/** What a repetition can help: everything else an SDK must not send twice. */
const REPEATABLE: ReadonlySet<string> = new Set([
  'balance_held',
  'rate_limited',
  'too_many_concurrent_calls',
  'gateway_busy',
  'ledger_unreachable',
  'upstream_overloaded',
  'upstream_unreachable',
]);

const rows = Object.entries(ROWS);

/** The body as each dialect's SDK reads it. */
function bodyOf(reason: string, row: Row, dialect: ErrorDialect): object {
  const [openai, anthropic = openai] = row.types;
  const figures =
    'short' in row.refusal
      ? { short_nano_usd: '1500000000', short_usd: '1.5', fits_max_output: row.refusal.fits }
      : {};
  const error = { message: textOf(row.refusal), code: reason, ...figures };
  if (dialect === 'messages') {
    return { type: 'error', error: { ...error, type: anthropic }, request_id: ID };
  }
  return { error: { ...error, type: openai, param: row.param ?? null, request_id: ID } };
}

describe('each refusal', () => {
  it('has a row here and one on the wire', () => {
    expect(Object.keys(ROWS).sort()).toEqual(Object.keys(WIRE).sort());
    for (const [reason, row] of rows) expect(row.refusal.reason).toBe(reason);
  });

  it.each(rows)('%s as OpenAI’s SDK reads it', async (reason, row) => {
    const response = refuse(row.refusal, 'chat', ID);
    expect(response.status).toBe(row.status);
    expect(await response.json()).toEqual(bodyOf(reason, row, 'chat'));
  });

  it.each(rows)('%s as Anthropic’s SDK reads it', async (reason, row) => {
    const response = refuse(row.refusal, 'messages', ID);
    expect(response.status).toBe(row.anthropicStatus ?? row.status);
    expect(await response.json()).toEqual(bodyOf(reason, row, 'messages'));
  });

  it.each(rows)('%s says in its headers what to do', (reason, row) => {
    for (const dialect of ['chat', 'messages'] as const) {
      const { headers } = refuse(row.refusal, dialect, ID);
      expect(headers.get('content-type')).toBe('application/json');
      expect(headers.get('x-request-id')).toBe(ID);
      expect(headers.get('request-id')).toBe(ID);
      expect(headers.get('x-should-retry')).toBe(String(REPEATABLE.has(reason)));
      expect(headers.get('retry-after')).toBe(row.retryAfter ?? null);
      expect(headers.get('allow')).toBe(row.allow ?? null);
    }
  });

  it.each(rows)('%s inside a stream is one event', (reason, row) => {
    const chat = new TextDecoder().decode(refuseInStream(row.refusal, 'chat', ID));
    expect(chat).toMatch(/^data: [^\n]+\n\n$/);
    expect(JSON.parse(chat.slice(6))).toEqual(bodyOf(reason, row, 'chat'));
    const messages = new TextDecoder().decode(refuseInStream(row.refusal, 'messages', ID));
    expect(messages).toMatch(/^event: error\ndata: [^\n]+\n\n$/);
    expect(JSON.parse(messages.slice(19))).toEqual(bodyOf(reason, row, 'messages'));
  });

  it.each(rows)('%s is said in a sentence of its own', (_, row) => {
    expect(textOf(row.refusal)).toMatch(/^["A-Za-z].{10,}[^ ]$/);
    expect(textOf(row.refusal)).not.toMatch(/undefined|null|NaN|\[object/);
  });
});

describe('the words', () => {
  it('of a spent balance name what is missing and what would fit', () => {
    const fits = textOf({ reason: 'balance_empty', short, fits: 12 });
    expect(fits).toContain('1.5 USD');
    expect(fits).toContain('at most 12 tokens');
    const none = textOf({ reason: 'balance_empty', short, fits: 0 });
    expect(none).toContain('No output limit would fit');
  });

  it('of an unknown model offer what is near, and say nothing where nothing is', () => {
    const near = textOf({ reason: 'model_unknown', model: 'x', suggestions: ['a/b', 'c/d'] });
    expect(near).toContain('Did you mean a/b, c/d?');
    const far = textOf({ reason: 'model_unknown', model: 'x', suggestions: [] });
    expect(far).not.toContain('mean');
  });

  it('of a busy provider that names no time still name one', () => {
    const refusal = { reason: 'upstream_overloaded', provider, retryAfter: null } as const;
    expect(refuse(refusal, 'chat', ID).headers.get('retry-after')).toBe('2');
  });

  it('of a stopped call say why', () => {
    const whys = ['key_revoked', 'account_frozen', 'account_closed'] as const;
    const texts = whys.map((why) => textOf({ reason: 'call_stopped', why }));
    expect(new Set(texts).size).toBe(3);
  });
});

describe('the dialect of an error', () => {
  it.each([
    ['/v1/messages', {}, 'messages'],
    ['/v1/messages/count_tokens', {}, 'messages'],
    ['/v1/messages/batches', {}, 'messages'],
    ['/v1/chat/completions', {}, 'chat'],
    ['/v1/models', {}, 'chat'],
    ['/v1/models', { 'anthropic-version': '2023-06-01' }, 'messages'],
    ['/nothing', { 'anthropic-version': '2023-06-01' }, 'messages'],
    ['/nothing', {}, 'chat'],
  ] as const)('at %s with %j is that of %s', (path, headers, dialect) => {
    expect(dialectOf(path, new Headers(headers))).toBe(dialect);
  });

  it('carries our id under the name each SDK looks for', () => {
    expect([...idHeaders(ID)]).toEqual([
      ['request-id', ID],
      ['x-request-id', ID],
    ]);
  });
});
