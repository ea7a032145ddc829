/**
 * Bodies of generateContent: what billing reads is what Google's parser of JSON reads, and what no
 * price or bound covers is refused.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  editModel,
  editRequest,
  parseCountTokens,
  parseForEstimate,
  parseRequest,
  type RequestFacts,
} from './index.ts';

const encoder = new TextEncoder();
const TARGET = {
  version: 'v1beta',
  model: 'gemini-4-argon',
  method: 'generateContent',
  streamFormat: null,
};
const CONTENTS = [{ role: 'user', parts: [{ text: 'Hello' }] }];

function parse(more: object, contents: unknown = CONTENTS) {
  const body = encoder.encode(JSON.stringify({ contents, ...more }));
  return parseRequest('gemini', body, TARGET);
}

function parseFacts(more: object, contents: unknown = CONTENTS): RequestFacts {
  const result = parse(more, contents);
  if (!result.ok) throw new Error(JSON.stringify(result));
  return result.facts;
}

function parsePart(part: object) {
  return parse({}, [{ role: 'user', parts: [{ text: 'What is this?' }, part] }]);
}

describe('the target of a request to generateContent', () => {
  it('is what the URL says, in a body that names neither model nor stream', () => {
    const body = encoder.encode(JSON.stringify({ contents: CONTENTS }));
    const stream = { ...TARGET, streamFormat: 'array' as const };
    expect(parseRequest('gemini', body, stream)).toMatchObject({
      ok: true,
      facts: { model: 'gemini-4-argon', stream: true, streamFormat: 'array', urlTarget: stream },
    });
  });

  it('is refused in the body, where it may differ from the URL', () => {
    const error = { ok: false, reason: 'unsupported_feature', field: 'model' };
    expect(parse({ model: 'models/gemini-4-argon' })).toMatchObject(error);
  });

  it('is read from the body for an estimate, whose URL names no model', () => {
    const body = encoder.encode(JSON.stringify({ model: 'gemini-4-argon', contents: CONTENTS }));
    const facts = { model: 'gemini-4-argon', dialect: 'gemini' };
    expect(parseForEstimate('gemini', body)).toMatchObject({ ok: true, facts });
  });
});

describe('a setting of generationConfig', () => {
  it.each([
    ['in lowerCamelCase', { generationConfig: { maxOutputTokens: 100, candidateCount: 2 } }],
    ['in snake_case', { generation_config: { max_output_tokens: 100, candidate_count: 2 } }],
    ['in both ways', { generationConfig: { max_output_tokens: 100, candidateCount: 2 } }],
    ['as text', { generationConfig: { maxOutputTokens: '100', candidateCount: '2' } }],
    ['with an exponent', { generationConfig: { maxOutputTokens: 1e2, candidateCount: 2 } }],
  ])('written %s is read', (_, more) => {
    expect(parseFacts(more)).toMatchObject({ maxOutput: 100, choices: 2 });
  });

  it.each([
    ['twice, under both of its names', '"generationConfig":{},"generation_config":{}'],
    ['twice, inside', '"generationConfig":{"maxOutputTokens":1,"max_output_tokens":9}'],
    ['in another letter case', '"GenerationConfig":{}'],
    ['in another letter case, inside', '"generationConfig":{"MaxOutputTokens":9}'],
    ['with a fraction', '"generationConfig":{"maxOutputTokens":1.5}'],
    ['below 1', '"generationConfig":{"maxOutputTokens":0}'],
    ['as text that is no number', '"generationConfig":{"maxOutputTokens":"many"}'],
    ['as text with an exponent', '"generationConfig":{"maxOutputTokens":"1e2"}'],
    ['as a list', '"generationConfig":[]'],
    ['beyond the maximum of candidates', '"generationConfig":{"candidateCount":9}'],
    ['with a modality that has no price', '"generationConfig":{"responseModalities":["VIDEO"]}'],
    ['with a modality by its number', '"generationConfig":{"responseModalities":[2]}'],
  ])('written %s is refused', (_, member) => {
    const body = encoder.encode(`{"contents":[],${member}}`);
    expect(parseRequest('gemini', body, TARGET)).toMatchObject({ ok: false });
  });

  it.each([
    [{ thinkingBudget: 8192 }, 8192],
    [{ thinking_budget: '512' }, 512],
    [{ thinkingBudget: -1 }, 0],
    [{ thinkingBudget: 0 }, 0],
    [{ thinkingLevel: 'HIGH', includeThoughts: true }, 0],
  ])('%j is a thinking budget of %i', (thinkingConfig, thinkingBudget) => {
    expect(parseFacts({ generationConfig: { thinkingConfig } })).toMatchObject({ thinkingBudget });
  });

  it.each([
    [['TEXT'], false],
    [['TEXT', 'IMAGE'], false],
    [['audio'], true],
    ['AUDIO', true],
  ])('%j may output audio: %s', (responseModalities, mayHaveAudioOutput) => {
    const facts = parseFacts({ generationConfig: { responseModalities } });
    expect(facts.mayHaveAudioOutput).toBe(mayHaveAudioOutput);
  });

  it('counts a schema as input, which the model reads', () => {
    const responseJsonSchema = { type: 'object', description: 'x'.repeat(5000) };
    const { maxInputTokens } = parseFacts({ generationConfig: { responseJsonSchema } });
    expect(maxInputTokens).toBeGreaterThan(5000);
  });
});

describe('serviceTier', () => {
  it.each([
    ['flex', 'flex'],
    ['PRIORITY', 'priority'],
    ['SERVICE_TIER_FLEX', 'flex'],
    ['unspecified', 'standard'],
  ])('%s asks for %s', (serviceTier, tier) => {
    expect(parseFacts({ serviceTier }).terms.tier).toBe(tier);
  });

  it.each([2, 'ultrafast', 'batch', {}])('%j is refused', (serviceTier) => {
    expect(parse({ serviceTier })).toMatchObject({ ok: false, field: 'serviceTier' });
  });
});

describe('the contents', () => {
  it.each([
    ['an object in place of a list', { role: 'user', parts: { text: 'x'.repeat(900) } }],
    ['a list', [{ parts: [{ text: 'x'.repeat(900) }] }]],
  ])('may be %s, as Google reads them', (_, contents) => {
    const { maxInputTokens, estimatedInput } = parseFacts({}, contents);
    expect(maxInputTokens).toBeGreaterThan(900);
    expect(estimatedInput).toMatchObject({ messages: 1 });
    expect(estimatedInput.textTokens).toBeGreaterThan(30);
  });

  it.each(['hello', ['hello'], 7])('%j are refused', (contents) => {
    expect(parse({}, contents)).toMatchObject({ ok: false, field: 'contents' });
  });

  it('count the system instruction and the functions too', () => {
    const plain = parseFacts({});
    const text = 'x'.repeat(4000);
    const more = parseFacts({
      system_instruction: { parts: [{ text }] },
      tools: [{ function_declarations: [{ name: 'f', description: text }] }],
    });
    expect(Number(more.maxInputTokens) - Number(plain.maxInputTokens)).toBeGreaterThan(8000);
    expect(more.estimatedInput.tools).toBe(1);
  });
});

describe('a part', () => {
  const image = { mimeType: 'image/png', data: 'A'.repeat(100_000) };
  it.each([
    ['inlineData', { inlineData: image }],
    ['inline_data', { inline_data: { mime_type: 'image/png', data: 'A'.repeat(100_000) } }],
    ['inlineData with its data first', { inlineData: { data: image.data, mimeType: 'image/png' } }],
    ['functionResponse', { functionResponse: { name: 'f', parts: [{ inlineData: image }] } }],
  ])('with an image in %s is held for at most 50,000 tokens', (_, part) => {
    const result = parsePart(part);
    expect(result).toMatchObject({ ok: true, facts: { mayHaveAudioInput: false } });
    const tokens = result.ok ? result.facts.maxInputTokens : 0;
    expect(tokens).toBeGreaterThan(50_000);
    expect(tokens).toBeLessThan(55_000);
  });

  it.each([
    ['audio', { inlineData: { mimeType: 'audio/mp3', data: 'AAAA' } }, true],
    ['a video', { inlineData: { mimeType: 'video/mp4', data: 'AAAA' } }, true],
    ['a document', { inlineData: { mimeType: 'application/pdf', data: 'AAAA' } }, false],
    ['media of no type', { inlineData: { data: 'AAAA' } }, true],
    ['a file behind an address', { fileData: { fileUri: 'https://youtu.be/x' } }, true],
    [
      'media in the response of a function',
      { functionResponse: { name: 'f', parts: [{ inlineData: { mimeType: 'audio/wav' } }] } },
      true,
    ],
  ])('with %s is held for the context window', (_, part, mayHaveAudioInput) => {
    const facts = { maxInputTokens: 'context_window', mayHaveAudioInput };
    expect(parsePart(part)).toMatchObject({ ok: true, facts });
  });

  it.each([
    'https://generativelanguage.googleapis.com/v1beta/files/abc',
    ' gs://bucket/object',
    'files/abc',
  ])('with the stored file %s is refused', (fileUri) => {
    const error = {
      ok: false,
      reason: 'unsupported_feature',
      field: 'contents[0].parts[1].fileData',
    };
    expect(parsePart({ fileData: { fileUri } })).toMatchObject(error);
  });

  it.each([{ InlineData: image }, { 'file-data': {} }, { Text: 'x' }, { parts: [], Parts: [] }])(
    'with a member under a name that some reader takes for another is refused: %j',
    (part) => {
      const error = parsePart(part);
      expect(error.ok && error.facts.unknownFields === 0).toBe(false);
    },
  );

  it('with a text twice is refused', () => {
    const body = encoder.encode('{"contents":[{"parts":[{"text":"a","text":"b"}]}]}');
    expect(parseRequest('gemini', body, TARGET)).toMatchObject({ reason: 'duplicate_field' });
  });

  it('with a signature, a call or a thought of an earlier turn passes', () => {
    const parts = [
      { text: 'Let me think.', thought: true },
      { functionCall: { name: 'f', args: { a: 1 }, id: 'x' }, thoughtSignature: 'c2ln' },
      { executableCode: { language: 'PYTHON', code: 'print(1)' } },
      { toolCall: { toolType: 'GOOGLE_SEARCH_WEB', args: {} } },
    ];
    const { unknownFields } = parseFacts({}, [...CONTENTS, { role: 'model', parts }]);
    expect(unknownFields).toBe(0);
  });
});

describe('a tool of Google’s own', () => {
  const bound = (kind: string, maxCount: number) => ({ surchargeBounds: [{ kind, maxCount }] });
  it.each([
    [{ googleSearch: {} }, bound('web_search', 10)],
    [{ google_search: {} }, bound('web_search', 10)],
    [{ googleSearchRetrieval: {} }, bound('web_search', 10)],
    [{ googleMaps: { enableWidget: true } }, bound('maps_grounded_prompt', 1)],
    [{ urlContext: {} }, { surchargeBounds: [] }],
    [{ code_execution: {} }, { surchargeBounds: [] }],
  ])('%j is held for the context window and what it costs', (tool, facts) => {
    expect(parseFacts({ tools: [tool] })).toMatchObject({
      maxInputTokens: 'context_window',
      ...facts,
    });
    expect(parseFacts({ tools: tool })).toMatchObject({ maxInputTokens: 'context_window' });
  });

  it.each([
    { fileSearch: { fileSearchStoreNames: ['fileSearchStores/x'] } },
    { file_search: {} },
    { retrieval: {} },
    { enterpriseWebSearch: {} },
    { exaAiSearch: {} },
    { mcpServers: [{}] },
    { GoogleSearch: {} },
    { toolOfNextYear: {} },
  ])('%j has no price or is stored at Google, and is refused', (tool) => {
    expect(parse({ tools: [tool] })).toMatchObject({ ok: false });
  });
});

describe('a field that refers to something stored at Google', () => {
  it.each([
    { cachedContent: 'cachedContents/x' },
    { cached_content: 'cachedContents/x' },
    { continuationToken: 'x' },
    { store: true },
  ])('%j is refused', (more) => {
    expect(parse(more)).toMatchObject({ ok: false, reason: 'unsupported_feature' });
  });

  it.each([{ cachedContent: null }, { store: false }])('%j is none', (more) => {
    expect(parse(more)).toMatchObject({ ok: true });
  });
});

describe('an output limit of ours', () => {
  function edit(body: string): string {
    const bytes = encoder.encode(body);
    const result = parseRequest('gemini', bytes, TARGET);
    if (!result.ok) throw new Error(JSON.stringify(result));
    const edits = {
      model: 'gemini-4-argon',
      maxOutput: { field: 'maxOutputTokens', tokens: 77 },
      renameMaxTokens: false,
      includeUsage: false,
      defaults: [],
    };
    return Buffer.concat(editRequest(bytes, result.facts, edits)).toString();
  }

  it.each([
    ['{"contents":[]}', '{"generationConfig":{"maxOutputTokens":77},"contents":[]}'],
    [
      '{"contents":[],"generationConfig":{}}',
      '{"contents":[],"generationConfig":{"maxOutputTokens":77}}',
    ],
    [
      '{"contents":[],"generation_config":{"top_p":1}}',
      '{"contents":[],"generation_config":{"maxOutputTokens":77,"top_p":1}}',
    ],
    [
      '{"contents":[],"generationConfig":null}',
      '{"contents":[],"generationConfig":{"maxOutputTokens":77}}',
    ],
    [
      '{"contents":[],"generationConfig":{"max_output_tokens":null}}',
      '{"contents":[],"generationConfig":{"max_output_tokens":77}}',
    ],
  ])('goes into %s as %s', (body, edited) => {
    expect(edit(body)).toBe(edited);
  });

  it('is read back from every body that it goes into', () => {
    const config = fc.option(fc.dictionary(fc.constantFrom('topP', 'seed', 'x'), fc.integer()));
    fc.assert(
      fc.property(config, fc.boolean(), (generationConfig, isSnake) => {
        const name = isSnake ? 'generation_config' : 'generationConfig';
        const edited = edit(JSON.stringify({ contents: CONTENTS, [name]: generationConfig }));
        const facts = parseRequest('gemini', encoder.encode(edited), TARGET);
        expect(facts).toMatchObject({ ok: true, facts: { maxOutput: 77 } });
      }),
    );
  });
});

describe('a body of countTokens', () => {
  const target = { ...TARGET, method: 'countTokens' };
  const count = (body: object) =>
    parseCountTokens('gemini_count_tokens', encoder.encode(JSON.stringify(body)), target);

  it('has contents, or a whole request whose model is replaced', () => {
    expect(count({ contents: CONTENTS })).toMatchObject({ ok: true, modelSpan: null });
    const body = {
      generateContentRequest: {
        model: 'models/google/gemini-4-argon',
        contents: CONTENTS,
        tools: [{ functionDeclarations: [{ name: 'f' }] }],
      },
    };
    const result = count(body);
    expect(result).toMatchObject({ ok: true, estimatedInput: { messages: 1, tools: 1 } });
    if (!result.ok) return;
    const bytes = encoder.encode(JSON.stringify(body));
    const edited = editModel(bytes, result.modelSpan, 'models/gemini-4-argon');
    expect(JSON.parse(Buffer.concat(edited).toString())).toEqual({
      generateContentRequest: { ...body.generateContentRequest, model: 'models/gemini-4-argon' },
    });
  });

  it('may not refer to something stored at Google', () => {
    const generateContentRequest = { contents: CONTENTS, cachedContent: 'cachedContents/x' };
    expect(count({ generateContentRequest })).toMatchObject({ reason: 'unsupported_feature' });
  });
});
