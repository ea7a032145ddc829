/**
 * One call: key, body, plan, hold, provider, answer, settlement. All branching of a call lives in
 * `relay`; what it calls decides one thing each. The hot path asks nobody but the account's object:
 * once before the provider, once after the caller has its answer.
 */
import { type Dialect, type Edits, editRequest, readRequest } from '@farebox/dialects';
import type { HoldRequest, KeyProof } from '@farebox/ledger';
import { createMeter, type Meter, send, type UpstreamResult } from '@farebox/providers';
import { answerCut, answerStream, answerWhole } from './answer.ts';
import { type Call, Departure, deadlineOf, type Visit } from './call.ts';
import { readCaller } from './caller.ts';
import { discard } from './intake.ts';
import { type Plan, planCall } from './plan.ts';
import { type Refusal, refuse } from './refusals.ts';
import { letGo, settleUnpaid } from './settlement.ts';
import { declinedAnswer } from './upstream-refusal.ts';

function holdRequest(visit: Visit, key: KeyProof, plan: Plan): HoldRequest {
  return {
    id: visit.id,
    key,
    model: plan.model.name,
    provider: plan.provider.id,
    dialect: plan.facts.dialect,
    stream: plan.facts.stream,
    inputWorst: plan.inputWorst,
    outputPrice: plan.outputPrice,
    choices: plan.facts.choices,
    output: plan.output,
    deadline: deadlineOf(visit.house, visit.clock()),
  };
}

/**
 * Where the caller gave no limit, ours goes in. Where it gave one under a name the provider may not
 * know (`max_completion_tokens` to one that documents only `max_tokens`), it goes in under that too:
 * else nothing would bound the answer that was held for.
 */
function limitFor({ facts, output, provider }: Plan, tokens: number): Edits['maxOutput'] {
  const field = provider.outputLimitField;
  if (output.kind === 'capped') return { field, tokens };
  const known = facts.places.outputLimits.some(
    (limit) => limit.field === field && limit.tokens !== null,
  );
  const foreign = facts.dialect === 'chat' && field === 'max_tokens' && !known;
  return foreign ? { field, tokens: facts.maxOutput ?? tokens } : null;
}

function editsFor(plan: Plan, maxOutput: number): Edits {
  return {
    model: plan.model.upstreamName,
    maxOutput: limitFor(plan, maxOutput),
    includeUsage: plan.facts.dialect === 'chat' && plan.facts.stream,
  };
}

/** What `URL.search` would say; a request's URL has no fragment, and parsing it again costs 20 us. */
function queryOf(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

function sendUpstream(call: Call, body: Uint8Array): Promise<UpstreamResult> {
  const { visit, plan, hold } = call;
  return send({
    provider: plan.provider,
    endpoint: plan.facts.dialect,
    query: queryOf(visit.request.url),
    headers: visit.request.headers,
    body: editRequest(body, plan.facts, editsFor(plan, hold.maxOutput)),
    abort: call.abort,
    firstByteMs: visit.house.patience.firstByte,
  });
}

function meterFor(plan: Plan): Meter {
  return createMeter({
    provider: plan.provider,
    dialect: plan.facts.dialect,
    stream: plan.facts.stream,
    model: plan.model.upstreamName,
    hideUsage: plan.facts.dialect === 'chat' && !plan.facts.usageWanted,
  });
}

/**
 * Until the answer is under way, a caller who leaves ends the call after `drain`: by then the
 * provider has either reported what it cost, or is taken at an estimate.
 */
function abortWhenLeft(call: Call): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let watching = true;
  call.departure.means(() => {
    if (!watching) return;
    timer = setTimeout(() => call.abort.abort(), call.visit.house.patience.drain);
  });
  return () => {
    // Not by giving departures another meaning: a stream under way has given them its own.
    watching = false;
    if (timer !== undefined) clearTimeout(timer);
  };
}

/**
 * The provider gave no answer. What it refused outright is free; where it may have worked (it fell
 * silent, the connection broke, it failed inside) the bill says so and is waived, within the day's cap.
 */
function declined(call: Call, result: Exclude<UpstreamResult, { ok: true }>): Response {
  if (result.reason === 'aborted') return answerCut(call, 'upstream_cut');
  const { visit, plan } = call;
  const answer = declinedAnswer(result, plan.provider.id, plan.facts.dialect, visit.id);
  if (result.reason === 'silent') return answerCut(call, 'upstream_silent', answer);
  const failed = result.reason === 'overloaded' && result.status >= 500;
  if (result.reason === 'unreachable' || failed) return answerCut(call, 'upstream_cut', answer);
  const reason = result.reason === 'refused' ? 'upstream_refused' : 'not_sent';
  visit.waitUntil(settleUnpaid(call, reason, answer.status));
  return answer;
}

/** From the hold to the answer's first byte. Whatever is thrown in between, the hold is ended. */
async function carryOut(call: Call, body: Uint8Array): Promise<Response> {
  const stopWatching = abortWhenLeft(call);
  try {
    const upstream = await sendUpstream(call, body);
    if (!upstream.ok) return declined(call, upstream);
    const meter = meterFor(call.plan);
    return call.plan.facts.stream
      ? answerStream(call, upstream, meter)
      : await answerWhole(call, upstream, meter);
  } catch (bug) {
    call.abort.abort();
    call.visit.waitUntil(settleUnpaid(call, 'not_sent', 500));
    throw bug;
  } finally {
    stopWatching();
  }
}

/** The call as admitted, carried out even if the caller leaves: its settlement must not depend on that. */
function admitted(call: Call, body: Uint8Array): Promise<Response> {
  const done = carryOut(call, body);
  call.visit.waitUntil(done.catch(() => {}));
  return done;
}

/** Answers one call to a model, whatever comes of it. */
export async function relay(visit: Visit, dialect: Dialect): Promise<Response> {
  const { house, request, id, clock } = visit;
  const refused = (refusal: Refusal) => refuse(refusal, dialect, id);
  const caller = readCaller(house, request.headers, clock());
  if (!caller.ok) {
    await discard(request);
    return refused(caller);
  }
  const body = await house.intake.read(request);
  if (!body.ok) return refused(body);
  try {
    const read = readRequest(dialect, body.bytes);
    if (!read.ok) return refused(read);
    const planned = planCall(read.facts, request.headers, house, new Date(clock()));
    if (!planned.ok) return refused(planned);
    const { plan } = planned;
    const { account, key } = caller;
    const hold = await house.ledger.hold(account, holdRequest(visit, key, plan));
    if (!hold.ok) {
      if (hold.reason === 'ledger_unreachable') visit.waitUntil(letGo(visit, account, plan));
      return refused(hold);
    }
    const startedAt = clock();
    const departure = new Departure(request.signal, clock);
    const abort = new AbortController();
    const call: Call = { visit, account, plan, hold, abort, startedAt, departure };
    return await admitted(call, body.bytes);
  } finally {
    body.release();
  }
}
