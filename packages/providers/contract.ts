/**
 * The types of this package: a provider, a request to it, its result, and the meter of an answer.
 */
import type {
  Dialect,
  JsonObject,
  NormalizedUsage,
  Operation,
  StreamFormat,
  TokenScale,
  UpstreamEndpoint,
  UsageQuirks,
} from '@farebox/dialects';

export type ProviderId = string;

/** The URL of each endpoint that a provider serves. */
export type ProviderEndpoints = Readonly<Partial<Record<UpstreamEndpoint | Operation, string>>>;

/**
 * How many tokens a provider bills for a text of which only the bytes are known: measured with
 * recorded calls (docs/decisions/0026-calibrated-estimates.md).
 */
export type Calibration = Readonly<{
  /** Tokens of the input that no text stands for. */
  input: Readonly<{
    /** Of every prompt, and of the presence of tools: the first entry that the model matches. */
    preambles: readonly Readonly<{ models: RegExp; base: number; tools: number }>[];
    /** Of a message. */
    message: number;
    /** Tokens of a tool's definition for one of its JSON. */
    toolScale: number;
  }>;
  tokenScale: TokenScale;
  /** Tokens that frame tool calls, billed and never shown: the first, each further, an argument. */
  toolCallTokens: Readonly<{ first: number; further: number; argument: number }>;
  /** True where a stream's events hold one token of text each. */
  isEventPerToken: boolean;
}>;

/** How a provider bills requests that it refuses for what they say, where its pages say so. */
export type RefusalQuirks = Readonly<{
  /** True where an error that refuses a prompt is billed. */
  billsRefusedPrompts?: true;
  /**
   * The categories in which an answer that is a refusal without output is not billed, with the
   * usage that it reports; null is a refusal without a category.
   */
  unbilledRefusals?: readonly (string | null)[];
}>;

export type KeyHeader = 'authorization' | 'x-api-key' | 'x-goog-api-key';

/** How a provider is called and how its usage is read. */
export type UpstreamSpec = Readonly<{
  /** Builds the URLs below a base URL without a trailing slash. */
  endpoints: (base: string) => ProviderEndpoints;
  /** The header that carries the key; `authorization` as a bearer token. */
  keyHeader: KeyHeader;
  /** The same of the endpoints that differ. */
  endpointKeyHeaders?: Readonly<Partial<Record<UpstreamEndpoint | Operation, KeyHeader>>>;
  /** The output limit's field that this provider wants injected into chat bodies. */
  outputLimitField: 'max_tokens' | 'max_completion_tokens';
  /** The models, by their names at the provider, that refuse `max_tokens` for the newer field. */
  refusesMaxTokens?: RegExp;
  /** False where the provider refuses `stream_options`, and reports usage unasked. */
  acceptsStreamOptions: boolean;
  /**
   * The header in which the provider states how many requests a minute it allows our organisation,
   * and what is assumed where it states none. Without both, nothing is known of its rate.
   */
  callsPerMinuteHeader?: string;
  assumedCallsPerMinute?: number;
  /** True where `max_tool_calls` limits the calls of the provider's own tools. */
  limitsToolCalls?: true;
  /** The endpoints whose usage does not tell audio and images from text. */
  endpointsWithoutModalities?: readonly UpstreamEndpoint[];
  quirks: UsageQuirks & RefusalQuirks;
  calibration: Calibration;
}>;

/** The constant facts of one native provider; `list.ts` has them all. */
export type ProviderSpec = UpstreamSpec &
  Readonly<{
    id: ProviderId;
    /** As the provider writes it. */
    name: string;
    /**
     * What the provider's environment variables begin with: `<prefix>_API_KEY`,
     * `<prefix>_BASE_URL`.
     */
    envPrefix: string;
    /** The default base URL, as the provider's own SDK takes it. */
    baseUrl: string;
    /** The base URL's path at a mock that serves every dialect under one host. */
    mockPath: string;
    /** The dialects of `endpoints`. */
    dialects: readonly Dialect[];
    /** The provider's id in the price source, where it differs. */
    priceSourceId?: string;
  }>;

/** One provider, as configured for this deployment. Made by `configureProviders`. */
export type Provider = Omit<UpstreamSpec, 'endpoints'> &
  Readonly<{
    id: ProviderId;
    endpoints: ProviderEndpoints;
    apiKey: string;
  }>;

/** The dialects that a provider added by configuration may speak. */
export const COMPATIBLE_DIALECTS = ['chat', 'responses'] as const satisfies readonly Dialect[];
export type CompatibleDialect = (typeof COMPATIBLE_DIALECTS)[number];

/** The input of configureProviders, as values: only a Worker's env module reads bindings. */
export type ProviderSettings = Readonly<{
  /** By provider id; a provider without a key is not offered. */
  apiKeys: Readonly<Record<ProviderId, string>>;
  /** Base URLs by provider id, each as the provider's own SDK takes it (design.md section 9). */
  baseUrls: Readonly<Record<ProviderId, string>>;
  /** Further OpenAI-compatible providers. */
  extra: readonly Readonly<{
    id: ProviderId;
    baseUrl: string;
    apiKey: string;
    /** False where the provider refuses `stream_options`; true where nothing is known. */
    acceptsStreamOptions?: boolean;
    /** Chat Completions alone where nothing is said. */
    dialects?: readonly CompatibleDialect[];
    /** The URLs of operations that stand elsewhere than below the base URL, by operation. */
    urls?: Readonly<Record<string, string>>;
  }>[];
}>;

export type UpstreamRequest = Readonly<{
  provider: Provider;
  endpoint: UpstreamEndpoint | Operation;
  /** What follows the endpoint's URL, at endpoints that name the model in it. */
  path?: string;
  /** The caller's query string, with its `?`, or empty. */
  query: string;
  /** The caller's headers; only those on the allow-list go on. */
  headers: Headers;
  /** The edited body, in pieces, so that a large one is never copied. */
  body: readonly Uint8Array[];
  /** The media type of the body; JSON if absent. */
  contentType?: string;
  /**
   * Called, perhaps more than once, when the body is no longer needed: it has been handed to the
   * connection, or the answer has begun.
   */
  onBodySent?: () => void;
  /** Called if the provider's headers state how many requests a minute our organisation has. */
  onRateStated?: (callsPerMinute: number) => void;
  /** Aborts the request: the caller does, and so does `send` at a timeout. */
  abort: AbortController;
  /** The timeout for the answer's headers, in milliseconds. */
  firstByteMs: number;
  /** What times it out: `start` runs `run` after `delayMs`, and returns what ends it before. */
  timer: Readonly<{ start: (delayMs: number, run: () => void) => () => void }>;
}>;

export type UpstreamResult =
  /** Of the provider's headers only the content type and the service tier are kept. */
  | Readonly<{
      ok: true;
      status: number;
      contentType: string | null;
      /** The service tier that the headers name, in the provider's word (Gemini). */
      servedTier: string | null;
      /** The bytes of the body, where the headers tell them and no coding changes them. */
      length: number | null;
      body: ReadableStream<Uint8Array>;
      /** Reads the whole body in one go, in place of `body`. */
      arrayBuffer: () => Promise<ArrayBuffer>;
    }>
  /**
   * Nothing was produced. `errorBody` goes to the caller and nowhere else: it may echo the prompt.
   */
  | Readonly<{
      ok: false;
      reason: 'rejected';
      status: number;
      errorBody: Uint8Array;
      /** True where the request was refused for what its prompt says. */
      isContentRefusal: boolean;
      contentType: string;
      retryAfter: string | null;
    }>
  | Readonly<{ ok: false; reason: 'overloaded'; status: number; retryAfter: string | null }>
  /**
   * An error of Farebox's own account: 401, 403, quota, billing; or a redirect, a misconfiguration.
   */
  | Readonly<{ ok: false; reason: 'provider_account_error'; status: number }>
  | Readonly<{ ok: false; reason: 'unreachable' | 'timeout' }>
  /** The request was aborted before the answer began. */
  | Readonly<{ ok: false; reason: 'aborted' }>;

export type UpstreamFailure = Exclude<UpstreamResult, { ok: true }>;

export type SocketRequest = Readonly<{
  provider: Provider;
  endpoint: UpstreamEndpoint;
  /** The version of the WebSocket mode that the client asks for, or null. */
  beta: string | null;
  /** Aborts the opening, at a timeout of the caller's. */
  abort: AbortController;
}>;

export type SocketResult = Readonly<{ ok: true; socket: WebSocket }> | UpstreamFailure;

/** What the meter has read so far. */
export type Reading = NormalizedUsage &
  Readonly<{
    /** True if `usage` is the final count and not only the opening one. */
    usageFinal: boolean;
    /** A finish reason or stop event was seen. */
    finished: boolean;
    /** The terminal event (`[DONE]`, `message_stop`), or a whole JSON document, was seen. */
    ended: boolean;
    /** The provider reported an error inside a 200. */
    failed: boolean;
    /** What that error says that it is about: the request, or what the prompt says; null otherwise. */
    rejection: Rejection | null;
    /** A refusal to answer and its category, where the provider names one. */
    refusal: Readonly<{ category: string | null }> | null;
    /** The events of a stream so far; 0 for a document. */
    eventCount: number;
    /** The estimate of the output tokens that the bytes so far show: it never falls. */
    estimatedOutputTokens: number;
  }>;

/** Why a provider refused a request: how it is made, or what its prompt says. */
export type Rejection = 'request' | 'content';

/** An error that a provider sent in place of an answer, under a status of success. */
export type AnswerError = Readonly<{
  /** Null if the error is not about the request. */
  rejection: Rejection | null;
  /** The provider's own sentence; null if there is none, or if it is about our account there. */
  message: string | null;
  /** True if the same request may succeed later. */
  isRetryable: boolean;
  isAccountError: boolean;
}>;

/**
 * What an answer turned out to be, once it ended. A truncated one is the beginning of an answer;
 * `unreadable` is nothing that a client of the dialect understands.
 */
export type Verdict =
  | Readonly<{ kind: 'answer' | 'truncated' | 'unreadable' }>
  | Readonly<{ kind: 'error'; error: AnswerError }>;

/** The form of an answer, by its first bytes; `unknown` until they came. */
export type AnswerFormat = 'unknown' | 'events' | 'array' | 'document';

/**
 * Reads every byte of one answer, in order, and returns the bytes for the client. What came decides
 * how it is read, and what was asked decides what is returned: events become a document, a document
 * becomes events.
 *
 * Each returned piece of a stream consists of whole events, so that pings and errors may be written
 * between pieces; only an event larger than 1 MiB is returned in parts. Of the provider's own
 * events only those are missing that no client can read, and hidden usage. A document is returned
 * unchanged: at its end, or from the moment when it is too large to be kept.
 */
export interface Meter {
  readonly format: AnswerFormat;
  /** True once nothing more of the answer can come, whatever the connection does. */
  readonly hasEnded: boolean;
  /**
   * True once every choice has finished and its usage came: only a last word can follow, and some
   * providers send none.
   */
  readonly hasFinalUsage: boolean;
  /**
   * Returns the bytes that may go to the client now: `chunk` itself if it starts and ends with an
   * event and nothing in it changes. An unfinished event is withheld for a later call. The memory
   * of `chunk` may be used again afterwards: what is withheld is a copy.
   */
  feed(chunk: Uint8Array): readonly Uint8Array[];
  /** Ends an answer whose body ended by itself, and returns what was withheld of it. */
  end(): readonly Uint8Array[];
  reading(): Reading;
  verdict(): Verdict;
}

export type MeterOptions = Readonly<{
  provider: Provider;
  dialect: Dialect;
  /** True if the client asked for a stream. */
  stream: boolean;
  /** The form of the stream that the client asked for; events if absent. */
  streamFormat?: StreamFormat;
  contentType: string | null;
  /** The service tier that the headers name; the body's own word wins. */
  servedTier?: string | null;
  /** The model's own name at the provider: some models bill a search for every call. */
  model: string;
  /** The number of answers that the client asked for. */
  choices: number;
  /** Chat streams: remove usage, because the caller did not ask for it. */
  hideUsage: boolean;
  /**
   * Returns the event for the client in place of a provider's error event, or null to pass that on.
   */
  replaceError:
    | ((event: JsonObject, error: AnswerError, reading: Reading) => Uint8Array | null)
    | null;
  /** Streams: returns what goes to the client before the last word of a whole answer. */
  beforeLastWord?: (reading: Reading) => Uint8Array;
}>;
