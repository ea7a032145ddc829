/**
 * Tells a body that was sent to the wrong door, and which door it belongs to. It speaks up only where
 * the field can mean nothing else: a body the provider would accept must never be turned away.
 */

import type { RequestAnalysis } from './analysis.ts';
import type { Dialect } from './contract.ts';
import type { JsonKind } from './json-scanner.ts';

type Marker = Readonly<{
  kinds: readonly JsonKind[];
  correctEndpoint: string;
  unlessPresent: string | null;
}>;

const GEMINI = '/v1beta/models/{model}:generateContent';
const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const RESPONSES = '/v1/responses';

/** `notBeside`: a field whose presence leaves the matter open. */
const MARKERS: Readonly<Record<Dialect, Readonly<Record<string, Marker>>>> = {
  chat: {
    system: { kinds: ['string', 'array'], correctEndpoint: MESSAGES, unlessPresent: null },
    anthropic_version: { kinds: ['string'], correctEndpoint: MESSAGES, unlessPresent: null },
    input: { kinds: ['string', 'array'], correctEndpoint: RESPONSES, unlessPresent: 'messages' },
    instructions: { kinds: ['string'], correctEndpoint: RESPONSES, unlessPresent: 'messages' },
    contents: { kinds: ['array', 'object'], correctEndpoint: GEMINI, unlessPresent: 'messages' },
  },
  messages: {
    max_completion_tokens: { kinds: ['number'], correctEndpoint: CHAT, unlessPresent: null },
    input: { kinds: ['string', 'array'], correctEndpoint: RESPONSES, unlessPresent: 'messages' },
    instructions: { kinds: ['string'], correctEndpoint: RESPONSES, unlessPresent: 'messages' },
    contents: { kinds: ['array', 'object'], correctEndpoint: GEMINI, unlessPresent: 'messages' },
  },
};

/** Judges the top-level fields of a body once all of them are known. */
export function detectWrongEndpoint(
  dialect: Dialect,
  fields: ReadonlyMap<string, JsonKind>,
  analysis: RequestAnalysis,
): void {
  for (const [field, marker] of Object.entries(MARKERS[dialect])) {
    const kind = fields.get(field);
    if (kind === undefined || !marker.kinds.includes(kind)) continue;
    if (marker.unlessPresent !== null && fields.has(marker.unlessPresent)) continue;
    analysis.rejectWrongEndpoint(field, marker.correctEndpoint);
  }
}

/** True where the name could be the sign of another dialect, so that its kind is worth remembering. */
export function isMarkerField(dialect: Dialect, field: string): boolean {
  return Object.hasOwn(MARKERS[dialect], field);
}
