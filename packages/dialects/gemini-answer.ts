/**
 * Answers of Gemini's generateContent: what billing reads in their events, and their conversion
 * between a document and a stream. An event is a GenerateContentResponse like the whole answer.
 */
import type { AnswerAssembler, AnswerRecorder } from './dialect-spec.ts';
import { childObject, isJsonObject, type JsonObject, toCount } from './json-fields.ts';
import { mergeUsage } from './merge-usage.ts';

function listObjects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function getIndex(candidate: JsonObject, position: number): number {
  return toCount(candidate.index) ?? position;
}

function hasText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/**
 * Returns the search queries that are billed: Google bills each query once, and no empty one
 * (litellm issue 36377).
 */
function listQueries(grounding: JsonObject): ReadonlySet<unknown> {
  const lists = [grounding.webSearchQueries, grounding.imageSearchQueries];
  return new Set(lists.flatMap((list) => (Array.isArray(list) ? list : [])).filter(hasText));
}

/** Places, and nothing else, show that an answer is grounded in Google Maps (litellm pull 38418). */
function isMapsGrounded(grounding: JsonObject): boolean {
  const hasPlaces = listObjects(grounding.groundingChunks).some(({ maps }) => isJsonObject(maps));
  return hasPlaces || hasText(grounding.googleMapsWidgetContextToken);
}

function readCandidate(candidate: JsonObject, index: number, recorder: AnswerRecorder): void {
  if (hasText(candidate.finishReason)) recorder.markFinished(index);
  const grounding = childObject(candidate, 'groundingMetadata');
  const queries = listQueries(grounding).size;
  if (queries > 0) recorder.setSearchQueries(index, queries);
  if (isMapsGrounded(grounding)) recorder.markMapsGrounded();
}

/** Returns the reason for which a prompt was blocked; there are no candidates then. */
function getBlockReason(event: JsonObject): string | null {
  const { blockReason } = childObject(event, 'promptFeedback');
  return typeof blockReason === 'string' && blockReason !== '' ? blockReason : null;
}

/** A prompt that is blocked before any token of it is read is reported without a count. */
function toBlockedUsage(usage: unknown): JsonObject {
  return { promptTokenCount: 0, candidatesTokenCount: 0, ...(isJsonObject(usage) ? usage : {}) };
}

/**
 * Reads one event of a stream, or a whole answer. Each event counts everything so far, and the last
 * one everything: it replaces what came before, which may count more (a call of Google's own tools
 * is counted while it runs).
 */
export function readGeminiEvent(event: JsonObject, recorder: AnswerRecorder): void {
  const candidates = listObjects(event.candidates);
  for (const [position, candidate] of candidates.entries())
    readCandidate(candidate, getIndex(candidate, position), recorder);
  const blockReason = getBlockReason(event);
  if (blockReason !== null) {
    recorder.markRefused(blockReason);
    recorder.markFinished(0);
  }
  const usage = blockReason === null ? event.usageMetadata : toBlockedUsage(event.usageMetadata);
  if (!isJsonObject(usage)) return;
  const isLast = candidates.some(({ finishReason }) => hasText(finishReason));
  if (isLast && toCount(usage.totalTokenCount) !== null) recorder.replaceUsage(usage);
  else recorder.addRunningUsage(usage);
}

/** True for an answer, or an event of one: a client can use either. */
export function isGeminiAnswer(document: JsonObject): boolean {
  if (document.error !== undefined) return false;
  return listObjects(document.candidates).length > 0 || getBlockReason(document) !== null;
}

/** True also for the last event of a stream that only reports usage. */
export function isGeminiEvent(document: JsonObject): boolean {
  if (document.error !== undefined) return false;
  return isGeminiAnswer(document) || isJsonObject(document.usageMetadata);
}

/** Appends the parts of an event; a text continues a text of the same kind, as in Google's SDKs. */
function appendParts(parts: Record<string, unknown>[], added: readonly JsonObject[]): void {
  for (const part of added) {
    const last = parts.at(-1);
    const continues =
      last !== undefined &&
      typeof last.text === 'string' &&
      typeof part.text === 'string' &&
      last.thought === part.thought &&
      last.thoughtSignature === undefined;
    if (continues) Object.assign(last, part, { text: `${last.text}${part.text}` });
    else parts.push({ ...part });
  }
}

type Candidate = { members: Record<string, unknown>; parts: Record<string, unknown>[] };

function mergeCandidate(target: Candidate, candidate: JsonObject): void {
  const { content, ...members } = candidate;
  Object.assign(target.members, members);
  if (!isJsonObject(content)) return;
  appendParts(target.parts, listObjects(content.parts));
}

/** Builds an answer from its events. */
export function createGeminiAssembler(): AnswerAssembler {
  const candidates = new Map<number, Candidate>();
  const base: Record<string, unknown> = {};
  let usage: JsonObject | null = null;
  return {
    add(event) {
      const { candidates: added, usageMetadata, ...rest } = event;
      Object.assign(base, rest);
      if (isJsonObject(usageMetadata)) usage = mergeUsage(usage ?? {}, usageMetadata);
      for (const [position, candidate] of listObjects(added).entries()) {
        const index = getIndex(candidate, position);
        const target = candidates.get(index) ?? { members: {}, parts: [] };
        candidates.set(index, target);
        mergeCandidate(target, candidate);
      }
    },
    document() {
      if (candidates.size === 0 && getBlockReason(base) === null) return null;
      const merged = [...candidates]
        .sort(([a], [b]) => a - b)
        .map(([index, { members, parts }]) => ({
          content: { parts, role: 'model' },
          ...members,
          index,
        }));
      return {
        ...(merged.length === 0 ? {} : { candidates: merged }),
        ...base,
        ...(usage === null ? {} : { usageMetadata: usage }),
      };
    },
  };
}
