/**
 * What cohere.com says of its rankers. Its price list names none since October 2026; the prices are
 * those that others quote from it.
 */
import { type CuratedModel, type CuratedProvider, nanoPrices } from './curated-model.ts';

const RERANK = {
  hidesReasoning: false,
  capabilities: {},
  lifecycle: {},
  operations: ['rerank'],
  limits: { context: 32_768, output: 1 },
  factors: [],
  page: 'https://cohere.com/pricing',
  firstHand: false,
} as const;

const MODELS: readonly CuratedModel[] = [
  {
    ...RERANK,
    id: 'rerank-v4.0-pro',
    displayName: 'Rerank 4 Pro',
    prices: [{ id: 'standard', when: {}, prices: nanoPrices({ rerank: '2500' }) }],
    seenOn: '2026-06-15',
  },
  {
    ...RERANK,
    id: 'rerank-v4.0-fast',
    displayName: 'Rerank 4 Fast',
    prices: [{ id: 'standard', when: {}, prices: nanoPrices({ rerank: '2000' }) }],
    seenOn: '2026-06-15',
  },
  {
    ...RERANK,
    id: 'rerank-v3.5',
    displayName: 'Rerank 3.5',
    limits: { context: 4096, output: 1 },
    prices: [{ id: 'standard', when: {}, prices: nanoPrices({ rerank: '2000' }) }],
    seenOn: '2026-04-15',
  },
];

export const COHERE: CuratedProvider = {
  id: 'cohere',
  models: MODELS,
  lifecycles: [],
  factors: [],
  toolPrices: [],
  retiredNames: [],
  edges: [],
  notServed: undefined,
};
