/**
 * Tells a body that was sent to the wrong door, and which door it belongs to. It speaks up only where
 * the field can mean nothing else: a body the provider would accept must never be turned away.
 */
import type { Dialect } from './contract.ts';
import type { Findings } from './findings.ts';
import type { Kind } from './scanner.ts';

type Sign = Readonly<{ kinds: readonly Kind[]; belongsTo: string; notBeside: string | null }>;

const GEMINI = '/v1beta/models/{model}:generateContent';
const CHAT = '/v1/chat/completions';
const MESSAGES = '/v1/messages';
const RESPONSES = '/v1/responses';

/** `notBeside`: a field whose presence leaves the matter open. */
const SIGNS: Readonly<Record<Dialect, Readonly<Record<string, Sign>>>> = {
  chat: {
    system: { kinds: ['string', 'array'], belongsTo: MESSAGES, notBeside: null },
    anthropic_version: { kinds: ['string'], belongsTo: MESSAGES, notBeside: null },
    input: { kinds: ['string', 'array'], belongsTo: RESPONSES, notBeside: 'messages' },
    instructions: { kinds: ['string'], belongsTo: RESPONSES, notBeside: 'messages' },
    contents: { kinds: ['array', 'object'], belongsTo: GEMINI, notBeside: 'messages' },
  },
  messages: {
    max_completion_tokens: { kinds: ['number'], belongsTo: CHAT, notBeside: null },
    input: { kinds: ['string', 'array'], belongsTo: RESPONSES, notBeside: 'messages' },
    instructions: { kinds: ['string'], belongsTo: RESPONSES, notBeside: 'messages' },
    contents: { kinds: ['array', 'object'], belongsTo: GEMINI, notBeside: 'messages' },
  },
};

/** Judges the top-level fields of a body once all of them are known. */
export function judgeForeign(
  dialect: Dialect,
  fields: ReadonlyMap<string, Kind>,
  findings: Findings,
): void {
  for (const [field, sign] of Object.entries(SIGNS[dialect])) {
    const kind = fields.get(field);
    if (kind === undefined || !sign.kinds.includes(kind)) continue;
    if (sign.notBeside !== null && fields.has(sign.notBeside)) continue;
    findings.elsewhere(field, sign.belongsTo);
  }
}

/** True where the name could be the sign of another dialect, so that its kind is worth remembering. */
export function isSign(dialect: Dialect, field: string): boolean {
  return Object.hasOwn(SIGNS[dialect], field);
}
