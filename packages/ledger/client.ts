/**
 * The gateway's client of the ledger. A failed RPC may have taken effect or not; every verb is
 * idempotent by its id, so the client repeats it a few times with pauses. Holds, checkpoints and
 * settlements of one account share RPCs (call-batcher.ts). It does not repeat calls
 * to an object that reports overload
 * (developers.cloudflare.com/durable-objects/best-practices/error-handling). It never throws and
 * never reads an error's text.
 */
import { logEvent } from '@farebox/telemetry';
import { decodeResults, encodeVerbs } from './batch-message.ts';
import { type BatcherClock, CallBatcher, type KeepAlive } from './call-batcher.ts';
import type {
  AccountId,
  CallsRpc,
  CheckpointRequest,
  CheckpointResult,
  HoldRequest,
  HoldResult,
  SettleRequest,
  SettleResult,
} from './contract/index.ts';
import { secureRandom } from './random.ts';
import { type Settlement, SettlementKeeper } from './settlement-keeper.ts';
import { encodeSettlement, type SettlementMessage } from './settlement-message.ts';

export type LedgerUnreachable = Readonly<{
  ok: false;
  reason: 'ledger_unreachable';
  overloaded: boolean;
  quota?: never;
}>;

type RpcResult<Verb extends keyof CallsRpc> = Awaited<ReturnType<CallsRpc[Verb]>>;

type Asked<Verb extends keyof CallsRpc> = (
  ...args: Parameters<CallsRpc[Verb]>
) => Promise<RpcResult<Verb> | LedgerUnreachable>;

/** The durable queue of settlements that the ledger could not be told. */
export type SettlementQueue = Readonly<{
  sendBatch: (messages: Iterable<Readonly<{ body: SettlementMessage }>>) => Promise<unknown>;
}>;

export type LedgerClient = Readonly<{
  /**
   * `keepAlive` gets the whole work: a hold that was asked for is followed to its end, or it would
   * be admitted for nobody. `until` is other work of the request during which it can do without the
   * answer. Other verbs run where their request is kept alive already.
   */
  hold: (
    account: AccountId,
    request: HoldRequest,
    keepAlive: KeepAlive,
    until?: Promise<unknown>,
  ) => Promise<HoldResult | LedgerUnreachable>;
  /** `keepAlive` gets the work of settlements that wait, if no other request does it. */
  checkpoint: (
    account: AccountId,
    request: CheckpointRequest,
    keepAlive: KeepAlive,
  ) => Promise<CheckpointResult | LedgerUnreachable>;
  /**
   * Takes the settlement over: the request that brings it may end. Where the ledger is not reached,
   * it goes on the durable queue.
   */
  settle: (account: AccountId, request: SettleRequest, keepAlive: KeepAlive) => void;
  /** Puts a settlement on the durable queue, of a call whose hold was not answered. Never rejects. */
  enqueue: (account: AccountId, request: SettleRequest) => Promise<void>;
  generation: Asked<'generation'>;
  credits: Asked<'credits'>;
  key: Asked<'key'>;
  refuse: Asked<'refuse'>;
  /** Asks once: a repeat would count again. */
  countRefused: Asked<'countRefused'>;
  statementKeys: Asked<'statementKeys'>;
}>;

export type RetryPolicy = Readonly<{
  /** In [0, 1). */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
}>;

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

const DEFAULT_RETRY_POLICY: RetryPolicy = { random: secureRandom, sleep };

/**
 * The longest pause before each retry, in milliseconds; the pause is random below it ("full
 * jitter").
 */
const INTERACTIVE_RETRY_DELAYS: readonly number[] = [50, 200];
const BACKGROUND_RETRY_DELAYS: readonly number[] = [200, 800];

function isOverloaded(thrown: unknown): boolean {
  return (
    typeof thrown === 'object' &&
    thrown !== null &&
    'overloaded' in thrown &&
    thrown.overloaded === true
  );
}

function unreachable(verb: keyof CallsRpc, call: string, overloaded: boolean): LedgerUnreachable {
  logEvent({ event: 'ledger_unreachable', call, verb, overloaded });
  return { ok: false, reason: 'ledger_unreachable', overloaded };
}

/**
 * Releases what an RPC result keeps open at the other end; left to the garbage collector it piles
 * up under load (developers.cloudflare.com/workers/runtime-apis/rpc/lifecycle). Plain values stay
 * readable.
 */
function disposed<T>(result: T): T {
  if (typeof result !== 'object' || result === null) return result;
  const dispose: unknown = Reflect.get(result, Symbol.dispose);
  if (typeof dispose === 'function') dispose.call(result);
  return result;
}

const SYSTEM_CLOCK: BatcherClock = { now: Date.now, sleep };

function createBatcher(calls: CallsRpc, clock: BatcherClock): CallBatcher<LedgerUnreachable> {
  return new CallBatcher(async (account, verbs) => {
    try {
      const text = await calls.batch(account, encodeVerbs(verbs));
      return { ok: true, results: decodeResults(verbs, text) };
    } catch (thrown) {
      const overloaded = isOverloaded(thrown);
      const call = verbs[0]?.request.id ?? '';
      return { ok: false, failure: overloaded ? unreachable('batch', call, overloaded) : null };
    }
  }, clock);
}

type Ask = <T>(
  verb: keyof CallsRpc,
  call: string,
  send: () => Promise<T>,
  maxDelays?: readonly number[],
) => Promise<T | LedgerUnreachable>;

/** Returns what sends one RPC, again after a pause where it failed. */
function createAsk(retryPolicy: RetryPolicy): Ask {
  return async (verb, call, send, maxDelays = INTERACTIVE_RETRY_DELAYS) => {
    for (let attempt = 0; ; attempt++) {
      try {
        return disposed(await send());
      } catch (thrown) {
        const overloaded = isOverloaded(thrown);
        const maxDelay = maxDelays[attempt];
        if (overloaded || maxDelay === undefined) return unreachable(verb, call, overloaded);
        await retryPolicy.sleep(retryPolicy.random() * maxDelay);
      }
    }
  };
}

/** Returns what puts settlements on the queue, and resolves with whether it took them. */
function createEnqueue(queue: SettlementQueue) {
  return async (settlements: readonly Settlement[]): Promise<boolean> => {
    try {
      const messages = settlements.map(({ account, request }) => ({
        body: encodeSettlement(account, request),
      }));
      await queue.sendBatch(messages);
    } catch {
      return false;
    }
    for (const { request } of settlements)
      logEvent({ event: 'settlement_queued', call: request.id });
    return true;
  };
}

function reportLost({ id }: SettleRequest, result: SettleResult | null): void {
  if (result?.ok !== true) logEvent({ event: 'settlement_lost', call: id });
}

export function createLedgerClient(
  calls: CallsRpc,
  queue: SettlementQueue,
  retryPolicy: RetryPolicy = DEFAULT_RETRY_POLICY,
  clock: BatcherClock = SYSTEM_CLOCK,
): LedgerClient {
  const ask = createAsk(retryPolicy);
  const batcher = createBatcher(calls, clock);
  const enqueue = createEnqueue(queue);
  const keeper = new SettlementKeeper({
    batcher,
    clock,
    sendAlone: async ({ account, request }) => {
      const send = () => calls.settle(account, request);
      const result = await ask('settle', request.id, send, BACKGROUND_RETRY_DELAYS);
      return result.ok || result.reason !== 'ledger_unreachable' ? result : null;
    },
    enqueue,
    onEnd: reportLost,
  });

  async function askHold(
    account: AccountId,
    request: HoldRequest,
    until: Promise<unknown> | null,
  ): Promise<HoldResult | LedgerUnreachable> {
    const answer = await batcher.ask(account, { name: 'hold', request }, until);
    if (answer !== null && 'reason' in answer) return answer;
    if (answer?.name === 'hold') return answer.result;
    return ask('hold', request.id, () => calls.hold(account, request));
  }

  return {
    hold: (account, request, keepAlive, until) => {
      const work = askHold(account, request, until ?? null);
      keepAlive(work);
      keeper.ensureKept(keepAlive);
      return work;
    },
    checkpoint: async (account, request, keepAlive) => {
      keeper.ensureKept(keepAlive);
      const answer = await batcher.ask(account, { name: 'checkpoint', request });
      if (answer !== null && 'reason' in answer) return answer;
      if (answer?.name === 'checkpoint') return answer.result;
      return ask('checkpoint', request.id, () => calls.checkpoint(account, request));
    },
    settle: (account, request, keepAlive) => keeper.keep({ account, request }, keepAlive),
    enqueue: async (account, request) => {
      if (!(await enqueue([{ account, request }]))) reportLost(request, null);
    },
    generation: (account, key, id) =>
      ask('generation', id, () => calls.generation(account, key, id)),
    credits: (account, key) => ask('credits', '', () => calls.credits(account, key)),
    key: (account, key) => ask('key', '', () => calls.key(account, key)),
    refuse: (account, key) => ask('refuse', '', () => calls.refuse(account, key)),
    countRefused: (account, refused) =>
      ask('countRefused', '', () => calls.countRefused(account, refused), []),
    statementKeys: () => ask('statementKeys', '', () => calls.statementKeys()),
  };
}
