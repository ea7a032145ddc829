/**
 * Lets the verbs of one account travel together where they meet: a trip to the account's object
 * costs several times what a verb does there, and so does each time that a request is woken
 * (docs/decisions/0032-batches-per-account.md, 0057-fewer-wakes.md).
 *
 * - A hold or a checkpoint leaves at once if no batch is under way or the last one left
 *   `MIN_GAP_MS` ago, so a far object holds nobody back: several batches are under way. To an object
 *   that is `FAR_TRIP_MS` away it leaves at once, because others have to look for its result. Where
 *   `BUSY_HOLDS` holds of an account come in `BUSY_WINDOW_MS` beside `BUSY_COMPANY` others or more,
 *   a batch leaves each `BUSY_GAP_MS`. Where they come beside fewer, each would wait for few others,
 *   and a caller with few connections for itself.
 * - The first that waits for the gap to pass sends what waits then (its sender). The others look for
 *   their result when a timer of their own fires, or, where they have other work under way, when
 *   that ends. They never go on from a promise that another request resolves: workerd then runs them
 *   in the other request's context now and then, where all I/O of their own fails, and it cancels a
 *   request as hung that waits for nothing of its own.
 * - A verb that nobody waits for, a settlement, is added and goes along with the next that leaves
 *   (settlement-keeper.ts).
 * - A hold or a checkpoint whose batch fails, or whose sender ended, is sent alone by its own
 *   request. Every verb is idempotent by its id, so a second arrival changes nothing.
 */
import type { CallResult, CallVerb } from './batch-message.ts';
import type { AccountId } from './contract/index.ts';

/** A hold or a checkpoint waits at most this long for company while another batch is under way. */
const MIN_GAP_MS = 3;
/**
 * The gap of an account of which `BUSY_HOLDS` verbs came in `BUSY_WINDOW_MS`, each beside
 * `BUSY_COMPANY` others that were not answered yet.
 */
const BUSY_GAP_MS = 10;
const BUSY_HOLDS = 16;
const BUSY_COMPANY = 4;
const BUSY_WINDOW_MS = 100;
/** From this on a timer that comes too early or late costs more than a trip of one's own. */
const FAR_TRIP_MS = 20;
const MAX_BATCH_SIZE = 200;
/** After this, a verb is sent alone: the request that sent its batch may have been ended. */
const ANSWER_TIMEOUT_MS = 3_000;
const MAX_POLL_MS = 20;
/**
 * The parts of the time since the result was expected, and since its batch left, after which a verb
 * looks for its result again: near the expected time often, whatever the distance.
 */
const OVERDUE_SHARE = 1 / 2;
const SENT_SHARE = 1 / 32;
/** The weight of the last batch in the expected time of the next. */
const TRIP_WEIGHT = 1 / 4;
/** A slower batch is an exception that no other waits for. */
const MAX_TRIP_MS = 100;
/** Above this number of accounts those without verbs are forgotten. */
const MAX_LINES = 1_000;

/** What became of a batch: results in order (null: send that verb alone), or the failure. */
export type BatchOutcome<Failure> =
  | Readonly<{ ok: true; results: readonly (CallResult | null)[] }>
  | Readonly<{ ok: false; failure: Failure | null }>;

/** Sends a batch. `failure` is final for every verb of it; null lets each try alone. */
export type SendBatch<Failure> = (
  account: AccountId,
  verbs: readonly CallVerb[],
) => Promise<BatchOutcome<Failure>>;

/**
 * A verb's result, or the failure of its batch. `batch_failed`: all of it may be tried again;
 * `no_result`: the others of the batch have their results.
 */
export type Answer<Failure> = CallResult | Failure | 'batch_failed' | 'no_result';

/** A verb on its way. */
export type PendingVerb<Failure> = {
  readonly verb: CallVerb;
  readonly createdAt: number;
  sentAt: number | null;
  /** Undefined until the batch is answered. */
  answer: Answer<Failure> | undefined;
};

/** One account's verbs in this isolate. */
type Line<Failure> = {
  waiting: PendingVerb<Failure>[];
  /** The verb whose request sends what waits when the gap has passed. */
  leader: PendingVerb<Failure> | null;
  underWay: number;
  lastSentAt: number;
  /** How long a batch is expected to take: a timer before that would find no result. */
  tripMs: number;
  /** Holds and checkpoints whose requests wait for their results. */
  asked: number;
  /** When the last holds and checkpoints came beside `BUSY_COMPANY` others, as a ring. */
  readonly arrivals: number[];
  oldest: number;
};

export type BatcherClock = Readonly<{
  now: () => number;
  sleep: (ms: number) => Promise<void>;
}>;

/** Keeps a request at work until `work` ends, though its client has left. */
export type KeepAlive = (work: Promise<unknown>) => void;

export class CallBatcher<Failure> {
  readonly #sendBatch: SendBatch<Failure>;
  readonly #clock: BatcherClock;
  readonly #lines = new Map<AccountId, Line<Failure>>();

  constructor(sendBatch: SendBatch<Failure>, clock: BatcherClock) {
    this.#sendBatch = sendBatch;
    this.#clock = clock;
  }

  /**
   * Resolves with the verb's result or a failure; with null if the verb has to be sent alone. The
   * caller keeps its request at work until then, though its client has left: the verb may travel in
   * the batch of another, or take others along. `until` is other work of the same request: where
   * another request sends the verb, its result is not looked for before that work ends.
   */
  async ask(
    account: AccountId,
    verb: CallVerb,
    until: Promise<unknown> | null = null,
  ): Promise<CallResult | Failure | null> {
    const pending = this.add(account, verb);
    const line = this.#line(account, pending.createdAt);
    countAsked(line, pending.createdAt);
    try {
      return await this.#answerTo(account, line, pending, until);
    } finally {
      line.asked = Math.max(0, line.asked - 1);
    }
  }

  async #answerTo(
    account: AccountId,
    line: Line<Failure>,
    pending: PendingVerb<Failure>,
    until: Promise<unknown> | null,
  ): Promise<CallResult | Failure | null> {
    let other = until;
    while (pending.answer === undefined) {
      if (this.#mustSend(line, pending)) await this.#sendWaiting(account, line);
      else if (isOverdue(pending, this.#clock.now())) return null;
      else if (other !== null && line.leader !== pending) {
        await other;
        other = null;
      } else await this.#clock.sleep(pollMs(line, pending, this.#clock.now()));
    }
    const { answer } = pending;
    return answer === 'batch_failed' || answer === 'no_result' ? null : answer;
  }

  /** Adds a verb that nobody waits for; the next that leaves takes it along. */
  add(account: AccountId, verb: CallVerb): PendingVerb<Failure> {
    const now = this.#clock.now();
    const pending: PendingVerb<Failure> = { verb, createdAt: now, sentAt: null, answer: undefined };
    this.#line(account, now).waiting.push(pending);
    return pending;
  }

  /** Sends one batch of what waits of an account. */
  flush(account: AccountId): Promise<void> {
    return this.#sendOldest(account, this.#line(account, this.#clock.now()));
  }

  #line(account: AccountId, now: number): Line<Failure> {
    const existing = this.#lines.get(account);
    if (existing !== undefined) return existing;
    if (this.#lines.size >= MAX_LINES) this.#dropIdle(now);
    const line: Line<Failure> = {
      ...{ waiting: [], leader: null, underWay: 0, lastSentAt: 0, tripMs: 1, asked: 0 },
      ...{ arrivals: new Array<number>(BUSY_HOLDS).fill(0), oldest: 0 },
    };
    this.#lines.set(account, line);
    return line;
  }

  #dropIdle(now: number): void {
    for (const [account, { waiting, lastSentAt }] of this.#lines)
      if (waiting.length === 0 && now - lastSentAt > ANSWER_TIMEOUT_MS) this.#lines.delete(account);
  }

  /**
   * Whether the verb's request sends what waits, because the way is free. Makes it the leader if
   * nobody is.
   */
  #mustSend(line: Line<Failure>, pending: PendingVerb<Failure>): boolean {
    if (pending.sentAt !== null) return false;
    const now = this.#clock.now();
    // A clock that went back would hold the verb until it is where it was.
    if (now >= dueAt(line, now) || now < line.lastSentAt) return true;
    line.leader ??= pending;
    return false;
  }

  /** Sends all that waits: a verb behind many others is not held back by theirs. */
  async #sendWaiting(account: AccountId, line: Line<Failure>): Promise<void> {
    const batches: Promise<void>[] = [];
    while (line.waiting.length > 0) batches.push(this.#sendOldest(account, line));
    await Promise.all(batches);
  }

  /** Sends the oldest waiting verbs. */
  async #sendOldest(account: AccountId, line: Line<Failure>): Promise<void> {
    const batch = line.waiting.splice(0, MAX_BATCH_SIZE);
    const now = this.#clock.now();
    for (const pending of batch) pending.sentAt = now;
    line.leader = null;
    // A sender that was ended never counts its batch down.
    if (now - line.lastSentAt > ANSWER_TIMEOUT_MS) line.underWay = 0;
    line.lastSentAt = now;
    line.underWay += 1;
    await this.#send(account, batch);
    line.underWay = Math.max(0, line.underWay - 1);
    const tookMs = Math.min(MAX_TRIP_MS, this.#clock.now() - now);
    line.tripMs += (tookMs - line.tripMs) * TRIP_WEIGHT;
  }

  async #send(account: AccountId, batch: readonly PendingVerb<Failure>[]): Promise<void> {
    const verbs = batch.map(({ verb }) => verb);
    const outcome = await this.#sendBatch(account, verbs);
    for (const [index, pending] of batch.entries())
      pending.answer = outcome.ok
        ? (outcome.results[index] ?? 'no_result')
        : (outcome.failure ?? 'batch_failed');
  }
}

/** Whether the request that sent the verb seems to have been ended. */
export function isOverdue({ sentAt }: PendingVerb<unknown>, now: number): boolean {
  return sentAt !== null && now - sentAt > ANSWER_TIMEOUT_MS;
}

function countAsked(line: Line<unknown>, now: number): void {
  // Requests that were ended never count themselves down.
  if (now - line.lastSentAt > ANSWER_TIMEOUT_MS) line.asked = 0;
  line.asked += 1;
  if (line.asked <= BUSY_COMPANY) return;
  line.arrivals[line.oldest] = now;
  line.oldest = (line.oldest + 1) % BUSY_HOLDS;
}

function isBusy({ arrivals, oldest }: Line<unknown>, now: number): boolean {
  return now - (arrivals[oldest] ?? 0) < BUSY_WINDOW_MS;
}

/** When the next batch may leave. */
function dueAt(line: Line<unknown>, now: number): number {
  if (isBusy(line, now)) return line.lastSentAt + BUSY_GAP_MS;
  const isWayFree = line.underWay === 0 || line.tripMs >= FAR_TRIP_MS;
  return isWayFree ? now : line.lastSentAt + MIN_GAP_MS;
}

/**
 * How long a verb sleeps: its sender until the gap has passed, another until its batch is expected
 * to be answered, and then ever longer. Each timer costs about as much as a verb does in the object.
 */
function pollMs(line: Line<unknown>, pending: PendingVerb<unknown>, now: number): number {
  const { tripMs } = line;
  const { sentAt } = pending;
  if (sentAt === null) {
    const gapMs = Math.max(1, dueAt(line, now) - now);
    if (line.leader !== pending) return gapMs + tripMs;
    // The batch that is under way may be answered before the gap has passed.
    return isBusy(line, now) ? gapMs : Math.min(gapMs, Math.max(1, tripMs));
  }
  const left = sentAt + tripMs - now;
  if (left > 1) return left;
  const nextMs = Math.max(1, -left * OVERDUE_SHARE, (now - sentAt) * SENT_SHARE);
  return Math.min(MAX_POLL_MS, nextMs);
}
