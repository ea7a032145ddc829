/** Which providers a deployment offers, and at which URLs. */
import { isOperation } from '@farebox/dialects';
import { describe, expect, it } from 'vitest';
import { configureProviders, type Provider, type ProviderSettings } from './index.ts';
import { PROVIDER_IDS } from './list.ts';

const KEYS = Object.fromEntries(PROVIDER_IDS.map((id) => [id, 'k']));
const settings = (rest: Partial<ProviderSettings>): ProviderSettings => ({
  apiKeys: {},
  baseUrls: {},
  extra: [],
  ...rest,
});

/** The endpoints of conversations and of their counts. */
function withoutOperations(endpoints: Provider['endpoints']): Record<string, string> {
  return Object.fromEntries(Object.entries(endpoints).filter(([name]) => !isOperation(name)));
}

describe('configureProviders', () => {
  it('offers the providers with a key, at the URLs that their own SDKs use', () => {
    const offered = configureProviders(settings({ apiKeys: KEYS }));
    const conversational = Object.fromEntries(
      [...offered].map(([id, { endpoints }]) => [id, withoutOperations(endpoints)]),
    );
    expect(conversational).toEqual({
      openai: {
        chat: 'https://api.openai.com/v1/chat/completions',
        responses: 'https://api.openai.com/v1/responses',
        responses_compact: 'https://api.openai.com/v1/responses/compact',
        responses_input_tokens: 'https://api.openai.com/v1/responses/input_tokens',
        responses_socket: 'https://api.openai.com/v1/responses',
      },
      anthropic: {
        messages: 'https://api.anthropic.com/v1/messages',
        count_tokens: 'https://api.anthropic.com/v1/messages/count_tokens',
      },
      google: {
        chat: 'https://generativelanguage.googleapis.com/v1beta/openai/chat/completions',
        gemini: 'https://generativelanguage.googleapis.com',
        gemini_count_tokens: 'https://generativelanguage.googleapis.com',
      },
      xai: {
        chat: 'https://api.x.ai/v1/chat/completions',
        responses: 'https://api.x.ai/v1/responses',
        responses_socket: 'https://api.x.ai/v1/responses',
      },
      deepseek: {
        chat: 'https://api.deepseek.com/chat/completions',
        messages: 'https://api.deepseek.com/anthropic/v1/messages',
        responses: 'https://api.deepseek.com/responses',
      },
    });
    expect(configureProviders(settings({ apiKeys: { openai: '' } })).size).toBe(0);
  });

  it.each([
    ['openai', 'embeddings', 'https://api.openai.com/v1/embeddings'],
    ['openai', 'image_edits', 'https://api.openai.com/v1/images/edits'],
    ['openai', 'transcriptions', 'https://api.openai.com/v1/audio/transcriptions'],
    ['google', 'embeddings', 'https://generativelanguage.googleapis.com/v1beta/openai/embeddings'],
    ['xai', 'images', 'https://api.x.ai/v1/images/generations'],
  ] as const)('knows the URL of %s for the operation %s', (id, operation, url) => {
    const offered = configureProviders(settings({ apiKeys: KEYS }));
    expect(offered.get(id)?.endpoints[operation]).toBe(url);
  });

  it.each(['anthropic', 'deepseek'] as const)('knows no operation of %s', (id) => {
    const endpoints = configureProviders(settings({ apiKeys: KEYS })).get(id)?.endpoints ?? {};
    expect(endpoints).toEqual(withoutOperations(endpoints));
  });

  it('takes the URL of an operation from the settings of a further provider', () => {
    const ranker = { id: 'ranker', baseUrl: 'https://a.example/v1', apiKey: 'k' };
    const build = (urls: Record<string, string>) =>
      configureProviders(settings({ extra: [{ ...ranker, urls }] })).get('ranker')?.endpoints;
    const rerank = 'https://b.example/v2/rerank';
    expect(build({ rerank })).toMatchObject({
      rerank,
      embeddings: 'https://a.example/v1/embeddings',
    });
    expect(() => build({ rerank: 'http://b.example/v2/rerank' })).toThrow('not https');
    expect(() => build({ poems: rerank })).toThrow('no endpoint poems');
  });

  it.each([
    ['openai', 'https://proxy.example/v1/', 'https://proxy.example/v1/chat/completions'],
    ['xai', 'https://proxy.example/x/v1', 'https://proxy.example/x/v1/chat/completions'],
    ['google', 'http://127.0.0.1:9', 'http://127.0.0.1:9/v1beta/openai/chat/completions'],
    ['deepseek', 'http://localhost:9/v1', 'http://localhost:9/v1/chat/completions'],
  ])('builds the chat URL of %s from the base URL %s', (id, base, chat) => {
    const offered = configureProviders(settings({ apiKeys: KEYS, baseUrls: { [id]: base } }));
    expect(offered.get(id)?.endpoints.chat).toBe(chat);
  });

  it("builds the Messages URL from a base URL as Anthropic's SDK does", () => {
    const baseUrls = { anthropic: 'http://[::1]:9//', deepseek: 'https://proxy.example/v1' };
    const offered = configureProviders(settings({ apiKeys: KEYS, baseUrls }));
    expect(offered.get('anthropic')?.endpoints.messages).toBe('http://[::1]:9/v1/messages');
    expect(offered.get('deepseek')?.endpoints.messages).toBe(
      'https://proxy.example/anthropic/v1/messages',
    );
  });

  it.each([
    ['', 'not a URL'],
    ['api.openai.com/v1', 'not a URL'],
    ['http://api.openai.com/v1', 'not https'],
    ['http://localhost.evil.example', 'not https'],
    ['ftp://127.0.0.1', 'not https'],
    ['https://me:word@api.openai.com/v1', 'holds credentials'],
    ['https://api.openai.com/v1?key=word', 'a query'],
    ['https://api.openai.com/v1#word', 'a fragment'],
  ])('rejects the base URL %j in an error without its text', (base, why) => {
    const configure = () =>
      configureProviders(settings({ apiKeys: KEYS, baseUrls: { openai: base } }));
    expect(configure).toThrow(why);
    expect(configure).toThrow('openai');
    expect(configure).not.toThrow('word');
  });

  it('adds providers from the configuration and rejects an id used twice', () => {
    const extra = { id: 'mine', baseUrl: 'https://mine.example/v1/', apiKey: 'k' };
    expect(configureProviders(settings({ extra: [extra] })).get('mine')).toMatchObject({
      endpoints: { chat: 'https://mine.example/v1/chat/completions' },
      outputLimitField: 'max_tokens',
    });
    expect(() => configureProviders(settings({ extra: [extra, extra] }))).toThrow('twice');
    const duplicate = { ...extra, id: 'openai' };
    expect(() => configureProviders(settings({ extra: [duplicate] }))).toThrow('twice');
  });
});
