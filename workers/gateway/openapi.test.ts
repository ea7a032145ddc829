/** The OpenAPI document and the code have the same closed lists and shapes. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DIALECT_SPECS, DIALECTS } from '@farebox/dialects';
import { RECORDED_DIALECTS, SETTLE_REASONS } from '@farebox/ledger';
import { SURCHARGE_KINDS } from '@farebox/money';
import { describe, expect, it } from 'vitest';
import { generationJson } from './account-endpoints.ts';
import { app } from './app.ts';
import { ERROR_MAP } from './errors.ts';

const path = join(import.meta.dirname, '../../docs/openapi.json');
const document = JSON.parse(readFileSync(path, 'utf8'));
const { schemas } = document.components;

/** `METHOD /path` of each route, in the document's spelling of parameters, without the health check. */
function listRoutes(): string[] {
  const routes = app.routes
    .filter(({ method }) => method === 'GET' || method === 'POST')
    .map((route) => `${route.method} ${route.path.replace(/:(\w+)(\{.*?\})?/g, '{$1}')}`);
  return routes.filter((route) => route !== 'GET /healthz').sort();
}

function listDocumentedRoutes(): string[] {
  const paths: [string, object][] = Object.entries(document.paths);
  return paths
    .flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    .sort();
}

describe('README.md', () => {
  it.each(DIALECTS)('names the endpoint of the dialect %s', (dialect) => {
    const readme = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
    expect(readme).toContain(`\`POST ${DIALECT_SPECS[dialect].path}\``);
  });
});

describe('docs/openapi.json', () => {
  it('has exactly the routes of the gateway', () => {
    expect(listDocumentedRoutes()).toEqual(listRoutes());
  });

  it('lists exactly the reasons, dialects, fee kinds and error codes of the code', () => {
    expect(schemas.Generation.properties.dialect.enum).toEqual([...RECORDED_DIALECTS]);
    expect(schemas.Reason.enum).toEqual([...SETTLE_REASONS]);
    expect(schemas.FeeKind.enum).toEqual([...SURCHARGE_KINDS]);
    expect([...schemas.ErrorCode.enum].sort()).toEqual(Object.keys(ERROR_MAP).sort());
  });

  it('states the status of each error code, and whether a retry can succeed', () => {
    const facts = Object.entries(ERROR_MAP).map(([code, { status, retryable }]) => [
      code,
      { status, retryable },
    ]);
    expect(document['x-errors']).toEqual(Object.fromEntries(facts));
  });

  it('names every operation once, with a tag that it describes', () => {
    const operations = Object.values<object>(document.paths).flatMap((methods) =>
      Object.values<{ operationId?: string; tags?: string[] }>({ ...methods }),
    );
    const ids = operations.map(({ operationId }) => operationId);
    expect(ids.every((id) => /^[a-z]\w+$/.test(id ?? ''))).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    const tags = document.tags.map(({ name }: { name: string }) => name);
    expect(operations.filter((operation) => !tags.includes(operation.tags?.[0]))).toEqual([]);
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
