/**
 * The gateway's way to the ledger. An RPC that failed may have been carried out or not; every verb is
 * idempotent by its id, so it is simply asked again, a few times, apart. An object that says it is
 * overloaded is left alone (developers.cloudflare.com/durable-objects/best-practices/error-handling).
 * It never throws and never looks at an error's text.
 */
import { signal } from '@farebox/signals';
import type {
  AccountId,
  CallsDoor,
  CheckpointRequest,
  HoldRequest,
  KeyProof,
  SettleRequest,
} from './contract.ts';
import { Gathering } from './gathering.ts';
import { secureRandom } from './randomness.ts';

export type LedgerUnreachable = Readonly<{
  ok: false;
  reason: 'ledger_unreachable';
  overloaded: boolean;
}>;

type Reachable<Verb extends keyof CallsDoor> = Awaited<ReturnType<CallsDoor[Verb]>>;

export type LedgerClient = {
  readonly [Verb in Exclude<keyof CallsDoor, 'settleMany'>]: (
    ...asked: Parameters<CallsDoor[Verb]>
  ) => Promise<Reachable<Verb> | LedgerUnreachable>;
};

export type Pacing = Readonly<{
  /** In [0, 1). */
  random: () => number;
  sleep: (ms: number) => Promise<void>;
}>;

const PACING: Pacing = {
  random: secureRandom,
  sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

/** The longest pause before each repetition; the pause taken is anything up to it ("full jitter"). */
const WHILE_THE_CALLER_WAITS: readonly number[] = [50, 200];
const AFTER_THE_ANSWER: readonly number[] = [200, 800];

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
function released<T>(answer: T): T {
  if (typeof answer !== 'object' || answer === null) return answer;
  const dispose: unknown = Reflect.get(answer, Symbol.dispose);
  if (typeof dispose === 'function') dispose.call(answer);
  return answer;
}

export function ledgerClient(calls: CallsDoor, pacing: Pacing = PACING): LedgerClient {
  async function ask<T>(
    verb: keyof CallsDoor,
    call: string,
    pauses: readonly number[],
    once: () => Promise<T>,
  ): Promise<T | LedgerUnreachable> {
    for (let tried = 0; ; tried++) {
      try {
        return released(await once());
      } catch (thrown) {
        const overloaded = isOverloaded(thrown);
        const pause = pauses[tried];
        if (overloaded || pause === undefined) {
          signal({ event: 'ledger_unreachable', call, verb, overloaded });
          return { ok: false, reason: 'ledger_unreachable', overloaded };
        }
        await pacing.sleep(pacing.random() * pause);
      }
    }
  }

  const waiting = WHILE_THE_CALLER_WAITS;
  const gathering = new Gathering<LedgerUnreachable>(async (account, requests) => {
    const name = requests[0]?.id ?? '';
    const answer = await ask('settleMany', name, AFTER_THE_ANSWER, async () => ({
      ok: true as const,
      results: released(await calls.settleMany(account, requests)),
    }));
    return answer.ok ? answer : { ok: false, failed: answer };
  }, pacing.sleep);
  return {
    hold: (account: AccountId, request: HoldRequest) =>
      ask('hold', request.id, waiting, () => calls.hold(account, request)),
    checkpoint: (account: AccountId, request: CheckpointRequest) =>
      ask('checkpoint', request.id, waiting, () => calls.checkpoint(account, request)),
    settle: (account: AccountId, request: SettleRequest) => gathering.settle(account, request),
    generation: (account: AccountId, key: KeyProof, id: string) =>
      ask('generation', id, waiting, () => calls.generation(account, key, id)),
    credits: (account: AccountId, key: KeyProof) =>
      ask('credits', '', waiting, () => calls.credits(account, key)),
    key: (account: AccountId, key: KeyProof) =>
      ask('key', '', waiting, () => calls.key(account, key)),
  };
}
