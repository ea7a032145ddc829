/**
 * Reads a body once and returns the facts that billing needs, by its dialect's spec. Every known
 * field is priced, bounded or rejected; an unknown one passes and is counted. Keeps numbers, short
 * settings and positions, never a piece of a prompt.
 */

import { capture, type JsonNode, LEAF, RequestAnalysis, type Rule } from './analysis.ts';
import type {
  CountTokensResult,
  DefaultField,
  ParseResult,
  RequestError,
  RequestFacts,
  Span,
  UpstreamEndpoint,
  UrlTarget,
} from './contract.ts';
import type { PromptReader, RequestSpec } from './dialect-spec.ts';
import { type JsonKind, Scanner } from './json-scanner.ts';
import { PromptWalker } from './prompt-walker.ts';
import { ENDPOINT_SPECS } from './specs.ts';
import { unitsToTokens } from './token-estimator.ts';
import { detectWrongEndpoint } from './wrong-endpoint.ts';

/** Special tokens of a prompt, and text that a provider adds by itself (xAI: some 700 tokens). */
const MAX_PREAMBLE_TOKENS = 2_000;

const MAX_MODEL_NAME_BYTES = 256;

/** One reading of one body. */
class BodyParser {
  readonly analysis: RequestAnalysis;
  readonly scanner: Scanner;
  readonly fields = new Map<string, JsonKind>();
  readonly settings = new Map<string, JsonNode>();
  /** The positions of the top-level names. */
  readonly nameSpans = new Map<string, Span>();
  readonly spec: RequestSpec;
  readonly #promptReader: PromptReader;

  constructor(spec: RequestSpec, bytes: Uint8Array) {
    const watchedName = spec.checkCacheControl === null ? null : 'cache_control';
    this.scanner = new Scanner(bytes, watchedName, () => this.#cacheControl());
    this.spec = spec;
    this.analysis = new RequestAnalysis(spec.toFieldName);
    this.#promptReader =
      spec.createPromptReader?.(this.scanner, this.analysis) ??
      new PromptWalker(spec, this.scanner, this.analysis, () => this.#cacheControl());
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
    detectWrongEndpoint(this.spec.wrongEndpointMarkers, this.fields, analysis);
    return analysis.wrongDialect;
  }

  /**
   * Where the dialect has no marks, caching is the provider's decision and the value is skipped.
   */
  #cacheControl(): void {
    const { checkCacheControl } = this.spec;
    if (checkCacheControl === null) return;
    const captureSpec = { members: { ttl: LEAF } };
    checkCacheControl(
      capture(this.scanner, captureSpec, 'cache_control', this.analysis),
      this.analysis,
    );
  }

  #field(written: string): void {
    const name = this.spec.toFieldName(written);
    if (!Object.hasOwn(this.spec.rules, name)) {
      this.#unknownField(name);
      return;
    }
    if (this.fields.has(name)) this.analysis.reject({ reason: 'duplicate_field', field: name });
    this.nameSpans.set(name, this.scanner.lastString);
    this.fields.set(name, this.scanner.peekKind());
    const promptField = this.spec.promptFields.get(name);
    if (promptField === undefined) this.#setting(name);
    else this.#promptReader.field(promptField, name);
  }

  #setting(name: string): void {
    const { scanner, analysis } = this;
    const rule = this.spec.rules[name];
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
    if (rule.isPrompt !== true) {
      scanner.maxTokens = maxTokens;
      scanner.estimatedUnits = estimatedUnits;
    }
    this.settings.set(name, node);
    if (node.kind === 'null') return;
    if (rule.check !== undefined) rule.check(node, analysis, name);
    else if (rule.explanation !== undefined && rule.pricingOnly === true)
      analysis.rejectPricing(name, rule.explanation);
    else if (rule.explanation !== undefined) analysis.rejectUnsupported(name, rule.explanation);
  }

  #unknownField(name: string): void {
    const { wrongEndpointMarkers, confusableNames } = this.spec;
    if (Object.hasOwn(wrongEndpointMarkers, name)) this.fields.set(name, this.scanner.peekKind());
    this.analysis.rejectConfusedName(name, null, confusableNames);
    this.analysis.unknownFields += 1;
    this.spec.checkUnknownField(name, this.scanner.peekKind(), this.analysis);
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

/** Returns the value of a setting, which may be a member of another one; undefined for none. */
function findSetting(
  parser: BodyParser,
  parent: string | null,
  field: string,
): JsonNode | undefined {
  const settings = parent === null ? parser.settings : parser.settings.get(parent)?.members;
  return settings?.get(field);
}

function toPath(parent: string | null, field: string): string {
  return parent === null ? field : `${parent}.${field}`;
}

function readChoices(parser: BodyParser, { parent, field, max }: RequestSpec['choices']): number {
  const choices = findSetting(parser, parent, field);
  if (choices === undefined || choices.kind === 'null') return 1;
  const count = parser.spec.readInteger(choices);
  if (count !== null && count >= 1 && count <= max) return count;
  parser.analysis.rejectInvalid(toPath(parent, field), `a whole number from 1 to ${max}`);
  return 1;
}

type OutputLimits = RequestFacts['positions']['outputLimits'];

function readOutputLimits(
  parser: BodyParser,
  outputLimit: RequestSpec['outputLimit'],
): OutputLimits {
  const { fields, required, min } = outputLimit;
  const parent = outputLimit.parent ?? null;
  const limits: OutputLimits[number][] = [];
  for (const field of fields) {
    const limit = findSetting(parser, parent, field);
    const nameSpan = parser.nameSpans.get(parent ?? field);
    if (limit === undefined || nameSpan === undefined) continue;
    const tokens = parser.spec.readInteger(limit);
    const isValid = tokens !== null && tokens >= min;
    if (!isValid && limit.kind !== 'null')
      parser.analysis.rejectInvalid(toPath(parent, field), 'a positive whole number');
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

/**
 * Reads a body for this endpoint: its facts, or why it is not accepted. `urlTarget` is what the URL
 * says, at the endpoints whose bodies do not name the model.
 */
export function parseRequest(
  endpoint: UpstreamEndpoint,
  bytes: Uint8Array,
  urlTarget: UrlTarget | null = null,
): ParseResult {
  return parseWithSpec(endpoint, ENDPOINT_SPECS[endpoint].request, bytes, urlTarget);
}

const BODY_MODEL: Rule = { effect: 'priced' };

/**
 * The same for an estimate, which also takes a body that only counts tokens, without a limit, and
 * the name of the model in every body.
 */
export function parseForEstimate(endpoint: UpstreamEndpoint, bytes: Uint8Array): ParseResult {
  const { request } = ENDPOINT_SPECS[endpoint];
  const outputLimit = { ...request.outputLimit, required: false };
  const rules = { ...request.rules, model: BODY_MODEL };
  return parseWithSpec(endpoint, { ...request, rules, target: 'body', outputLimit }, bytes, null);
}

function readLimitParent(
  parser: BodyParser,
  { parent }: RequestSpec['outputLimit'],
): RequestFacts['positions']['outputLimitParent'] {
  if (parent === undefined) return null;
  const node = parser.settings.get(parent);
  const span = node === undefined ? null : toSpan(node);
  return { name: parent, span, isObject: node?.kind === 'object' };
}

type Target = Pick<RequestFacts, 'model' | 'stream' | 'streamFormat' | 'urlTarget'> &
  Readonly<{ modelSpan: Span | null }>;

/** Returns what the URL or the body asks for; null without a model. */
function readTarget(parser: BodyParser, urlTarget: UrlTarget | null): Target | null {
  if (parser.spec.target === 'url' && urlTarget !== null) {
    const { model, streamFormat } = urlTarget;
    const stream = streamFormat !== null;
    return { model, stream, streamFormat: streamFormat ?? 'events', urlTarget, modelSpan: null };
  }
  const model = readModel(parser);
  const stream = readFlag(parser, 'stream');
  if (model === null) return null;
  const modelSpan = toSpan(model);
  return { model: model.text ?? '', stream, streamFormat: 'events', urlTarget: null, modelSpan };
}

function parseWithSpec(
  endpoint: UpstreamEndpoint,
  spec: RequestSpec,
  bytes: Uint8Array,
  urlTarget: UrlTarget | null,
): ParseResult {
  const parser = new BodyParser(spec, bytes);
  const error = parser.parse();
  if (error !== null) return { ok: false, ...error };
  const { analysis } = parser;
  const target = readTarget(parser, urlTarget);
  if (!parser.fields.has(spec.requiredField))
    analysis.reject({ reason: 'missing_field', field: spec.requiredField });
  const choices = readChoices(parser, spec.choices);
  const outputLimits = readOutputLimits(parser, spec.outputLimit);
  const { usageRequested, ...usagePositions } = readStreamOptions(parser);
  spec.checkRequest(target?.model ?? '', analysis);
  if (analysis.error !== null) return { ok: false, ...analysis.error };
  if (target === null) return { ok: false, reason: 'missing_field', field: 'model' };
  const { modelSpan, ...targetFacts } = target;
  const limit = findMaxLimit(outputLimits);
  const afterOpeningBrace = findBodyStart(bytes);
  return {
    ok: true,
    facts: {
      dialect: ENDPOINT_SPECS[endpoint].dialect,
      endpoint,
      usageRequested,
      maxOutput: limit?.tokens ?? null,
      thinkingBudget: analysis.thinkingBudget,
      previousResponseId: analysis.previousResponseId,
      choices,
      mayHaveAudioInput: analysis.audioInput,
      mayHaveAudioOutput: analysis.audioOutput,
      mayHaveImageOutput: analysis.imageOutput,
      longContext: analysis.longContext,
      serverPasses: analysis.serverPasses,
      outputTurns: spec.outputLimit.isPerTurn ? analysis.serverPasses : 1,
      mayClearContext: analysis.mayClearContext,
      bytesPerToken: analysis.bytesPerToken,
      cacheWrites: analysis.cacheWrites,
      terms: analysis.terms,
      surchargeBounds: analysis.surchargeBounds(choices),
      unknownFields: analysis.unknownFields,
      positions: {
        afterOpeningBrace,
        isEmpty: false,
        model: modelSpan,
        maxOutput: limit?.span ?? null,
        outputLimitParent: readLimitParent(parser, spec.outputLimit),
        outputLimits,
        defaults: readDefaults(parser, spec),
        ...usagePositions,
      },
      // Last: after a spread, V8 defines each property of a literal by a call of its runtime.
      ...targetFacts,
      ...countInputTokens(parser),
    },
  };
}

/** Returns the offset after the opening brace: only white space may precede it. */
function findBodyStart(bytes: Uint8Array): number {
  return bytes.indexOf(0x7b) + 1;
}

/**
 * Parses a body for a count of tokens, which is free: checks the model and the dialect only.
 * `urlTarget` is as for `parseRequest`.
 */
export function parseCountTokens(
  endpoint: UpstreamEndpoint,
  bytes: Uint8Array,
  urlTarget: UrlTarget | null = null,
): CountTokensResult {
  const parser = new BodyParser(ENDPOINT_SPECS[endpoint].request, bytes);
  const error = parser.parse();
  if (error !== null) return { ok: false, ...error };
  const target = readTarget(parser, urlTarget);
  const { errorWhenFree } = parser.analysis;
  if (errorWhenFree !== null) return { ok: false, ...errorWhenFree };
  if (target === null)
    return { ok: false, reason: 'invalid_field', field: 'model', expected: 'the name of a model' };
  const modelSpan = target.modelSpan ?? parser.analysis.nestedModel;
  const { estimatedInput } = countInputTokens(parser);
  return { ok: true, model: target.model, modelSpan, estimatedInput };
}
