/** URLs of Gemini's API name the model, the method and the form of a stream. */
import { describe, expect, it } from 'vitest';
import { parseUrlTarget, toUpstreamPath } from './gemini-path.ts';

function parse(path: string, query = '') {
  return parseUrlTarget(path, new URLSearchParams(query));
}

describe('parseUrlTarget', () => {
  it.each([
    ['/v1beta/models/gemini-3.5-flash:generateContent', 'v1beta', 'gemini-3.5-flash'],
    ['/v1/models/gemini-3.5-flash:generateContent', 'v1', 'gemini-3.5-flash'],
    ['/v1beta/models/google/gemini-3.5-flash:generateContent', 'v1beta', 'google/gemini-3.5-flash'],
    ['/v1beta/models/google%2Fgemini-4-argon:generateContent', 'v1beta', 'google/gemini-4-argon'],
    ['/v1beta/models/models/gemini-4-argon:generateContent', 'v1beta', 'gemini-4-argon'],
    ['/v1beta/models/x:thinking:generateContent', 'v1beta', 'x:thinking'],
  ])('finds in %s the version %s and the model %s', (path, version, model) => {
    const target = { version, model, method: 'generateContent', streamFormat: null };
    expect(parse(path)).toEqual({ ok: true, endpoint: 'gemini', target });
  });

  it.each([
    ['streamGenerateContent', 'alt=sse', 'events'],
    ['streamGenerateContent', '$alt=sse', 'events'],
    ['streamGenerateContent', '', 'array'],
    ['streamGenerateContent', 'alt=json&prettyPrint=false', 'array'],
    ['generateContent', 'alt=json', null],
    ['countTokens', '', null],
  ])('takes %s with the query "%s" as a stream of the form %s', (method, query, streamFormat) => {
    expect(parse(`/v1beta/models/x:${method}`, query)).toMatchObject({ target: { streamFormat } });
  });

  it.each([
    ['streamGenerateContent', 'alt=proto'],
    ['streamGenerateContent', 'alt=sse&$alt=json'],
    ['generateContent', 'alt=sse'],
  ])('refuses %s with the query "%s"', (method, query) => {
    const error = { ok: false, reason: 'invalid_field', field: 'alt' };
    expect(parse(`/v1beta/models/x:${method}`, query)).toMatchObject(error);
  });

  it.each([
    '/v1beta/models',
    '/v1beta/models/gemini-3.5-flash',
    '/v1beta/models/:generateContent',
    '/v1beta/models/%:generateContent',
    '/v1beta/tunedModels/x:generateContent',
    '/v1alpha/models/x:generateContent',
    '/v1beta/models/x:generateMusic',
  ])('finds no model and method in %s', (path) => {
    expect(parse(path)).toEqual({ ok: false, reason: 'not_found' });
  });

  it('says why a method that Google has is not served', () => {
    const error = { reason: 'unsupported_feature', field: 'batchGenerateContent' };
    expect(parse('/v1beta/models/x:batchGenerateContent')).toMatchObject(error);
  });
});

describe('toUpstreamPath', () => {
  it.each([
    ['events', '?alt=sse'],
    ['array', ''],
    [null, ''],
  ] as const)('asks for a stream of the form %s with the query "%s"', (streamFormat, query) => {
    const target = { version: 'v1', model: 'gemini-4-argon', method: 'countTokens', streamFormat };
    expect(toUpstreamPath(target)).toBe(`/v1/models/gemini-4-argon:countTokens${query}`);
  });

  it('keeps a name from leaving the collection of models', () => {
    const target = { version: 'v1', model: '../files/x?', method: 'm', streamFormat: null };
    expect(toUpstreamPath(target)).toBe('/v1/models/..%2Ffiles%2Fx%3F:m');
  });
});
