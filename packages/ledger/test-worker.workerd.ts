/**
 * Where the object is tested: the same class, with a clock the test moves and a Postgres that can
 * be made to fail. Not part of any deployable bundle.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
import { AccountObject, type AccountObjectDeps } from './account-object.ts';
import { createLedgerClient, type LedgerClient } from './client.ts';
import type { CallsRpc, DeliveryResult, Entry, Notification } from './contract/index.ts';
import { buildHoldRequest, buildSettleRequest } from './fixtures.workerd.ts';

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

type GatewayEnv = { TEST_ACCOUNT: DurableObjectNamespace<TestAccount> };

/** What the gateway below does to a batch before the object gets it, and how many it sent. */
export const trips = { failing: false, batches: 0, alone: 0 };

function createCalls(env: GatewayEnv): CallsRpc {
  const stub = (account: string) => env.TEST_ACCOUNT.get(env.TEST_ACCOUNT.idFromName(account));
  return {
    batch: async (account, verbs) => {
      trips.batches += 1;
      const answer = await stub(account).batch(verbs);
      if (trips.failing) throw new Error('the answer is lost');
      return answer;
    },
    hold: async (account, request) => {
      trips.alone += 1;
      return stub(account).hold(request);
    },
    checkpoint: async (account, request) => stub(account).checkpoint(request),
    settle: async (account, request) => {
      trips.alone += 1;
      return stub(account).settle(request);
    },
    settleMany: async (account, requests) => stub(account).settleMany(requests),
    generation: async (account, key, id) => stub(account).generation(key, id),
    credits: async (account, key) => stub(account).credits(key),
    key: async (account, key) => stub(account).key(key),
  };
}

let client: LedgerClient | undefined;

/**
 * A gateway of a few lines: every request is a call of the account that its path names. It reads
 * its body after the hold, which only the request's own context can.
 */
export default {
  async fetch(request, env, context) {
    const [, account = '', call] = new URL(request.url).pathname.split('/');
    client ??= createLedgerClient(createCalls(env));
    const keepAlive = (work: Promise<unknown>) => context.waitUntil(work);
    const hold = await client.hold(account, buildHoldRequest(Number(call), 1n, 1), keepAlive);
    if (!hold.ok) return new Response(hold.reason, { status: 409 });
    const body = await request.text();
    context.waitUntil(client.settle(account, buildSettleRequest(Number(call), 2n)));
    return new Response(body);
  },
} satisfies ExportedHandler<GatewayEnv>;
