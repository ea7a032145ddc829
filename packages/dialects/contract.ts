/**
 * The facts of a request that billing needs, and the edits that billing makes. No fact holds a copy
 * of the prompt: facts are numbers, names of fields and models, and byte positions.
 */

import type { ServiceTerms } from '@farebox/money';

/** The wire formats that the gateway speaks; `specs.ts` has the spec of each. */
export const DIALECTS = ['chat', 'messages', 'responses', 'gemini'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** The endpoints that are called at a provider; `specs.ts` has the dialect and path of each. */
export const ENDPOINTS = [
  ...DIALECTS,
  'count_tokens',
  'responses_compact',
  'responses_input_tokens',
  'responses_socket',
  'gemini_count_tokens',
] as const;
export type UpstreamEndpoint = (typeof ENDPOINTS)[number];

/** How a stream is written: as server-sent events, or as one JSON array of them. */
export type StreamFormat = 'events' | 'array';

/** What the URL of a request says, at the endpoints that name the model in it. */
export type UrlTarget = Readonly<{
  /** The version of the API, which the provider is asked in. */
  version: string;
  model: string;
  method: string;
  /** The form of the stream that is asked for; null for a document. */
  streamFormat: StreamFormat | null;
}>;

/** Half-open byte range of a JSON value in the body. */
export type Span = Readonly<{ start: number; end: number }>;

/** The surcharges of tools that a provider runs. */
export type ServerToolKind =
  | 'web_search'
  | 'maps_grounded_prompt'
  | 'x_search'
  | 'code_execution'
  | 'file_search'
  | 'document_search';

/** A surcharge that a request may cause, with its maximum count. */
export type SurchargeBound =
  | Readonly<{ kind: ServerToolKind; maxCount: number }>
  /**
   * Passes that first summarize the conversation, each billed in addition to the answer's own
   * usage.
   */
  | Readonly<{ kind: 'compaction'; maxCount: number }>;

/** A lifetime that a request asks of its cache writes; `automatic` where it asks for none. */
export type CacheWrites = 'automatic' | '5m' | '30m' | '1h' | '12h';

/** What the input consists of, for an estimate of the tokens that a provider counts for it. */
export type EstimatedInput = Readonly<{
  /** Tokens of messages and schemas, as o200k_base counts them. */
  textTokens: number;
  /** Tokens of the definitions of tools, which each provider writes into the prompt in its own way. */
  toolTokens: number;
  /** Tokens of images and documents. */
  mediaTokens: number;
  messages: number;
  tools: number;
}>;

/** A field that a request leaves out, or null, and that goes to the provider all the same. */
export type DefaultField = Readonly<{
  field: string;
  /** The value in place of null; null where the field is absent. */
  span: Span | null;
  /** The value as JSON. */
  json: string;
}>;

export type RequestFacts = Readonly<{
  dialect: Dialect;
  /** The endpoint that the body is for. */
  endpoint: UpstreamEndpoint;
  model: string;
  stream: boolean;
  /** The form of the stream, if it is one. */
  streamFormat: StreamFormat;
  /** Null where the body itself names the model. */
  urlTarget: UrlTarget | null;
  /** True if the caller itself asked for the usage chunk (Chat Completions). */
  usageRequested: boolean;
  /** The caller's output limit, if it has one. */
  maxOutput: number | null;
  /** The caller's budget of reasoning tokens; 0 without one. */
  thinkingBudget: number;
  /** The earlier response of the same connection that the request continues, or null. */
  previousResponseId: string | null;
  /** The number of requested answers. */
  choices: number;
  /** True where the input may have audio in it, which has a price of its own. */
  mayHaveAudioInput: boolean;
  /** True where the output may be audio, which has a price of its own. */
  mayHaveAudioOutput: boolean;
  mayHaveImageOutput: boolean;
  /**
   * An upper bound of the input tokens of everything inline in the body, or `context_window` where
   * remote media, a document or a server tool can add more.
   */
  maxInputTokens: number | 'context_window';
  estimatedInput: EstimatedInput;
  /** True where the body names the beta with the longest context window (Anthropic, `betas`). */
  longContext: boolean;
  /**
   * How often the model may read the prompt: once, or once for each turn of a loop over tools that the
   * provider runs.
   */
  serverPasses: number;
  /** How often the output limit may be used up: once, or once for each of those turns. */
  outputTurns: number;
  /** True where the request has the provider take something out of the context between turns. */
  mayClearContext: boolean;
  /** An upper bound of the bytes of an answer for each of its tokens. */
  bytesPerToken: number;
  /** The longest-lived prompt-cache write that the request can cause. */
  cacheWrites: CacheWrites;
  /** The terms of service that the request asks for. */
  terms: ServiceTerms;
  surchargeBounds: readonly SurchargeBound[];
  /** The number of fields that no table has; they are forwarded. */
  unknownFields: number;
  /** The positions of the edits. */
  positions: Readonly<{
    /** Just after the body's opening brace. */
    afterOpeningBrace: number;
    /** True if the object has no member yet. */
    isEmpty: boolean;
    /** Null where the URL names the model. */
    model: Span | null;
    maxOutput: Span | null;
    /** The field whose members are the output limits; null where they are the body's. */
    outputLimitParent: Readonly<{ name: string; span: Span | null; isObject: boolean }> | null;
    /**
     * Every output limit of the body, null ones too: chat has two fields, and a provider may read
     * one.
     */
    outputLimits: readonly Readonly<{
      field: string;
      nameSpan: Span;
      span: Span;
      tokens: number | null;
    }>[];
    /** `stream_options` where it is not an object (null, in a body that is accepted). */
    nonObjectStreamOptions: Span | null;
    defaults: readonly DefaultField[];
    /** The value of `stream_options`, if it is an object. */
    streamOptions: Span | null;
    /** The value of `stream_options.include_usage`, if present. */
    includeUsage: Span | null;
  }>;
}>;

/**
 * Why a body is rejected. `field` is a name of our tables or a JSON path of names and indexes, no
 * value.
 */
export type RequestError =
  | Readonly<{ reason: 'invalid_json' }>
  | Readonly<{ reason: 'not_an_object' }>
  | Readonly<{ reason: 'nesting_too_deep' }>
  /** `inObject`: `field` is the object, of which some member stands there twice. */
  | Readonly<{ reason: 'duplicate_field'; field: string; inObject?: true }>
  | Readonly<{ reason: 'missing_field'; field: string }>
  | Readonly<{ reason: 'invalid_field'; field: string; expected: string }>
  /** The body is of another dialect, as `field` shows; `correctEndpoint` accepts it. */
  | Readonly<{ reason: 'wrong_dialect'; field: string; correctEndpoint: string }>
  /**
   * The field changes the price in an unknown way, or refers to something stored at the provider.
   */
  | Readonly<{
      reason: 'unsupported_feature';
      field: string;
      explanation: string;
      /** The `error_code` by which the dialect's own SDKs go on without the feature. */
      sdkCode?: string;
    }>;

export type ParseResult =
  | Readonly<{ ok: true; facts: RequestFacts }>
  | (Readonly<{ ok: false }> & RequestError);

export type Edits = Readonly<{
  /** The model's own name at the provider. */
  model: string;
  /** The limit to inject if the caller has none; null keeps the body's own. */
  maxOutput: Readonly<{ field: string; tokens: number }> | null;
  /** True where the model refuses `max_tokens` and knows `max_completion_tokens` in its place. */
  renameMaxTokens: boolean;
  /** True to switch the usage chunk of a stream on. */
  includeUsage: boolean;
  /** The fields whose defaults of ours are written. */
  defaults: readonly string[];
}>;

/** The facts that a count of tokens needs: the model, the position of its name, and an estimate. */
export type CountTokensResult =
  | Readonly<{
      ok: true;
      model: string;
      modelSpan: Span | null;
      estimatedInput: EstimatedInput;
    }>
  | (Readonly<{ ok: false }> & RequestError);
