/** The providers of the price list: the native ones, and others that can be added by configuration. */
import { PROVIDERS, type ProviderSpec } from '@farebox/providers/list';

/** Providers that can be added by configuration; the price source has the same ids. */
const COMPATIBLE_PROVIDERS = [
  'baseten',
  'cerebras',
  'cohere',
  'fireworks',
  'groq',
  'minimax',
  'mistral',
  'moonshotai',
  'novita',
  'openrouter',
  'together',
  'zai',
];

/** Every provider of the price list: our id, and the id in the price source. */
export const PRICED_PROVIDERS: readonly (readonly [string, string])[] = [
  ...PROVIDERS.map((spec: ProviderSpec) => [spec.id, spec.priceSourceId ?? spec.id] as const),
  ...COMPATIBLE_PROVIDERS.map((id) => [id, id] as const),
].sort(([a], [b]) => (a < b ? -1 : 1));
