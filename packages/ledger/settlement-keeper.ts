/**
 * Sees settlements to their end whose requests have ended (docs/decisions/0057-fewer-wakes.md). A hold
 * takes a settlement along (call-batcher.ts); where none comes, the keeper sends it: one request of
 * the isolate at a time, for all accounts. Where it ends early, the next request that brings a verb
 * takes its place and finishes what it left.
 *
 * - What a batch did not deliver goes with another, and after `MAX_BATCHES` on the durable queue.
 * - What the object answered for all of a batch but one settlement is sent by itself.
 *
 * Every settlement is idempotent by its id, so a second arrival changes nothing.
 */
import { type BatcherClock, type CallBatcher, isOverdue, type KeepAlive } from './call-batcher.ts';
import type { AccountId, SettleRequest, SettleResult } from './contract/index.ts';

/**
 * A settlement of an account that makes a few calls a second is taken along within this time. It is
 * no longer, because an isolate that dies loses what waits, and because the call's money stays held.
 * Before each further batch it is twice as long.
 */
const WAIT_MS = 150;
/** The keeper looks at most this often: a settlement without company leaves after 150 to 200 ms. */
const TICK_MS = 50;
/** A keeper that did not look for this much longer than it wanted to has been ended. */
const TICK_TOLERANCE_MS = 250;
/** After this the next request that brings a verb becomes the keeper: `waitUntil` is finite. */
const TURN_MS = 5_000;
/** How many batches a settlement travels with before it goes on the queue. */
const MAX_BATCHES = 3;
/** After this another keeper does again what one began: its request may have been ended. */
const STEP_TIMEOUT_MS = 10_000;
/** The most messages of one subrequest (developers.cloudflare.com/queues/platform/limits). */
const MAX_QUEUED_AT_ONCE = 100;
/**
 * A keeper makes about this many subrequests and leaves the rest to the next; where none comes, it
 * puts them on the queue in hundreds. An invocation has 1,000
 * (developers.cloudflare.com/workers/platform/limits); beyond, all of them fail.
 */
const MAX_SUBREQUESTS = 400;
/** A settlement by itself may take three RPCs and a message of the queue. */
const SUBREQUESTS_ALONE = 4;

export type Settlement = Readonly<{ account: AccountId; request: SettleRequest }>;

export type KeeperDeps<Failure> = Readonly<{
  batcher: CallBatcher<Failure>;
  clock: BatcherClock;
  /** Sends one settlement by itself; one that does not arrive goes on the queue. Never rejects. */
  sendAlone: (settlement: Settlement) => Promise<void>;
  /** Puts settlements on the durable queue, at most 100. Never rejects. */
  enqueue: (settlements: readonly Settlement[]) => Promise<void>;
  /** Gets the ledger's answer to a settlement. */
  onResult: (request: SettleRequest, result: SettleResult) => void;
}>;

/** A settlement until its end. */
type Kept<Failure> = {
  readonly settlement: Settlement;
  pending: ReturnType<CallBatcher<Failure>['add']>;
  /** How many batches did not deliver it. */
  failures: number;
  /** Until then a keeper is at work on it. */
  busyUntil: number;
};

/** What a settlement needs. */
type Step = 'wait' | 'end' | 'send' | 'add_again' | 'send_alone' | 'enqueue';

/** One request's work as the keeper. */
type Turn = { readonly endsAt: number; readonly tasks: Set<Promise<void>>; subrequests: number };

export class SettlementKeeper<Failure> {
  readonly #deps: KeeperDeps<Failure>;
  readonly #kept = new Set<Kept<Failure>>();
  #turn: Turn | null = null;
  /** Until when the keeper is known to be at work. */
  #isKeptUntil = 0;

  constructor(deps: KeeperDeps<Failure>) {
    this.#deps = deps;
  }

  /** Takes a settlement over: the request that brings it may end. */
  keep(settlement: Settlement, keepAlive: KeepAlive): void {
    const pending = this.#add(settlement);
    this.#kept.add({ settlement, pending, failures: 0, busyUntil: 0 });
    this.ensureKept(keepAlive);
  }

  /** Makes the request the keeper, if there is none and a settlement waits. */
  ensureKept(keepAlive: KeepAlive): void {
    const now = this.#deps.clock.now();
    if (this.#kept.size === 0 || now < this.#isKeptUntil) return;
    keepAlive(this.#run({ endsAt: now + TURN_MS, tasks: new Set(), subrequests: 0 }, now));
  }

  #add({ account, request }: Settlement): Kept<Failure>['pending'] {
    return this.#deps.batcher.add(account, { name: 'settle', request });
  }

  async #run(turn: Turn, startedAt: number): Promise<void> {
    const { clock } = this.#deps;
    this.#turn = turn;
    let now = startedAt;
    while (this.#kept.size > 0) {
      const sleepMs = this.#sleepMs(now);
      const isOver = now >= turn.endsAt || turn.subrequests >= MAX_SUBREQUESTS;
      this.#isKeptUntil = isOver ? 0 : now + sleepMs + TICK_TOLERANCE_MS;
      await clock.sleep(sleepMs);
      if (this.#turn !== turn) break;
      now = clock.now();
      this.#look(turn, now);
    }
    if (this.#turn === turn) this.#isKeptUntil = 0;
    await Promise.all(turn.tasks);
  }

  /** Until the oldest settlement has to leave, if it did not; a wake costs more than a look. */
  #sleepMs(now: number): number {
    const [oldest] = this.#kept;
    if (oldest === undefined || oldest.pending.sentAt !== null) return TICK_MS;
    return Math.max(TICK_MS, leavesAt(oldest) - now);
  }

  /** Does what each settlement needs now. */
  #look(turn: Turn, now: number): void {
    const mayOnlyEnqueue = turn.subrequests >= MAX_SUBREQUESTS;
    const unsent: Kept<Failure>[] = [];
    for (const kept of this.#kept) {
      const step = nextStep(kept, now);
      const costs = step === 'send' || step === 'send_alone';
      if (step === 'enqueue' || (costs && mayOnlyEnqueue)) unsent.push(kept);
      else if (!costs || turn.subrequests < MAX_SUBREQUESTS) this.#take(kept, step, turn, now);
    }
    for (let at = 0; at < unsent.length; at += MAX_QUEUED_AT_ONCE)
      this.#enqueue(unsent.slice(at, at + MAX_QUEUED_AT_ONCE), turn, now);
  }

  #take(kept: Kept<Failure>, step: Exclude<Step, 'enqueue'>, turn: Turn, now: number): void {
    const { settlement } = kept;
    const { batcher, sendAlone } = this.#deps;
    switch (step) {
      case 'wait':
        break;
      case 'end':
        this.#end(kept);
        break;
      case 'send':
        turn.subrequests += 1;
        addTask(turn, batcher.flush(settlement.account));
        break;
      case 'add_again':
        kept.failures += 1;
        kept.pending = this.#add(settlement);
        // The oldest is the first.
        this.#kept.delete(kept);
        this.#kept.add(kept);
        break;
      case 'send_alone':
        turn.subrequests += SUBREQUESTS_ALONE;
        this.#finish([kept], sendAlone(settlement), turn, now);
        break;
    }
  }

  #end(kept: Kept<Failure>): void {
    const { answer } = kept.pending;
    this.#kept.delete(kept);
    if (isSettled(answer)) this.#deps.onResult(kept.settlement.request, answer.result);
  }

  #enqueue(unsent: readonly Kept<Failure>[], turn: Turn, now: number): void {
    turn.subrequests += 1;
    const sent = this.#deps.enqueue(unsent.map(({ settlement }) => settlement));
    this.#finish(unsent, sent, turn, now);
  }

  /** Keeps settlements until `work` has ended: where its request is ended, the next keeper does it. */
  #finish(finished: readonly Kept<Failure>[], work: Promise<void>, turn: Turn, now: number): void {
    for (const kept of finished) kept.busyUntil = now + STEP_TIMEOUT_MS;
    const end = () => {
      for (const kept of finished) this.#kept.delete(kept);
    };
    addTask(turn, work.then(end));
  }
}

function addTask(turn: Turn, task: Promise<void>): void {
  turn.tasks.add(task);
  void task.then(() => turn.tasks.delete(task));
}

type SettledAnswer = Readonly<{ name: 'settle'; result: SettleResult }>;

function isSettled(answer: unknown): answer is SettledAnswer {
  return typeof answer === 'object' && answer !== null && 'name' in answer && 'result' in answer;
}

/** When a settlement that no hold took along has to leave. */
function leavesAt({ pending, failures }: Kept<unknown>): number {
  return pending.createdAt + WAIT_MS * 2 ** failures;
}

function nextStep(kept: Kept<unknown>, now: number): Step {
  const { pending, failures, busyUntil } = kept;
  const { answer, sentAt } = pending;
  if (now < busyUntil) return 'wait';
  if (answer === 'batch_failed' || (answer === undefined && isOverdue(pending, now)))
    return failures + 1 < MAX_BATCHES ? 'add_again' : 'enqueue';
  if (answer === 'no_result') return 'send_alone';
  if (answer !== undefined) return isSettled(answer) ? 'end' : 'enqueue';
  return sentAt === null && now >= leavesAt(kept) ? 'send' : 'wait';
}
