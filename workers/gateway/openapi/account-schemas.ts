/** The shapes of an account: the bill of a call, the balance, the key, and estimates. */
import { BUDGET_PERIODS, CALL_STATUSES, RECORDED_DIALECTS } from '@farebox/ledger';
import { BUCKETS, USAGE_FIELDS } from '@farebox/money';
import {
  amount,
  BOOLEAN,
  COUNT,
  DATE_TIME,
  described,
  INTEGER,
  list,
  NANO_USD,
  nullable,
  nullableAmount,
  object,
  oneOf,
  ref,
  type Schema,
  STRING,
} from './json-schema.ts';

const PRICE: Schema = {
  type: 'string',
  pattern: '^[0-9]+$',
  description: 'A price in nano-USD per million tokens, an integer as a string.',
};

export const PRICES: Schema = object(Object.fromEntries(BUCKETS.map((bucket) => [bucket, PRICE])));

const USAGE: Schema = object(
  Object.fromEntries(
    USAGE_FIELDS.map((field) => [
      field,
      field === 'output_reasoning' ? described(COUNT, 'Included in `output`.') : COUNT,
    ]),
  ),
);

export const CREDITS: Schema = object({
  posted_nano_usd: NANO_USD,
  held_nano_usd: NANO_USD,
  available_nano_usd: NANO_USD,
});

export const GENERATION: Schema = object({
  id: { type: 'string', pattern: '^[0-9a-f]{32}$' },
  model: STRING,
  provider: STRING,
  dialect: oneOf(RECORDED_DIALECTS),
  stream: BOOLEAN,
  http_status: nullable(INTEGER),
  status: oneOf(CALL_STATUSES),
  reason: nullable(ref('Reason')),
  usage: nullable(USAGE),
  prices: nullable(PRICES),
  price_rule: {
    type: ['string', 'null'],
    description:
      'What gave the prices: `<version of the price list>/<rule>`, with the applied factors (a service tier, a speed, a region) after `+`. Null for calls before 2026-12.',
  },
  provider_cost_nano_usd: nullableAmount(
    'What the provider itself says that the call cost (xAI, OpenRouter), in nano-USD, an integer as a string. The bill does not follow from it. Null where the provider says nothing, and for calls before 2026-12.',
  ),
  margin_percent: {
    type: ['string', 'null'],
    description:
      "The platform's margin on the provider's prices, which prices and cost contain. Null until the bill is made, and for calls before 2026-12.",
  },
  provider_prices: nullable({
    type: 'object',
    description:
      "The provider's own prices: `prices` without the margin, in nano-USD per million tokens, integers as strings.",
    additionalProperties: { type: 'string', pattern: '^[0-9]+$' },
  }),
  cost_at_provider_prices_nano_usd: nullableAmount(
    "The cost and shortfall at the provider's own prices, in nano-USD, an integer as a string. Null where margin_percent is.",
  ),
  fees: {
    type: 'array',
    items: object({
      kind: ref('FeeKind'),
      count: COUNT,
      cost_nano_usd: NANO_USD,
      cost_at_provider_prices_nano_usd: nullableAmount("The same at the provider's own price."),
    }),
  },
  cost_nano_usd: NANO_USD,
  cost_usd: described(STRING, 'A decimal number as a string.'),
  shortfall_nano_usd: amount(
    'The part of the cost that the balance did not cover. Farebox absorbs it; it is never charged later.',
  ),
  first_token_ms: nullable(
    INTEGER,
    'Milliseconds from the arrival of the request to the first output of a streamed answer. Null of other answers, and where none came.',
  ),
  total_ms: nullable(
    INTEGER,
    'Milliseconds from the arrival of the request to the end of its answer. Null until the bill is made, and of calls from before it was kept.',
  ),
  created_at: DATE_TIME,
  settled_at: nullable(DATE_TIME),
});

export const KEY: Schema = object({
  key_id: INTEGER,
  created_at: DATE_TIME,
  expires_at: nullable(DATE_TIME),
  spent_nano_usd: NANO_USD,
  held_nano_usd: NANO_USD,
  budget_nano_usd: nullable(NANO_USD),
  budget_left_nano_usd: nullable(NANO_USD),
  period_budgets: {
    type: 'array',
    description:
      'The budgets that renew, in UTC: each day, each Monday, and on the first of each month. A call must fit each of them.',
    items: object({
      period: oneOf(BUDGET_PERIODS),
      budget_nano_usd: NANO_USD,
      spent_nano_usd: amount(
        'What was charged in the period, in nano-USD; below zero where late settlements gave back more.',
      ),
      left_nano_usd: amount(
        'What calls can still reserve, in nano-USD: the budget without what was charged and what open calls reserve.',
      ),
      resets_at: DATE_TIME,
    }),
  },
  spendable_nano_usd: amount(
    "The least of the available balance, what is left of the budget and what is left of each period's budget, in nano-USD.",
  ),
  models: nullable(list(STRING)),
  max_output_price_nano_usd: nullable(
    amount(
      'The highest price of a model that the key may call, in nano-USD per million output tokens.',
    ),
  ),
  calls_per_minute: nullable(INTEGER),
  concurrent_calls: nullable(INTEGER),
});

export const ESTIMATE: Schema = object(
  {
    model: STRING,
    provider: STRING,
    dialect: STRING,
    estimated_input_tokens: INTEGER,
    max_input_tokens: INTEGER,
    max_output: INTEGER,
    max_output_capped: BOOLEAN,
    choices: INTEGER,
    max_outputs: described(
      INTEGER,
      'How many times the output limit may be used up: once for each choice, for each turn of a loop that the provider runs over its own tools, and for each compaction. The hold covers all of them.',
    ),
    prices: PRICES,
    provider_prices: {
      ...PRICES,
      description: "The provider's own prices, without the platform's margin.",
    },
    margin_percent: described(
      STRING,
      "The platform's margin on the provider's prices, which prices and amounts contain.",
    ),
    estimated_input_nano_usd: amount(
      'What the input alone is likely to cost, in nano-USD, an integer as a string.',
    ),
    estimated_nano_usd: amount(
      "What the whole call is likely to cost, in nano-USD, an integer as a string. Absent for a conversation, whose output can't be foreseen.",
    ),
    hold_nano_usd: NANO_USD,
    hold_usd: STRING,
    available_nano_usd: NANO_USD,
    affordable: BOOLEAN,
    estimated_fees: {
      type: 'array',
      description:
        'What an operation is expected to use beside tokens in buckets: images, seconds, characters, searches. Absent for a conversation.',
      items: object({
        kind: ref('FeeKind'),
        count: INTEGER,
        nano_usd_per_million: { type: 'string', pattern: '^[0-9]+$' },
      }),
    },
  },
  { optional: ['estimated_nano_usd', 'estimated_fees'] },
);
