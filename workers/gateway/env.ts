/**
 * The only reader of the gateway's bindings. Checks them at first use, fails with the name of a
 * missing one, and passes the values on as `GatewayDeps`.
 */
import { MissingBindingError, requireBinding, requireUrl } from '@farebox/bindings';
import { CatalogHolder, type CatalogRpc, RELEASED } from '@farebox/catalog';
import { type MacSecrets, parseMacSecrets } from '@farebox/identity/api-keys';
import { type CallsRpc, createLedgerClient, type LedgerClient } from '@farebox/ledger';
import {
  COMPATIBLE_DIALECTS,
  configureProviders,
  LearnedFields,
  type Provider,
  type ProviderId,
  type ProviderSettings,
} from '@farebox/providers';
import { PROVIDERS, type ProviderEnvPrefix } from '@farebox/providers/list';
import { logEvent } from '@farebox/telemetry';
import * as v from 'valibot';
import { type AccountShares, parseAccountShares } from './account-shares.ts';
import { BodyReader } from './body-reader.ts';
import { DeclinedKeys } from './declined-keys.ts';
import { EarlySends } from './early-send.ts';
import { OpenSockets } from './open-sockets.ts';
import { RateLimiter } from './rate-limiter.ts';
import { ReadScheduler } from './read-scheduler.ts';
import { RefusedCallCounter } from './refused-calls.ts';
import { StreamLoad } from './stream-load.ts';
import type { Timeouts } from './timeouts.ts';

/** The bindings of this Worker, from wrangler.toml and its secrets. */
export type Env = Readonly<{
  LEDGER?: CallsRpc;
  SETTLEMENTS?: Queue;
  /** The ledger's entrypoint `Catalog`. */
  CATALOG?: CatalogRpc;
  /** How often an isolate reads the catalog, behind a call; 30 by default. */
  CATALOG_REFRESH_SECONDS?: string;
  KEY_MAC_SECRETS?: string;
  EXTRA_PROVIDERS?: string;
  /** "true" where no TLS terminates in front, as in local development. */
  ALLOW_PLAIN_HTTP?: string;
  /** The public origin of the site, whose pages of error codes the errors link to. */
  SITE_URL?: string;
  /** Output tokens injected where the request has no limit. */
  DEFAULT_MAX_OUTPUT?: string;
  KEY_CALLS_PER_SECOND?: string;
  /** "off" keeps every call from its provider until its hold is answered (decision 0033). */
  OPTIMISTIC_SEND?: string;
  /** `{"openai": 10000}`: the calls per minute that a provider allows our organisation. */
  PROVIDER_CALLS_PER_MINUTE?: string;
  /** The part of it that one account may use, in percent; 25 by default. */
  ACCOUNT_SHARE_PERCENT?: string;
  FIRST_BYTE_TIMEOUT_SECONDS?: string;
  IDLE_TIMEOUT_SECONDS?: string;
  KEEPALIVE_SECONDS?: string;
  CHECKPOINT_SECONDS?: string;
  DRAIN_SECONDS?: string;
  HOLD_GRACE_SECONDS?: string;
}> &
  Readonly<Partial<Record<FormerName, string>>> &
  Readonly<
    Partial<Record<`${ProviderEnvPrefix}_API_KEY` | `${ProviderEnvPrefix}_BASE_URL`, string>>
  >;

/** Former names of bindings, read for one release where the present name is not set. */
const FORMER_NAMES = {
  FIRST_BYTE_TIMEOUT_SECONDS: 'FIRST_BYTE_SECONDS',
  IDLE_TIMEOUT_SECONDS: 'SILENCE_SECONDS',
  KEEPALIVE_SECONDS: 'PING_SECONDS',
  HOLD_GRACE_SECONDS: 'GRACE_SECONDS',
} as const;

type RenamedBinding = keyof typeof FORMER_NAMES;
type DurationBinding = RenamedBinding | 'CHECKPOINT_SECONDS' | 'DRAIN_SECONDS';
type FormerName = (typeof FORMER_NAMES)[RenamedBinding];

function isRenamed(name: DurationBinding): name is RenamedBinding {
  return name in FORMER_NAMES;
}

/** What the handlers depend on, once per isolate. */
export type GatewayDeps = Readonly<{
  macSecrets: MacSecrets;
  ledger: LedgerClient;
  providers: ReadonlyMap<ProviderId, Provider>;
  catalog: CatalogHolder;
  learnedFields: LearnedFields;
  bodyReader: BodyReader;
  rateLimiter: RateLimiter;
  /** By account, of calls to operations and counts of tokens that cost nothing, made with our key. */
  freeCallLimiter: RateLimiter;
  accountShares: AccountShares;
  earlySends: EarlySends;
  readScheduler: ReadScheduler;
  declinedKeys: DeclinedKeys;
  refusedCalls: RefusedCallCounter;
  streamLoad: StreamLoad;
  openSockets: OpenSockets;
  timeouts: Timeouts;
  defaultMaxOutput: number;
  allowPlainHttp: boolean;
  /** Without a slash at its end; null where errors link to no page. */
  siteUrl: string | null;
}>;

function readNumber(text: string | undefined, name: string, fallback: number): number {
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new MissingBindingError(name);
  return value;
}

function readOrigin(text: string | undefined, name: string): string | null {
  return text === undefined || text === '' ? null : requireUrl(text, name).origin;
}

/** Returns the site's origin where it is set and valid: for an error of which the bindings are the cause. */
export function findSiteUrl({ SITE_URL }: Env): string | null {
  return SITE_URL !== undefined && URL.canParse(SITE_URL) ? new URL(SITE_URL).origin : null;
}

/**
 * `[{"id": "groq", "base_url": "https://...", "api_key": "...", "stream_options": false, "dialects":
 * ["chat", "responses"]}]`; by default `stream_options` is true and `dialects` is chat alone.
 * `endpoints` has the URLs of operations that are not at OpenAI's paths below the base URL:
 * `{"rerank": "https://api.cohere.com/v2/rerank"}`.
 */
const EXTRA_PROVIDERS = v.pipe(
  v.string(),
  v.parseJson(),
  v.array(
    v.object({
      id: v.string(),
      base_url: v.string(),
      api_key: v.string(),
      stream_options: v.optional(v.boolean(), true),
      dialects: v.optional(v.array(v.picklist(COMPATIBLE_DIALECTS)), ['chat']),
      endpoints: v.optional(v.record(v.string(), v.string()), {}),
    }),
  ),
);

function parseExtraProviders(text: string | undefined): ProviderSettings['extra'] {
  if (text === undefined || text === '') return [];
  const parsed = v.safeParse(EXTRA_PROVIDERS, text);
  if (!parsed.success) throw new MissingBindingError('EXTRA_PROVIDERS');
  return parsed.output.map((item) => ({
    id: item.id,
    baseUrl: item.base_url,
    apiKey: item.api_key,
    acceptsStreamOptions: item.stream_options,
    dialects: item.dialects,
    urls: item.endpoints,
  }));
}

function readProviderSettings(env: Env): ProviderSettings {
  const apiKeys: Record<ProviderId, string> = {};
  const baseUrls: Record<ProviderId, string> = {};
  for (const { id, envPrefix } of PROVIDERS) {
    const key = env[`${envPrefix}_API_KEY`];
    const baseUrl = env[`${envPrefix}_BASE_URL`];
    if (key !== undefined && key !== '') apiKeys[id] = key;
    if (baseUrl !== undefined && baseUrl !== '') baseUrls[id] = baseUrl;
  }
  return { apiKeys, baseUrls, extra: parseExtraProviders(env.EXTRA_PROVIDERS) };
}

/** Returns a duration in milliseconds from a binding in seconds. */
function readDuration(env: Env, name: DurationBinding, defaultSeconds: number): number {
  const isUnset = env[name] === undefined || env[name] === '';
  const source = isUnset && isRenamed(name) ? FORMER_NAMES[name] : name;
  return 1000 * readNumber(env[source], source, defaultSeconds);
}

function readTimeouts(env: Env): Timeouts {
  return {
    // The official SDKs give a call 10 minutes.
    firstByteMs: readDuration(env, 'FIRST_BYTE_TIMEOUT_SECONDS', 600),
    idleMs: readDuration(env, 'IDLE_TIMEOUT_SECONDS', 300),
    // Claude Code's watchdog cancels after 15 s without an event (Router-Maestro#61); and workerd
    // does not notice that a client has disconnected while nothing is written (workerd#4638).
    keepAliveMs: readDuration(env, 'KEEPALIVE_SECONDS', 5),
    checkpointMs: readDuration(env, 'CHECKPOINT_SECONDS', 5),
    // waitUntil ends 30 s after the client disconnected (Workers docs, "Context").
    drainMs: readDuration(env, 'DRAIN_SECONDS', 20),
    holdGraceMs: readDuration(env, 'HOLD_GRACE_SECONDS', 120),
  };
}

/** No balance bounds what costs nothing, and all accounts share our rate at the provider. */
const FREE_CALLS = { perSecond: 5, burst: 100 };

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function createDeps(env: Env): GatewayDeps {
  const macSecrets = parseMacSecrets(requireBinding(env.KEY_MAC_SECRETS, 'KEY_MAC_SECRETS'));
  if (macSecrets === undefined) throw new MissingBindingError('KEY_MAC_SECRETS');
  const providers = configureProviders(readProviderSettings(env));
  const refreshSeconds = readNumber(env.CATALOG_REFRESH_SECONDS, 'CATALOG_REFRESH_SECONDS', 30);
  const perSecond = readNumber(env.KEY_CALLS_PER_SECOND, 'KEY_CALLS_PER_SECOND', 300);
  const ledger = createLedgerClient(
    requireBinding(env.LEDGER, 'LEDGER'),
    requireBinding(env.SETTLEMENTS, 'SETTLEMENTS'),
  );
  return {
    macSecrets,
    ledger,
    learnedFields: new LearnedFields(),
    providers,
    catalog: new CatalogHolder({
      released: RELEASED,
      source: requireBinding(env.CATALOG, 'CATALOG'),
      providers: [...providers.keys()],
      refreshMs: 1000 * refreshSeconds,
      logEvent,
    }),
    bodyReader: new BodyReader(),
    rateLimiter: new RateLimiter({ perSecond, burst: 2 * perSecond }),
    freeCallLimiter: new RateLimiter(FREE_CALLS),
    accountShares: parseAccountShares(env),
    earlySends: new EarlySends(crypto.randomUUID(), env.OPTIMISTIC_SEND !== 'off'),
    readScheduler: new ReadScheduler(),
    declinedKeys: new DeclinedKeys(),
    refusedCalls: new RefusedCallCounter(ledger.countRefused, sleep),
    streamLoad: new StreamLoad(),
    openSockets: new OpenSockets(),
    timeouts: readTimeouts(env),
    defaultMaxOutput: readNumber(env.DEFAULT_MAX_OUTPUT, 'DEFAULT_MAX_OUTPUT', 32_768),
    siteUrl: readOrigin(env.SITE_URL, 'SITE_URL'),
    allowPlainHttp: env.ALLOW_PLAIN_HTTP === 'true',
  };
}

const depsCache = new WeakMap<Env, GatewayDeps>();

/**
 * Returns the dependencies for these bindings; creates them at first use, since nothing may run at
 * start-up.
 */
export function getDeps(env: Env): GatewayDeps {
  const cached = depsCache.get(env);
  if (cached !== undefined) return cached;
  const deps = createDeps(env);
  depsCache.set(env, deps);
  return deps;
}
