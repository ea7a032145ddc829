/**
 * The closed table of Gemini's generateContent: each documented field (ai.google.dev API reference
 * and @google/genai 3.3, November 2026) with its effect on the price. Google refuses a field that it
 * does not know; one that is not in the table passes and is counted.
 */
import {
  type CaptureSpec,
  getMember,
  type JsonNode,
  LEAF,
  NO_EFFECT,
  REFERS_TO_STORED,
  type RequestAnalysis,
  type Rules,
  rejectedRule,
  toInteger,
} from './analysis.ts';
import { ANSWERS_NOT_KEPT, checkFlag } from './chat-rules.ts';
import { readTier } from './service-terms.ts';

/** https://ai.google.dev/api/generate-content, `candidateCount`: from 1 to 8. */
export const MAX_CANDIDATES = 8;

/** The JSON of one token's log probability, and Google's maximum of alternatives. */
const LOGPROB_BYTES = 85;
const MAX_LOGPROBS = 20;

const GENERATION_CONFIG_CAPTURE: CaptureSpec = {
  members: {
    maxOutputTokens: LEAF,
    candidateCount: LEAF,
    responseLogprobs: LEAF,
    logprobs: LEAF,
    responseModalities: { items: LEAF },
    thinkingConfig: { members: { thinkingBudget: LEAF, thinkingLevel: LEAF } },
  },
};

/**
 * Reads a whole number as Google's parser of JSON does: a number, or a string of its digits
 * (protobuf.dev, "ProtoJSON format").
 */
export function toProtoInteger(node: JsonNode): number | null {
  if (node.kind !== 'string') return toInteger(node);
  return node.text !== null && /^\d{1,15}$/.test(node.text) ? Number(node.text) : null;
}

function checkThinking(value: JsonNode, analysis: RequestAnalysis): void {
  const budget = getMember(value, 'thinkingBudget');
  // -1 leaves the budget to the model, within the output limit.
  if (budget === undefined || budget.text === '-1') return;
  const tokens = toProtoInteger(budget);
  if (tokens === null)
    analysis.rejectInvalid('generationConfig.thinkingConfig.thinkingBudget', 'a whole number');
  else analysis.thinkingBudget = tokens;
}

/** Returns the items of a repeated field, which Google's parser also takes without its array. */
export function listItems(node: JsonNode): readonly JsonNode[] {
  return node.kind === 'array' ? node.items : [node];
}

const MODALITIES: ReadonlySet<string> = new Set([
  ...['MODALITY_UNSPECIFIED', 'TEXT', 'IMAGE', 'AUDIO'],
]);

function checkModalities(value: JsonNode, analysis: RequestAnalysis): void {
  for (const item of listItems(value)) {
    const word = item.kind === 'string' ? (item.text ?? '').toUpperCase() : '';
    if (!MODALITIES.has(word))
      analysis.rejectInvalid('generationConfig.responseModalities', 'TEXT, IMAGE or AUDIO');
    if (word === 'AUDIO') analysis.audioOutput = true;
  }
}

function checkGenerationConfig(value: JsonNode, analysis: RequestAnalysis): void {
  if (value.kind !== 'object') {
    analysis.rejectInvalid('generationConfig', 'an object');
    return;
  }
  const thinking = getMember(value, 'thinkingConfig');
  if (thinking !== undefined) checkThinking(thinking, analysis);
  const modalities = getMember(value, 'responseModalities');
  if (modalities !== undefined) checkModalities(modalities, analysis);
  if ((getMember(value, 'responseLogprobs')?.text ?? 'false') !== 'false') {
    const alternatives = getMember(value, 'logprobs');
    const count = alternatives === undefined ? 0 : toProtoInteger(alternatives);
    analysis.addBytesPerToken(LOGPROB_BYTES * (1 + (count ?? MAX_LOGPROBS)));
  }
}

const TIERS: ReadonlySet<string> = new Set(['standard', 'flex', 'priority']);

function checkServiceTier(value: JsonNode, analysis: RequestAnalysis, field: string): void {
  // The SDK writes `flex`, the definition of the message SERVICE_TIER_FLEX.
  const word = (value.text ?? '').toLowerCase().replace('service_tier_', '');
  if (value.kind === 'string' && word === 'unspecified') return;
  const tier = value.kind === 'string' && TIERS.has(word) ? readTier(word) : 'unknown';
  if (tier === 'unknown')
    analysis.rejectPricing(field, `its value has no known price; use ${[...TIERS].join(', ')}`);
  else if (tier !== undefined) analysis.terms = { ...analysis.terms, tier };
}

export const GEMINI_RULES: Rules = {
  // Read by code of their own.
  contents: { effect: 'priced' },
  systemInstruction: { effect: 'priced' },
  tools: { effect: 'priced' },
  generationConfig: {
    effect: 'bounded',
    captureSpec: GENERATION_CONFIG_CAPTURE,
    // A schema stands in it, and the model reads that.
    isPrompt: true,
    check: checkGenerationConfig,
  },
  serviceTier: { effect: 'bounded', check: checkServiceTier },
  cachedContent: rejectedRule(REFERS_TO_STORED),
  continuationToken: rejectedRule(REFERS_TO_STORED),
  store: { effect: 'rejected', check: checkFlag(ANSWERS_NOT_KEPT) },
  // The URL names the model: a body that names another one would be billed by one reading and
  // served by the other.
  model: rejectedRule('the model is named in the URL of this endpoint'),
  labels: NO_EFFECT,
  // Of Google Cloud's endpoint, which has the same bodies.
  modelArmorConfig: NO_EFFECT,
  safetySettings: NO_EFFECT,
  toolConfig: NO_EFFECT,
};

/** Of countTokens, whose body may also be a whole request in a field of its own. */
export const GEMINI_COUNT_RULES: Rules = {
  ...GEMINI_RULES,
  generateContentRequest: { effect: 'priced' },
};
