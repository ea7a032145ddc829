/**
 * The two ways an answer reaches the caller: whole, with its cost in a header, or as a stream that is
 * settled when it ends. Either way the bytes are the provider's own.
 */
import type { Dialect } from '@farebox/dialects';
import { formatUsd } from '@farebox/money';
import { type Meter, pingFor, type Reading, type UpstreamResult } from '@farebox/providers';
import { type Ending, estimate } from './bill.ts';
import { type Call, deadlineOf } from './call.ts';
import { idHeaders, type Refusal, refuse, refuseInStream } from './refusals.ts';
import { courseOf, drawUp, NOTHING_READ, post, settle } from './settlement.ts';
import { Carrier, type Verdict } from './stream.ts';

const GONE_STATUS = 499;

type Answered = Extract<UpstreamResult, { ok: true }>;

function answerHeaders(call: Call, { contentType }: Answered): Headers {
  const headers = idHeaders(call.visit.id);
  if (contentType !== null) headers.set('content-type', contentType);
  if (call.plan.output.kind === 'capped') {
    headers.set('x-farebox-max-output', String(call.hold.maxOutput));
  }
  return headers;
}

function cutRefusal(call: Call, ending: Ending): Refusal {
  const provider = call.plan.provider.id;
  return ending === 'upstream_silent'
    ? { reason: 'upstream_silent', provider }
    : { reason: 'upstream_cut', provider };
}

/** The whole of an answer, or how it failed: it broke off, or nothing came for `silence`. */
async function readWhole(
  call: Call,
  upstream: Answered,
): Promise<Uint8Array | 'upstream_cut' | 'upstream_silent'> {
  const reader = upstream.body.getReader();
  const chunks: Uint8Array[] = [];
  const { clock, house } = call.visit;
  const { silence } = house.patience;
  let silent = false;
  let heardAt = clock();
  // One timer that looks again where something came meanwhile: a new one for each piece costs more.
  const look = () => {
    const left = heardAt + silence - clock();
    if (left > 0) {
      timer = setTimeout(look, left);
      return;
    }
    silent = true;
    call.abort.abort();
    reader.cancel().catch(() => {});
  };
  let timer = setTimeout(look, silence);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      chunks.push(value);
      heardAt = clock();
    }
  } catch {
    return silent ? 'upstream_silent' : 'upstream_cut';
  } finally {
    clearTimeout(timer);
  }
  return silent ? 'upstream_silent' : joined(chunks);
}

function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks;
  if (first !== undefined && chunks.length === 1) return first;
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Answers that were not streamed are read whole: their cost is known before their first byte leaves. */
export async function answerWhole(call: Call, upstream: Answered, meter: Meter): Promise<Response> {
  const { visit } = call;
  const bytes = await readWhole(call, upstream);
  if (!(bytes instanceof Uint8Array)) return answerCut(call, bytes);
  meter.feed(bytes);
  meter.end();
  const unseenMs = visit.clock() - call.startedAt;
  const bill = drawUp(call, courseOf(call, meter.reading(), 'complete', unseenMs));
  visit.waitUntil(post(call, bill, upstream.status));
  const headers = answerHeaders(call, upstream);
  headers.set('x-farebox-cost-usd', formatUsd(bill.cost));
  return new Response(bytes, { status: upstream.status, headers });
}

/**
 * Nothing of an answer was seen: the provider broke off or fell silent, or the caller left and the wait
 * for the usage was over. What the model may have written by now is a matter of time.
 */
export function answerCut(
  call: Call,
  how: 'upstream_cut' | 'upstream_silent',
  response = refuse(cutRefusal(call, how), call.plan.facts.dialect, call.visit.id),
): Response {
  const { visit } = call;
  const gone = call.departure.at !== null;
  const unseenMs = visit.clock() - call.startedAt;
  const course = courseOf(call, NOTHING_READ, gone ? 'client_gone' : how, unseenMs);
  visit.waitUntil(settle(call, course, gone ? GONE_STATUS : response.status));
  return response;
}

/** Notes when the first piece of output came: until then a model that hides its reasoning was thinking. */
class Watch {
  readonly #call: Call;
  #firstOutputAt: number | null = null;

  constructor(call: Call) {
    this.#call = call;
  }

  /** Whether the first output is still to come, and matters. */
  get waits(): boolean {
    return this.#call.plan.model.hidesReasoning && this.#firstOutputAt === null;
  }

  /**
   * Of a stream, only a model that hides its reasoning writes unseen, and only before its output: with
   * its first words it has begun to answer.
   */
  unseenMs(reading: Reading): number {
    if (!this.#call.plan.model.hidesReasoning) return 0;
    const now = this.#call.visit.clock();
    if (reading.outputLikely > 0) this.#firstOutputAt ??= now;
    return (this.#firstOutputAt ?? now) - this.#call.startedAt;
  }
}

/** Checkpoints promise a floor to the account and bring back its word on the call. */
class Checkpoints {
  readonly #call: Call;
  readonly #watch: Watch;
  readonly #meter: Meter;
  floor = 0n;

  constructor(call: Call, watch: Watch, meter: Meter) {
    this.#call = call;
    this.#watch = watch;
    this.#meter = meter;
  }

  async make(): Promise<Verdict> {
    const { visit, account, plan } = this.#call;
    const reading = this.#meter.reading();
    const course = courseOf(
      this.#call,
      reading,
      'client_gone',
      this.#watch.unseenMs(reading),
      this.floor,
    );
    this.floor = estimate(plan, course, 'expired_at_checkpoint').cost;
    const deadline = deadlineOf(visit.house, visit.clock());
    const request = { id: visit.id, floor: this.floor, deadline };
    const result = await visit.house.ledger.checkpoint(account, request);
    return result.ok ? result.stop : null;
  }
}

function lastWord(call: Call, ending: Ending, verdict: Verdict): Uint8Array {
  const refusal: Refusal =
    ending === 'stopped' && verdict !== null
      ? { reason: 'call_stopped', why: verdict }
      : cutRefusal(call, ending);
  return refuseInStream(refusal, call.plan.facts.dialect, call.visit.id);
}

/**
 * Whether the usage is worth waiting for once the caller has left: the end is in sight, or an estimate
 * would be a poor one (hidden reasoning, input we could not count).
 */
function worthDraining(call: Call, reading: Reading): boolean {
  const { facts, model } = call.plan;
  const inputUnknown = facts.inputTokensAtMost === 'context_window' && reading.usage === null;
  return reading.finished || model.hidesReasoning || inputUnknown;
}

export function answerStream(call: Call, upstream: Answered, meter: Meter): Response {
  const { visit, plan } = call;
  const dialect: Dialect = plan.facts.dialect;
  const { readable, writable } = new IdentityTransformStream();
  const watch = new Watch(call);
  const checkpoints = new Checkpoints(call, watch, meter);
  const carrier = new Carrier({
    upstream: upstream.body,
    client: writable,
    departure: call.departure,
    abortUpstream: () => call.abort.abort(),
    meter: {
      feed: (chunk) => {
        const pieces = meter.feed(chunk);
        if (watch.waits) watch.unseenMs(meter.reading());
        return pieces;
      },
      end: () => meter.end(),
      reading: () => meter.reading(),
    },
    patience: visit.house.patience,
    ping: pingFor(dialect),
    worthDraining: (reading) => worthDraining(call, reading),
    checkpoint: () => checkpoints.make(),
    lastWord: (ending, verdict) => lastWord(call, ending, verdict),
    clock: visit.clock,
  });
  visit.waitUntil(
    carrier.run().then((ending) => {
      const reading = meter.reading();
      const unseenMs = watch.unseenMs(reading);
      const status = ending === 'client_gone' ? GONE_STATUS : upstream.status;
      return settle(call, courseOf(call, reading, ending, unseenMs, checkpoints.floor), status);
    }),
  );
  const headers = answerHeaders(call, upstream);
  headers.set('cache-control', 'no-cache');
  return new Response(readable, { status: upstream.status, headers });
}
