/** Paths from base URLs that are right for another SDK or another service. */
import { describe, expect, it } from 'vitest';
import { canonicalPath, findIntendedEndpoint } from './request-path.ts';

const ENDPOINTS = [
  '/v1/chat/completions',
  '/v1/messages',
  '/v1/messages/count_tokens',
  '/v1/responses',
  '/v1/responses/compact',
  '/v1/responses/input_tokens',
  '/v1/embeddings',
  '/v1/images/generations',
  '/v1/audio/transcriptions',
  '/v1/rerank',
  '/v1/estimate',
  '/v1/models',
  '/v1/models/openai/gpt-5',
];

/** How a client may write `/v1/...`. */
const SPELLINGS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => `${path}/`,
  (path) => `/${path}`,
  (path) => path.replaceAll('/', '//'),
  (path) => `/v1${path}`,
  (path) => `/v1/${path}//`,
  (path) => `/v1/v1${path}`,
  (path) => path.replace('/v1', ''),
  (path) => `/api${path}`,
  (path) => `/openai${path}`,
  (path) => `/anthropic${path}`,
];

describe('canonicalPath', () => {
  it.each(ENDPOINTS)('finds %s behind every spelling of it', (endpoint) => {
    expect(SPELLINGS.map((spell) => canonicalPath(spell(endpoint)))).toEqual(
      SPELLINGS.map(() => endpoint),
    );
  });

  it.each(['/', '/healthz', '/v1', '/v2/messages', '/v1beta/models', '/messages/x', '/keys'])(
    'leaves %s as it is',
    (path) => {
      expect(canonicalPath(path)).toBe(path);
    },
  );
});

describe('findIntendedEndpoint', () => {
  it.each([
    ['/openai/deployments/gpt-4o/chat/completions', '/v1/chat/completions'],
    ['/v2/messages', '/v1/messages'],
    ['/proxy/v1/messages/count_tokens', '/v1/messages/count_tokens'],
    ['/proxy/v1/responses', '/v1/responses'],
    ['/openai/v1/responses/compact', '/v1/responses/compact'],
    ['/openai/deployments/x/embeddings', '/v1/embeddings'],
    ['/v1/videos', undefined],
    ['/', undefined],
  ])('of %s is %s', (path, endpoint) => {
    expect(findIntendedEndpoint(path)).toBe(endpoint);
  });
});
