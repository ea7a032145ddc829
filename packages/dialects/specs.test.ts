/** Every dialect has a spec, and clients are answered in the dialect that they read. */
import { describe, expect, it } from 'vitest';
import {
  DIALECT_SPECS,
  DIALECTS,
  type DialectSpec,
  detectDialect,
  getOutputLimitField,
  OPERATION_SPECS,
  OPERATIONS,
} from './index.ts';

describe('DIALECT_SPECS', () => {
  it('does not compile for a dialect without a spec', () => {
    // @ts-expect-error: no spec has this name.
    const specs: Readonly<Record<'unspecified', DialectSpec>> = DIALECT_SPECS;
    expect(Object.keys(specs)).toEqual(DIALECTS);
  });

  it.each(DIALECTS)('gives %s a path of its own and an error that it recognises', (dialect) => {
    const others = DIALECTS.filter((name) => name !== dialect).map((name) => DIALECT_SPECS[name]);
    const { path, errors } = DIALECT_SPECS[dialect];
    const error = {
      kind: 'overloaded',
      message: 'm',
      code: 'c',
      status: 503,
      retryAfterSeconds: null,
      sdkCode: null,
      param: null,
      details: {},
    } as const;
    const json = errors.toJson({ ...error, requestId: 'r' });
    expect(errors.isNative(JSON.parse(json))).toBe(true);
    expect(others.map((spec) => spec.path)).not.toContain(path);
  });

  it.each(DIALECTS)('names the fields of the prompt of %s in its table of fields', (dialect) => {
    const { rules, promptFields, requiredField } = DIALECT_SPECS[dialect].request;
    expect(Object.keys(rules)).toEqual(expect.arrayContaining([...promptFields.keys()]));
    expect(promptFields.has(requiredField)).toBe(true);
  });
});

describe('the reasons of refused fields', () => {
  const ofDialects = DIALECTS.flatMap((dialect) =>
    Object.entries(DIALECT_SPECS[dialect].request.rules).map(
      ([field, { explanation }]) => [dialect, field, explanation] as const,
    ),
  );
  const ofOperations = OPERATIONS.flatMap((operation) =>
    Object.entries(OPERATION_SPECS[operation].fields).map(
      ([name, field]) =>
        [operation, name, field.kind === 'rejected' ? field.explanation : undefined] as const,
    ),
  );
  const ofCollections = DIALECTS.flatMap((dialect) =>
    [...DIALECT_SPECS[dialect].refusedCollections].map(
      ([name, explanation]) => [dialect, name, explanation] as const,
    ),
  );

  it('are clauses, which the message of the error begins and ends', () => {
    const reasons = [...ofDialects, ...ofOperations, ...ofCollections].filter(
      ([, , explanation]) => explanation !== undefined,
    );
    expect(reasons.length).toBeGreaterThan(50);
    expect(reasons.filter(([, , explanation]) => /[.!?]$/.test(explanation ?? ''))).toEqual([]);
  });
});

describe('getOutputLimitField', () => {
  it.each([
    ['chat', 'max_tokens', 'max_tokens'],
    ['chat', 'max_completion_tokens', 'max_completion_tokens'],
    ['messages', 'max_completion_tokens', 'max_tokens'],
  ] as const)('for %s and a provider that prefers %s returns %s', (dialect, preferred, field) => {
    expect(getOutputLimitField(dialect, preferred)).toBe(field);
  });

  it.each(DIALECTS)('returns a field in the table of fields of %s', (dialect) => {
    const field = getOutputLimitField(dialect, 'no_such_field');
    const { rules, outputLimit } = DIALECT_SPECS[dialect].request;
    expect(Object.keys(rules)).toContain(outputLimit.parent ?? field);
  });
});

describe('detectDialect', () => {
  it.each([
    ['/v1/chat/completions', {}, 'chat'],
    ['/v1/messages/count_tokens', {}, 'messages'],
    ['/v1/responses', {}, 'responses'],
    ['/v1/responses/resp_1', {}, 'responses'],
    ['/v1/models', { 'anthropic-version': '2023-06-01' }, 'messages'],
    ['/v1/models', { 'x-goog-api-key': 'k' }, 'gemini'],
    ['/v1beta/models', {}, 'gemini'],
    ['/nothing', {}, 'chat'],
  ])('takes %s with %j as %s', (path, headers, dialect) => {
    expect(detectDialect(path, new Headers(headers))).toBe(dialect);
  });
});
