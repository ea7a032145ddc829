/** The OpenAPI document is the generated one, and has the routes and shapes of the code. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIALECT_SPECS, DIALECTS } from '@farebox/dialects';
import { Ajv2020 } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { describe, expect, it } from 'vitest';
import { generationJson } from './account-endpoints.ts';
import { app } from './app.ts';
import { EXPOSED_HEADERS } from './cors.ts';
import { ERROR_MAP } from './errors.ts';
import { writeOpenApi } from './openapi/document.ts';

const path = join(import.meta.dirname, '../../docs/openapi.json');
const document = JSON.parse(writeOpenApi());
const { schemas } = document.components;

type MediaType = Readonly<{ schema: object; example?: unknown }>;
type Body = Readonly<{ content?: Readonly<Record<string, MediaType>> }>;
type Operation = Readonly<{
  operationId: string;
  tags: readonly string[];
  requestBody?: Body;
  responses: Readonly<Record<string, Body & Readonly<{ headers?: object }>>>;
}>;

const paths: readonly (readonly [string, Readonly<Record<string, Operation>>])[] = Object.entries(
  document.paths,
);
/** Each operation, by its method and path. */
const OPERATIONS = paths.flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({
    name: `${method.toUpperCase()} ${path}`,
    operation,
  })),
);

/** Each example of an answer, with the pointer of its schema. */
const EXAMPLES = paths.flatMap(([path, methods]) =>
  Object.entries(methods).flatMap(([method, { responses }]) =>
    Object.entries(responses).flatMap(([status, { content = {} }]) =>
      Object.entries(content).flatMap(([type, { example }]) => {
        if (example === undefined) return [];
        const names = [path, method, 'responses', status, 'content', type, 'schema'];
        const pointer = names.map((name) => encodeURIComponent(name.replaceAll('/', '~1')));
        return [{ name: `${method} ${path}`, pointer: pointer.join('/'), example }];
      }),
    ),
  ),
);

/** `METHOD /path` of each route, in the document's spelling of parameters, without the health check. */
function listRoutes(): string[] {
  const routes = app.routes
    .filter(({ method }) => method === 'GET' || method === 'POST')
    .map((route) => `${route.method} ${route.path.replace(/:(\w+)(\{.*?\})?/g, '{$1}')}`);
  return routes.filter((route) => route !== 'GET /healthz').sort();
}

const ajv = new Ajv2020({ strict: false });
addFormats.default(ajv);
ajv.addSchema({ $id: 'openapi', ...document });

describe('README.md', () => {
  it.each(DIALECTS)('names the endpoint of the dialect %s', (dialect) => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    expect(readme).toContain(`\`POST ${DIALECT_SPECS[dialect].path}\``);
  });
});

describe('docs/openapi.json', () => {
  it('is the file that npm run openapi writes', () => {
    expect(readFileSync(path, 'utf8')).toBe(writeOpenApi());
  });

  it('has exactly the routes of the gateway', () => {
    expect(OPERATIONS.map(({ name }) => name).sort()).toEqual(listRoutes());
  });

  it('states the status of each error code, and whether a retry can succeed', () => {
    const facts = Object.entries(ERROR_MAP).map(([code, { status, retryable }]) => [
      code,
      { status, retryable },
    ]);
    expect(document['x-errors']).toEqual(Object.fromEntries(facts));
  });

  it('names every operation once, with a tag that it describes', () => {
    const ids = OPERATIONS.map(({ operation }) => operation.operationId);
    expect(ids.every((id) => /^[a-z]\w+$/.test(id))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }: { name: string }) => name);
    const untagged = OPERATIONS.filter(({ operation }) => !tags.includes(operation.tags[0]));
    expect(untagged).toEqual([]);
  });

  it('has an example of each body that can be sent', () => {
    const lacking = OPERATIONS.filter(({ operation: { requestBody } }) => {
      const types = Object.values(requestBody?.content ?? { none: { example: '' } });
      return types.every(({ example }) => example === undefined);
    });
    expect(lacking.map(({ name }) => name)).toEqual([]);
  });

  it.each(EXAMPLES)(
    'has an example of the answer to $name that its schema accepts',
    ({ pointer, example }) => {
      const validate = ajv.getSchema(`openapi#/paths/${pointer}`);
      expect([validate?.(example), validate?.errors]).toEqual([true, null]);
    },
  );

  it.each(['Error', 'GoogleError', 'ProviderError'])(
    'has examples of %s that its schema accepts',
    (name) => {
      const { examples } = schemas[name];
      const validate = ajv.getSchema(`openapi#/components/schemas/${name}`);
      expect(examples.length).toBeGreaterThan(0);
      for (const example of examples)
        expect([validate?.(example), validate?.errors]).toEqual([true, null]);
    },
  );

  it('has an example of every answer of ours that is no error', () => {
    const lacking = OPERATIONS.filter(({ operation: { responses } }) => {
      const types = Object.values(responses['200']?.content ?? {});
      return types.some(({ example }) => example === undefined);
    });
    expect(lacking.map(({ name }) => name)).toEqual([]);
  });

  it.each(['Key', 'Estimate', 'Model', 'GoogleModel', 'Generation'])(
    'has an example of %s',
    (schema) => {
      const shown = OPERATIONS.flatMap(({ operation: { responses } }) =>
        Object.values(responses)
          .flatMap(({ content = {} }) => Object.values(content))
          .filter(({ example }) => example !== undefined)
          .filter(({ schema: used }) =>
            JSON.stringify(used).includes(`"#/components/schemas/${schema}"`),
          ),
      );
      expect(shown).not.toEqual([]);
    },
  );

  it('describes every header that web pages may read', () => {
    expect(Object.keys(document.components.headers)).toEqual(
      expect.arrayContaining([...EXPOSED_HEADERS]),
    );
  });

  it.each(OPERATIONS)('states the link of every error of $name', ({ operation: { responses } }) => {
    const errors = Object.entries(responses).filter(([status]) => status >= '4');
    expect(errors.length).toBeGreaterThan(0);
    for (const [status, { headers }] of errors)
      expect(Object.keys(headers ?? {}), status).toEqual(
        expect.arrayContaining(['link', 'x-should-retry', 'x-request-id']),
      );
  });

  it('requires exactly the fields that every model has', async () => {
    const CATALOG = { read: async () => ({ changed: false }) };
    const KEY_MAC_SECRETS = `1:${'00'.repeat(32)}`;
    const bindings = { LEDGER: {}, SETTLEMENTS: {}, CATALOG, KEY_MAC_SECRETS };
    const context = { waitUntil: () => {}, passThroughOnException: () => {}, props: {} };
    const response = await app.request(
      'https://api.example/v1/models/gpt-4o-mini',
      {},
      { ...bindings, OPENAI_API_KEY: 'k' },
      context,
    );
    const model: object = await response.json();
    expect(Object.keys(model).sort()).toEqual([...schemas.Model.required].sort());
  });

  it('requires exactly the fields of a bill', () => {
    const bill = generationJson({
      id: 'a'.repeat(32),
      model: 'openai/gpt-4o-mini',
      provider: 'openai',
      dialect: 'chat',
      stream: false,
      httpStatus: null,
      status: 'open',
      reason: null,
      usage: null,
      prices: null,
      priceRule: '2026-11-23/standard',
      providerCost: null,
      marginBasisPoints: null,
      firstTokenMs: null,
      totalMs: null,
      fees: [],
      charged: 0n,
      shortfall: 0n,
      createdAt: 0,
      settledAt: null,
    });
    expect(Object.keys(bill as object).sort()).toEqual([...schemas.Generation.required].sort());
  });
});
