/**
 * docs/openapi.json as data: built from the closed lists of the code, and never at run time. No
 * Worker imports this folder; `npm run openapi` writes the file, and a test compares the two.
 */
import { SETTLE_REASONS } from '@farebox/ledger';
import { SURCHARGE_KINDS } from '@farebox/money';
import { ERROR_MAP } from '../errors.ts';
import { ESTIMATE, GENERATION, KEY } from './account-schemas.ts';
import { ERROR, GOOGLE_ERROR, PROVIDER_ERROR } from './error-schemas.ts';
import { ERROR_CODES } from './error-steps.ts';
import { HEADERS } from './headers.ts';
import { type OperationObject, oneOf, type Schema } from './json-schema.ts';
import { GOOGLE_MODEL, MODEL } from './model-schema.ts';
import { OWN_ENDPOINTS } from './own-endpoints.ts';
import { type Endpoint, RELAYED_ENDPOINTS } from './relayed-endpoints.ts';

type Paths = Readonly<Record<string, Readonly<Record<string, OperationObject>>>>;

/** Methods of one path stand together, in the order of their first one. */
function toPaths(endpoints: readonly Endpoint[]): Paths {
  const byPath = Map.groupBy(endpoints, ({ path }) => path);
  return Object.fromEntries(
    [...byPath].map(([path, methods]) => [
      path,
      Object.fromEntries(methods.map(({ method, operation }) => [method, operation])),
    ]),
  );
}

const SCHEMAS: Readonly<Record<string, Schema>> = {
  Reason: oneOf(SETTLE_REASONS),
  FeeKind: oneOf(SURCHARGE_KINDS),
  ErrorCode: oneOf(ERROR_CODES),
  Error: ERROR,
  GoogleError: GOOGLE_ERROR,
  ProviderError: PROVIDER_ERROR,
  Generation: GENERATION,
  Key: KEY,
  Estimate: ESTIMATE,
  Model: MODEL,
  GoogleModel: GOOGLE_MODEL,
};

const DESCRIPTION =
  "A prepaid gateway to AI models. Errors are written in the caller's dialect: Anthropic's shape on /v1/messages and for requests with an anthropic-version header, Google's on its paths and for requests with an x-goog-api-key header, OpenAI's shape otherwise. `code` comes from the same closed list in all of them. A path with another method answers 405 (method_not_allowed), and one that does not exist 404 (not_found). Every answer can be read by any web page (CORS).";

const TAGS = [
  {
    name: 'Conversations',
    description: 'Dialects of conversations, each as its provider documents it.',
  },
  { name: 'Operations', description: 'Endpoints that are no conversation.' },
  { name: 'Models', description: 'The models on offer, with prices and limits.' },
  { name: 'Account', description: 'What calls cost, the balance, and the key.' },
];

function errorFacts(): Readonly<Record<string, Readonly<{ status: number; retryable: boolean }>>> {
  return Object.fromEntries(
    ERROR_CODES.map((code) => {
      const { status, retryable } = ERROR_MAP[code];
      return [code, { status, retryable }];
    }),
  );
}

/** Returns the OpenAPI 3.1 document. */
export function buildOpenApi(): Readonly<Record<string, unknown>> {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Farebox',
      version: '0.1.0',
      description: DESCRIPTION,
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:8787' }],
    security: [{ bearer: [] }, { 'x-api-key': [] }, { 'x-goog-api-key': [] }],
    tags: TAGS,
    paths: toPaths([...RELAYED_ENDPOINTS, ...OWN_ENDPOINTS]),
    components: {
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer' },
        'x-api-key': { type: 'apiKey', in: 'header', name: 'x-api-key' },
        'x-goog-api-key': { type: 'apiKey', in: 'header', name: 'x-goog-api-key' },
      },
      schemas: SCHEMAS,
      headers: HEADERS,
    },
    'x-errors': errorFacts(),
  };
}

const LINE_WIDTH = 100;

/** Writes JSON with each value on one line that fits there, so that the file can be read. */
function writeJson(value: unknown, indent: string): string {
  const line = JSON.stringify(value);
  if (typeof value !== 'object' || value === null || indent.length + line.length <= LINE_WIDTH)
    return line;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? '[]' : '{}';
  const members = Array.isArray(value)
    ? value.map((item) => writeJson(item, inner))
    : Object.entries(value).map(
        ([name, member]) => `${JSON.stringify(name)}: ${writeJson(member, inner)}`,
      );
  return `${open}\n${inner}${members.join(`,\n${inner}`)}\n${indent}${close}`;
}

/** The text of docs/openapi.json. */
export function writeOpenApi(): string {
  return `${writeJson(buildOpenApi(), '')}\n`;
}
