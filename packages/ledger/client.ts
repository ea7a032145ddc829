/**
 * The gateway's client of the ledger. A failed RPC may have taken effect or not; every verb is
 * idempotent by its id, so the client repeats it a few times with pauses. It does not repeat calls
 * to an object that reports overload
 * (developers.cloudflare.com/durable-objects/best-practices/error-handling). It never throws and
 * never reads an error's text.
 */
import { err, ok, type Success } from '@farebox/result';
import { logEvent } from '@farebox/telemetry';
import type { CallsRpc } from './contract/index.ts';
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

/** The delivery of an RPC: its value, whatever that says, or the failure to reach the ledger. */
type Delivery<T> = Success<{ value: T }> | LedgerUnreachable;

export function createLedgerClient(
  calls: CallsRpc,
  retryPolicy: RetryPolicy = DEFAULT_RETRY_POLICY,
): LedgerClient {
  async function deliver<T>(
    verb: keyof CallsRpc,
    call: string,
    maxDelays: readonly number[],
    send: () => Promise<T>,
  ): Promise<Delivery<T>> {
    for (let attempt = 0; ; attempt++) {
      try {
        return ok({ value: disposed(await send()) });
      } catch (thrown) {
        const overloaded = isOverloaded(thrown);
        const maxDelay = maxDelays[attempt];
        if (overloaded || maxDelay === undefined) {
          logEvent({ event: 'ledger_unreachable', call, verb, overloaded });
          return err('ledger_unreachable', { overloaded });
        }
        await retryPolicy.sleep(retryPolicy.random() * maxDelay);
      }
    }
  }

  async function ask<T>(
    verb: keyof CallsRpc,
    call: string,
    send: () => Promise<T>,
  ): Promise<T | LedgerUnreachable> {
    const delivery = await deliver(verb, call, INTERACTIVE_RETRY_DELAYS, send);
    return delivery.ok ? delivery.value : delivery;
  }

  const batcher = new SettlementBatcher<LedgerUnreachable>(
    (account, requests) =>
      deliver('settleMany', requests[0]?.id ?? '', BACKGROUND_RETRY_DELAYS, () =>
        calls.settleMany(account, requests),
      ),
    retryPolicy.sleep,
  );
  return {
    hold: (account, request) => ask('hold', request.id, () => calls.hold(account, request)),
    checkpoint: (account, request) =>
      ask('checkpoint', request.id, () => calls.checkpoint(account, request)),
    settle: (account, request) => batcher.settle(account, request),
    generation: (account, key, id) =>
      ask('generation', id, () => calls.generation(account, key, id)),
    credits: (account, key) => ask('credits', '', () => calls.credits(account, key)),
    key: (account, key) => ask('key', '', () => calls.key(account, key)),
  };
}
