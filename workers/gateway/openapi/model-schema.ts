/** The shape of a model in `GET /v1/models`, which has the members of several providers' own. */
import { PRICES } from './account-schemas.ts';
import {
  BOOLEAN,
  DATE,
  DATE_TIME,
  described,
  INTEGER,
  list,
  object,
  type Schema,
  STRING,
} from './json-schema.ts';

const DECIMAL: Schema = { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?$' };

const UNIT_PRICES: Schema = {
  type: 'object',
  description:
    "USD per unit as decimal text, by OpenRouter's keys: per token, and web_search per search.",
  additionalProperties: DECIMAL,
};

export const MODEL: Schema = object(
  {
    id: STRING,
    object: { const: 'model' },
    type: { const: 'model' },
    display_name: STRING,
    created: INTEGER,
    created_at: DATE_TIME,
    owned_by: STRING,
    context_length: INTEGER,
    max_output_tokens: {
      type: ['integer', 'null'],
      description: 'Null for a model whose answers have no tokens, such as embeddings.',
    },
    endpoints: list(STRING),
    prices_nano_usd_per_million: PRICES,
    deprecated: BOOLEAN,
    name: STRING,
    max_input_tokens: INTEGER,
    max_tokens: {
      type: ['integer', 'null'],
      description: "The largest output limit, Anthropic's name of max_output_tokens.",
    },
    top_provider: object({
      context_length: INTEGER,
      max_completion_tokens: { type: ['integer', 'null'] },
    }),
    architecture: object({ input_modalities: list(STRING), output_modalities: list(STRING) }),
    capabilities: {
      type: 'object',
      description: 'By capability; one that no source states is absent.',
      additionalProperties: object({ supported: BOOLEAN }),
    },
    lifecycle: {
      enum: ['active', 'deprecated', 'retired'],
      description: 'Retired models are not listed; a call to one is passed on.',
    },
    deprecated_at: { type: ['string', 'null'], format: 'date-time' },
    retires_at: { type: ['string', 'null'], format: 'date-time' },
    successor: {
      type: ['string', 'null'],
      description: 'The model that the provider recommends instead.',
    },
    pricing: object(
      {
        overrides: {
          type: 'array',
          items: {
            type: 'object',
            description:
              'min_prompt_tokens (more input tokens than this), utc_days, utc_start and utc_end (HHMM, the end exclusive), except_dates and only_dates (UTC days such as public holidays on which it does not hold, or alone holds), and prices.',
            additionalProperties: true,
          },
        },
        service_tiers: {
          type: 'object',
          description: 'Prices of the other service tiers, by tier.',
          additionalProperties: UNIT_PRICES,
        },
        speeds: {
          type: 'object',
          description: 'Prices of the other speeds, by speed.',
          additionalProperties: UNIT_PRICES,
        },
        regions: {
          type: 'object',
          description: 'Prices of inference kept in a region, by region.',
          additionalProperties: UNIT_PRICES,
        },
        upcoming: {
          type: 'array',
          items: object(
            { from: DATE_TIME, price_rule: STRING },
            { description: 'Prices that hold from a known moment on.', additionalProperties: true },
          ),
        },
      },
      {
        description:
          "OpenRouter's pricing: the price outside every window and size, then overrides. Of the overrides whose conditions all hold, the last one wins per key.",
        additionalProperties: DECIMAL,
      },
    ),
    provider_pricing: {
      type: 'object',
      description:
        "The provider's own prices, in the shape of pricing; absent where the platform has no margin.",
      additionalProperties: true,
    },
    margin_percent: described(STRING, "The platform's margin on the provider's price."),
    price_rule: described(
      STRING,
      'The rule of the price list that holds now: version of the list, a slash, the rule. Bills name theirs.',
    ),
    provider_prices_nano_usd_per_million: PRICES,
    price_source: STRING,
    price_source_date: DATE,
    price_confirmed_on: {
      type: ['string', 'null'],
      format: 'date',
      description: "The day on which the provider's own page was seen to state the price.",
    },
    price_citation: { type: ['string', 'null'] },
    price_disputed: described(
      BOOLEAN,
      "Sources differ; the price is the one of the provider's page.",
    ),
  },
  { optional: ['provider_pricing'] },
);

/** https://ai.google.dev/api/models, without what no source here says. */
export const GOOGLE_MODEL: Schema = object(
  {
    name: STRING,
    baseModelId: STRING,
    displayName: STRING,
    inputTokenLimit: INTEGER,
    outputTokenLimit: INTEGER,
    supportedGenerationMethods: list(STRING),
    thinking: BOOLEAN,
  },
  { optional: ['outputTokenLimit', 'thinking'] },
);
