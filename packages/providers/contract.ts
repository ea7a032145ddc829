/**
 * A provider of models, the one way out to it, and the meter that turns what it answers into a bill.
 */
import type { Dialect, SurchargeCount, UpstreamEndpoint, UsageQuirks } from '@farebox/dialects';
import type { Usage } from '@farebox/money';

export type ProviderId = string;

/** The URL of each endpoint that a provider serves. */
export type ProviderEndpoints = Readonly<Partial<Record<UpstreamEndpoint, string>>>;

/** How a provider is called and how its usage is read. */
export type UpstreamSpec = Readonly<{
  /** Builds the URLs below a base URL without a trailing slash. */
  endpoints: (base: string) => ProviderEndpoints;
  /** The header that carries the key: `Authorization: Bearer` or `x-api-key`. */
  keyHeader: 'authorization' | 'x-api-key';
  /** The output limit's field that this provider wants injected into chat bodies. */
  outputLimitField: 'max_tokens' | 'max_completion_tokens';
  quirks: UsageQuirks &
    Readonly<{
      /** Tokens of a tool call that are billed and never shown: what recorded answers leave unexplained. */
      toolCallOverheadTokens: number;
    }>;
}>;

/** The constant facts of one native provider; `list.ts` has them all. */
export type ProviderSpec = UpstreamSpec &
  Readonly<{
    id: ProviderId;
    /** What the provider's environment variables begin with: `<prefix>_API_KEY`, `<prefix>_BASE_URL`. */
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

/** What configureProviders needs, as values: nobody but a Worker's env module reads bindings. */
export type ProviderSettings = Readonly<{
  /** By provider id; a provider without a key is not offered. */
  apiKeys: Readonly<Record<ProviderId, string>>;
  /** Overrides, following each SDK's habit (design.md section 9). */
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
  /** Ends the call: fired by who makes it, and by `send` where the provider keeps silent. */
  abort: AbortController;
  /** How long the answer's headers may take, in milliseconds. */
  firstByteMs: number;
}>;

export type UpstreamResult =
  /** Of the provider's headers only the type goes on. */
  | Readonly<{
      ok: true;
      status: number;
      contentType: string | null;
      body: ReadableStream<Uint8Array>;
    }>
  /** Nothing was produced. `detail` goes to the caller and nowhere else: it may echo the prompt. */
  | Readonly<{
      ok: false;
      reason: 'rejected';
      status: number;
      errorBody: Uint8Array;
      contentType: string;
      retryAfter: string | null;
    }>
  | Readonly<{ ok: false; reason: 'overloaded'; status: number; retryAfter: string | null }>
  /** It speaks of our account there: 401, 403, quota, billing; or a redirect, which is our misconfiguration. */
  | Readonly<{ ok: false; reason: 'provider_account_error'; status: number }>
  | Readonly<{ ok: false; reason: 'unreachable' | 'timeout' }>
  /** `abort` was fired before the answer began. */
  | Readonly<{ ok: false; reason: 'aborted' }>;

/** What the meter has understood so far. */
export type Reading = Readonly<{
  /** The provider's own count, once reported; partial in an Anthropic stream until it finishes. */
  usage: Usage | null;
  /** True if `usage` is the final count and not only the opening one. */
  usageFinal: boolean;
  /** What is billed besides the buckets: counts only, the meter knows no prices. */
  surcharges: readonly SurchargeCount[];
  /** A finish reason or stop event was seen. */
  finished: boolean;
  /** The stream's own last word (`[DONE]`, `message_stop`, or a whole JSON document) was seen. */
  ended: boolean;
  /** The provider reported an error inside a 200. */
  failed: boolean;
  /** Output tokens likely produced so far, from what passed by: rarely below the truth. */
  estimatedOutputTokens: number;
  /** Usage fields or tiers that change the price and that we cannot follow; each is the house's loss and an alert. */
  unpriceable: number;
}>;

/**
 * Fed every byte of one answer, in order; never alters what it returns except to leave things out.
 * Each piece of a stream is made of whole events, so pings and errors may be written between any two
 * pieces. Only an event of more than 1 MiB goes on as it comes, in pieces.
 */
export interface Meter {
  /**
   * What may go to the client now: `chunk` itself where it starts and ends with an event, else its whole
   * events, an unfinished one being withheld for a later call; without the usage chunk nobody asked for.
   */
  feed(chunk: Uint8Array): readonly Uint8Array[];
  /**
   * The answer is over: what it withheld of an event without its blank line. That belongs to the client
   * if the answer ended by itself; where it was cut, nothing may be written after it, so leave it out.
   */
  end(): readonly Uint8Array[];
  reading(): Reading;
}

export type MeterOptions = Readonly<{
  provider: Provider;
  dialect: Dialect;
  stream: boolean;
  /** The model's own name at the provider: some bill a search for every call. */
  model: string;
  /** Chat streams: remove the usage chunk, because the caller did not ask for it. */
  hideUsage: boolean;
}>;
