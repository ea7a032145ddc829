/** What docs.x.ai says of Grok models. */
import {
  type CuratedModel,
  type CuratedProvider,
  nanoPrices,
  timesPrices,
  type UsdPrices,
} from './curated-model.ts';

const PRICING = 'https://docs.x.ai/developers/pricing';

/** "200k and above": from exactly 200,000 prompt tokens all prices double, for the whole request. */
const LONG_CONTEXT_TOKENS = 200_000;

function grokPrices(prices: UsdPrices): CuratedModel['prices'] {
  const standard = nanoPrices(prices);
  return [
    { id: 'standard', when: {}, prices: standard },
    {
      id: 'long-context',
      when: { input: { tokens: LONG_CONTEXT_TOKENS, inclusive: true } },
      prices: timesPrices(standard, {}, [2, 1]),
    },
  ];
}

const GROK = {
  hidesReasoning: true,
  capabilities: {
    tools: true,
    structuredOutput: true,
    reasoning: true,
    imageInput: true,
  },
  factors: [],
} as const;

const MODELS: readonly CuratedModel[] = [
  {
    ...GROK,
    id: 'grok-4.7',
    // `-latest` is the newest model: https://docs.x.ai/docs/models#model-aliases
    names: ['grok-4.7-latest', 'grok-latest'],
    patterns: [['/^grok-4\\.7-\\d{8}$']],
    displayName: 'Grok 4.7',
    // xAI lists no output limit of its own; the whole window bounds it.
    limits: { context: 500_000, output: 500_000 },
    lifecycle: { released: '2026-09-21' },
    prices: grokPrices({ input_uncached: '2', cache_read: '0.5', output: '6' }),
    page: 'https://docs.x.ai/developers/models/grok-4.7',
    seenOn: '2026-09-29',
    firstHand: false,
  },
  {
    ...GROK,
    id: 'grok-4.5',
    displayName: 'Grok 4.5',
    limits: { context: 500_000, output: 500_000 },
    lifecycle: { released: '2026-07-08', successor: 'grok-4.7' },
    // 0.50 at its launch in July; the pricing page, the model's page and the models page said 0.30
    // (0.60 from 200k) on 2026-08-10, as quoted in BerriAI/litellm#36413.
    prices: grokPrices({ input_uncached: '2', cache_read: '0.3', output: '6' }),
    page: PRICING,
    seenOn: '2026-08-10',
    firstHand: true,
  },
  {
    ...GROK,
    id: 'grok-4.20',
    names: [
      'grok-4.20-reasoning',
      'grok-4.20-non-reasoning',
      'grok-4.20-0309-reasoning',
      'grok-4.20-0309-non-reasoning',
      'grok-4.20-beta-0309-reasoning',
      'grok-4.20-beta-0309-non-reasoning',
    ],
    displayName: 'Grok 4.20',
    limits: { context: 2_000_000, output: 30_000 },
    lifecycle: { released: '2026-03-09', successor: 'grok-4.7' },
    prices: grokPrices({ input_uncached: '1.25', cache_read: '0.2', output: '2.5' }),
    page: PRICING,
    seenOn: '2026-08-01',
    firstHand: true,
  },
  {
    ...GROK,
    id: 'grok-4.20-multi-agent',
    names: ['grok-4.20-multi-agent-beta-0309'],
    displayName: 'Grok 4.20 Multi-Agent',
    limits: { context: 2_000_000, output: 30_000 },
    lifecycle: { released: '2026-03-09' },
    // 2 / 6 at its launch; the page lists every 4.20 at the price of 4.3 (BerriAI/litellm#35503).
    prices: grokPrices({ input_uncached: '1.25', cache_read: '0.2', output: '2.5' }),
    page: PRICING,
    seenOn: '2026-08-01',
    firstHand: true,
  },
];

/** A picture that is made, by its resolution and quality, and one that is read to make it. */
const IMAGES = {
  hidesReasoning: false,
  capabilities: { imageInput: true },
  lifecycle: {},
  operations: ['images', 'image_edits'],
  limits: { context: 8_000, output: 1 },
  factors: [],
  firstHand: false,
} as const;

/** The prices of one size: in each quality, and in the low one where none is asked for. */
function imageRules(size: string, prices: Readonly<{ low: string; medium: string }>) {
  return [
    { id: size, when: { size }, prices: nanoPrices({ image: prices.low }) },
    ...(['low', 'medium'] as const).map((quality) => ({
      id: `${size}+${quality}`,
      when: { size, quality },
      prices: nanoPrices({ image: prices[quality] }),
    })),
  ];
}

const IMAGE_MODELS: readonly CuratedModel[] = [
  {
    ...IMAGES,
    id: 'grok-imagine-image-2.0',
    displayName: 'Grok Imagine Image 2.0',
    prices: [
      // 1k in low quality is what a request gets that asks for nothing. Every size and quality is
      // named: one that no rule names has the highest price.
      {
        id: 'standard',
        when: {},
        prices: nanoPrices({ image: '40000', source_image: '10000' }),
      },
      ...imageRules('1k', { low: '40000', medium: '60000' }),
      ...imageRules('2k', { low: '60000', medium: '80000' }),
      { id: 'low', when: { quality: 'low' }, prices: nanoPrices({ image: '40000' }) },
      { id: 'medium', when: { quality: 'medium' }, prices: nanoPrices({ image: '60000' }) },
    ],
    page: 'https://docs.x.ai/docs/models/grok-imagine-image-2.0',
    seenOn: '2026-10-13',
  },
  {
    ...IMAGES,
    id: 'grok-imagine-image-quality',
    displayName: 'Grok Imagine Image Quality',
    prices: [
      {
        id: 'standard',
        when: {},
        prices: nanoPrices({ image: '50000', source_image: '10000' }),
      },
      { id: '1k', when: { size: '1k' }, prices: nanoPrices({ image: '50000' }) },
      { id: '2k', when: { size: '2k' }, prices: nanoPrices({ image: '70000' }) },
    ],
    page: PRICING,
    seenOn: '2026-10-13',
  },
  {
    ...IMAGES,
    id: 'grok-imagine-image',
    displayName: 'Grok Imagine Image',
    prices: [
      {
        id: 'standard',
        when: {},
        prices: nanoPrices({ image: '20000', source_image: '2000' }),
      },
    ],
    page: PRICING,
    seenOn: '2026-10-13',
  },
];

const DEPRECATIONS = {
  page: 'https://docs.x.ai/developers/migration/may-15-retirement',
  seenOn: '2026-05-15',
  firstHand: true,
} as const;

const TOOLS = {
  page: 'https://docs.x.ai/developers/models#tools-pricing',
  seenOn: '2026-09-29',
  firstHand: true,
} as const;

export const XAI: CuratedProvider = {
  id: 'xai',
  models: [...MODELS, ...IMAGE_MODELS],
  lifecycles: [
    {
      ...DEPRECATIONS,
      ids: ['grok-2-1212', 'grok-2-vision-1212', 'grok-3-fast', 'grok-3-mini-fast'],
      lifecycle: { retiresOn: '2025-09-15', successor: 'grok-4.3' },
      page: 'https://docs.x.ai/docs/models',
      seenOn: '2025-10-21',
      firstHand: false,
    },
    {
      ...DEPRECATIONS,
      ids: ['grok-3-mini'],
      lifecycle: { retiresOn: '2026-02-28', successor: 'grok-4.3' },
      page: 'https://docs.x.ai/docs/models',
      firstHand: false,
    },
    {
      ...DEPRECATIONS,
      ids: [
        'grok-3',
        'grok-4-0709',
        'grok-4-fast-reasoning',
        'grok-4-1-fast-reasoning',
        'grok-code-fast-1',
        'grok-4-fast-non-reasoning',
        'grok-4-1-fast-non-reasoning',
      ],
      lifecycle: { retiresOn: '2026-05-15', successor: 'grok-4.3' },
    },
  ],
  factors: [],
  toolPrices: [
    // xAI's own stated charges agree: 0.005 USD a search.
    { ...TOOLS, models: /./, kind: 'web_search', usdPerThousand: 5 },
    { ...TOOLS, models: /./, kind: 'x_search', usdPerThousand: 5 },
    { ...TOOLS, models: /./, kind: 'code_execution', usdPerThousand: 5 },
    // Collections, and files attached to messages.
    { ...TOOLS, models: /./, kind: 'file_search', usdPerThousand: 2.5 },
    { ...TOOLS, models: /./, kind: 'document_search', usdPerThousand: 10 },
  ],
  retiredNames: [],
  edges: [
    // The source counts "200k and above" as above 199,999.
    {
      sourceTokens: LONG_CONTEXT_TOKENS - 1,
      tokens: LONG_CONTEXT_TOKENS,
      inclusive: true,
      page: PRICING,
      seenOn: '2026-09-29',
      firstHand: false,
    },
  ],
  notServed: undefined,
};
