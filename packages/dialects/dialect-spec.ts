/**
 * Everything that the gateway knows about one wire format. `chat-dialect.ts` and
 * `messages-dialect.ts` have the values; no code outside a spec has a condition on the dialect.
 */
import type { JsonNode, RequestAnalysis, Rules } from './analysis.ts';
import type { Dialect, StreamFormat } from './contract.ts';
import type { FoldedNames } from './field-names.ts';
import type { JsonObject } from './json-fields.ts';
import type { JsonKind, Scanner } from './json-scanner.ts';
import type { KeyTable } from './key-table.ts';
import type { NormalizedUsage } from './normalized-usage.ts';
import type { Operation } from './operations/names.ts';
import type { PromptMembers } from './prompt-members.ts';

/**
 * How a field that holds a part of the prompt is walked; an `item_list` is a text or a list of
 * messages.
 */
export type PromptField = 'message_list' | 'item_list' | 'content' | 'tool_list' | 'request';

/** A top-level field that only another endpoint's bodies have. */
export type Marker = Readonly<{
  kinds: readonly JsonKind[];
  correctEndpoint: string;
  /** A field in whose presence the marker proves nothing. */
  unlessPresent: string | null;
}>;

/** Reads the fields of a prompt. */
export interface PromptReader {
  /** Reads the value of a field, which the scanner is at. */
  field(kind: PromptField, name: string): void;
}

/** How a request body is read. */
export type RequestSpec = Readonly<{
  /** The closed table of fields and their effect on the price. */
  rules: Rules;
  /** The spellings of priced fields that some parsers accept, each with the right name. */
  confusableNames: FoldedNames;
  /** Returns the name in the tables of a field that may be written in more than one way. */
  toFieldName: (name: string) => string;
  /** Reads a whole number; null for anything else. */
  readInteger: (node: JsonNode) => number | null;
  /** Where the model and the stream are asked for. */
  target: 'body' | 'url';
  /** Creates the reader of the fields of the prompt; null for the walker of messages. */
  createPromptReader: ((scanner: Scanner, analysis: RequestAnalysis) => PromptReader) | null;
  /** The field with the number of answers, the member that it is in, and the largest one. */
  choices: Readonly<{ parent: string | null; field: string; max: number }>;
  promptFields: ReadonlyMap<string, PromptField>;
  promptMembers: PromptMembers;
  /** The field without which there is no prompt. */
  requiredField: string;
  wrongEndpointMarkers: Readonly<Record<string, Marker>>;
  /**
   * The fields that may limit the output, none where only the model's own limit bounds it;
   * `required` where the dialect has no default. `minInjected` is the lowest limit that a provider
   * takes, for one that we set. `isPerTurn` unless the provider documents that the limit bounds all
   * turns of its own loop together.
   */
  outputLimit: Readonly<{
    /** The field whose members they are; absent where they are the body's. */
    parent?: string;
    fields: readonly string[];
    required: boolean;
    min: 0 | 1;
    minInjected: number;
    isPerTurn: boolean;
  }>;
  /** The fields that a provider gets with this value where the request has none. */
  defaults: readonly Readonly<{
    field: string;
    json: string;
    /** Where the request needs it at all. */
    isNeeded: (analysis: RequestAnalysis) => boolean;
  }>[];
  /** True where providers know different fields, so that a limit may have to be given twice. */
  outputLimitFieldVaries: boolean;
  /** True where a stream reports usage only if the request asks for it (`stream_options`). */
  hasUsageOption: boolean;
  /** True where a provider may write its prompt cache, and bill that, without being asked. */
  mayCacheUnasked: boolean;
  /** Tokens that the presence of tools adds. */
  maxToolsPreambleTokens: number;
  /**
   * Reads a `cache_control` mark, which may stand anywhere in a body; null where marks mean
   * nothing.
   */
  checkCacheControl: ((value: JsonNode, analysis: RequestAnalysis) => void) | null;
  checkMessage: (message: JsonNode, path: string, analysis: RequestAnalysis) => void;
  checkPart: (part: JsonNode, path: string, analysis: RequestAnalysis) => void;
  /** Reads a member of a message or part that the walker does not know; `kind` is its value's. */
  checkUnknownMember: (name: string, kind: JsonKind, analysis: RequestAnalysis) => void;
  /** The same for a field of the body that no table has. */
  checkUnknownField: (name: string, kind: JsonKind, analysis: RequestAnalysis) => void;
  /** The same for a member of a tool. */
  checkUnknownToolMember: (name: string, kind: JsonKind, analysis: RequestAnalysis) => void;
  checkTool: (tool: JsonNode, path: string, analysis: RequestAnalysis) => void;
  /** Runs once all fields are read. */
  checkRequest: (model: string, analysis: RequestAnalysis) => void;
  /** The caller's headers that the provider gets, with the value to send where there is none. */
  forwardedHeaders: readonly Readonly<{
    name: string;
    fallback: string | null;
    /** The only values whose answers our rules know; null where any value may pass. */
    accepted: readonly string[] | null;
  }>[];
}>;

/** The recorder that a dialect's `readEvent` reports to. */
export interface AnswerRecorder {
  /** A message begins. What was recorded of a message that has ended is forgotten. */
  startMessage(): void;
  /** The finish of the choice with this index was seen; a dialect without choices has one, 0. */
  markFinished(choice: number): void;
  /** The stream's last event was seen. */
  markEnded(): void;
  /** A tool call of this name begins, in an event whose members are not counted as text. */
  addToolCall(name: string): void;
  /** The provider reported an error inside a 200. */
  markFailed(): void;
  /** The answer is a refusal, of a category that the provider names. */
  markRefused(category: string | null): void;
  /** Merges one of the answer's usage objects into what was reported before. */
  addUsage(usage: JsonObject): void;
  /** Merges a count of everything so far, as `mergeRunningUsage` does. */
  addRunningUsage(usage: JsonObject): void;
  /** Replaces what was reported before: this usage object counts all of it. */
  replaceUsage(usage: JsonObject): void;
  setServiceTier(tier: unknown): void;
  /** The provider ran so many searches for a choice, as its grounding says. */
  setSearchQueries(choice: number, count: number): void;
  /** The answer is grounded in places of Google Maps. */
  markMapsGrounded(): void;
}

/**
 * The members of a document that are read of an answer too large to be kept: `true` keeps a value
 * whole, an object its members by name. An array is kept as its elements.
 */
export type KeptMembers = true | Readonly<{ [name: string]: KeptMembers }>;

/** Builds the document that a stream of events amounts to. */
export interface AnswerAssembler {
  add(event: JsonObject): void;
  /** Returns the document; null if no event began an answer. */
  document(): JsonObject | null;
}

/** How a provider's usage object deviates from its dialect. */
export type UsageQuirks = Readonly<{
  /**
   * Where usage reports reasoning tokens: `included` in completion_tokens, `separate` from them
   * (xAI), or only `from_total` (Gemini).
   */
  reasoning: 'included' | 'separate' | 'from_total';
  /** The models that bill one search for every answer. */
  searchModels?: RegExp;
  /** The dialects in which the provider itself reports no tokens of answers that it does not bill. */
  reportsZeroUsage?: readonly Dialect[];
}>;

export type UsageContext = Readonly<{
  quirks: UsageQuirks;
  /** The model's own name at the provider. */
  model: string;
  /** The tier that the answer stated outside its usage object. */
  serviceTier: unknown;
  /** The searches that the answer's grounding lists. */
  searchQueries: number;
  /** 1 for an answer that is grounded in Google Maps; absent for any other. */
  mapsPrompts?: number;
}>;

/** How an answer is read. */
export type AnswerSpec = Readonly<{
  /** The keys of a document's JSON that the meter reacts to. */
  keyTable: KeyTable;
  /** The same of an event's, where events repeat what others said before. */
  eventKeyTable: KeyTable;
  /** The data of the last event, where that is no JSON. */
  endMarker: string | null;
  /** True where the end marker only follows an event that ends the answer, and may be missing. */
  isEndMarkerOptional: boolean;
  /** Reads one event, or a whole answer. */
  readEvent: (event: JsonObject, recorder: AnswerRecorder) => void;
  /** True for a document that a client of this dialect can use as an answer. */
  isAnswer: (document: JsonObject) => boolean;
  /** True for a document that is an event of a stream, with the answer in it or a part of it. */
  isEvent: (document: JsonObject) => boolean;
  /** True for an event of a stream that is a whole answer, as some servers that imitate one send. */
  isWholeEvent: (event: JsonObject) => boolean;
  keptMembers: KeptMembers;
  /**
   * True for an event that holds usage and nothing else, and is left out if the caller did not ask.
   */
  isUsageOnly: (event: JsonObject) => boolean;
  /**
   * Returns the event as this dialect's SDKs can read it: itself, or another in its place; null if
   * it says nothing that they read. `isNamed` is true for an event with a name of its own.
   */
  repairEvent: (event: JsonObject, isNamed: boolean) => JsonObject | null;
  /** True where SDKs pass over an event without a name. */
  hasNamedEvents: boolean;
  /** Returns the events of a stream that say what the document says, the last word apart. */
  toEvents: (document: JsonObject, includeUsage: boolean) => readonly JsonObject[];
  /** Returns the event of a stream that states the call's cost, which the dialect does not have. */
  toCostEvent: (cost: JsonObject) => JsonObject;
  /** Frames an event of ours. */
  frameEvent: (event: JsonObject) => string;
  createAssembler: () => AnswerAssembler;
  /** The event after which nothing comes. */
  lastWord: string;
  /** True where the last event of `toEvents` has the whole answer, after which clients read nothing. */
  endsWithAnswer: boolean;
  /** How a stream states its cost to a caller who does not say how. */
  costForm: 'comment' | 'event';
  normalizeUsage: (usage: JsonObject, context: UsageContext) => NormalizedUsage;
  /**
   * Whether usage tells the lifetime of cache writes. Where it does not, they are in
   * `cache_write_5m`, and the bill goes by the lifetime that the request asked for.
   */
  cacheWriteLifetimes: 'reported' | 'unreported';
  /** An event that may be written between any two events of a stream and says nothing. */
  keepAliveBytes: Uint8Array;
}>;

/** The kinds of error that clients distinguish. */
export type ErrorKind =
  | 'invalid_request'
  | 'request_too_large'
  | 'authentication'
  | 'billing'
  | 'permission'
  | 'not_found'
  | 'rate_limit'
  | 'overloaded'
  | 'timeout'
  | 'internal';

export type ErrorBody = Readonly<{
  kind: ErrorKind;
  message: string;
  code: string;
  /** The HTTP status of a response with this error. */
  status: number;
  /** The pause after which the request may be sent again; null where nothing says. */
  retryAfterSeconds: number | null;
  /** The code by which the dialect's own SDKs go on, where that is another. */
  sdkCode: string | null;
  /** The request's field that the error is about. */
  param: string | null;
  /** Further members of the error object. */
  details: Readonly<Record<string, unknown>>;
  requestId: string;
}>;

/** Where in a stream an error stands. */
export type StreamPlace = Readonly<{
  format: StreamFormat;
  /** The events before it. */
  eventCount: number;
  model: string;
  /** Milliseconds since the epoch. */
  now: number;
  requestId: string;
}>;

/** How errors are written. */
export type ErrorSpec = Readonly<{
  /** Serializes an error of ours. */
  toJson: (error: ErrorBody) => string;
  /** Serializes the message of a provider's error that is not written in this dialect. */
  rewriteToJson: (kind: ErrorKind, message: string, requestId: string) => string;
  /** Frames an error's JSON as the end of a stream. */
  toEvent: (json: string, place: StreamPlace) => string;
  /** True for an error body that this dialect's SDKs can read as it is. */
  isNative: (body: unknown) => boolean;
  /** The same for an event of a stream. */
  isNativeEvent: (event: JsonObject) => boolean;
  /** Serializes an error body that `isNative`, under our id in place of the provider's. */
  forwardToJson: (body: unknown, requestId: string) => string;
  /** The status of an answer that says that the provider is overloaded. */
  overloadedStatus: number;
}>;

/** What the list of a dialect with entries of its own says of a model. */
export type ModelFacts = Readonly<{
  upstreamName: string;
  displayName: string;
  contextWindow: number;
  maxOutput: number;
  /** Undefined where no source says. */
  reasoning: boolean | undefined;
  /** What it is called for; none for a model that converses. */
  operations: readonly string[];
}>;

/** How GET /v1/models lists the models. */
export type ModelListSpec = Readonly<{
  /** The pages, by the query parameters that ask for them; null where the list is whole. */
  page: Readonly<{
    defaultLimit: number;
    maxLimit: number;
    limitParameter: string;
    /** The parameter with the id of the model after which a page begins. */
    afterParameter: string;
    /** The parameter with the id of the model before which a page ends, if there is one. */
    beforeParameter: string | null;
    /** True where a larger limit means the largest one, and 0 the default. */
    isLimitLenient: boolean;
  }> | null;
  /** The dialect's own entries and the name of their list; null for the entries that fit all. */
  native: Readonly<{ listName: string; toModel: (model: ModelFacts) => JsonObject }> | null;
  /** True to leave out the models that cannot be called in this dialect. */
  onlyCallable: boolean;
  /** The operations that this dialect has endpoints of its own for, each with its path. */
  operations: Readonly<Partial<Record<Operation, string>>>;
  /** The members that the list has beside `data`. */
  bounds: (ids: readonly string[], hasMore: boolean) => Readonly<Record<string, unknown>>;
}>;

export type DialectSpec = Readonly<{
  /** The path of its endpoint at the gateway. */
  path: string;
  /** What the paths of this dialect alone begin with. */
  pathPrefix: string;
  /** A header that this dialect's SDKs always send and no other does. */
  identifyingHeader: string | null;
  /** The query parameters in which the dialect's own API takes a key or a token; here none is. */
  keyParameters: readonly string[];
  /** Collections of the dialect's own API that are not served, each with the reason. */
  refusedCollections: ReadonlyMap<string, string>;
  request: RequestSpec;
  answer: AnswerSpec;
  errors: ErrorSpec;
  modelList: ModelListSpec;
}>;
