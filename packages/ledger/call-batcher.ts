/**
 * Lets the verbs of one account travel together where they meet: a trip to the account's object
 * costs several times what a verb does there (docs/decisions/0032-batches-per-account.md).
 *
 * - A hold or a checkpoint leaves at once if no batch is under way or the last one left
 *   `MIN_GAP_MS` ago, so a far object holds nobody back: several batches are under way.
 * - A settlement waits up to `MAX_SETTLEMENT_WAIT_MS` for a hold to take it along; nobody waits for
 *   it.
 * - The first that finds the way free sends what waits (its sender). The others look for their
 *   result when a timer of their own fires. They never go on from a promise that another request
 *   resolves: workerd then runs them in the other request's context now and then, where all I/O of
 *   their own fails, and it cancels a request as hung that waits for nothing of its own.
 * - A verb whose batch fails, or whose sender ended, is sent alone by its own request. Every verb is
 *   idempotent by its id, so a second arrival changes nothing.
 */
import type { CallResult, CallVerb } from './batch-message.ts';
import type { AccountId } from './contract/index.ts';

/** A hold or a checkpoint waits at most this long for company while another batch is under way. */
const MIN_GAP_MS = 3;
/** A settlement of an account that calls all the time is taken along within this time. */
const SETTLEMENT_WAIT_MS = 25;
/**
 * One of an account that makes a few calls a second within this time. It is no longer, because an
 * isolate that dies loses what waits, and because the call's money stays held.
 */
const MAX_SETTLEMENT_WAIT_MS = 200;
const MAX_BATCH_SIZE = 200;
/** After this, a verb is sent alone: the request that sent its batch may have been ended. */
const ANSWER_TIMEOUT_MS = 3_000;
const MAX_POLL_MS = 20;
/** The part of the time since its batch left after which a verb looks for its result again. */
const POLL_SHARE = 1 / 8;
/** The weight of the last batch in the expected time of the next. */
const TRIP_WEIGHT = 1 / 4;
/** A slower batch is an exception that no other waits for. */
const MAX_TRIP_MS = 100;

/** What became of a batch: results in order (null: send that verb alone), or the failure. */
export type BatchOutcome<Failure> =
  | Readonly<{ ok: true; results: readonly (CallResult | null)[] }>
  | Readonly<{ ok: false; failure: Failure | null }>;

/** Sends a batch. `failure` is final for every verb of it; null lets each try alone. */
export type SendBatch<Failure> = (
  account: AccountId,
  verbs: readonly CallVerb[],
) => Promise<BatchOutcome<Failure>>;

/** A verb's result, the failure of its batch, or null: send it alone. */
type Answer<Failure> = CallResult | Failure | null;

type Pending<Failure> = {
  readonly verb: CallVerb;
  sentAt: number | null;
  /** Undefined until the batch is answered. */
  answer: Answer<Failure> | undefined;
};

/** One account's verbs in this isolate. */
type Line<Failure> = {
  waiting: Pending<Failure>[];
  underWay: number;
  lastSentAt: number;
  /** How long a batch is expected to take: a timer before that would find no result. */
  tripMs: number;
};

export type BatcherClock = Readonly<{
  now: () => number;
  sleep: (ms: number) => Promise<void>;
}>;

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
   * the batch of another, or take others along.
   */
  async ask(account: AccountId, verb: CallVerb): Promise<Answer<Failure>> {
    const pending: Pending<Failure> = { verb, sentAt: null, answer: undefined };
    const line = this.#line(account);
    line.waiting.push(pending);
    if (verb.name === 'settle') await this.#awaitHold(pending);
    while (pending.answer === undefined) {
      const now = this.#clock.now();
      if (pending.sentAt === null && this.#isFree(line, now)) {
        await this.#sendWaiting(account, line);
        continue;
      }
      if (pending.sentAt !== null && now - pending.sentAt > ANSWER_TIMEOUT_MS) return null;
      await this.#clock.sleep(pollMs(line, pending, now));
    }
    return pending.answer;
  }

  /** Looks early whether a hold took the settlement along: its request takes memory until then. */
  async #awaitHold(pending: Pending<Failure>): Promise<void> {
    await this.#clock.sleep(SETTLEMENT_WAIT_MS);
    if (pending.sentAt !== null) return;
    await this.#clock.sleep(MAX_SETTLEMENT_WAIT_MS - SETTLEMENT_WAIT_MS);
  }

  #line(account: AccountId): Line<Failure> {
    const existing = this.#lines.get(account);
    if (existing !== undefined) return existing;
    const line = { waiting: [], underWay: 0, lastSentAt: 0, tripMs: 1 };
    this.#lines.set(account, line);
    return line;
  }

  #isFree(line: Line<Failure>, now: number): boolean {
    return line.underWay === 0 || now - line.lastSentAt >= MIN_GAP_MS;
  }

  /** Sends the oldest waiting verbs. */
  #sendWaiting(account: AccountId, line: Line<Failure>): Promise<void> {
    const batch = line.waiting.splice(0, MAX_BATCH_SIZE);
    const now = this.#clock.now();
    for (const pending of batch) pending.sentAt = now;
    // A sender that was ended never counts its batch down.
    if (now - line.lastSentAt > ANSWER_TIMEOUT_MS) line.underWay = 0;
    line.lastSentAt = now;
    line.underWay += 1;
    return this.#send(account, batch).finally(() => {
      line.underWay = Math.max(0, line.underWay - 1);
      const tookMs = Math.min(MAX_TRIP_MS, this.#clock.now() - now);
      line.tripMs += (tookMs - line.tripMs) * TRIP_WEIGHT;
      if (line.underWay === 0 && line.waiting.length === 0) this.#lines.delete(account);
    });
  }

  async #send(account: AccountId, batch: readonly Pending<Failure>[]): Promise<void> {
    const verbs = batch.map(({ verb }) => verb);
    const outcome = await this.#sendBatch(account, verbs);
    for (const [index, pending] of batch.entries())
      pending.answer = outcome.ok ? (outcome.results[index] ?? null) : outcome.failure;
  }
}

/**
 * How long a verb sleeps: until the way is expected to be free, or its batch to be answered, and
 * then ever longer. Each timer costs about as much as a verb does in the object.
 */
function pollMs(
  { lastSentAt, tripMs }: Line<unknown>,
  { sentAt }: Pending<unknown>,
  now: number,
): number {
  if (sentAt === null) return Math.max(1, lastSentAt + Math.min(MIN_GAP_MS, tripMs) - now);
  const left = sentAt + tripMs - now;
  return left > 1 ? left : Math.min(MAX_POLL_MS, Math.max(1, (now - sentAt) * POLL_SHARE));
}
