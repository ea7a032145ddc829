/** Everything that was taken by hand from the providers' pages. */
import type { HolidayCalendar } from '../price-list.ts';
import { ANTHROPIC } from './anthropic.ts';
import { COHERE } from './cohere.ts';
import type { Citation, CuratedProvider } from './curated-model.ts';
import { DEEPSEEK } from './deepseek.ts';
import { GOOGLE } from './google.ts';
import { CALENDARS } from './holidays.ts';
import { OPENAI } from './openai.ts';
import { XAI } from './xai.ts';

export type Curated = Readonly<{
  providers: readonly CuratedProvider[];
  calendars: Readonly<Record<string, HolidayCalendar>>;
}>;

export const CURATED: Curated = {
  providers: [ANTHROPIC, COHERE, DEEPSEEK, GOOGLE, OPENAI, XAI],
  calendars: CALENDARS,
};

const NOTHING: Omit<CuratedProvider, 'id'> = {
  models: [],
  lifecycles: [],
  factors: [],
  toolPrices: [],
  retiredNames: [],
  edges: [],
  notServed: undefined,
};

export function getCurated({ providers }: Curated, id: string): CuratedProvider {
  return providers.find((provider) => provider.id === id) ?? { id, ...NOTHING };
}

/** Every row of a provider, whatever it is about. */
export function listCitations(provider: CuratedProvider): readonly Citation[] {
  const { models, lifecycles, factors, toolPrices, retiredNames, edges } = provider;
  return [...models, ...lifecycles, ...factors, ...toolPrices, ...retiredNames, ...edges];
}
