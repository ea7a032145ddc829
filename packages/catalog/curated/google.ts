/** What ai.google.dev says of Gemini models. */
import {
  type CuratedModel,
  type CuratedProvider,
  FLEX,
  nanoPrices,
  tierFactor,
} from './curated-model.ts';

/**
 * The introductory price of Argon and Carbon holds "through November 30, 2026". The page gives no
 * zone, so the day ends in UTC, as in every other date of the list.
 */
const RISE = '2026-12-01';

const GEMINI_4 = {
  // One window for input and output; 65,536 is the output of one synchronous answer.
  limits: { context: 1_048_576, output: 65_536 },
  hidesReasoning: true,
  capabilities: {
    tools: true,
    structuredOutput: true,
    reasoning: true,
    imageInput: true,
    documentInput: true,
  },
  factors: [],
  page: 'https://ai.google.dev/gemini-api/docs/pricing',
  firstHand: false,
} as const;

const flat = (input: string, cached: string, output: string): CuratedModel['prices'][number] => ({
  id: 'standard',
  when: {},
  prices: nanoPrices({ input_uncached: input, cache_read: cached, output }),
});

const INTRODUCTORY: CuratedModel['prices'] = [
  { ...flat('2', '0.1', '10'), id: 'introductory', when: { until: RISE } },
  flat('4', '0.2', '20'),
];

const MODELS: readonly CuratedModel[] = [
  {
    ...GEMINI_4,
    id: 'gemini-4-argon',
    displayName: 'Gemini 4 Argon',
    lifecycle: { released: '2026-09-30' },
    prices: INTRODUCTORY,
    seenOn: '2026-11-11',
  },
  {
    ...GEMINI_4,
    id: 'gemini-4-carbon',
    displayName: 'Gemini 4 Carbon',
    lifecycle: { released: '2026-11-10' },
    prices: INTRODUCTORY,
    seenOn: '2026-11-11',
  },
  {
    ...GEMINI_4,
    id: 'gemini-4-hydrogen',
    displayName: 'Gemini 4 Hydrogen',
    lifecycle: {},
    prices: [flat('1.5', '0.075', '7.5')],
    seenOn: '2026-11-18',
  },
  {
    ...GEMINI_4,
    id: 'gemini-4-neon',
    displayName: 'Gemini 4 Neon',
    lifecycle: { released: '2026-11-18' },
    prices: [flat('3', '0.15', '15')],
    seenOn: '2026-11-22',
  },
];

/** Text only through the compatible endpoint; media have prices of their own. */
const EMBEDDINGS = {
  hidesReasoning: false,
  capabilities: {},
  lifecycle: {},
  operations: ['embeddings'],
  factors: [],
  page: 'https://ai.google.dev/gemini-api/docs/pricing',
  seenOn: '2026-11-10',
  firstHand: false,
} as const;

const EMBEDDING_MODELS: readonly CuratedModel[] = [
  {
    ...EMBEDDINGS,
    id: 'gemini-embedding-001',
    displayName: 'Gemini Embedding',
    limits: { context: 2048, output: 1 },
    lifecycle: { released: '2025-07-14' },
    prices: [{ id: 'standard', when: {}, prices: nanoPrices({ input_uncached: '0.15' }) }],
  },
  {
    ...EMBEDDINGS,
    id: 'gemini-embedding-2',
    displayName: 'Gemini Embedding 2',
    limits: { context: 8192, output: 1 },
    prices: [{ id: 'standard', when: {}, prices: nanoPrices({ input_uncached: '0.2' }) }],
  },
];

const DEPRECATIONS = {
  page: 'https://ai.google.dev/gemini-api/docs/deprecations',
  seenOn: '2026-11-10',
  firstHand: true,
} as const;

const TOOLS = {
  page: 'https://ai.google.dev/gemini-api/docs/pricing',
  seenOn: '2026-11-18',
  firstHand: false,
} as const;

/** USD per thousand tokens. Models without a row here have the price of text in the cache. */
const AUDIO_CACHE_READS: readonly (readonly [RegExp, number])[] = [
  [/^gemini-2\.0-flash$/, 0.000_175],
  [/^gemini-2\.5-flash(-latest|-preview-09-2025)?$/, 0.000_1],
  [/^gemini-2\.5-flash-lite$/, 0.000_03],
  [/^gemini-3-flash-preview$/, 0.000_1],
  [/^gemini-3\.1-flash-lite(-preview)?$/, 0.000_05],
];

export const GOOGLE: CuratedProvider = {
  id: 'google',
  models: [...MODELS, ...EMBEDDING_MODELS],
  lifecycles: [
    {
      ...DEPRECATIONS,
      ids: ['gemini-1.0-pro-vision-001', 'gemini-pro'],
      lifecycle: { retiresOn: '2025-02-15', successor: 'gemini-3.8-flash' },
      firstHand: false,
    },
    {
      ...DEPRECATIONS,
      ids: ['gemini-1.5-flash', 'gemini-1.5-pro'],
      lifecycle: { retiresOn: '2025-09-24', successor: 'gemini-3.8-flash' },
      firstHand: false,
    },
    {
      ...DEPRECATIONS,
      ids: ['gemini-2.5-flash-preview'],
      lifecycle: { retiresOn: '2025-07-15', successor: 'gemini-3.5-flash-lite' },
      firstHand: false,
    },
    {
      ...DEPRECATIONS,
      ids: ['gemini-3-pro-preview'],
      lifecycle: { retiresOn: '2026-03-09', successor: 'gemini-3.1-pro-preview' },
    },
    {
      ...DEPRECATIONS,
      ids: ['gemini-2.0-flash', 'gemini-2.0-flash-lite'],
      lifecycle: { retiresOn: '2026-06-01', successor: 'gemini-3.1-flash-lite' },
      page: 'https://firebase.google.com/docs/ai-logic/prompt-design',
      seenOn: '2026-06-18',
    },
    // From that day Google answers these names with the successor, at the successor's price.
    {
      ...DEPRECATIONS,
      ids: ['gemini-2.5-pro'],
      lifecycle: { retiresOn: '2026-12-01', successor: 'gemini-3.8-flash' },
    },
    {
      ...DEPRECATIONS,
      ids: ['gemini-2.5-flash'],
      lifecycle: { retiresOn: '2026-12-01', successor: 'gemini-3.5-flash-lite' },
    },
    {
      ...DEPRECATIONS,
      ids: ['gemini-3.1-flash-lite'],
      lifecycle: { retiresOn: '2027-05-07', successor: 'gemini-3.5-flash-lite' },
      seenOn: '2026-06-18',
    },
  ],
  factors: [
    {
      ids: [
        'gemini-4-argon',
        'gemini-4-carbon',
        'gemini-4-hydrogen',
        'gemini-4-neon',
        'gemini-3.8-flash',
        'gemini-3.7-flash',
        'gemini-3.6-flash',
        'gemini-3.5-flash',
        'gemini-3.5-flash-lite',
        'gemini-3.1-pro-preview',
        'gemini-3.1-flash-lite',
        'gemini-3-flash-preview',
        'gemini-2.5-pro',
        'gemini-2.5-flash',
        'gemini-2.5-flash-lite',
      ],
      factors: [FLEX, tierFactor('priority', 9, 5)],
      page: 'https://ai.google.dev/gemini-api/docs/pricing',
      seenOn: '2026-11-18',
      firstHand: false,
    },
  ],
  toolPrices: [
    // Grounding with Google Search: per executed query since Gemini 3, per grounded prompt before.
    { ...TOOLS, models: /^gemini-[3-9]/, kind: 'web_search', usdPerThousand: 14 },
    { ...TOOLS, models: /^gemini-[12]/, kind: 'grounded_prompt', usdPerThousand: 35 },
    // Audio in the cache, which is dearer there than text.
    ...AUDIO_CACHE_READS.map(([models, usdPerThousand]) => ({
      ...TOOLS,
      models,
      kind: 'audio_cache_read' as const,
      usdPerThousand,
    })),
    // With Google Maps: per grounded prompt before Gemini 3. Since then per query, and answers do not
    // say how many ran, so that these models have no price for it here.
    { ...TOOLS, models: /^gemini-2/, kind: 'maps_grounded_prompt', usdPerThousand: 25 },
  ],
  retiredNames: [
    {
      model: 'gemini-2.5-flash',
      names: ['gemini-2.5-flash-preview-09-2025'],
      retiresOn: '2026-02-17',
      successor: 'gemini-3.5-flash-lite',
      page: 'https://ai.google.dev/gemini-api/docs/changelog',
      seenOn: '2026-02-17',
      firstHand: false,
    },
  ],
  edges: [],
  // Vertex serves Claude and `-maas` names; open weights and OpenRouter's spellings are elsewhere.
  notServed: /^claude|-maas$|^gemma-|^gemini-(flash|pro)-1\.5/,
};
