/**
 * The native providers, one line each; everything else that needs to know them derives from this
 * list. Specs are plain data without imports at run time, so a Worker that never calls a provider
 * can read them.
 *
 * To add a provider, write its spec in a file of its own and add it here.
 */
import type { Dialect } from '@farebox/dialects';
import { anthropic } from './anthropic.ts';
import type { ProviderSpec } from './contract.ts';
import { deepseek } from './deepseek.ts';
import { google } from './google.ts';
import { openai } from './openai.ts';
import { xai } from './xai.ts';

export type { ProviderSpec };

/** In the order in which a bare model name is looked up. */
export const PROVIDERS = [
  openai,
  anthropic,
  google,
  xai,
  deepseek,
] as const satisfies readonly ProviderSpec[];

/** What the environment variables of a native provider begin with. */
export type ProviderEnvPrefix = (typeof PROVIDERS)[number]['envPrefix'];

/** The ids of the native providers, in the list's order. */
export const PROVIDER_IDS: readonly string[] = PROVIDERS.map(({ id }) => id);

const NAMES: ReadonlyMap<string, string> = new Map(PROVIDERS.map(({ id, name }) => [id, name]));

/** Returns a provider's name as it writes it; one added by configuration has its id. */
export function getProviderName(id: string): string {
  return NAMES.get(id) ?? id;
}

const DIALECTS: ReadonlyMap<string, readonly Dialect[]> = new Map(
  PROVIDERS.map(({ id, dialects }) => [id, dialects]),
);

/** The dialects a provider speaks; one added by configuration speaks Chat Completions only. */
export function getProviderDialects(id: string): readonly Dialect[] {
  return DIALECTS.get(id) ?? ['chat'];
}
