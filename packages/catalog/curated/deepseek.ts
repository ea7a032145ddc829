/** What api-docs.deepseek.com says of DeepSeek's models, whose price depends on the hour, the weekday and China's public holidays. */

import {
  type CuratedModel,
  type CuratedProvider,
  nanoPrices,
  timesPrices,
  type UsdPrices,
} from './curated-model.ts';
import { CHINESE_HOLIDAYS } from './holidays.ts';

/**
 * Note 2 of the page: 09:00-12:00 and 14:00-18:00 in Beijing on Monday to Friday are peak hours, at
 * twice the price. Weekends and Chinese public holidays are off-peak all day.
 */
const PEAK = {
  windows: [
    [3600, 14_400],
    [21_600, 36_000],
  ],
  weekdays: [1, 2, 3, 4, 5],
  except: CHINESE_HOLIDAYS,
  utcOffsetMinutes: 480,
} as const;

function peakPrices(prices: UsdPrices): CuratedModel['prices'] {
  const standard = nanoPrices(prices);
  return [
    { id: 'standard', when: {}, prices: standard },
    { id: 'peak', when: { schedule: PEAK }, prices: timesPrices(standard, {}, [2, 1]) },
  ];
}

const PRICING = {
  page: 'https://api-docs.deepseek.com/quick_start/pricing',
  seenOn: '2026-10-27',
  firstHand: true,
} as const;

const DEEPSEEK_MODEL = {
  limits: { context: 1_000_000, output: 384_000 },
  hidesReasoning: false,
  factors: [],
  ...PRICING,
} as const;

const MODELS: readonly CuratedModel[] = [
  {
    ...DEEPSEEK_MODEL,
    id: 'deepseek-flash',
    // Note 1: the old names are accepted, served by the same model and "billed as Flash".
    names: ['deepseek-v4-flash', 'deepseek-v4-flash-vision-exp'],
    displayName: 'DeepSeek Flash (V4.1)',
    capabilities: {
      tools: true,
      structuredOutput: true,
      reasoning: true,
      imageInput: true,
    },
    lifecycle: { released: '2026-09-10' },
    prices: peakPrices({ input_uncached: '0.15', cache_read: '0.003', output: '0.6' }),
  },
  {
    ...DEEPSEEK_MODEL,
    id: 'deepseek-v4-pro',
    displayName: 'DeepSeek V4 Pro',
    capabilities: {
      tools: true,
      structuredOutput: true,
      reasoning: true,
      imageInput: false,
    },
    lifecycle: { released: '2026-04-24' },
    prices: peakPrices({ input_uncached: '0.66', cache_read: '0.022', output: '1.98' }),
  },
];

export const DEEPSEEK: CuratedProvider = {
  id: 'deepseek',
  models: MODELS,
  lifecycles: [
    {
      ids: ['deepseek-chat', 'deepseek-reasoner'],
      // "Before July 24 at 15:59 UTC" the two names stood for modes of V4 Flash.
      lifecycle: { retiresOn: '2026-07-24', successor: 'deepseek-flash' },
      page: 'https://api-docs.deepseek.com/updates',
      seenOn: '2026-07-24',
      firstHand: false,
    },
  ],
  factors: [],
  toolPrices: [
    // Server-side Search of its Anthropic endpoint, billed since 2026-10-31 16:00 UTC.
    { ...PRICING, models: /./, kind: 'web_search', usdPerThousand: 0.75, seenOn: '2026-10-28' },
  ],
  retiredNames: [],
  edges: [],
  notServed: /^deepseek-v3/,
};
