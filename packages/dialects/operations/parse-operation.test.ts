/** Requests to operations: what billing reads of a body, and what it refuses to read. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { OperationFacts, OperationResult } from './contract.ts';
import { OPERATIONS, type Operation } from './names.ts';
import { OPERATION_SPECS } from './operations.ts';
import { editOperation, parseOperation } from './parse-operation.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const JSON_TYPE = 'application/json';

function parseJson(operation: Operation, body: unknown): OperationResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return parseOperation(operation, encoder.encode(text), JSON_TYPE);
}

function requireFacts(result: OperationResult): OperationFacts {
  if (!result.ok) throw new Error(`refused: ${result.reason}`);
  return result.facts;
}

const BOUNDARY = 'X-1';
const FORM_TYPE = `multipart/form-data; boundary=${BOUNDARY}`;
const MODEL = 'Content-Disposition: form-data; name="model"\r\n\r\nopenai/whisper-1';
const FILE =
  'Content-Disposition: form-data; name="file"; filename="a.mp3"\r\nContent-Type: audio/mpeg\r\n\r\nsound';

function buildForm(parts: readonly string[], boundary = BOUNDARY): string {
  return `${parts.map((part) => `--${boundary}\r\n${part}\r\n`).join('')}--${boundary}--\r\n`;
}

function parseForm(form: string, contentType = FORM_TYPE): OperationResult {
  return parseOperation('transcriptions', encoder.encode(form), contentType);
}

function part(name: string, value: string): string {
  return `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;
}

describe('a JSON body of an operation', () => {
  it.each([
    ['a text', 'Hello', 1, 10],
    ['several texts', ['Hello', 'world'], 2, 20],
    ['tokens', [1, 2, 3], 3, 3],
    ['lists of tokens', [[1, 2], [3]], 3, 3],
  ])('has the tokens of %s', (_, input, min, max) => {
    const { request } = requireFacts(parseJson('embeddings', { model: 'm', input }));
    expect(request.estimatedTextTokens).toBeGreaterThanOrEqual(min);
    expect(request.estimatedTextTokens).toBeLessThanOrEqual(max);
    expect(request.maxTextTokens).toBeGreaterThanOrEqual(request.estimatedTextTokens);
  });

  it('never has fewer tokens than bytes in its texts', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' }), { minLength: 1 }), (input) => {
        const { request } = requireFacts(parseJson('embeddings', { model: 'm', input }));
        const bytes = encoder.encode(input.join('')).length;
        expect(request.maxTextTokens).toBeGreaterThanOrEqual(bytes);
      }),
    );
  });

  it('has the characters of the text that is spoken, as Unicode counts them', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.boolean(), (input, escapes) => {
        const text = JSON.stringify({ model: 'm', input, voice: 'alloy', instructions: 'softly' });
        const body = escapes
          ? text.replace(
              /[^\x20-\x7e]/g,
              (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
            )
          : text;
        const { request } = requireFacts(parseJson('speech', body));
        expect(request.characters).toBe(Array.from(input).length);
      }),
    );
  });

  it.each([
    ['an escaped backslash before what looks like a half', '"\\\\udc\\n"', 5],
    ['halves in the wrong order', '"\\udc00\\ud800"', 2],
    ['lone second halves', '"\\udc00\\udc00\\udc00"', 3],
    ['two first halves and a second', '"\\ud83d\\ud83d\\ude00"', 2],
    ['a pair', '"\\ud83d\\ude00"', 1],
    ['a first half, a line end and a second', '"\\ud83d\\n\\ude00"', 3],
    ['no character', '""', 0],
  ])('has the characters of %s', (_, input, characters) => {
    const body = `{"model":"m","voice":"alloy","input":${input}}`;
    expect(requireFacts(parseJson('speech', body)).request.characters).toBe(characters);
  });

  it('has the characters of any code units, however they are escaped', () => {
    const unit = fc.oneof(
      fc.constantFrom('\\ud83d', '\\ude00', '\\uDC00', '\\u0041', '\\\\', '\\n', '\\"', '\\/'),
      fc.constantFrom('a', 'u', 'd', 'c', 'é', '😀', 'û'),
    );
    fc.assert(
      fc.property(fc.array(unit), (units) => {
        const input = `"${units.join('')}"`;
        const body = `{"model":"m","voice":"alloy","input":${input}}`;
        const { request } = requireFacts(parseJson('speech', body));
        expect(request.characters).toBe(Array.from(String(JSON.parse(input))).length);
      }),
    );
  });

  it.each([
    ['no JSON', '{"model":', 'invalid_json'],
    ['a list', '[]', 'not_an_object'],
    ['no model', { input: 'x' }, 'missing_field'],
    ['no input', { model: 'm' }, 'missing_field'],
    ['a model of null', { model: null, input: 'x' }, 'invalid_field'],
    ['two models', '{"model":"a","input":"x","model":"b"}', 'duplicate_field'],
    ['two inputs', '{"model":"a","input":"x","input":"yyyy"}', 'duplicate_field'],
    ['a field in capitals', { model: 'm', input: 'x', Input: 'y' }, 'invalid_field'],
    ['a field with a long s', { model: 'm', input: 'x', ſervice_tier: 'flex' }, 'invalid_field'],
    ['an input of objects', { model: 'm', input: [{ text: 'x' }] }, 'invalid_field'],
    ['tokens among texts in a list', { model: 'm', input: [['x']] }, 'invalid_field'],
    ['a tier without a price', { model: 'm', input: 'x', service_tier: 'flex' }, 'invalid_field'],
    ['an endless nesting', `{"model":"m","input":${'['.repeat(5000)}`, 'nesting_too_deep'],
  ])('is refused with %s', (_, body, reason) => {
    expect(parseJson('embeddings', body)).toMatchObject({ ok: false, reason });
  });

  it.each([
    ['0', 0],
    ['11', 11],
    ['a fraction', 1.5],
    ['text', '3'],
    ['a power of ten', 1e9],
  ])('is refused with %s images', (_, n) => {
    const result = parseJson('images', { model: 'm', prompt: 'A cat', n });
    expect(result).toMatchObject({ ok: false, reason: 'invalid_field', field: 'n' });
  });

  it('is refused with two fields that state the size of an image', () => {
    const body = { model: 'm', prompt: 'A cat', size: '256x256', resolution: '2k' };
    expect(parseJson('images', body)).toMatchObject({ ok: false, field: 'resolution' });
  });

  it('has no size of an image that is left to the provider', () => {
    const body = { model: 'm', prompt: 'A cat', size: 'auto', quality: 'high' };
    const { request } = requireFacts(parseJson('images', body));
    expect(request.imageTerms).toEqual({ size: null, quality: 'high' });
  });

  it('is refused with an image, or a voice, that is stored at the provider', () => {
    const image = { model: 'm', prompt: 'A hat', images: [{ file_id: 'file-1' }] };
    expect(parseJson('image_edits', image)).toMatchObject({ reason: 'unsupported_feature' });
    const voice = { model: 'm', input: 'Hi', voice: { id: 'voice_1' } };
    expect(parseJson('speech', voice)).toMatchObject({ ok: false, field: 'voice' });
  });

  it.each(OPERATIONS)('of %s is refused as another media type', (operation) => {
    const result = parseOperation(operation, encoder.encode('<a/>'), 'application/xml');
    expect(result).toMatchObject({ ok: false, reason: 'unsupported_media_type' });
  });

  it('gets the default model of moderation before its first member', () => {
    const body = encoder.encode(' {"input":"Hi"}');
    const facts = requireFacts(parseOperation('moderations', body, JSON_TYPE));
    const sent = editOperation(body, facts, 'omni-moderation-latest').map((p) => decoder.decode(p));
    expect(sent.join('')).toBe(' {"model":"omni-moderation-latest","input":"Hi"}');
  });

  it('passes byte for byte but for the model’s name', () => {
    const body = encoder.encode('{ "input" : "é\\u00e9" , "model" : "openai/m" , "x": [1,  2] }');
    const facts = requireFacts(parseOperation('embeddings', body, JSON_TYPE));
    const sent = editOperation(body, facts, 'm').map((piece) => decoder.decode(piece));
    expect(sent.join('')).toBe('{ "input" : "é\\u00e9" , "model" : "m" , "x": [1,  2] }');
    expect(facts.unknownFields).toBe(1);
  });
});

describe('a form', () => {
  it('has its model and its recording', () => {
    const facts = requireFacts(parseForm(buildForm([FILE, MODEL])));
    expect(facts).toMatchObject({ model: 'openai/whisper-1', answer: 'json', stream: false });
    expect(facts.request.audio.maxSeconds).toBeGreaterThan(0);
  });

  it('passes byte for byte but for the model’s name', () => {
    const form = encoder.encode(buildForm([part('language', 'de'), MODEL, FILE]));
    const facts = requireFacts(parseOperation('transcriptions', form, FORM_TYPE));
    const sent = editOperation(form, facts, 'whisper-1').map((piece) => decoder.decode(piece));
    expect(sent.join('')).toBe(decoder.decode(form).replace('openai/whisper-1', 'whisper-1'));
    expect(facts.contentType).toBe('multipart/form-data; boundary=X-1');
  });

  it.each([
    ['a quoted boundary', buildForm([FILE, MODEL]), 'multipart/form-data; boundary="X-1"'],
    [
      'a boundary in another case of its name',
      buildForm([FILE, MODEL]),
      'Multipart/Form-Data;BOUNDARY=X-1',
    ],
    [
      'further parameters',
      buildForm([FILE, MODEL]),
      'multipart/form-data; charset=utf-8; boundary=X-1',
    ],
    ['no line end after its last boundary', buildForm([FILE, MODEL]).trimEnd(), FORM_TYPE],
    [
      'headers in capitals',
      buildForm([FILE, MODEL]).replaceAll('Content-D', 'CONTENT-D'),
      FORM_TYPE,
    ],
    [
      'a name without quotes',
      buildForm([FILE, MODEL]).replace('name="model"', 'name=model'),
      FORM_TYPE,
    ],
    [
      'a file name in UTF-8',
      buildForm([FILE.replace('"a.mp3"', `"a.mp3"; filename*=utf-8''%C3%A4.mp3`), MODEL]),
      FORM_TYPE,
    ],
    ['items of a list', buildForm([FILE, MODEL, part('include[]', 'logprobs')]), FORM_TYPE],
    ['a field of the provider’s own', buildForm([FILE, MODEL, part('diarize', 'true')]), FORM_TYPE],
    [
      'the boundary inside a line',
      buildForm([FILE.replace('sound', 'so--X-1und'), MODEL]),
      FORM_TYPE,
    ],
  ])('is read with %s', (_, form, contentType) => {
    expect(parseForm(form, contentType)).toMatchObject({ ok: true });
  });

  const REFUSED: readonly (readonly [string, string, string?])[] = [
    ['no boundary in its type', buildForm([FILE, MODEL]), 'multipart/form-data'],
    ['two boundaries in its type', buildForm([FILE, MODEL]), `${FORM_TYPE}; boundary=Y`],
    [
      'a boundary of 71 characters',
      buildForm([FILE, MODEL]),
      `multipart/form-data; boundary=${'x'.repeat(71)}`,
    ],
    ['another boundary than its type says', buildForm([FILE, MODEL], 'Y'), FORM_TYPE],
    ['text before its first boundary', `preamble\r\n${buildForm([FILE, MODEL])}`],
    ['text after its last boundary', `${buildForm([FILE, MODEL])}epilogue`],
    ['no closing boundary', buildForm([FILE, MODEL]).replace('--X-1--\r\n', '')],
    ['a second closing boundary', buildForm([FILE, MODEL]) + buildForm([MODEL])],
    ['lines that end with LF', buildForm([FILE, MODEL]).replaceAll('\r\n', '\n')],
    ['one boundary after a lone LF', buildForm([FILE, MODEL]).replace('sound\r\n', 'sound\n')],
    ['spaces after a boundary', buildForm([FILE, MODEL]).replace('--X-1\r\n', '--X-1  \r\n')],
    ['a longer boundary in it', buildForm([FILE.replace('sound', 'so\r\n--X-12und'), MODEL])],
    ['two models', buildForm([FILE, MODEL, MODEL])],
    ['two models, one as a list', buildForm([FILE, MODEL, part('model[]', 'gpt-4o-transcribe')])],
    ['a model in capitals', buildForm([FILE, MODEL, part('Model', 'gpt-4o-transcribe')])],
    ['two files', buildForm([FILE, FILE, MODEL])],
    ['a file without a name', buildForm([FILE.replace('; filename="a.mp3"', ''), MODEL])],
    ['a model as a file', buildForm([FILE, MODEL.replace('"model"', '"model"; filename="m"')])],
    ['a part without a name', buildForm([FILE, MODEL, 'Content-Disposition: form-data\r\n\r\nx'])],
    ['a part with two names', buildForm([FILE, MODEL.replace('"model"', '"x"; name="model"')])],
    ['a name by parts', buildForm([FILE, MODEL, part('x"; name*=utf-8\'\'model; a="', 'y')])],
    ['a name with a line end', buildForm([FILE, MODEL, part('mo%0D%0Adel', 'y')])],
    ['two dispositions', buildForm([FILE, `Content-Disposition: form-data; name="x"\r\n${MODEL}`])],
    ['a folded header', buildForm([FILE, MODEL.replace('; name', ';\r\n name')])],
    ['a part in base64', buildForm([`Content-Transfer-Encoding: base64\r\n${FILE}`, MODEL])],
    ['a form in it', buildForm([FILE, `Content-Type: multipart/mixed\r\n${MODEL}`])],
    ['a part without headers', buildForm([FILE, MODEL, 'x'])],
    ['no parts', '--X-1--\r\n'],
    ['nothing', ''],
    [
      'a thousand parts',
      buildForm([FILE, MODEL, ...Array.from({ length: 1000 }, () => part('x', ''))]),
    ],
    ['headers without end', buildForm([`A: ${'x'.repeat(10_000)}\r\n${FILE}`, MODEL])],
    ['a flag that is none', buildForm([FILE, MODEL, part('stream', '1')])],
    ['an unknown form of answer', buildForm([FILE, MODEL, part('response_format', 'poem')])],
    ['no file', buildForm([MODEL])],
    ['no model', buildForm([FILE])],
  ];
  const refused = REFUSED.map(([what, form, type = FORM_TYPE]) => [what, form, type] as const);
  it.each(refused)('is refused with %s', (_, form, contentType) => {
    const result = parseForm(form, contentType);
    expect(result.ok).toBe(false);
    expect(JSON.stringify(result)).not.toMatch(/whisper|sound|preamble|epilogue/);
  });

  it.each([
    ['json', 'json'],
    ['verbose_json', 'json'],
    ['srt', 'text'],
    ['text', 'text'],
  ])('in the form %s is answered by %s', (format, answer) => {
    const form = buildForm([FILE, MODEL, part('response_format', format)]);
    expect(requireFacts(parseForm(form)).answer).toBe(answer);
  });

  it('of any bytes is read or refused, and never fails', () => {
    const piece = fc.constantFrom(
      '--X-1',
      '\r\n',
      '\n',
      '--',
      MODEL,
      FILE,
      ':',
      '"',
      'x',
      '\r\n\r\n',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(typeof parseForm(pieces.join('')).ok).toBe('boolean');
      }),
      { numRuns: 500 },
    );
  });
});

describe('the tables of operations', () => {
  it.each(OPERATIONS)('%s names its required fields, its model and its answers', (operation) => {
    const { fields, required, answer } = OPERATION_SPECS[operation];
    expect(Object.keys(fields)).toEqual(expect.arrayContaining(['model', ...required]));
    expect(answer.answerMembers.length).toBeGreaterThan(0);
  });
});
