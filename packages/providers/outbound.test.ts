/** `send` with a replaced `fetch`: how answers are classified, and which headers pass. */
import { afterEach, describe, expect, it, vi } from 'vitest';
import { configureProviders, send } from './index.ts';

const provider = configureProviders({
  apiKeys: { anthropic: 'secret-key' },
  baseUrls: {},
  extra: [],
}).get('anthropic');

async function sendWith(status: number, body: string, headers: Record<string, string> = {}) {
  const fetchMock = vi.fn(async (_url: string, _init: RequestInit) => {
    return new Response(body, { status, headers });
  });
  vi.stubGlobal('fetch', fetchMock);
  if (provider === undefined) throw new Error('no provider');
  const result = await send({
    provider,
    endpoint: 'messages',
    query: '?beta=true&key=fbx_mine',
    headers: new Headers({ cookie: 'c', 'anthropic-beta': 'a,b' }),
    body: [new TextEncoder().encode('{}'), new TextEncoder().encode(' ')],
    abort: new AbortController(),
    firstByteMs: 1000,
    timer: { start: () => () => {} },
  });
  return { result, call: fetchMock.mock.calls[0] };
}

afterEach(() => vi.unstubAllGlobals());

describe('an upstream answer', () => {
  it.each([
    [400, '{"error":{"type":"invalid_request_error","message":"too long"}}', 'rejected'],
    [
      400,
      '{"error":{"message":"Your credit balance is too low to access"}}',
      'provider_account_error',
    ],
    [400, '{"error":{"message":"the text says: Your credit balance is too low"}}', 'rejected'],
    [400, '{"code":"x","error":"Incorrect API key provided: in***ey."}', 'provider_account_error'],
    [400, '[{"error":{"details":[{"reason":"API_KEY_INVALID"}]}}]', 'provider_account_error'],
    [401, '', 'provider_account_error'],
    [302, '', 'provider_account_error'],
    [404, '{}', 'rejected'],
    [422, 'plain text', 'rejected'],
    [429, '{"error":{"code":"rate_limit_exceeded"}}', 'overloaded'],
    [429, '{"error":{"code":"insufficient_quota"}}', 'provider_account_error'],
    [529, '{"error":{"type":"overloaded_error"}}', 'overloaded'],
  ])('with status %i and body %s is %s', async (status, body, reason) => {
    expect((await sendWith(status, body)).result).toMatchObject({ ok: false, reason });
  });

  it('carries only allowed headers in both directions', async () => {
    const { result, call } = await sendWith(200, '{}', { 'set-cookie': 's', 'request-id': 'r' });
    expect(call?.[0]).toBe('https://api.anthropic.com/v1/messages?beta=true');
    const sent = new Headers(call?.[1].headers);
    expect(sent.get('cookie')).toBeNull();
    expect(sent.get('x-api-key')).toBe('secret-key');
    expect(sent.get('anthropic-beta')).toBe('a,b');
    expect(Object.keys(result).sort()).toEqual([
      'arrayBuffer',
      'body',
      'contentType',
      'length',
      'ok',
      'servedTier',
      'status',
    ]);
  });
});
