/**
 * One call: key, body, plan, hold, provider, answer, settlement. All branching of a call lives in
 * `relay`; what it calls decides one thing each. The hot path asks nobody but the account's object:
 * once before the provider, once after the caller has its answer.
 */
import { type Dialect, type Edits, editRequest, parseRequest } from '@farebox/dialects';
import type { HoldRequest, KeyCredential } from '@farebox/ledger';
import { createMeter, type Meter, send, type UpstreamResult } from '@farebox/providers';
import { authenticate } from './authenticate.ts';
import { drainBody } from './body-reader.ts';
import { type Call, ClientDisconnect, holdDeadline, type RequestContext } from './call.ts';
import { type ApiError, errorResponse } from './errors.ts';
import { type Plan, planCall } from './plan.ts';
import { respondBuffered, respondStreaming, respondTruncated } from './response.ts';
import { releaseHold, settleWithoutCharge } from './settle-call.ts';
import { upstreamErrorResponse } from './upstream-error.ts';

function buildHoldRequest(ctx: RequestContext, key: KeyCredential, plan: Plan): HoldRequest {
  return {
    id: ctx.id,
    key,
    model: plan.model.name,
    provider: plan.provider.id,
    dialect: plan.facts.dialect,
    stream: plan.facts.stream,
    maxInputCost: plan.maxInputCost,
    maxOutputPrice: plan.maxOutputPrice,
    choices: plan.facts.choices,
    output: plan.output,
    deadline: holdDeadline(ctx.deps, ctx.clock()),
  };
}

/**
 * Where the caller gave no limit, ours goes in. Where it gave one under a name the provider may not
 * know (`max_completion_tokens` to one that documents only `max_tokens`), it goes in under that too:
 * else nothing would bound the answer that was held for.
 */
function outputLimitEdit({ facts, output, provider }: Plan, tokens: number): Edits['maxOutput'] {
  const field = provider.outputLimitField;
  if (output.kind === 'capped') return { field, tokens };
  const alreadySet = facts.positions.outputLimits.some(
    (limit) => limit.field === field && limit.tokens !== null,
  );
  const needsInjection = facts.dialect === 'chat' && field === 'max_tokens' && !alreadySet;
  return needsInjection ? { field, tokens: facts.maxOutput ?? tokens } : null;
}

function buildEdits(plan: Plan, maxOutput: number): Edits {
  return {
    model: plan.model.upstreamName,
    maxOutput: outputLimitEdit(plan, maxOutput),
    includeUsage: plan.facts.dialect === 'chat' && plan.facts.stream,
  };
}

/** What `URL.search` would say; a request's URL has no fragment, and parsing it again costs 20 us. */
function getQuery(url: string): string {
  const at = url.indexOf('?');
  return at < 0 ? '' : url.slice(at);
}

function sendUpstream(call: Call, body: Uint8Array): Promise<UpstreamResult> {
  const { ctx, plan, hold } = call;
  return send({
    provider: plan.provider,
    endpoint: plan.facts.dialect,
    query: getQuery(ctx.request.url),
    headers: ctx.request.headers,
    body: editRequest(body, plan.facts, buildEdits(plan, hold.maxOutput)),
    abort: call.abort,
    firstByteMs: ctx.deps.timeouts.firstByteMs,
  });
}

function buildMeter(plan: Plan): Meter {
  return createMeter({
    provider: plan.provider,
    dialect: plan.facts.dialect,
    stream: plan.facts.stream,
    model: plan.model.upstreamName,
    hideUsage: plan.facts.dialect === 'chat' && !plan.facts.usageRequested,
  });
}

/**
 * Until the answer is under way, a caller who leaves ends the call after `drain`: by then the
 * provider has either reported what it cost, or is taken at an estimate.
 */
function abortAfterDisconnect(call: Call): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let active = true;
  call.disconnect.onDisconnect(() => {
    if (!active) return;
    timer = setTimeout(() => call.abort.abort(), call.ctx.deps.timeouts.drainMs);
  });
  return () => {
    // Not by giving departures another meaning: a stream under way has given them its own.
    active = false;
    if (timer !== undefined) clearTimeout(timer);
  };
}

/**
 * The provider gave no answer. What it refused outright is free; where it may have worked (it fell
 * silent, the connection broke, it failed inside) the bill says so and is waived, within the day's cap.
 */
function handleUpstreamFailure(
  call: Call,
  result: Exclude<UpstreamResult, { ok: true }>,
): Response {
  if (result.reason === 'aborted') return respondTruncated(call, 'upstream_disconnected');
  const { ctx, plan } = call;
  const response = upstreamErrorResponse(result, plan.provider.id, plan.facts.dialect, ctx.id);
  if (result.reason === 'silent') return respondTruncated(call, 'upstream_timeout', response);
  const failed = result.reason === 'overloaded' && result.status >= 500;
  if (result.reason === 'unreachable' || failed)
    return respondTruncated(call, 'upstream_disconnected', response);
  const reason = result.reason === 'refused' ? 'upstream_refused' : 'not_sent';
  ctx.waitUntil(settleWithoutCharge(call, reason, response.status));
  return response;
}

/** From the hold to the answer's first byte. Whatever is thrown in between, the hold is ended. */
async function forwardCall(call: Call, body: Uint8Array): Promise<Response> {
  const cancelAbortTimer = abortAfterDisconnect(call);
  try {
    const upstream = await sendUpstream(call, body);
    if (!upstream.ok) return handleUpstreamFailure(call, upstream);
    const meter = buildMeter(call.plan);
    return call.plan.facts.stream
      ? respondStreaming(call, upstream, meter)
      : await respondBuffered(call, upstream, meter);
  } catch (error) {
    call.abort.abort();
    call.ctx.waitUntil(settleWithoutCharge(call, 'not_sent', 500));
    throw error;
  } finally {
    cancelAbortTimer();
  }
}

/** The call as admitted, carried out even if the caller leaves: its settlement must not depend on that. */
function runToCompletion(call: Call, body: Uint8Array): Promise<Response> {
  const completion = forwardCall(call, body);
  call.ctx.waitUntil(completion.catch(() => {}));
  return completion;
}

/** Answers one call to a model, whatever comes of it. */
export async function relay(ctx: RequestContext, dialect: Dialect): Promise<Response> {
  const { deps, request, id, clock } = ctx;
  const respondError = (apiError: ApiError) => errorResponse(apiError, dialect, id);
  const caller = authenticate(deps, request.headers, clock());
  if (!caller.ok) {
    await drainBody(request);
    return respondError(caller);
  }
  const body = await deps.bodyReader.read(request);
  if (!body.ok) return respondError(body);
  try {
    const parsed = parseRequest(dialect, body.bytes);
    if (!parsed.ok) return respondError(parsed);
    const planResult = planCall(parsed.facts, request.headers, deps, new Date(clock()));
    if (!planResult.ok) return respondError(planResult);
    const { plan } = planResult;
    const { account, key } = caller;
    const hold = await deps.ledger.hold(account, buildHoldRequest(ctx, key, plan));
    if (!hold.ok) {
      if (hold.reason === 'ledger_unreachable') ctx.waitUntil(releaseHold(ctx, account, plan));
      return respondError(hold);
    }
    const startedAt = clock();
    const disconnect = new ClientDisconnect(request.signal, clock);
    const abort = new AbortController();
    const call: Call = { ctx, account, plan, hold, abort, startedAt, disconnect };
    return await runToCompletion(call, body.bytes);
  } finally {
    body.release();
  }
}
