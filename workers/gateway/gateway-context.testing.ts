/**
 * The gateway without its runtime, for tests: everything real but the account's ledger, which grants
 * every hold and keeps what it is told, and the provider, which a test scripts as `fetch`.
 */
import { CatalogHolder, type CatalogRead, RELEASED } from '@farebox/catalog';
import { currentMacSecret, mintApiKey, parseMacSecrets } from '@farebox/identity/api-keys';
import type { HoldRequest, SettleRequest } from '@farebox/ledger';
import { configureProviders, LearnedFields } from '@farebox/providers';
import { PROVIDER_IDS } from '@farebox/providers/list';
import { BodyReader } from './body-reader.ts';
import { CallTimes } from './call-times.ts';
import type { RequestContext } from './context.ts';
import { DeadlineTimer } from './deadline-timer.ts';
import { DeclinedKeys } from './declined-keys.ts';
import { EarlySends } from './early-send.ts';
import type { GatewayDeps } from './env.ts';
import { OpenSockets } from './open-sockets.ts';
import { RateLimiter } from './rate-limiter.ts';
import { ReadScheduler } from './read-scheduler.ts';
import { RefusedCallCounter } from './refused-calls.ts';
import { newCallId } from './request-id.ts';
import { StreamLoad } from './stream-load.ts';

const macSecrets = parseMacSecrets(`1:${'ab'.repeat(32)}`);
if (macSecrets === undefined) throw new Error('malformed MAC secrets');

/** A key that authenticates at every test gateway. */
export const { apiKey: TEST_API_KEY } = mintApiKey(
  currentMacSecret(macSecrets),
  '0123456789abcdef',
  7,
  new Uint8Array(24).fill(5),
);

const TIMEOUTS = { idleMs: 2_000, firstByteMs: 2_000, drainMs: 200, checkpointMs: 1_000 };

export type TestGateway = Readonly<{
  deps: GatewayDeps;
  holds: HoldRequest[];
  settled: SettleRequest[];
  createContext: (request: Request) => RequestContext;
}>;

export function createTestGateway(): TestGateway {
  const holds: HoldRequest[] = [];
  const settled: SettleRequest[] = [];
  const providers = configureProviders({
    apiKeys: Object.fromEntries(PROVIDER_IDS.map((provider) => [provider, 'k'])),
    baseUrls: {},
    extra: [],
  });
  const ledger = {
    hold: async (_: string, request: HoldRequest) => {
      holds.push(request);
      return { ok: true, held: 10n ** 12n, maxOutput: 500 };
    },
    settle: (_: string, request: SettleRequest) => {
      settled.push(request);
    },
    checkpoint: async () => ({ ok: true, stop: null }),
    key: async () => ({ ok: true, value: { limits: { models: null } } }),
    credits: async () => ({ ok: true, value: { posted: 10n ** 12n, held: 0n } }),
  };
  const catalog = new CatalogHolder({
    released: RELEASED,
    source: { read: async () => ({ changed: false }) },
    providers: [...providers.keys()],
    refreshMs: 30_000,
    logEvent: () => {},
  });
  const deps: GatewayDeps = Object({
    ...{ macSecrets, providers, ledger, catalog, accountShares: new Map() },
    bodyReader: new BodyReader(),
    declinedKeys: new DeclinedKeys(),
    refusedCalls: new RefusedCallCounter(
      async () => {},
      async () => {},
    ),
    earlySends: new EarlySends('test', false),
    readScheduler: new ReadScheduler(),
    rateLimiter: new RateLimiter({ perSecond: 100, burst: 100 }),
    learnedFields: new LearnedFields(),
    streamLoad: new StreamLoad(),
    openSockets: new OpenSockets(),
    freeCallLimiter: new RateLimiter({ perSecond: 5, burst: 100 }),
    timeouts: { ...TIMEOUTS, keepAliveMs: 500, holdGraceMs: 1_000 },
    defaultMaxOutput: 4_096,
  });
  const createContext = (request: Request): RequestContext => ({
    ...{ deps, request, id: newCallId(Date.now()), dialect: 'responses' },
    ...{ waitUntil: () => {}, clock: Date.now, timer: new DeadlineTimer(Date.now) },
    times: new CallTimes(Date.now()),
    refusals: { caller: null },
  });
  return { deps, holds, settled, createContext };
}

/** The catalog of an isolate that is new or slept: nothing is read until `answerRead` is called. */
export function createUnreadCatalog() {
  let answer: (read: CatalogRead) => void = () => {};
  const catalog = new CatalogHolder({
    released: RELEASED,
    source: {
      read: () =>
        new Promise((resolve) => {
          answer = resolve;
        }),
    },
    providers: ['openai'],
    refreshMs: 30_000,
    logEvent: () => {},
  });
  return { catalog, answerRead: (read: CatalogRead) => answer(read) };
}
