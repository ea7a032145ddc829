/**
 * Request fields that a provider turned out to refuse. What a provider accepts is configured, but
 * models differ and change, and a provider that is added by configuration may not be documented
 * (Mistral refused `stream_options` for a year). A rejection that names a field of ours is
 * remembered, and the request is sent once more without it.
 */
import type { ProviderId, UpstreamResult } from './contract.ts';

/** The fields that the gateway can leave out or rename. */
export type LearnableField = 'stream_options' | 'max_tokens';

/** How a rejection names each field, in the provider's own words. */
const NAMES: Readonly<Record<LearnableField, RegExp>> = {
  stream_options: /stream_options|include_usage/,
  // OpenAI: "'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
  max_tokens: /max_tokens.{0,80}max_completion_tokens/s,
};

/** A provider's models are few; names of many more are not remembered. */
const MAX_ENTRIES = 2_000;

const decoder = new TextDecoder();

/** Returns those of a request's fields that a result names as the reason for a rejection. */
export function findRefusedFields(
  fields: readonly LearnableField[],
  result: UpstreamResult,
): readonly LearnableField[] {
  if (result.ok || result.reason !== 'rejected' || result.status === 404) return [];
  const text = decoder.decode(result.errorBody);
  return fields.filter((field) => NAMES[field].test(text));
}

/** One per isolate. */
export class LearnedFields {
  readonly #accepted = new Map<string, boolean>();

  /** Returns false once the field was refused, true once it was accepted, else undefined. */
  isAccepted(provider: ProviderId, model: string, field: LearnableField): boolean | undefined {
    return this.#accepted.get(toKey(provider, model, field));
  }

  /**
   * Remembers what a success says about fields that were sent, or left out after a rejection. A
   * rejection alone proves nothing: a caller's own mistake may have named the field.
   */
  remember(
    provider: ProviderId,
    model: string,
    fields: readonly LearnableField[],
    isAccepted: boolean,
  ): void {
    if (this.#accepted.size >= MAX_ENTRIES) this.#accepted.clear();
    for (const field of fields) this.#accepted.set(toKey(provider, model, field), isAccepted);
  }
}

function toKey(provider: ProviderId, model: string, field: LearnableField): string {
  return `${field} ${provider}/${model}`;
}
