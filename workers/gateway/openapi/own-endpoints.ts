/** What the document says of the endpoints that Farebox itself answers. */
import type { Generation } from '@farebox/ledger';
import { NO_USAGE } from '@farebox/money';
import { generationJson } from '../account-endpoints.ts';
import { MAX_BODY_BYTES } from '../body-reader.ts';
import { CREDITS } from './account-schemas.ts';
import type { Step } from './error-steps.ts';
import { ID_HEADERS } from './headers.ts';
import {
  BOOLEAN,
  DATE,
  described,
  INTEGER,
  list,
  nullable,
  object,
  type Parameter,
  ref,
  type Schema,
  STRING,
} from './json-schema.ts';
import { BODY_STEPS, type Endpoint, modelPage } from './relayed-endpoints.ts';
import { dataSuccess, errorResponses, success } from './responses.ts';

const KEY_STEPS: readonly Step[] = ['request', 'key'];
const MODEL_STEPS: readonly Step[] = ['request', 'list'];

const EXAMPLE_ID = '0123456789abcdef0123456789abcdef';

/** A bill as the code writes it. */
const EXAMPLE_CALL: Generation = {
  id: EXAMPLE_ID,
  model: 'openai/gpt-5.4',
  provider: 'openai',
  dialect: 'chat',
  stream: false,
  httpStatus: 200,
  status: 'settled',
  reason: 'provider_reported',
  usage: { ...NO_USAGE, input_uncached: 8, output: 12 },
  prices: {
    input_uncached: 2_500_000_000n,
    cache_read: 250_000_000n,
    cache_write_5m: 2_500_000_000n,
    cache_write_30m: 2_500_000_000n,
    cache_write_1h: 2_500_000_000n,
    cache_write_12h: 2_500_000_000n,
    output: 15_000_000_000n,
  },
  priceRule: '2026-11-23/standard',
  providerCost: null,
  marginBasisPoints: 0,
  firstTokenMs: null,
  totalMs: 840,
  fees: [],
  charged: 200_000n,
  shortfall: 0n,
  createdAt: Date.UTC(2026, 10, 27),
  settledAt: Date.UTC(2026, 10, 27, 0, 0, 1),
};

const EXAMPLE_PRICES = {
  input_uncached: '2500000000',
  cache_read: '250000000',
  cache_write_5m: '2500000000',
  cache_write_30m: '2500000000',
  cache_write_1h: '2500000000',
  cache_write_12h: '2500000000',
  output: '15000000000',
};

const EXAMPLE_KEY = {
  key_id: 3,
  created_at: '2026-11-02T09:30:00.000Z',
  expires_at: null,
  spent_nano_usd: '1250000000',
  held_nano_usd: '1500000',
  budget_nano_usd: '20000000000',
  budget_left_nano_usd: '18748500000',
  period_budgets: [
    {
      period: 'day',
      budget_nano_usd: '5000000000',
      spent_nano_usd: '310000000',
      left_nano_usd: '4688500000',
      resets_at: '2026-11-28T00:00:00.000Z',
    },
  ],
  spendable_nano_usd: '4688500000',
  models: ['openai/gpt-5.4'],
  max_output_price_nano_usd: null,
  calls_per_minute: 60,
  concurrent_calls: null,
};

/** Of the example that the endpoint takes: 100 output tokens and an upper bound of the prompt. */
const EXAMPLE_ESTIMATE = {
  model: 'openai/gpt-5.4',
  provider: 'openai',
  dialect: 'chat',
  estimated_input_tokens: 8,
  max_input_tokens: 20,
  max_output: 100,
  max_output_capped: false,
  choices: 1,
  max_outputs: 1,
  prices: EXAMPLE_PRICES,
  provider_prices: EXAMPLE_PRICES,
  margin_percent: '0',
  estimated_input_nano_usd: '20000',
  hold_nano_usd: '1550000',
  hold_usd: '0.00155',
  available_nano_usd: '4998500000',
  affordable: true,
};

const EXAMPLE_MODEL = {
  id: 'openai/gpt-5.4',
  object: 'model',
  type: 'model',
  display_name: 'GPT-5.4',
  created: 1_772_668_800,
  created_at: '2026-03-05T00:00:00Z',
  owned_by: 'openai',
  context_length: 1_050_000,
  max_output_tokens: 128_000,
  endpoints: ['/v1/chat/completions', '/v1/responses'],
  prices_nano_usd_per_million: EXAMPLE_PRICES,
  deprecated: false,
  name: 'GPT-5.4',
  max_input_tokens: 922_000,
  max_tokens: 128_000,
  top_provider: { context_length: 1_050_000, max_completion_tokens: 128_000 },
  architecture: { input_modalities: ['text', 'image'], output_modalities: ['text'] },
  capabilities: { thinking: { supported: true } },
  lifecycle: 'active',
  deprecated_at: null,
  retires_at: null,
  successor: null,
  pricing: {
    prompt: '0.0000025',
    completion: '0.000015',
    input_cache_read: '0.00000025',
    overrides: [],
    service_tiers: {},
    speeds: {},
    regions: {},
    upcoming: [],
  },
  margin_percent: '0',
  price_rule: '2026-11-23/standard',
  provider_prices_nano_usd_per_million: EXAMPLE_PRICES,
  price_source: 'openai',
  price_source_date: '2026-11-23',
  price_confirmed_on: '2026-11-23',
  price_citation: 'https://openai.com/api/pricing/',
  price_disputed: false,
};

const EXAMPLE_GOOGLE_MODEL = {
  name: 'models/gemini-3.8-flash',
  baseModelId: 'gemini-3.8-flash',
  displayName: 'Gemini 3.8 Flash',
  inputTokenLimit: 1_048_576,
  outputTokenLimit: 65_536,
  supportedGenerationMethods: ['generateContent', 'streamGenerateContent', 'countTokens'],
  thinking: true,
};

const EXAMPLE_MODEL_LIST = {
  object: 'list',
  data: [EXAMPLE_MODEL],
  prices_dated: '2026-11-23',
};

/** The public key of RFC 8037, appendix A.2. */
const EXAMPLE_STATEMENT_KEYS = {
  keys: [
    {
      kty: 'OKP',
      crv: 'Ed25519',
      alg: 'EdDSA',
      use: 'sig',
      kid: '1',
      x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo',
    },
  ],
};

const ID_PARAMETER: Parameter = {
  name: 'id',
  in: 'path',
  required: true,
  schema: STRING,
  example: 'openai/gpt-5.4',
};

const OPEN_OR_KEY = [{}, { bearer: [] }] as const;

const MODEL_LIST: Schema = object(
  {
    object: { const: 'list' },
    data: list(ref('Model')),
    prices_dated: described(DATE, 'The date of the price list.'),
    first_id: nullable(STRING, 'Of a page; Anthropic’s list.'),
    last_id: nullable(STRING, 'Of a page; Anthropic’s list.'),
    has_more: described(BOOLEAN, 'Whether a page follows; Anthropic’s list.'),
  },
  { optional: ['object', 'prices_dated', 'first_id', 'last_id', 'has_more'] },
);

function pageLimit(dialect: 'messages' | 'gemini'): Schema {
  const { defaultLimit, maxLimit } = modelPage(dialect);
  return { ...INTEGER, minimum: 1, maximum: maxLimit, default: defaultLimit };
}

const ANTHROPIC_ONLY = 'for requests with an anthropic-version header.';

const MODELS: readonly Endpoint[] = [
  {
    method: 'get',
    path: '/v1/models',
    operation: {
      operationId: 'listModels',
      tags: ['Models'],
      summary: 'List models',
      security: OPEN_OR_KEY,
      parameters: [
        {
          name: 'limit',
          in: 'query',
          description: `Models per page, ${ANTHROPIC_ONLY}`,
          schema: pageLimit('messages'),
        },
        {
          name: 'after_id',
          in: 'query',
          description: `The page after this model, ${ANTHROPIC_ONLY}`,
          schema: STRING,
        },
        {
          name: 'before_id',
          in: 'query',
          description: `The page before this model, ${ANTHROPIC_ONLY}`,
          schema: STRING,
        },
      ],
      responses: {
        ...success(
          'OpenAI’s list of every model; for requests with an anthropic-version header, Anthropic’s pages of the models that /v1/messages can call, the newest first.',
          MODEL_LIST,
          EXAMPLE_MODEL_LIST,
        ),
        ...errorResponses({ steps: MODEL_STEPS, dialect: 'chat' }),
      },
    },
  },
  {
    method: 'get',
    path: '/v1/models/{id}',
    operation: {
      operationId: 'retrieveModel',
      tags: ['Models'],
      summary: 'Retrieve a model',
      description:
        'Takes every name that calls accept: aliases, dated names, models/... and the suffix [1m].',
      security: OPEN_OR_KEY,
      parameters: [ID_PARAMETER],
      responses: {
        ...success('The model.', ref('Model'), EXAMPLE_MODEL),
        ...errorResponses({ steps: [...MODEL_STEPS, 'model'], dialect: 'chat' }),
      },
    },
  },
  {
    method: 'get',
    path: '/v1beta/models',
    operation: {
      operationId: 'listModelsInGeminiShape',
      tags: ['Models'],
      summary: 'List the models of Gemini’s API',
      description:
        'In Google’s shape and pages (pageSize, pageToken): only models that generateContent serves. GET /v1/models answers the same to a key in x-goog-api-key.',
      security: OPEN_OR_KEY,
      parameters: [
        { name: 'pageSize', in: 'query', schema: pageLimit('gemini') },
        { name: 'pageToken', in: 'query', schema: STRING },
      ],
      responses: {
        ...success(
          'A page of models.',
          object(
            { models: list(ref('GoogleModel')), nextPageToken: STRING },
            { optional: ['nextPageToken'] },
          ),
          { models: [EXAMPLE_GOOGLE_MODEL], nextPageToken: EXAMPLE_GOOGLE_MODEL.name },
        ),
        ...errorResponses({ steps: MODEL_STEPS, dialect: 'gemini' }),
      },
    },
  },
  {
    method: 'get',
    path: '/v1beta/models/{id}',
    operation: {
      operationId: 'retrieveModelInGeminiShape',
      tags: ['Models'],
      summary: 'Retrieve a model in Google’s shape',
      description:
        'Takes every name that calls accept: aliases, dated names, models/... and the suffix [1m].',
      security: OPEN_OR_KEY,
      parameters: [{ ...ID_PARAMETER, example: 'gemini-3.8-flash' }],
      responses: {
        ...success('The model.', ref('GoogleModel'), EXAMPLE_GOOGLE_MODEL),
        ...errorResponses({ steps: [...MODEL_STEPS, 'model'], dialect: 'gemini' }),
      },
    },
  },
];

const ESTIMATE: Endpoint = {
  method: 'post',
  path: '/v1/estimate',
  operation: {
    operationId: 'estimateCostOfRequest',
    tags: ['Account'],
    summary: 'Estimate the cost of a request',
    description: 'Takes the body of any endpoint; holds, sends and charges nothing.',
    requestBody: {
      required: true,
      content: {
        'application/json': {
          schema: { type: 'object', additionalProperties: true },
          example: {
            model: 'openai/gpt-5.4',
            max_tokens: 100,
            messages: [{ role: 'user', content: 'Hello' }],
          },
        },
        'multipart/form-data': {
          schema: {
            type: 'object',
            additionalProperties: true,
            description: 'The form of an operation that takes one.',
          },
        },
      },
    },
    responses: {
      ...dataSuccess('The estimate.', ref('Estimate'), EXAMPLE_ESTIMATE),
      ...errorResponses({ steps: BODY_STEPS, dialect: 'chat', maxBytes: MAX_BODY_BYTES }),
    },
  },
};

const STATEMENT_KEYS: Endpoint = {
  method: 'get',
  path: '/.well-known/farebox-keys.json',
  operation: {
    operationId: 'listStatementKeys',
    tags: ['Account'],
    summary: 'List the public keys of statements',
    description: 'A JSON Web Key Set (RFC 7517) of Ed25519 keys. Needs no API key.',
    security: [],
    responses: {
      200: {
        description: 'The keys.',
        headers: ID_HEADERS,
        content: {
          'application/jwk-set+json': {
            schema: object({
              keys: list(
                object({
                  kty: { const: 'OKP' },
                  crv: { const: 'Ed25519' },
                  alg: { const: 'EdDSA' },
                  use: { const: 'sig' },
                  kid: STRING,
                  x: STRING,
                }),
              ),
            }),
            example: EXAMPLE_STATEMENT_KEYS,
          },
        },
      },
      ...errorResponses({ steps: ['request', 'key'], dialect: 'chat' }),
    },
  },
};

const ACCOUNT: readonly Endpoint[] = [
  STATEMENT_KEYS,
  {
    method: 'get',
    path: '/v1/generation/{id}',
    operation: {
      operationId: 'retrieveBillOfCall',
      tags: ['Account'],
      summary: 'Retrieve the bill of a call',
      description:
        'Returns 404 if no call was admitted under this id, or if it belongs to another account.',
      parameters: [{ ...ID_PARAMETER, example: EXAMPLE_ID }],
      responses: {
        ...dataSuccess('The bill.', ref('Generation'), generationJson(EXAMPLE_CALL)),
        ...errorResponses({ steps: [...KEY_STEPS, 'bill'], dialect: 'chat' }),
      },
    },
  },
  {
    method: 'get',
    path: '/v1/credits',
    operation: {
      operationId: 'retrieveBalance',
      tags: ['Account'],
      summary: 'Retrieve the balance',
      responses: {
        ...dataSuccess('The balance.', CREDITS, {
          posted_nano_usd: '5000000000',
          held_nano_usd: '1500000',
          available_nano_usd: '4998500000',
        }),
        ...errorResponses({ steps: KEY_STEPS, dialect: 'chat' }),
      },
    },
  },
  {
    method: 'get',
    path: '/v1/key',
    operation: {
      operationId: 'retrieveKey',
      tags: ['Account'],
      summary: 'Retrieve the API key’s limits and usage',
      responses: {
        ...dataSuccess('The key’s limits and usage.', ref('Key'), EXAMPLE_KEY),
        ...errorResponses({ steps: KEY_STEPS, dialect: 'chat' }),
      },
    },
  },
];

export const OWN_ENDPOINTS: readonly Endpoint[] = [...MODELS, ESTIMATE, ...ACCOUNT];
