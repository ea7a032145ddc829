/**
 * The types of this package: a provider, a request to it, its result, and the meter of an answer.
 */
import type {
  Dialect,
  SurchargeCount,
  TokenScale,
  UpstreamEndpoint,
  UsageQuirks,
} from '@farebox/dialects';
import type { Usage } from '@farebox/money';

export type ProviderId = string;

/** The URL of each endpoint that a provider serves. */
export type ProviderEndpoints = Readonly<Partial<Record<UpstreamEndpoint, string>>>;

/**
 * How many tokens a provider bills for an output of which only the bytes are known: measured with
 * recorded answers (docs/decisions/0026-calibrated-estimates.md).
 */
export type OutputCalibration = Readonly<{
  tokenScale: TokenScale;
  /** Tokens that frame tool calls, billed and never shown: the first, each further, an argument. */
  toolCallTokens: Readonly<{ first: number; further: number; argument: number }>;
  /** True where a stream's events hold one token of text each. */
  isEventPerToken: boolean;
}>;

/** How a provider is called and how its usage is read. */
export type UpstreamSpec = Readonly<{
  /** Builds the URLs below a base URL without a trailing slash. */
  endpoints: (base: string) => ProviderEndpoints;
  /** The header that carries the key: `Authorization: Bearer` or `x-api-key`. */
  keyHeader: 'authorization' | 'x-api-key';
  /** The output limit's field that this provider wants injected into chat bodies. */
  outputLimitField: 'max_tokens' | 'max_completion_tokens';
  quirks: UsageQuirks;
  calibration: OutputCalibration;
}>;

/** The constant facts of one native provider; `list.ts` has them all. */
export type ProviderSpec = UpstreamSpec &
  Readonly<{
    id: ProviderId;
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

/** The input of configureProviders, as values: only a Worker's env module reads bindings. */
export type ProviderSettings = Readonly<{
  /** By provider id; a provider without a key is not offered. */
  apiKeys: Readonly<Record<ProviderId, string>>;
  /** Base URLs by provider id, each as the provider's own SDK takes it (design.md section 9). */
  baseUrls: Readonly<Record<ProviderId, string>>;
  /** Further OpenAI-compatible providers. */
  extra: readonly Readonly<{ id: ProviderId; baseUrl: string; apiKey: string }>[];
}>;

export type UpstreamRequest = Readonly<{
  provider: Provider;
  endpoint: UpstreamEndpoint;
  /** The caller's query string, with its `?`, or empty. */
  query: string;
  /** The caller's headers; only those on the allow-list go on. */
  headers: Headers;
  /** The edited body, in pieces, so that a large one is never copied. */
  body: readonly Uint8Array[];
  /** Aborts the request: the caller does, and so does `send` at a timeout. */
  abort: AbortController;
  /** The timeout for the answer's headers, in milliseconds. */
  firstByteMs: number;
}>;

export type UpstreamResult =
  /** Of the provider's headers only the content type is kept. */
  | Readonly<{
      ok: true;
      status: number;
      contentType: string | null;
      body: ReadableStream<Uint8Array>;
    }>
  /**
   * Nothing was produced. `errorBody` goes to the caller and nowhere else: it may echo the prompt.
   */
  | Readonly<{
      ok: false;
      reason: 'rejected';
      status: number;
      errorBody: Uint8Array;
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

/** What the meter has read so far. */
export type Reading = Readonly<{
  /** The provider's own count, once reported; partial in an Anthropic stream until it finishes. */
  usage: Usage | null;
  /** True if `usage` is the final count and not only the opening one. */
  usageFinal: boolean;
  /** What is billed besides the buckets: counts only, because the meter knows no prices. */
  surcharges: readonly SurchargeCount[];
  /** A finish reason or stop event was seen. */
  finished: boolean;
  /** The terminal event (`[DONE]`, `message_stop`), or a whole JSON document, was seen. */
  ended: boolean;
  /** The provider reported an error inside a 200. */
  failed: boolean;
  /** The estimate of the output tokens that the bytes so far show: it never falls. */
  estimatedOutputTokens: number;
  /**
   * The number of usage fields and tiers with an unknown price: absorbed by the platform and
   * logged.
   */
  unpriceable: number;
}>;

/**
 * Reads every byte of one answer, in order, and returns the bytes for the client; it may leave
 * bytes out and changes none. Each returned piece of a stream consists of whole events, so that
 * pings and errors may be written between pieces. Only an event larger than 1 MiB is returned in
 * parts.
 */
export interface Meter {
  /**
   * Returns the bytes that may go to the client now: `chunk` itself if it starts and ends with an
   * event, else its whole events. An unfinished event is withheld for a later call; a hidden usage
   * chunk is left out.
   */
  feed(chunk: Uint8Array): readonly Uint8Array[];
  /**
   * Ends the answer and returns the withheld bytes of an event without its blank line. Write them
   * if the answer is complete; after a truncated answer leave them out, so that an error event may
   * follow.
   */
  end(): readonly Uint8Array[];
  reading(): Reading;
}

export type MeterOptions = Readonly<{
  provider: Provider;
  dialect: Dialect;
  stream: boolean;
  /** The model's own name at the provider: some models bill a search for every call. */
  model: string;
  /** Chat streams: remove the usage chunk, because the caller did not ask for it. */
  hideUsage: boolean;
}>;
