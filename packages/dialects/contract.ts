/**
 * What a request says that billing needs, read once from its bytes, and the few edits billing makes.
 * Nothing here holds a copy of the text: facts are numbers, closed words and byte positions.
 */

/** The wire formats that the gateway speaks; `specs.ts` has the spec of each. */
export const DIALECTS = ['chat', 'messages'] as const;
export type Dialect = (typeof DIALECTS)[number];

/** The endpoints that are called at a provider. */
export type UpstreamEndpoint = Dialect | 'count_tokens';

/** Half-open byte range of a JSON value in the body. */
export type Span = Readonly<{ start: number; end: number }>;

/** What a request may be billed for besides tokens, with the most it can come to. */
export type SurchargeBound =
  | Readonly<{ kind: 'web_search'; maxCount: number }>
  /** Samplings that summarise the conversation first, each billed beside the answer's own usage. */
  | Readonly<{ kind: 'compaction'; maxCount: number }>;

export type RequestFacts = Readonly<{
  dialect: Dialect;
  model: string;
  stream: boolean;
  /** Chat only: the caller itself asked for the usage chunk. */
  usageRequested: boolean;
  /** The caller's own output limit, if it gave one. */
  maxOutput: number | null;
  /** Tokens the model may think before its answer, where the caller set a budget; 0 otherwise. */
  thinkingBudget: number;
  /** How many answers are asked for. */
  choices: number;
  /**
   * A sound upper bound of the input tokens in everything the body carries inline, or
   * `context_window` where something (remote media, a document, a server tool) can bring in more.
   */
  maxInputTokens: number | 'context_window';
  /** A likely count of the input tokens, for estimates: rarely below the truth, near it for prose. */
  estimatedInputTokens: number;
  /** The longest-lived prompt-cache write the request can cause. */
  cacheWrites: 'automatic' | '5m' | '1h';
  surchargeBounds: readonly SurchargeBound[];
  /** Fields no table of ours knows; they pass, and are counted. */
  unknownFields: number;
  /** Where the edits go. */
  positions: Readonly<{
    /** Just after the body's opening brace. */
    afterOpeningBrace: number;
    /** True if the object has no member yet. */
    isEmpty: boolean;
    model: Span;
    maxOutput: Span | null;
    /** Every output limit the body names, also as null: chat has two fields, and a provider may read only one. */
    outputLimits: readonly Readonly<{ field: string; span: Span; tokens: number | null }>[];
    /** `stream_options` where it is not an object (null, in a body that is accepted). */
    nonObjectStreamOptions: Span | null;
    /** The value of `stream_options`, if it is an object. */
    streamOptions: Span | null;
    /** The value of `stream_options.include_usage`, if present. */
    includeUsage: Span | null;
  }>;
}>;

/** Why a body is not accepted. `field` is a name out of our own tables or a JSON path of names and indexes, never a value. */
export type RequestError =
  | Readonly<{ reason: 'invalid_json' }>
  | Readonly<{ reason: 'not_an_object' }>
  | Readonly<{ reason: 'nesting_too_deep' }>
  | Readonly<{ reason: 'duplicate_field'; field: string }>
  | Readonly<{ reason: 'missing_field'; field: string }>
  | Readonly<{ reason: 'invalid_field'; field: string; expected: string }>
  /** The body is written in another dialect: `belongsTo` is the endpoint that speaks it, `field` what gave it away. */
  | Readonly<{ reason: 'wrong_dialect'; field: string; correctEndpoint: string }>
  /** Changes the price in a way we cannot follow, or reaches for something stored at the provider. */
  | Readonly<{ reason: 'unsupported_feature'; field: string; explanation: string }>;

export type ParseResult =
  | Readonly<{ ok: true; facts: RequestFacts }>
  | (Readonly<{ ok: false }> & RequestError);

export type Edits = Readonly<{
  /** The model's own name at the provider. */
  model: string;
  /** Injected where the caller gave no limit; null leaves the body's own. */
  maxOutput: Readonly<{ field: string; tokens: number }> | null;
  /** Chat streams: switch the usage chunk on. */
  includeUsage: boolean;
}>;

/** What /v1/messages/count_tokens needs of a body: the model and where its name stands. */
export type CountTokensResult =
  | Readonly<{ ok: true; model: string; modelSpan: Span }>
  | (Readonly<{ ok: false }> & RequestError);
