/** What platform.claude.com says of Claude models. */
import type { PriceFactor } from '../price-list.ts';
import { type CuratedModel, type CuratedProvider, nanoPrices } from './curated-model.ts';

const MODEL_PAGES = 'https://platform.claude.com/docs/en/models';

/** Fable and Mythos share specifications and prices; Mythos needs a verification by Anthropic. */
const FABLE_5_2 = {
  limits: { context: 1_000_000, output: 128_000 },
  // Thinking is always on and summarised: https://platform.claude.com/docs/en/build-with-claude/thinking
  hidesReasoning: true,
  capabilities: {
    tools: true,
    structuredOutput: true,
    reasoning: true,
    imageInput: true,
    documentInput: true,
  },
  lifecycle: { released: '2026-11-09' },
  prices: [
    {
      id: 'standard',
      when: {},
      prices: nanoPrices({
        input_uncached: '8',
        cache_read: '0.2',
        cache_write_5m: '10',
        cache_write_1h: '16',
        output: '40',
      }),
    },
  ],
  factors: [],
  page: `${MODEL_PAGES}/fable-5-2/overview`,
  seenOn: '2026-11-10',
  firstHand: true,
} as const;

/** The prices of Fable 5.1 and 5; only the cache reads differ. */
const mythosPrices = (cacheRead: string): CuratedModel['prices'] => [
  {
    id: 'standard',
    when: {},
    prices: nanoPrices({
      input_uncached: '10',
      cache_read: cacheRead,
      cache_write_5m: '12.5',
      cache_write_1h: '20',
      output: '50',
    }),
  },
];

const PRICING = 'https://platform.claude.com/docs/en/about-claude/pricing';

const MODELS: readonly CuratedModel[] = [
  { ...FABLE_5_2, id: 'claude-fable-5-2', displayName: 'Claude Fable 5.2' },
  {
    ...FABLE_5_2,
    id: 'claude-mythos-5-2',
    displayName: 'Claude Mythos 5.2',
    page: `${MODEL_PAGES}/fable-5-2/migration-guide`,
  },
  {
    ...FABLE_5_2,
    id: 'claude-mythos-5-1',
    displayName: 'Claude Mythos 5.1',
    lifecycle: { released: '2026-09-01', successor: 'claude-mythos-5-2' },
    prices: mythosPrices('0.25'),
    page: PRICING,
    seenOn: '2026-09-21',
  },
  {
    ...FABLE_5_2,
    id: 'claude-mythos-5',
    displayName: 'Claude Mythos 5',
    lifecycle: { released: '2026-06-09', successor: 'claude-mythos-5-2' },
    prices: mythosPrices('1'),
    page: PRICING,
    seenOn: '2026-09-21',
  },
  {
    ...FABLE_5_2,
    id: 'claude-sonnet-5-5',
    displayName: 'Claude Sonnet 5.5',
    hidesReasoning: false,
    lifecycle: { released: '2026-09-28' },
    // The cache reads cost 0.20 until 2026-10-07: the release notes of that day.
    prices: [
      {
        id: 'standard',
        when: {},
        prices: nanoPrices({
          input_uncached: '2',
          cache_read: '0.1',
          cache_write_5m: '2.5',
          cache_write_1h: '4',
          output: '10',
        }),
      },
    ],
    page: 'https://platform.claude.com/docs/en/release-notes/overview',
    seenOn: '2026-10-09',
  },
  {
    ...FABLE_5_2,
    id: 'claude-haiku-5-5',
    displayName: 'Claude Haiku 5.5',
    hidesReasoning: false,
    lifecycle: { released: '2026-10-07' },
    // "Prompts over 100,000 tokens": the prompt counts what is read from and written to the cache.
    prices: [
      {
        id: 'standard',
        when: {},
        prices: nanoPrices({
          input_uncached: '0.1',
          cache_read: '0.01',
          cache_write_5m: '0.125',
          cache_write_1h: '0.2',
          output: '0.5',
        }),
      },
      {
        id: 'long-context',
        when: { input: { tokens: 100_000, inclusive: false } },
        prices: nanoPrices({
          input_uncached: '0.5',
          cache_read: '0.05',
          cache_write_5m: '0.625',
          cache_write_1h: '1',
          output: '2.5',
        }),
      },
    ],
    page: `${MODEL_PAGES}/haiku-5-5/overview`,
    seenOn: '2026-10-25',
  },
];

const DEPRECATIONS = {
  page: 'https://platform.claude.com/docs/en/about-claude/model-deprecations',
  seenOn: '2026-11-10',
  firstHand: false,
} as const;

const fast = (until?: string): PriceFactor => ({
  id: 'fast',
  when: { speed: 'fast', ...(until === undefined ? {} : { until }) },
  numerator: 2,
  denominator: 1,
});

const FAST_MODE = {
  page: 'https://platform.claude.com/docs/en/build-with-claude/fast-mode',
  seenOn: '2026-11-10',
  firstHand: true,
} as const;

export const ANTHROPIC: CuratedProvider = {
  id: 'anthropic',
  models: MODELS,
  lifecycles: [
    {
      ...DEPRECATIONS,
      ids: ['claude-v1'],
      lifecycle: { retiresOn: '2024-11-06', successor: 'claude-haiku-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-2', 'claude-3-sonnet'],
      lifecycle: { retiresOn: '2025-07-21', successor: 'claude-sonnet-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-3-5-sonnet'],
      lifecycle: { retiresOn: '2025-10-28', successor: 'claude-sonnet-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-3-opus-latest'],
      lifecycle: { retiresOn: '2026-01-05', successor: 'claude-opus-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-3-7-sonnet-latest'],
      lifecycle: { retiresOn: '2026-02-19', successor: 'claude-sonnet-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-3-5-haiku-latest'],
      lifecycle: { retiresOn: '2026-02-19', successor: 'claude-haiku-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-3-haiku'],
      lifecycle: { retiresOn: '2026-04-20', successor: 'claude-haiku-5-5' },
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-sonnet-4-0'],
      lifecycle: { retiresOn: '2026-06-15', successor: 'claude-sonnet-5-5' },
      page: 'https://platform.claude.com/docs/en/release-notes/overview',
      seenOn: '2026-06-17',
      firstHand: true,
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-opus-4-0'],
      lifecycle: { retiresOn: '2026-06-15', successor: 'claude-opus-5-5' },
      page: 'https://platform.claude.com/docs/en/release-notes/overview',
      seenOn: '2026-06-17',
      firstHand: true,
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-opus-4-1'],
      lifecycle: {
        deprecatedOn: '2026-06-05',
        retiresOn: '2026-08-05',
        successor: 'claude-opus-5-5',
      },
    },
    // The SDK's own list of deprecated models (@anthropic-ai/sdk 1.14.0) has these dates too.
    {
      ...DEPRECATIONS,
      ids: ['claude-sonnet-4-5'],
      lifecycle: { retiresOn: '2026-11-30', successor: 'claude-sonnet-5-5' },
      firstHand: true,
    },
    {
      ...DEPRECATIONS,
      ids: ['claude-opus-4-5'],
      lifecycle: { retiresOn: '2027-01-22', successor: 'claude-opus-5-5' },
      firstHand: true,
    },
    { ...DEPRECATIONS, ids: ['claude-sonnet-5'], lifecycle: { successor: 'claude-sonnet-5-5' } },
    { ...DEPRECATIONS, ids: ['claude-opus-5'], lifecycle: { successor: 'claude-opus-5-5' } },
    {
      ...DEPRECATIONS,
      ids: ['claude-fable-5', 'claude-fable-5-1'],
      lifecycle: { successor: 'claude-fable-5-2' },
    },
  ],
  factors: [
    {
      ...FAST_MODE,
      ids: ['claude-fable-5-2', 'claude-mythos-5-2', 'claude-opus-5-5', 'claude-opus-5'],
      factors: [fast()],
    },
    // "Will be removed on November 30, 2026"; it may still be served on that day.
    { ...FAST_MODE, ids: ['claude-opus-4-8'], factors: [fast('2026-12-01')] },
    {
      ids: [
        'claude-fable-5-2',
        'claude-mythos-5-2',
        'claude-fable-5-1',
        'claude-mythos-5-1',
        'claude-fable-5',
        'claude-mythos-5',
        'claude-opus-5-5',
        'claude-opus-5',
        'claude-opus-4-8',
        'claude-opus-4-7',
        'claude-opus-4-6',
        'claude-sonnet-5-5',
        'claude-sonnet-5',
        'claude-sonnet-4-6',
        'claude-haiku-5-5',
      ],
      // "Claude Opus 4.6, Claude Sonnet 4.6, and later models": 1.1 times every token price.
      factors: [{ id: 'us', when: { region: 'us' }, numerator: 11, denominator: 10 }],
      page: 'https://platform.claude.com/docs/en/manage-claude/data-residency',
      seenOn: '2026-10-09',
      firstHand: true,
    },
  ],
  toolPrices: [
    {
      models: /./,
      kind: 'web_search',
      usdPerThousand: 10,
      page: 'https://platform.claude.com/docs/en/about-claude/pricing#web-search-tool',
      seenOn: '2026-09-21',
      firstHand: true,
    },
  ],
  retiredNames: [],
  edges: [],
  notServed: undefined,
};
