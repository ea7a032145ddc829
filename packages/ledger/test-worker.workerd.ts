/**
 * Where the object is tested: the same class, with a clock the test moves and a Postgres that can
 * be made to fail. Not part of any deployable bundle.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
import { AccountObject, type AccountObjectDeps } from './account-object.ts';
import type { CallsRpc, DeliveryResult, Entry, Notification } from './contract/index.ts';

/** Far ahead, so that no alarm rings by itself: tests ring them. */
export const START = 2_000_000_000_000;

export const clock = { now: START };

export type Fault = 'none' | 'unreachable' | 'ack_lost' | 'throws';

type Postgres = { fault: Fault; statements: number; readonly stored: Map<string, Entry[]> };

/** A Postgres of a few lines: each entry once by (account, seq), in order, or a gap. */
export const postgres: Postgres = { fault: 'none', statements: 0, stored: new Map() };

/** The queue of notices: whether it takes any, and what it took, repetitions too. */
export const queue: { down: boolean; readonly received: Notification[] } = {
  down: false,
  received: [],
};

async function deliver(account: string, entries: readonly Entry[]): Promise<DeliveryResult> {
  const { fault, stored } = postgres;
  if (fault === 'unreachable') return { ok: false, reason: 'unreachable' };
  if (fault === 'throws') throw new Error('a bug');
  postgres.statements += 1;
  const rows = stored.get(account) ?? [];
  stored.set(account, rows);
  for (const entry of entries) {
    if (entry.seq > rows.length + 1) return { ok: false, reason: 'gap' };
    if (entry.seq === rows.length + 1) rows.push(entry);
  }
  if (fault === 'ack_lost') return { ok: false, reason: 'unreachable' };
  return { ok: true, acknowledged: rows.length };
}

const DEPS: AccountObjectDeps = {
  deliver,
  lastDeliveredSeq: async (account) => postgres.stored.get(account)?.length ?? 0,
  notify: async (notifications) => {
    if (queue.down) throw new Error('no queue');
    queue.received.push(...notifications);
  },
  now: () => clock.now,
  random: () => 0.5,
};

export class TestAccount extends AccountObject {
  constructor(ctx: DurableObjectState, env: unknown) {
    super(ctx, env, DEPS);
  }
}

/** An object that can't take more, as the runtime would say it (`overloaded` on the error). */
export class Overloaded extends DurableObject {
  credits(): never {
    throw Object.assign(new Error('busy'), { overloaded: true });
  }
}

type OverloadedEnv = { OVERLOADED: DurableObjectNamespace<Overloaded> };

/**
 * Between an object and who asks, as the ledger Worker's entrypoint is: it passes on what it gets.
 */
export class TestCalls extends WorkerEntrypoint<OverloadedEnv> {
  async credits(account: string): ReturnType<CallsRpc['credits']> {
    const namespace = this.env.OVERLOADED;
    return namespace.get(namespace.idFromName(account)).credits();
  }
}
