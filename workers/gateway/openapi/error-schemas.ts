/** The shapes of errors: ours in each dialect, and those that a provider's own have. */
import { DIALECT_SPECS, type Dialect } from '@farebox/dialects';
import { BUDGET_PERIODS } from '@farebox/ledger';
import { errorBody } from '../error-response.ts';
import type { ApiError } from '../errors.ts';
import {
  DATE_TIME,
  described,
  INTEGER,
  list,
  NANO_USD,
  nullable,
  object,
  oneOf,
  ref,
  type Schema,
  STRING,
} from './json-schema.ts';

/** What is there beside the message, whichever is known. */
const DETAILS: Readonly<Record<string, Schema>> = {
  param: nullable(STRING),
  request_id: STRING,
  missing_nano_usd: NANO_USD,
  missing_usd: STRING,
  affordable_max_output_tokens: INTEGER,
  budget_period: described(
    oneOf(BUDGET_PERIODS),
    "With key_limit_exceeded: the budget that is too small, absent where it is the one of the key's whole life.",
  ),
  budget_resets_at: described(DATE_TIME, 'When that budget renews.'),
  details: described(
    object({ error_code: STRING }),
    'In Anthropic’s shape: the code by which its SDKs know the error.',
  ),
};

const EXAMPLE_REQUEST_ID = '0123456789abcdef0123456789abcdef';

/** An error as the code writes it. */
function example(apiError: ApiError, dialect: Dialect): unknown {
  return JSON.parse(errorBody(apiError, dialect, EXAMPLE_REQUEST_ID));
}

const BALANCE: ApiError = {
  reason: 'insufficient_balance',
  missingAmount: 1_200_000n,
  affordableOutput: 20,
};
const MODEL: ApiError = {
  reason: 'model_not_found',
  model: 'gpt-5.44',
  suggestions: ['openai/gpt-5.4'],
};

export const ERROR: Schema = object(
  {
    type: { const: 'error' },
    error: object(
      {
        message: STRING,
        type: STRING,
        code: {
          anyOf: [ref('ErrorCode'), { const: 'previous_response_not_found' }],
          description:
            'In OpenAI’s shape an error that its clients know by a code of OpenAI’s has that one: previous_response_not_found for unsupported_feature.',
        },
        ...DETAILS,
      },
      { optional: Object.keys(DETAILS) },
    ),
    request_id: STRING,
  },
  {
    description: "OpenAI's shape, or Anthropic's shape with `type: error`.",
    optional: ['type', 'request_id'],
    examples: [example(BALANCE, 'chat'), example(BALANCE, 'messages')],
  },
);

/** https://cloud.google.com/apis/design/errors: a status and a list of details by type. */
export const GOOGLE_ERROR: Schema = object(
  {
    error: object({
      code: described(INTEGER, 'The HTTP status.'),
      message: STRING,
      status: described(STRING, 'The status in the words of google.rpc.Code.'),
      details: described(
        list(object({ '@type': STRING }, { additionalProperties: true })),
        'ErrorInfo has our code in capitals as its reason, RequestInfo the id of the request, RetryInfo the pause before a retry.',
      ),
    }),
  },
  { description: "Google's shape.", examples: [example(MODEL, 'gemini')] },
);

/** What a provider answers to a request that it refuses, by the dialect that it is asked in. */
const REJECTIONS = {
  chat: {
    error: {
      message: "Unsupported value: 'temperature' does not support 0.5 with this model.",
      type: 'invalid_request_error',
      param: 'temperature',
      code: 'unsupported_value',
    },
  },
  messages: {
    type: 'error',
    error: {
      type: 'invalid_request_error',
      message: 'messages: text content blocks must be non-empty',
    },
  },
  gemini: {
    error: {
      code: 400,
      message: 'Unable to submit request because it must have a text parameter.',
      status: 'INVALID_ARGUMENT',
    },
  },
} as const;

/** A rejection as the code forwards it. */
function forwardedExample(dialect: keyof typeof REJECTIONS): unknown {
  const { errors } = DIALECT_SPECS[dialect];
  const rejection = REJECTIONS[dialect];
  if (!errors.isNative(rejection)) throw new Error(`No ${dialect} client reads this error.`);
  return JSON.parse(errors.forwardToJson(rejection, EXAMPLE_REQUEST_ID));
}

export const PROVIDER_ERROR: Schema = object(
  {
    error: object(
      { message: STRING },
      { additionalProperties: true, description: 'With our id of the request.' },
    ),
  },
  {
    additionalProperties: true,
    description:
      "A provider's own error about the request, in the caller's dialect and without our codes.",
    examples: [forwardedExample('chat'), forwardedExample('messages'), forwardedExample('gemini')],
  },
);
