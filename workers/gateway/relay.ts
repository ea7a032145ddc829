/**
 * One call: key, body, plan, hold, provider, answer, settlement. All branching of a call lives in
 * `relay`; what it calls decides one thing each. The hot path asks nobody but the account's object:
 * once before the provider, once after the caller has its answer.
 */
import { type Dialect, type Edits, editRequest, readRequest } from '@farebox/dialects';
import type { HoldRequest, KeyProof } from '@farebox/ledger';
import { createMeter, type Meter, send, type UpstreamResult } from '@farebox/providers';
import { answerCut, answerStream, answerWhole } from './answer.ts';
import { type Call, deadlineOf, type Visit } from './call.ts';
import { readCaller } from './caller.ts';
import { discard } from './intake.ts';
import { type Plan, planCall } from './plan.ts';
import { type Refusal, refuse } from './refusals.ts';
import { settleUnpaid } from './settlement.ts';
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
  const known = facts.places.outputLimits.some((limit) => limit.field === field);
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

function sendUpstream(call: Call, body: Uint8Array): Promise<UpstreamResult> {
  const { visit, plan, hold } = call;
  return send({
    provider: plan.provider,
    endpoint: plan.facts.dialect,
    query: new URL(visit.request.url).search,
    headers: visit.request.headers,
    body: editRequest(body, plan.facts, editsFor(plan, hold.maxOutput)),
    signal: call.abort.signal,
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
  const { signal } = call.visit.request;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const onGone = () => {
    timer = setTimeout(() => call.abort.abort(), call.visit.house.patience.drain);
  };
  if (signal.aborted) onGone();
  else signal.addEventListener('abort', onGone);
  return () => {
    clearTimeout(timer);
    signal.removeEventListener('abort', onGone);
  };
}

/** The provider produced nothing. Whose fault it was decides what the caller hears. */
function declined(call: Call, result: Exclude<UpstreamResult, { ok: true }>): Response {
  if (result.reason === 'aborted') return answerCut(call);
  const { visit, plan } = call;
  const answer = declinedAnswer(result, plan.provider.id, plan.facts.dialect, visit.id);
  const reason = result.reason === 'refused' ? 'upstream_refused' : 'not_sent';
  visit.waitUntil(settleUnpaid(call, reason, answer.status));
  return answer;
}

async function carryOut(call: Call, body: Uint8Array, release: () => void): Promise<Response> {
  const stopWatching = abortWhenLeft(call);
  try {
    const upstream = await sendUpstream(call, body);
    release();
    if (!upstream.ok) return declined(call, upstream);
    const meter = meterFor(call.plan);
    return call.plan.facts.stream
      ? answerStream(call, upstream.response, meter)
      : await answerWhole(call, upstream.response, meter);
  } finally {
    stopWatching();
  }
}

/** Answers one call to a model, whatever comes of it. */
export async function relay(visit: Visit, dialect: Dialect): Promise<Response> {
  const { house, request, id } = visit;
  const refused = (refusal: Refusal) => refuse(refusal, dialect, id);
  const caller = readCaller(house, request.headers, visit.clock());
  if (!caller.ok) {
    await discard(request);
    return refused(caller);
  }
  const body = await house.intake.read(request);
  if (!body.ok) return refused(body);
  try {
    const read = readRequest(dialect, body.bytes);
    if (!read.ok) return refused(read);
    const now = new Date(visit.clock());
    const planned = planCall(read.facts, house.providers, now, house.defaultMaxOutput);
    if (!planned.ok) return refused(planned);
    const { plan } = planned;
    const hold = await house.ledger.hold(caller.account, holdRequest(visit, caller.key, plan));
    if (!hold.ok) return refused(hold);
    const abort = new AbortController();
    const startedAt = visit.clock();
    const call: Call = { visit, account: caller.account, plan, hold, abort, startedAt };
    return await carryOut(call, body.bytes, body.release);
  } finally {
    body.release();
  }
}
