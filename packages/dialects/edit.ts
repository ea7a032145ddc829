/**
 * Edits a body by splicing: pieces of the original and a few small new ones, so that a large body
 * is never copied and everything not edited reaches the provider byte for byte.
 */
import type { Edits, RequestFacts, Span } from './contract.ts';

const encoder = new TextEncoder();

export type Splice = Span & Readonly<{ text: string }>;

/** Returns the body with every splice applied, in order of position. */
export function applySplices(body: Uint8Array, splices: readonly Splice[]): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  let from = 0;
  for (const splice of splices.toSorted((a, b) => a.start - b.start)) {
    if (splice.start > from) pieces.push(body.subarray(from, splice.start));
    pieces.push(encoder.encode(splice.text));
    from = splice.end;
  }
  if (from < body.length) pieces.push(body.subarray(from));
  return pieces;
}

function insertAt(offset: number, text: string): Splice {
  return { start: offset, end: offset, text };
}

function outputLimitSplices(facts: RequestFacts, edits: Edits, body: Uint8Array): Splice[] {
  if (edits.maxOutput === null) return [];
  const { field, tokens } = edits.maxOutput;
  const existing = facts.positions.outputLimits.find((limit) => limit.field === field);
  // A field that is null is filled: with a second field of its name, parsers would disagree.
  if (existing !== undefined) return [{ ...existing.span, text: String(tokens) }];
  const member = `${JSON.stringify(field)}:${tokens}`;
  const { afterOpeningBrace, outputLimitParent: parent } = facts.positions;
  if (parent === null) return [insertAt(afterOpeningBrace, `${member},`)];
  if (parent.span === null)
    return [insertAt(afterOpeningBrace, `${JSON.stringify(parent.name)}:{${member}},`)];
  if (!parent.isObject) return [{ ...parent.span, text: `{${member}}` }];
  const comma = isEmptyObject(body, parent.span) ? '' : ',';
  return [insertAt(parent.span.start + 1, member + comma)];
}

/** OpenAI's reasoning models know the limit by this name only. */
const NEW_LIMIT_FIELD = 'max_completion_tokens';

/** Moves the limit to its newer name: the name is replaced, the value stays as it is written. */
function renameSplices({ positions }: RequestFacts, edits: Edits): Splice[] {
  const find = (field: string) => positions.outputLimits.find((limit) => limit.field === field);
  const old = find('max_tokens');
  if (!edits.renameMaxTokens || old === undefined || old.tokens === null) return [];
  const existing = find(NEW_LIMIT_FIELD);
  if (existing === undefined) return [{ ...old.nameSpan, text: JSON.stringify(NEW_LIMIT_FIELD) }];
  // Both are set: which one counts is for the provider to say.
  if (existing.tokens !== null) return [];
  return [
    { ...existing.span, text: String(old.tokens) },
    { ...old.span, text: 'null' },
  ];
}

function usageOptionSplices(facts: RequestFacts, edits: Edits, body: Uint8Array): Splice[] {
  if (!edits.includeUsage || facts.usageRequested) return [];
  const { includeUsage, streamOptions, nonObjectStreamOptions, afterOpeningBrace } =
    facts.positions;
  if (includeUsage !== null) return [{ ...includeUsage, text: 'true' }];
  if (streamOptions !== null) {
    const comma = isEmptyObject(body, streamOptions) ? '' : ',';
    return [insertAt(streamOptions.start + 1, `"include_usage":true${comma}`)];
  }
  if (nonObjectStreamOptions !== null)
    return [{ ...nonObjectStreamOptions, text: '{"include_usage":true}' }];
  return [insertAt(afterOpeningBrace, '"stream_options":{"include_usage":true},')];
}

function defaultSplices({ positions }: RequestFacts, { defaults }: Edits): Splice[] {
  return positions.defaults
    .filter(({ field }) => defaults.includes(field))
    .map(({ field, span, json }) =>
      span === null
        ? insertAt(positions.afterOpeningBrace, `${JSON.stringify(field)}:${json},`)
        : { ...span, text: json },
    );
}

function isEmptyObject(body: Uint8Array, span: Span): boolean {
  return !body.subarray(span.start, span.end).includes(0x22);
}

/** Returns whether the request itself sets the limit in this field. */
export function hasOutputLimit({ positions }: RequestFacts, field: string): boolean {
  return positions.outputLimits.some((limit) => limit.field === field && limit.tokens !== null);
}

/** Returns the pieces of the body for the provider; the body itself if nothing changes. */
export function editRequest(body: Uint8Array, facts: RequestFacts, edits: Edits): Uint8Array[] {
  const { model: span } = facts.positions;
  const model =
    span === null || facts.model === edits.model
      ? []
      : [{ ...span, text: JSON.stringify(edits.model) }];
  return applySplices(body, [
    ...model,
    ...outputLimitSplices(facts, edits, body),
    ...renameSplices(facts, edits),
    ...usageOptionSplices(facts, edits, body),
    ...defaultSplices(facts, edits),
  ]);
}

/**
 * Returns the pieces of the body with the model's own name at the provider, and no other change; the
 * body itself where it does not name the model.
 */
export function editModel(body: Uint8Array, model: Span | null, name: string): Uint8Array[] {
  if (model === null) return [body];
  return applySplices(body, [{ ...model, text: JSON.stringify(name) }]);
}
