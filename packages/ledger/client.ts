/**
 * The gateway's way to the ledger. An RPC that failed may have been carried out or not; every verb is
 * idempotent by its id, so it is simply asked again, a few times, apart. An object that says it is
 * overloaded is left alone (developers.cloudflare.com/durable-objects/best-practices/error-handling).
 * It never throws and never looks at an error's text.
 */
import { logEvent } from '@farebox/telemetry';
import type {
  AccountId,
  CallsRpc,
  CheckpointRequest,
  HoldRequest,
  KeyCredential,
  SettleRequest,
} from './contract/index.ts';
import { secureRandom } from './random.ts';
import { SettlementBatcher } from './settlement-batcher.ts';

export type LedgerUnreachable = Readonly<{
  ok: false;
  reason: 'ledger_unreachable';
  overloaded: boolean;
}>;

type RpcResult<Verb extends keyof CallsRpc> = Awaited<ReturnType<CallsRpc[Verb]>>;

export type LedgerClient = {
  readonly [Verb in Exclude<keyof CallsRpc, 'settleMany'>]: (
    ...args: Parameters<CallsRpc[Verb]>
  ) => Promise<RpcResult<Verb> | LedgerUnreachable>;
};

export type RetryPolicy = Readonly<{
  /** In [0, 1). */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
}>;

const DEFAULT_RETRY_POLICY: RetryPolicy = {
  random: secureRandom,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** The longest pause before each repetition; the pause taken is anything up to it ("full jitter"). */
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

/**
 * Lets go of what an RPC's answer keeps open at the other end; left to the collector it piles up under
 * load (developers.cloudflare.com/workers/runtime-apis/rpc/lifecycle). Plain values stay readable.
 */
function disposed<T>(result: T): T {
  if (typeof result !== 'object' || result === null) return result;
  const dispose: unknown = Reflect.get(result, Symbol.dispose);
  if (typeof dispose === 'function') dispose.call(result);
  return result;
}

export function createLedgerClient(
  calls: CallsRpc,
  retryPolicy: RetryPolicy = DEFAULT_RETRY_POLICY,
): LedgerClient {
  async function callWithRetry<T>(
    verb: keyof CallsRpc,
    call: string,
    maxDelays: readonly number[],
    send: () => Promise<T>,
  ): Promise<T | LedgerUnreachable> {
    for (let attempt = 0; ; attempt++) {
      try {
        return disposed(await send());
      } catch (thrown) {
        const overloaded = isOverloaded(thrown);
        const maxDelay = maxDelays[attempt];
        if (overloaded || maxDelay === undefined) {
          logEvent({ event: 'ledger_unreachable', call, verb, overloaded });
          return { ok: false, reason: 'ledger_unreachable', overloaded };
        }
        await retryPolicy.sleep(retryPolicy.random() * maxDelay);
      }
    }
  }

  const interactiveDelays = INTERACTIVE_RETRY_DELAYS;
  const batcher = new SettlementBatcher<LedgerUnreachable>(async (account, requests) => {
    const firstId = requests[0]?.id ?? '';
    const result = await callWithRetry(
      'settleMany',
      firstId,
      BACKGROUND_RETRY_DELAYS,
      async () => ({
        ok: true as const,
        results: disposed(await calls.settleMany(account, requests)),
      }),
    );
    return result.ok ? result : { ok: false, failure: result };
  }, retryPolicy.sleep);
  return {
    hold: (account: AccountId, request: HoldRequest) =>
      callWithRetry('hold', request.id, interactiveDelays, () => calls.hold(account, request)),
    checkpoint: (account: AccountId, request: CheckpointRequest) =>
      callWithRetry('checkpoint', request.id, interactiveDelays, () =>
        calls.checkpoint(account, request),
      ),
    settle: (account: AccountId, request: SettleRequest) => batcher.settle(account, request),
    generation: (account: AccountId, key: KeyCredential, id: string) =>
      callWithRetry('generation', id, interactiveDelays, () => calls.generation(account, key, id)),
    credits: (account: AccountId, key: KeyCredential) =>
      callWithRetry('credits', '', interactiveDelays, () => calls.credits(account, key)),
    key: (account: AccountId, key: KeyCredential) =>
      callWithRetry('key', '', interactiveDelays, () => calls.key(account, key)),
  };
}
