/**
 * Reads a body once and returns the facts that billing needs, by its dialect's spec. Every known
 * field is priced, bounded or rejected; an unknown one passes and is counted. Keeps numbers, short
 * settings and positions, never a piece of a prompt.
 */

import { capture, type JsonNode, LEAF, RequestAnalysis, toInteger } from './analysis.ts';
import type {
  CountTokensResult,
  DefaultField,
  ParseResult,
  RequestError,
  RequestFacts,
  Span,
  UpstreamEndpoint,
} from './contract.ts';
import type { RequestSpec } from './dialect-spec.ts';
import { type JsonKind, Scanner } from './json-scanner.ts';
import { PromptWalker } from './prompt-walker.ts';
import { ENDPOINT_SPECS } from './specs.ts';
import { unitsToTokens } from './token-estimator.ts';
import { detectWrongEndpoint } from './wrong-endpoint.ts';

/** Special tokens of a prompt, and text that a provider adds by itself (xAI: some 700 tokens). */
const MAX_PREAMBLE_TOKENS = 2_000;

/** OpenAI's documented maximum. */
const MAX_CHOICES = 128;
const MAX_MODEL_NAME_BYTES = 256;

/** One reading of one body. */
class BodyParser {
  readonly analysis = new RequestAnalysis();
  readonly scanner: Scanner;
  readonly fields = new Map<string, JsonKind>();
  readonly settings = new Map<string, JsonNode>();
  /** The positions of the top-level names. */
  readonly nameSpans = new Map<string, Span>();
  readonly #spec: RequestSpec;
  readonly #promptWalker: PromptWalker;

  constructor(spec: RequestSpec, bytes: Uint8Array) {
    const watchedName = spec.checkCacheControl === null ? null : 'cache_control';
    this.scanner = new Scanner(bytes, watchedName, () => this.#cacheControl());
    this.#spec = spec;
    this.#promptWalker = new PromptWalker(spec, this.scanner, this.analysis, () =>
      this.#cacheControl(),
    );
  }

  /**
   * Reads the whole body into the members above. Returns an error of the body as a whole, or null.
   */
  parse(): RequestError | null {
    const { scanner, analysis } = this;
    const isObject = scanner.peekKind() === 'object';
    if (isObject) scanner.readObject((name) => this.#field(name));
    else scanner.skip();
    scanner.expectEnd();
    if (scanner.error !== null) return { reason: scanner.error };
    if (!isObject) return { reason: 'not_an_object' };
    detectWrongEndpoint(this.#spec.wrongEndpointMarkers, this.fields, analysis);
    return analysis.wrongDialect;
  }

  /**
   * Where the dialect has no marks, caching is the provider's decision and the value is skipped.
   */
  #cacheControl(): void {
    const { checkCacheControl } = this.#spec;
    if (checkCacheControl === null) return;
    const captureSpec = { members: { ttl: LEAF } };
    checkCacheControl(
      capture(this.scanner, captureSpec, 'cache_control', this.analysis),
      this.analysis,
    );
  }

  #field(name: string): void {
    if (!Object.hasOwn(this.#spec.rules, name)) {
      this.#unknownField(name);
      return;
    }
    if (this.fields.has(name)) this.analysis.reject({ reason: 'duplicate_field', field: name });
    this.nameSpans.set(name, this.scanner.lastString);
    this.fields.set(name, this.scanner.peekKind());
    const promptField = this.#spec.promptFields.get(name);
    if (promptField === undefined) this.#setting(name);
    else this.#promptWalker.field(promptField, name);
  }

  #setting(name: string): void {
    const { scanner, analysis } = this;
    const rule = this.#spec.rules[name];
    if (rule === undefined) return;
    const { maxTokens, estimatedUnits } = scanner;
    if (
      rule.effect === 'priced' &&
      rule.captureSpec === undefined &&
      name !== 'model' &&
      name !== 'stream'
    ) {
      // A schema: the model reads its bytes, so they count.
      scanner.skip();
      return;
    }
    const node = capture(scanner, rule.captureSpec ?? LEAF, name, analysis);
    scanner.maxTokens = maxTokens;
    scanner.estimatedUnits = estimatedUnits;
    this.settings.set(name, node);
    if (node.kind === 'null') return;
    if (rule.check !== undefined) rule.check(node, analysis, name);
    else if (rule.explanation !== undefined && rule.pricingOnly === true)
      analysis.rejectPricing(name, rule.explanation);
    else if (rule.explanation !== undefined) analysis.rejectUnsupported(name, rule.explanation);
  }

  #unknownField(name: string): void {
    const { wrongEndpointMarkers, confusableNames } = this.#spec;
    if (Object.hasOwn(wrongEndpointMarkers, name)) this.fields.set(name, this.scanner.peekKind());
    this.analysis.rejectConfusedName(name, null, confusableNames);
    this.analysis.unknownFields += 1;
    const { estimatedUnits } = this.scanner;
    this.scanner.skip();
    this.scanner.estimatedUnits = estimatedUnits;
  }
}

function toSpan(node: JsonNode): Span {
  return { start: node.start, end: node.end };
}

function readModel(parser: BodyParser): JsonNode | null {
  const model = parser.settings.get('model');
  if (model === undefined) {
    parser.analysis.reject({ reason: 'missing_field', field: 'model' });
    return null;
  }
  const lengthOk = model.end - model.start <= MAX_MODEL_NAME_BYTES;
  if (model.kind === 'string' && model.text !== null && model.text !== '' && lengthOk) return model;
  parser.analysis.rejectInvalid('model', 'the name of a model');
  return null;
}

function readFlag(parser: BodyParser, name: string): boolean {
  const flag = parser.settings.get(name);
  if (flag === undefined || flag.kind === 'null') return false;
  if (flag.kind !== 'boolean') parser.analysis.rejectInvalid(name, 'true or false');
  return flag.text === 'true';
}

function readChoices(parser: BodyParser): number {
  const choices = parser.settings.get('n');
  if (choices === undefined || choices.kind === 'null') return 1;
  const count = toInteger(choices);
  if (count !== null && count >= 1 && count <= MAX_CHOICES) return count;
  parser.analysis.rejectInvalid('n', `a whole number from 1 to ${MAX_CHOICES}`);
  return 1;
}

type OutputLimits = RequestFacts['positions']['outputLimits'];

function readOutputLimits(
  parser: BodyParser,
  { fields, required, min }: RequestSpec['outputLimit'],
): OutputLimits {
  const limits: OutputLimits[number][] = [];
  for (const field of fields) {
    const limit = parser.settings.get(field);
    const nameSpan = parser.nameSpans.get(field);
    if (limit === undefined || nameSpan === undefined) continue;
    const tokens = toInteger(limit);
    const isValid = tokens !== null && tokens >= min;
    if (!isValid && limit.kind !== 'null')
      parser.analysis.rejectInvalid(field, 'a positive whole number');
    limits.push({ field, nameSpan, span: toSpan(limit), tokens });
  }
  const hasLimit = limits.some((limit) => limit.tokens !== null);
  const [field] = fields;
  if (!hasLimit && required && field !== undefined)
    parser.analysis.reject({ reason: 'missing_field', field });
  return limits;
}

/** Returns the fields that the provider gets with a value of ours. */
function readDefaults(parser: BodyParser, { defaults }: RequestSpec): DefaultField[] {
  return defaults.flatMap(({ field, json, isNeeded }) => {
    const value = parser.settings.get(field);
    const isSet = value !== undefined && value.kind !== 'null';
    if (isSet || !isNeeded(parser.analysis)) return [];
    return [{ field, json, span: value === undefined ? null : toSpan(value) }];
  });
}

type UsagePositions = Readonly<{
  usageRequested: boolean;
  streamOptions: Span | null;
  nonObjectStreamOptions: Span | null;
  includeUsage: Span | null;
}>;

function readStreamOptions(parser: BodyParser): UsagePositions {
  const options = parser.settings.get('stream_options');
  const absent = { usageRequested: false, streamOptions: null, includeUsage: null };
  if (options === undefined) return { ...absent, nonObjectStreamOptions: null };
  if (options.kind !== 'object') {
    if (options.kind !== 'null') parser.analysis.rejectInvalid('stream_options', 'an object');
    return { ...absent, nonObjectStreamOptions: toSpan(options) };
  }
  const include = options.members.get('include_usage');
  if (include !== undefined && include.kind !== 'boolean' && include.kind !== 'null') {
    parser.analysis.rejectInvalid('stream_options.include_usage', 'true or false');
  }
  return {
    usageRequested: include?.text === 'true',
    streamOptions: toSpan(options),
    nonObjectStreamOptions: null,
    includeUsage: include === undefined ? null : toSpan(include),
  };
}

function findMaxLimit(limits: OutputLimits): OutputLimits[number] | null {
  let max: OutputLimits[number] | null = null;
  for (const limit of limits) {
    if (limit.tokens === null) continue;
    if (max === null || limit.tokens > (max.tokens ?? 0)) max = limit;
  }
  return max;
}

function countInputTokens(
  parser: BodyParser,
): Pick<RequestFacts, 'maxInputTokens' | 'estimatedInput'> {
  const { scanner, analysis } = parser;
  const maxTokens = scanner.maxTokens + analysis.extraMaxTokens + MAX_PREAMBLE_TOKENS;
  return {
    maxInputTokens: analysis.contextWindow ? 'context_window' : maxTokens,
    estimatedInput: {
      textTokens: unitsToTokens(scanner.estimatedUnits - analysis.toolUnits),
      toolTokens: unitsToTokens(analysis.toolUnits),
      mediaTokens: analysis.estimatedMediaTokens,
      messages: analysis.messages,
      tools: analysis.tools,
    },
  };
}

/** Reads a body for this endpoint: its facts, or why it is not accepted. */
export function parseRequest(endpoint: UpstreamEndpoint, bytes: Uint8Array): ParseResult {
  return parseWithSpec(endpoint, ENDPOINT_SPECS[endpoint].request, bytes);
}

/** The same for an estimate, which also takes a body that only counts tokens: it has no limit. */
export function parseForEstimate(endpoint: UpstreamEndpoint, bytes: Uint8Array): ParseResult {
  const { request } = ENDPOINT_SPECS[endpoint];
  const outputLimit = { ...request.outputLimit, required: false };
  return parseWithSpec(endpoint, { ...request, outputLimit }, bytes);
}

function parseWithSpec(
  endpoint: UpstreamEndpoint,
  spec: RequestSpec,
  bytes: Uint8Array,
): ParseResult {
  const parser = new BodyParser(spec, bytes);
  const error = parser.parse();
  if (error !== null) return { ok: false, ...error };
  const { analysis } = parser;
  const model = readModel(parser);
  if (!parser.fields.has(spec.requiredField))
    analysis.reject({ reason: 'missing_field', field: spec.requiredField });
  const stream = readFlag(parser, 'stream');
  const choices = readChoices(parser);
  const outputLimits = readOutputLimits(parser, spec.outputLimit);
  const { usageRequested, ...usagePositions } = readStreamOptions(parser);
  spec.checkRequest(model?.text ?? '', analysis);
  if (analysis.error !== null) return { ok: false, ...analysis.error };
  if (model === null) return { ok: false, reason: 'missing_field', field: 'model' };
  const limit = findMaxLimit(outputLimits);
  const afterOpeningBrace = findBodyStart(bytes);
  return {
    ok: true,
    facts: {
      dialect: ENDPOINT_SPECS[endpoint].dialect,
      endpoint,
      model: model.text ?? '',
      stream,
      usageRequested,
      maxOutput: limit?.tokens ?? null,
      thinkingBudget: analysis.thinkingBudget,
      choices,
      ...countInputTokens(parser),
      longContext: analysis.longContext,
      serverPasses: analysis.serverPasses,
      bytesPerToken: analysis.bytesPerToken,
      cacheWrites: analysis.cacheWrites,
      terms: analysis.terms,
      surchargeBounds: analysis.surchargeBounds(choices),
      unknownFields: analysis.unknownFields,
      positions: {
        afterOpeningBrace,
        isEmpty: false,
        model: toSpan(model),
        maxOutput: limit?.span ?? null,
        outputLimits,
        defaults: readDefaults(parser, spec),
        ...usagePositions,
      },
    },
  };
}

/** Returns the offset after the opening brace: only white space may precede it. */
function findBodyStart(bytes: Uint8Array): number {
  return bytes.indexOf(0x7b) + 1;
}

/** Parses a body for a count of tokens, which is free: checks the model and the dialect only. */
export function parseCountTokens(endpoint: UpstreamEndpoint, bytes: Uint8Array): CountTokensResult {
  const parser = new BodyParser(ENDPOINT_SPECS[endpoint].request, bytes);
  const error = parser.parse();
  if (error !== null) return { ok: false, ...error };
  const model = readModel(parser);
  const { errorWhenFree } = parser.analysis;
  if (errorWhenFree !== null) return { ok: false, ...errorWhenFree };
  if (model === null)
    return { ok: false, reason: 'invalid_field', field: 'model', expected: 'the name of a model' };
  return { ok: true, model: model.text ?? '', modelSpan: toSpan(model) };
}
