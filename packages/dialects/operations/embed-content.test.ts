/** Bodies of Gemini's embedContent and batchEmbedContents. */
import { describe, expect, it } from 'vitest';
import { editOperation, parseEmbedContent } from './index.ts';

const encoder = new TextEncoder();
const CONTENT = { parts: [{ text: 'Hello there' }] };

function parse(method: string, body: unknown, model = 'gemini-embedding-001') {
  const target = { version: 'v1beta', model, method, streamFormat: null };
  return parseEmbedContent(encoder.encode(JSON.stringify(body)), target);
}

describe('embedContent', () => {
  it.each([
    ['embedContent', { content: CONTENT }],
    ['embedContent', { content: { parts: { text: 'Hello there' } }, task_type: 'CLUSTERING' }],
    ['embedContent', { model: 'models/gemini-embedding-001', content: CONTENT }],
    ['batchEmbedContents', { requests: [{ content: CONTENT, output_dimensionality: 9 }] }],
    ['batchEmbedContents', { requests: { content: CONTENT, title: 'T' } }],
  ])('%s of %j is an embedding of its text', (method, body) => {
    const result = parse(method, body);
    expect(result).toMatchObject({
      ok: true,
      facts: { operation: 'embeddings', endpoint: 'gemini', unknownFields: 0 },
    });
    if (!result.ok) return;
    const { maxTextTokens, estimatedTextTokens } = result.facts.request;
    expect(maxTextTokens).toBeGreaterThanOrEqual(11);
    expect(maxTextTokens).toBeLessThan(200);
    expect(estimatedTextTokens).toBeGreaterThan(0);
    expect(estimatedTextTokens).toBeLessThan(20);
  });

  it.each([
    ['embedContent', {}],
    ['embedContent', []],
    ['embedContent', { content: 'text' }],
    ['embedContent', { content: CONTENT, model: 'models/gemini-embedding-2' }],
    [
      'embedContent',
      { content: { parts: [{ inlineData: { mimeType: 'image/png', data: 'A' } }] } },
    ],
    ['embedContent', { content: { parts: [{ fileData: { fileUri: 'https://x.example/a' } }] } }],
    ['batchEmbedContents', { content: CONTENT }],
    ['batchEmbedContents', { requests: [] }],
    ['batchEmbedContents', { requests: [{ content: CONTENT, model: 'gemini-embedding-001' }] }],
    ['batchEmbedContents', { requests: new Array(101).fill({ content: CONTENT }) }],
  ])('%s of a body that Google refuses or that has no price is refused', (method, body) => {
    expect(parse(method, body)).toMatchObject({ ok: false });
  });

  it('counts every request of a batch', () => {
    const one = parse('batchEmbedContents', { requests: [{ content: CONTENT }] });
    const three = parse('batchEmbedContents', {
      requests: new Array(3).fill({ content: CONTENT }),
    });
    if (!one.ok || !three.ok) throw new Error('refused');
    const { estimatedTextTokens } = one.facts.request;
    expect(three.facts.request.estimatedTextTokens).toBeGreaterThanOrEqual(
      3 * estimatedTextTokens - 3,
    );
  });

  it('has the model’s own name at the provider in every request', () => {
    const model = 'google/gemini-embedding-001';
    const request = { model: `models/${model}`, content: CONTENT };
    const body = { requests: [request, request] };
    const result = parse('batchEmbedContents', body, model);
    if (!result.ok) throw new Error('refused');
    const bytes = encoder.encode(JSON.stringify(body));
    const edited = Buffer.concat(editOperation(bytes, result.facts, 'gemini-embedding-001'));
    const renamed = { ...request, model: 'models/gemini-embedding-001' };
    expect(JSON.parse(edited.toString())).toEqual({ requests: [renamed, renamed] });
  });
});
