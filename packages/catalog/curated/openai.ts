/** What developers.openai.com says of OpenAI's models. */
import {
  type CuratedLifecycle,
  type CuratedModel,
  type CuratedProvider,
  FLEX,
  nanoPrices,
  tierFactor,
  timesPrices,
  type UsdPrices,
} from './curated-model.ts';
import { OPENAI_OPERATION_MODELS } from './openai-operations.ts';

const MODEL_PAGES = 'https://developers.openai.com/api/docs/models';

/**
 * "More than 272K input tokens": input and cache at twice the price, output at 1.5 times, for the
 * whole request. Exactly 272,000 tokens are a short request.
 */
const LONG_CONTEXT_TOKENS = 272_000;

function longContextPrices(prices: UsdPrices): CuratedModel['prices'] {
  // Usage that does not tell the lifetimes of writes apart counts them all in the first bucket.
  const standard = nanoPrices({ ...prices, cache_write_5m: prices.cache_write_30m });
  return [
    { id: 'standard', when: {}, prices: standard },
    {
      id: 'long-context',
      when: { input: { tokens: LONG_CONTEXT_TOKENS, inclusive: false } },
      prices: timesPrices(standard, { output: [3, 2] }, [2, 1]),
    },
  ];
}

const GPT_6 = {
  limits: { context: 1_050_000, output: 128_000 },
  hidesReasoning: true,
  capabilities: {
    tools: true,
    structuredOutput: true,
    reasoning: true,
    imageInput: true,
    documentInput: true,
  },
  factors: [],
  firstHand: true,
} as const;

const MODELS: readonly CuratedModel[] = [
  {
    ...GPT_6,
    id: 'gpt-6.2-astra',
    displayName: 'GPT-6.2 Astra',
    lifecycle: { released: '2026-11-17' },
    // The page of its sibling prices a 12-hour write at twice the 30-minute one; this model's page
    // was seen with the 30-minute price only.
    prices: longContextPrices({
      input_uncached: '8',
      cache_read: '0.4',
      cache_write_30m: '10',
      cache_write_12h: '20',
      output: '40',
    }),
    page: `${MODEL_PAGES}/gpt-6.2-astra`,
    seenOn: '2026-11-18',
    firstHand: false,
  },
  {
    ...GPT_6,
    id: 'gpt-6.2-sol',
    displayName: 'GPT-6.2 Sol',
    lifecycle: { released: '2026-11-17' },
    prices: longContextPrices({
      input_uncached: '2',
      cache_read: '0.1',
      cache_write_30m: '2.5',
      cache_write_12h: '5',
      output: '10',
    }),
    page: `${MODEL_PAGES}/gpt-6.2-sol`,
    seenOn: '2026-11-18',
  },
  {
    ...GPT_6,
    id: 'gpt-6.1-terra',
    displayName: 'GPT-6.1 Terra',
    lifecycle: { released: '2026-10-26' },
    prices: longContextPrices({
      input_uncached: '1',
      cache_read: '0.05',
      cache_write_30m: '1.25',
      cache_write_12h: '2.5',
      output: '5',
    }),
    page: `${MODEL_PAGES}/gpt-6.1-terra`,
    seenOn: '2026-10-27',
  },
  {
    ...GPT_6,
    id: 'gpt-6.1-sol',
    names: ['gpt-6.1-sol-2026-09-29'],
    displayName: 'GPT-6.1 Sol',
    lifecycle: { released: '2026-09-29', successor: 'gpt-6.2-sol' },
    prices: longContextPrices({
      input_uncached: '2',
      cache_read: '0.1',
      cache_write_30m: '2.5',
      output: '10',
    }),
    page: `${MODEL_PAGES}/gpt-6.1-sol`,
    seenOn: '2026-10-13',
  },
];

const DEPRECATIONS = {
  page: 'https://developers.openai.com/api/docs/deprecations',
  seenOn: '2026-10-28',
  firstHand: true,
} as const;

/** The notices of 2026-04-22 and 2026-06-11 on OpenAI's page. */
const retiring = (
  retiresOn: string,
  successor: string,
  ids: readonly string[],
  deprecatedOn: string | null = null,
): CuratedLifecycle => ({
  ...DEPRECATIONS,
  ids,
  lifecycle: { deprecatedOn, retiresOn, successor },
});

const TIERS = {
  page: 'https://developers.openai.com/api/docs/pricing',
  seenOn: '2026-11-05',
  firstHand: true,
} as const;

const FAST_PAGE = { page: 'https://openai.com/api-fast-mode/', seenOn: '2026-08-20' } as const;

/** OpenAI's `priority` is called Fast mode since 2026-07-30; both names ask for the same tier. */
const PRIORITY = tierFactor('priority', 2);
const ULTRAFAST = tierFactor('ultrafast', 6);

const JULY = {
  ...DEPRECATIONS,
  seenOn: '2026-05-14',
  retiresOn: '2026-07-23',
  successor: 'gpt-6.2-sol',
} as const;
const AUGUST = {
  ...DEPRECATIONS,
  seenOn: '2026-05-14',
  retiresOn: '2026-08-10',
  successor: 'gpt-6.2-sol',
} as const;

const TOOLS = {
  page: 'https://developers.openai.com/api/docs/pricing#built-in-tools',
  seenOn: '2026-11-05',
  firstHand: true,
} as const;

export const OPENAI: CuratedProvider = {
  id: 'openai',
  models: [...MODELS, ...OPENAI_OPERATION_MODELS],
  lifecycles: [
    retiring('2023-09-13', 'gpt-6.1-terra', ['gpt-3.5-0301']),
    retiring('2024-09-13', 'gpt-6.1-terra', ['gpt-3.5-turbo-0613', 'gpt-3.5-turbo-16k']),
    retiring('2025-06-06', 'gpt-6.2-sol', ['gpt-4-32k']),
    retiring('2024-12-06', 'gpt-6.2-sol', ['gpt-4-vision-preview']),
    retiring('2025-07-14', 'gpt-6.2-sol', ['gpt-4.5-preview']),
    retiring('2025-07-28', 'gpt-6.2-sol', ['o1-preview']),
    retiring('2025-10-27', 'gpt-6.1-terra', ['o1-mini']),
    retiring('2026-01-16', 'gpt-6.2-sol', ['codex-mini']),
    retiring('2026-02-17', 'gpt-6.2-sol', ['chatgpt-4o-latest']),
    retiring(
      '2026-07-23',
      'gpt-6.2-sol',
      [
        'computer-use',
        'gpt-5.1-codex-mini',
        'o3-deep-research',
        'o4-mini-deep-research',
        'gpt-4o-search-preview',
      ],
      '2026-04-22',
    ),
    retiring(
      '2026-07-23',
      'gpt-audio',
      ['gpt-4o-audio-preview', 'gpt-4o-mini-audio-preview'],
      '2026-04-22',
    ),
    retiring(
      '2026-10-23',
      'gpt-6.1-terra',
      ['gpt-3.5-turbo', 'gpt-3.5-turbo-1106', 'o4-mini'],
      '2026-04-22',
    ),
    retiring(
      '2026-10-23',
      'gpt-6.2-sol',
      ['gpt-4', 'gpt-4-turbo', 'gpt-4o-2024-05-13', 'o1', 'o1-pro', 'o3-mini'],
      '2026-04-22',
    ),
    retiring('2026-10-23', 'gpt-6-luna', ['gpt-4.1-nano'], '2026-04-22'),
    retiring('2026-12-11', 'gpt-6.1-sol', ['gpt-5', 'gpt-5-pro', 'o3', 'o3-pro'], '2026-06-11'),
    retiring('2026-12-11', 'gpt-6.1-terra', ['gpt-5-mini'], '2026-06-11'),
    retiring('2026-12-11', 'gpt-6-luna', ['gpt-5-nano'], '2026-06-11'),
    retiring(
      '2027-01-14',
      'gpt-6-luna',
      ['gpt-4o', 'gpt-4o-mini', 'gpt-4.1', 'gpt-4.1-mini'],
      '2026-10-14',
    ),
    retiring('2027-04-01', 'gpt-6.1-sol', ['gpt-5.1', 'gpt-5.3-codex']),
    retiring('2027-04-01', 'gpt-6-luna', ['gpt-5.4-nano']),
    {
      ...DEPRECATIONS,
      ids: ['gpt-6-astra'],
      lifecycle: { successor: 'gpt-6.2-astra' },
      page: 'https://developers.openai.com/api/docs/models/gpt-6.2-astra',
      seenOn: '2026-11-18',
    },
    {
      ...DEPRECATIONS,
      ids: ['gpt-6-sol'],
      lifecycle: { successor: 'gpt-6.2-sol' },
      page: 'https://developers.openai.com/api/docs/models/gpt-6.2-sol',
      seenOn: '2026-11-18',
    },
  ],
  factors: [
    {
      ...TIERS,
      ids: ['gpt-6-sol', 'gpt-6-luna', 'gpt-6.1-terra'],
      factors: [FLEX, PRIORITY],
    },
    {
      ...TIERS,
      ids: ['gpt-6-astra', 'gpt-6.1-sol'],
      factors: [FLEX, PRIORITY, ULTRAFAST],
      page: 'https://developers.openai.com/api/docs/guides/ultrafast-mode',
      seenOn: '2026-10-13',
    },
    // The pricing page has no Flex row for either model of 6.2.
    { ...TIERS, ids: ['gpt-6.2-astra'], factors: [PRIORITY, ULTRAFAST], seenOn: '2026-11-18' },
    {
      ...TIERS,
      ids: ['gpt-6.2-sol'],
      // "3 times the Standard rate through February 28, 2027, and 6 times starting March 1".
      factors: [
        PRIORITY,
        {
          id: 'ultrafast-introductory',
          when: { tier: 'ultrafast', until: '2027-03-01' },
          numerator: 3,
          denominator: 1,
        },
        ULTRAFAST,
      ],
      page: 'https://developers.openai.com/api/docs/models/gpt-6.2-sol',
      seenOn: '2026-11-18',
    },
    {
      ...TIERS,
      ...FAST_PAGE,
      ids: [
        'gpt-5.6-sol',
        'gpt-5.6-terra',
        'gpt-5.6-luna',
        'gpt-5.4',
        'gpt-5.4-mini',
        'gpt-5.2',
        'gpt-5.1',
      ],
      factors: [FLEX, PRIORITY],
    },
    {
      ...TIERS,
      ...FAST_PAGE,
      ids: ['gpt-5.5'],
      // 12.50 / 1.25 / 75 against 5 / 0.50 / 30.
      factors: [FLEX, tierFactor('priority', 5, 2)],
    },
    { ...TIERS, ...FAST_PAGE, ids: ['gpt-5'], factors: [FLEX, PRIORITY] },
    { ...TIERS, ...FAST_PAGE, ids: ['gpt-5.3-codex'], factors: [PRIORITY], firstHand: false },
    {
      ...TIERS,
      ids: ['gpt-5.4-nano', 'gpt-5.4-pro', 'gpt-5.5-pro', 'gpt-5-mini', 'gpt-5-nano', 'o3'],
      factors: [FLEX],
      firstHand: false,
    },
  ],
  toolPrices: [
    // Chat search models bill the preview tool for non-reasoning models: search content is free.
    {
      ...TOOLS,
      models: /-search-preview/,
      kind: 'web_search',
      usdPerThousand: 25,
      overridesSource: true,
    },
    { ...TOOLS, models: /^gpt-[6-9]/, kind: 'web_search', usdPerThousand: 10 },
    { ...TOOLS, models: /./, kind: 'web_search', usdPerThousand: 25 },
  ],
  retiredNames: [
    { ...JULY, model: 'gpt-5', names: ['gpt-5-chat-latest', 'gpt-5-chat'] },
    { ...JULY, model: 'gpt-5', names: ['gpt-5-codex'] },
    {
      ...JULY,
      model: 'gpt-5.1',
      names: ['gpt-5.1-chat-latest', 'gpt-5.1-chat', 'gpt-5-1-chat', 'gpt-5-1-chat-latest'],
    },
    {
      ...JULY,
      model: 'gpt-5.1',
      names: ['gpt-5.1-codex', 'gpt-5-1-codex', 'gpt-5.1-codex-max', 'gpt-5-1-codex-max'],
    },
    { ...JULY, model: 'gpt-5.2', names: ['gpt-5.2-codex', 'gpt-5-2-codex'] },
    {
      ...JULY,
      model: 'gpt-4o-mini',
      names: ['gpt-4o-mini-search-preview', 'gpt-4o-mini-search-preview-2025-03-11'],
    },
    {
      ...AUGUST,
      model: 'gpt-5.2',
      names: ['gpt-5.2-chat-latest', 'gpt-5.2-chat', 'gpt-5-2-chat', 'gpt-5-2-chat-latest'],
    },
    {
      ...AUGUST,
      model: 'gpt-5.3',
      names: [
        'gpt-5.3-chat-latest',
        'gpt-5.3',
        'gpt-5.3-chat',
        'gpt-5-3',
        'gpt-5-3-chat',
        'gpt-5-3-chat-latest',
      ],
    },
  ],
  edges: [
    // The source counts some models' edge from 271,999.
    {
      sourceTokens: LONG_CONTEXT_TOKENS - 1,
      tokens: LONG_CONTEXT_TOKENS,
      inclusive: false,
      page: `${MODEL_PAGES}/gpt-6.2-sol`,
      seenOn: '2026-11-18',
      firstHand: true,
    },
  ],
  notServed: /^gpt-oss|-image(-|$)|:extended$|^gpt-chat-latest$/,
};
