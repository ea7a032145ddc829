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
/** How often the queue is tried, and how long after it failed again. */
const MAX_QUEUE_ATTEMPTS = 3;
const QUEUE_RETRY_MS = 1_000;
/** The most messages of one subrequest (developers.cloudflare.com/queues/platform/limits). */
const MAX_QUEUED_AT_ONCE = 100;
/**
 * A keeper makes about this many subrequests and leaves the rest to the next; where none comes, it
 * puts them on the queue in hundreds. An invocation has 1,000
 * (developers.cloudflare.com/workers/platform/limits); beyond, all of them fail.
 */
const MAX_SUBREQUESTS = 400;
/** A settlement by itself may take three RPCs. */
const SUBREQUESTS_ALONE = 3;

export type Settlement = Readonly<{ account: AccountId; request: SettleRequest }>;

export type KeeperDeps<Failure> = Readonly<{
  batcher: CallBatcher<Failure>;
  clock: BatcherClock;
  /** Sends one settlement by itself; null if the ledger is not reached. Never rejects. */
  sendAlone: (settlement: Settlement) => Promise<SettleResult | null>;
  /** Puts settlements on the durable queue, at most 100; false if it took none. Never rejects. */
  enqueue: (settlements: readonly Settlement[]) => Promise<boolean>;
  /** Gets the ledger's answer to a settlement; null if it is given up. */
  onEnd: (request: SettleRequest, result: SettleResult | null) => void;
}>;

/** A settlement until its end. */
type Kept<Failure> = {
  readonly settlement: Settlement;
  pending: ReturnType<CallBatcher<Failure>['add']>;
  /** How many batches did not deliver it. */
  failures: number;
  /** True if the ledger was not reached with it alone. */
  isUnreachable: boolean;
  queueAttempts: number;
  /** The keeper that is at work on it; another leaves it alone until then. */
  turn: Turn | null;
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
    this.#kept.add({
      settlement,
      pending: this.#add(settlement),
      failures: 0,
      isUnreachable: false,
      queueAttempts: 0,
      turn: null,
      busyUntil: 0,
    });
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

  /**
   * Until the next settlement has to leave, if all wait for that; a wake costs more than a look. It
   * sleeps no longer than one waits that comes meanwhile.
   */
  #sleepMs(now: number): number {
    let nextAt = now + WAIT_MS;
    for (const kept of this.#kept) {
      if (kept.pending.sentAt !== null) return TICK_MS;
      nextAt = Math.min(nextAt, leavesAt(kept));
    }
    return Math.max(TICK_MS, nextAt - now);
  }

  /** Does what each settlement needs now. */
  #look(turn: Turn, now: number): void {
    const mayOnlyEnqueue = turn.subrequests >= MAX_SUBREQUESTS;
    const unsent: Kept<Failure>[] = [];
    for (const kept of this.#kept) {
      const step = nextStep(kept, turn, now);
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
        break;
      case 'send_alone':
        turn.subrequests += SUBREQUESTS_ALONE;
        begin([kept], turn, now);
        addTask(
          turn,
          sendAlone(settlement).then((result) => this.#endAlone(kept, result)),
        );
        break;
    }
  }

  #end(kept: Kept<Failure>): void {
    const { answer } = kept.pending;
    if (!isSettled(answer)) return;
    this.#kept.delete(kept);
    this.#deps.onEnd(kept.settlement.request, answer.result);
  }

  #endAlone(kept: Kept<Failure>, result: SettleResult | null): void {
    kept.turn = null;
    kept.busyUntil = 0;
    kept.isUnreachable = result === null;
    if (result === null) return;
    this.#kept.delete(kept);
    this.#deps.onEnd(kept.settlement.request, result);
  }

  #enqueue(unsent: readonly Kept<Failure>[], turn: Turn, now: number): void {
    const { clock, enqueue } = this.#deps;
    turn.subrequests += 1;
    begin(unsent, turn, now);
    const end = (isTaken: boolean) => {
      const endedAt = clock.now();
      for (const kept of unsent) this.#endQueued(kept, isTaken, endedAt);
    };
    addTask(turn, enqueue(unsent.map(({ settlement }) => settlement)).then(end));
  }

  #endQueued(kept: Kept<Failure>, isTaken: boolean, now: number): void {
    kept.turn = null;
    kept.queueAttempts += 1;
    kept.busyUntil = now + QUEUE_RETRY_MS;
    const isLost = !isTaken && kept.queueAttempts >= MAX_QUEUE_ATTEMPTS;
    if (isTaken || isLost) this.#kept.delete(kept);
    if (isLost) this.#deps.onEnd(kept.settlement.request, null);
  }
}

/** Marks settlements that the keeper does something with: where its request is ended, the next does. */
function begin(begun: readonly Kept<unknown>[], turn: Turn, now: number): void {
  for (const kept of begun) {
    kept.turn = turn;
    kept.busyUntil = now + STEP_TIMEOUT_MS;
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

function nextStep(kept: Kept<unknown>, turn: Turn, now: number): Step {
  const { pending, failures, isUnreachable } = kept;
  const { answer, sentAt } = pending;
  if (kept.turn === turn || now < kept.busyUntil) return 'wait';
  if (isUnreachable) return 'enqueue';
  if (answer === 'batch_failed' || (answer === undefined && isOverdue(pending, now)))
    return failures + 1 < MAX_BATCHES ? 'add_again' : 'enqueue';
  if (answer === 'no_result') return 'send_alone';
  if (answer !== undefined) return isSettled(answer) ? 'end' : 'enqueue';
  return sentAt === null && now >= leavesAt(kept) ? 'send' : 'wait';
}
