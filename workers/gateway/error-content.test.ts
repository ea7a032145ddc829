/**
 * No error of ours repeats what its caller wrote, but for a model's name: any body, at any endpoint,
 * with a marked text in every place where a caller has a free choice. Seeds are fixed.
 */
import {
  ENDPOINT_SPECS,
  ENDPOINTS,
  OPERATION_SPECS,
  OPERATIONS,
  parseCountTokens,
  parseEmbedContent,
  parseOperation,
  parseRequest,
  parseUrlTarget,
  type UpstreamEndpoint,
} from '@farebox/dialects';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { errorMessage } from './error-messages.ts';
import type { ApiError } from './errors.ts';

const SEED = 20261126;
const RUNS = 400;
const encoder = new TextEncoder();
const JSON_TYPE = 'application/json';

/** Spellings of the mark that readers of names change into each other. */
const MARKS = ['mark7canary', 'mark7_canary', 'Mark7Canary', ' mark7canary', 'mark7canary[]'];
const MARKED = /mark7_?canary/i;

type Failure = Readonly<{ ok: false }> & ApiError;
type Answer = Readonly<{ ok: true }> | Failure;

/** Returns the reason of a refusal, after a check of everything that is said of it. */
function checkAnswer(answer: Answer): string | null {
  if (answer.ok) return null;
  expect(JSON.stringify(answer)).not.toMatch(MARKED);
  expect(errorMessage(answer)).not.toMatch(MARKED);
  return answer.reason;
}

/** Names that tables have, nested ones too: the deeper readers are reached through them. */
function listNames(endpoint: UpstreamEndpoint): readonly string[] {
  const { rules, promptMembers, promptFields } = ENDPOINT_SPECS[endpoint].request;
  const { texts, media, captured, tool, toolLists } = promptMembers;
  const members = [...texts, ...Object.keys(media), ...captured, ...tool.keys(), ...toolLists];
  return [...Object.keys(rules), ...promptFields.keys(), ...members];
}

const NESTED = [
  ...['parts', 'content', 'contents', 'text', 'type', 'role', 'source', 'url', 'data', 'requests'],
  ...['functionDeclarations', 'functionResponse', 'inlineData', 'mimeType', 'fileData', 'fileUri'],
  ...['googleSearch', 'generationConfig', 'thinkingConfig', 'file_id', 'ttl', 'cache_control'],
  ...['image_url', 'function', 'name', 'title', 'model', 'include_usage', 'generateContentRequest'],
];
const ENDPOINT_NAMES = [...new Set(ENDPOINTS.flatMap(listNames)), ...NESTED];
const OPERATION_NAMES = [
  ...new Set(OPERATIONS.flatMap((operation) => Object.keys(OPERATION_SPECS[operation].fields))),
];
const WORDS = [
  ...['user', 'text', 'image_url', 'function', 'web_search', 'code_interpreter', 'ephemeral'],
  ...['message', 'auto', 'enabled', 'image/png', 'application/pdf', 'data:image/png;base64,aGk='],
];

/** JSON as text: an object may have a name twice, which no object of JavaScript can. */
function arbitraryJson(names: readonly string[]): fc.Arbitrary<string> {
  const mark = fc.constantFrom(...MARKS);
  const quoted = (text: fc.Arbitrary<string>) => text.map((value) => JSON.stringify(value));
  const name = quoted(
    fc.oneof({ weight: 2, arbitrary: fc.constantFrom(...names) }, { weight: 1, arbitrary: mark }),
  );
  const { object } = fc.letrec<{ value: string; object: string }>((tie) => ({
    value: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      quoted(fc.oneof(mark, fc.constantFrom(...WORDS))),
      fc.constantFrom('1', '-1', '1.5', 'true', 'null', '"x"'),
      tie('object'),
      fc.array(tie('value'), { maxLength: 4 }).map((items) => `[${items.join()}]`),
    ),
    // Each member may be there again, with the same name.
    object: fc
      .array(fc.tuple(name, tie('value'), fc.integer({ min: 1, max: 2 })), { maxLength: 4 })
      .map((members) => {
        const texts = members.flatMap(([key, value, times]) =>
          Array.from({ length: times }, () => `${key}:${value}`),
        );
        return `{${texts.join()}}`;
      }),
  }));
  return object;
}

/** The same behind the fields without which nothing deeper is looked at. */
function withField(field: string, json: string): string {
  return `{"model":"gpt-5","max_tokens":5,${JSON.stringify(field)}:${json}}`;
}

const TARGET = { version: 'v1beta', model: 'm', method: 'generateContent', streamFormat: null };

describe('an error about a body', () => {
  it.each(ENDPOINTS)('at the endpoint %s repeats nothing of it', (endpoint) => {
    const reasons = new Set<string | null>();
    const { promptFields, target } = ENDPOINT_SPECS[endpoint].request;
    const urlTarget = target === 'url' ? TARGET : null;
    const fields = fc.constantFrom(null, ...promptFields.keys(), 'tools', 'generationConfig');
    fc.assert(
      fc.property(fields, arbitraryJson(ENDPOINT_NAMES), fc.boolean(), (field, json, isList) => {
        const value = isList ? `[${json}]` : json;
        const body = encoder.encode(field === null ? json : withField(field, value));
        reasons.add(checkAnswer(parseRequest(endpoint, body, urlTarget)));
        checkAnswer(parseCountTokens(endpoint, body, urlTarget));
      }),
      { seed: SEED, numRuns: RUNS },
    );
    expect(reasons.size).toBeGreaterThan(2);
  });

  it.each(OPERATIONS)('of %s repeats nothing of it', (operation) => {
    fc.assert(
      fc.property(arbitraryJson(OPERATION_NAMES), (json) => {
        checkAnswer(parseOperation(operation, encoder.encode(json), JSON_TYPE));
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it.each(['embedContent', 'batchEmbedContents'])('of %s repeats nothing of it', (method) => {
    fc.assert(
      fc.property(arbitraryJson(NESTED), fc.boolean(), (json, isNested) => {
        const body = encoder.encode(isNested ? `{"requests":[${json}]}` : json);
        checkAnswer(parseEmbedContent(body, { ...TARGET, method }));
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });

  it('that is a form repeats nothing of it', () => {
    const names = fc.constantFrom(...OPERATION_NAMES, ...MARKS, 'model*', 'mark7canary"; name="x');
    const value = fc.constantFrom(...MARKS, '1', 'true', 'json', '');
    const file = fc.constantFrom(
      '',
      '; filename="mark7canary.mp3"',
      "; filename*=utf-8''mark7canary",
    );
    const header = fc.constantFrom(
      '',
      'Mark7Canary: mark7canary\r\n',
      'Content-Type: mark7canary\r\n',
    );
    const part = fc
      .tuple(header, names, file, value)
      .map(
        ([line, name, fileName, text]) =>
          `--b\r\n${line}Content-Disposition: form-data; name="${name}"${fileName}\r\n\r\n${text}\r\n`,
      );
    const type = fc.constantFrom(
      'multipart/form-data; boundary=b',
      'multipart/mark7canary; boundary=b',
      'mark7canary/json',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 6 }), type, (parts, contentType) => {
        const body = encoder.encode(`${parts.join('')}--b--`);
        checkAnswer(parseOperation('transcriptions', body, contentType));
        checkAnswer(parseOperation('image_edits', body, contentType));
      }),
      { seed: SEED, numRuns: RUNS },
    );
  });
});

describe('an error about a URL', () => {
  it.each([
    '/v1beta/models/m:mark7canary',
    '/v1beta/models/mark7canary/mark7canary:predict',
    '/v1beta/mark7canary/mark7canary:generateContent',
  ])('%s repeats nothing of it', (path) => {
    for (const query of ['', 'alt=mark7canary', 'key=mark7canary', 'mark7canary=1'])
      expect(checkAnswer(parseUrlTarget(path, new URLSearchParams(query)))).not.toBeNull();
  });
});

describe('an error about a member that stands in an object twice', () => {
  it.each([
    ['{"contents":[{"parts":[{"secret":1,"secret":2}]}]}', 'contents[0].parts[0]'],
    ['{"contents":[{"secret":1,"secret":2}]}', 'contents[0]'],
    [
      '{"contents":[{"parts":[{"functionResponse":{"secret":1,"secret":2}}]}]}',
      'contents[0].parts[0].functionResponse',
    ],
  ])('of generateContent names the object: %s', (json, field) => {
    const answer = parseRequest('gemini', encoder.encode(json), TARGET);
    expect(answer).toMatchObject({ reason: 'duplicate_field', field });
  });

  it.each([
    ['{"secret":1,"secret":2,"content":{"parts":[{"text":"x"}]}}', 'body'],
    ['{"content":{"parts":[{"text":"x"}],"secret":1,"secret":2}}', 'content'],
  ])('of embedContent names the object: %s', (json, field) => {
    const answer = parseEmbedContent(encoder.encode(json), { ...TARGET, method: 'embedContent' });
    expect(answer).toMatchObject({ reason: 'duplicate_field', field });
  });
});
