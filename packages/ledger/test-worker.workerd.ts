/**
 * Where the object is tested: the same class, with a clock the test moves and a Postgres that can
 * be made to fail. Not part of any deployable bundle.
 */
import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
import { AccountObject, type AccountObjectDeps } from './account-object.ts';
import { createLedgerClient, type LedgerClient } from './client.ts';
import type {
  CallsRpc,
  DeliveryResult,
  Entry,
  Notification,
  StatementLink,
} from './contract/index.ts';
import { buildHoldRequest, buildSettleRequest, KEY } from './fixtures.workerd.ts';
import { CHARGES_PER_WIPE_STEP } from './limits.ts';
import { START } from './start.workerd.ts';

export { START };

export const clock = { now: START };

export type Fault = 'none' | 'unreachable' | 'ack_lost' | 'throws';

type Postgres = {
  fault: Fault;
  statements: number;
  /** Reads of stored entries, answered or not. */
  reads: number;
  readonly stored: Map<string, Entry[]>;
};

/** A Postgres of a few lines: each entry once by (account, seq), in order, or a gap. */
export const postgres: Postgres = { fault: 'none', statements: 0, reads: 0, stored: new Map() };

/** The queue of notices: whether it takes any, and what it took, repetitions too. */
export const queue: { down: boolean; readonly received: Notification[] } = {
  down: false,
  received: [],
};

/** The charges that an alarm deletes of a closed account, of objects that start from now on. */
export const wipe = { chargesPerStep: CHARGES_PER_WIPE_STEP };

async function deliver(account: string, entries: readonly Entry[]): Promise<DeliveryResult> {
  const { fault, stored } = postgres;
  if (fault === 'unreachable') return { ok: false, reason: 'unreachable' };
  if (fault === 'throws') throw new Error('a bug');
  postgres.statements += 1;
  const rows = stored.get(account) ?? [];
  stored.set(account, rows);
  for (const entry of entries) {
    if (entry.seq > rows.length + 1) return { ok: false, reason: 'gap' };
    const stored = rows[entry.seq - 1];
    if (stored === undefined) rows.push(entry);
    else if (stored.hash === undefined) rows[entry.seq - 1] = entry;
  }
  if (fault === 'ack_lost') return { ok: false, reason: 'unreachable' };
  return { ok: true, acknowledged: rows.length };
}

async function storedEntries(
  account: string,
  after: number,
  limit: number,
): Promise<readonly Entry[]> {
  postgres.reads += 1;
  if (postgres.fault !== 'none') throw new Error('no Postgres');
  return (postgres.stored.get(account) ?? []).slice(after, after + limit);
}

async function storeHashes(account: string, links: readonly StatementLink[]): Promise<void> {
  if (postgres.fault !== 'none') throw new Error('no Postgres');
  const rows = postgres.stored.get(account) ?? [];
  for (const { seq, hash } of links) {
    const row = rows[seq - 1];
    if (row !== undefined && row.hash === undefined) rows[seq - 1] = { ...row, hash };
  }
}

const DEPS: AccountObjectDeps = {
  deliver,
  storedEntries,
  storeHashes,
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
    super(ctx, env, { ...DEPS, chargesPerWipeStep: wipe.chargesPerStep });
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
export const trips = { failing: false, batches: 0, alone: 0, queued: 0 };

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
    generation: async (account, key, id) => stub(account).generation(key, id),
    credits: async (account, key) => stub(account).credits(key),
    key: async (account, key) => stub(account).key(key),
    refuse: async (account, key) => stub(account).refuse(key),
    countRefused: async (account, refused) => stub(account).countRefused(refused),
    statementKeys: async () => ({ keys: [] }),
  };
}

let client: LedgerClient | undefined;

/** A gateway of a few lines: each call is a request of its own, with I/O after its hold. */
export class TestGateway extends WorkerEntrypoint<GatewayEnv> {
  async call(account: string, n: number): Promise<string> {
    client ??= createLedgerClient(createCalls(this.env), {
      sendBatch: async (messages) => {
        trips.queued += [...messages].length;
      },
    });
    const ledger = client;
    const keepAlive = (work: Promise<unknown>) => this.ctx.waitUntil(work);
    const hold = await ledger.hold(account, buildHoldRequest(n, 1n, 1), keepAlive);
    if (!hold.ok) return hold.reason;
    const balance = await ledger.credits(account, KEY);
    ledger.settle(account, buildSettleRequest(n, 2n), keepAlive);
    return balance.ok ? `call ${n}` : balance.reason;
  }
}
